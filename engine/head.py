"""The intent head: kernel ridge regression on sentence vectors and character n-grams.

A message is compared with every training message: by the meaning of its sentence vector through
an RBF kernel, and by its letters through the n-grams' dot product. Nothing here knows Rasa, so
that benchmarks measure the very code that serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
from scipy import linalg, sparse

from engine.ngrams import NgramVectoriser

HELD_OUT = 5
"""One training message in so many is kept back to calibrate probabilities and thresholds."""
_LEFT = 0.1
"""The solver ends at this share of the target; going on to 0.01 takes half as many steps more and
makes no message better understood."""
_NEVER = 1e9
"""The ridge of a message kept back: under it no weight is worth its price."""


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted; the defaults are the choice of docs/nlu.md.

    ``gamma``: how fast likeness of meaning falls off with distance. ``ngram_weight``: share of
    the letters beside the meaning. ``ridge``: strength of the penalty. ``balance``: 1 lets every
    intent weigh the same however many messages it has, 0 every message. ``dimensions``: how many
    directions of the vectors are kept. ``landmarks`` and ``iterations``: columns and steps of the
    solver, which ends early once the residual is below a tenth. ``seed`` picks the messages kept
    back and the landmarks.
    """

    gamma: float = 2.0
    ngram_weight: float = 0.2
    ridge: float = 0.1
    balance: float = 1.0
    dimensions: int = 384
    landmarks: int = 1500
    iterations: int = 40
    seed: int = 1


@dataclass(frozen=True)
class Verdict:
    """What the head makes of one message.

    ``probabilities`` follow the head's ``intents`` and add up to 1; ``support`` is the score of
    the best of them plus the cosine to the nearest training message: near 2 for a message like
    the training messages of one intent, below 0.5 for one like none.
    """

    probabilities: np.ndarray
    support: float


class IntentHead:
    """A fitted head: made by `fit`, stored as its `arrays`, opened by its constructor."""

    def __init__(
        self, intents: Sequence[str], gamma: float, arrays: Mapping[str, np.ndarray]
    ) -> None:
        self.intents = list(intents)
        self.gamma = gamma
        self._arrays = dict(arrays)
        self._ngrams = NgramVectoriser(self._arrays["idf"])
        self.temperature = float(self._arrays["temperature"])

    @property
    def arrays(self) -> Dict[str, np.ndarray]:
        """Everything learnt, as plain arrays for ``np.savez``."""
        return dict(self._arrays)

    @property
    def size(self) -> int:
        """Bytes held in memory."""
        return sum(array.nbytes for array in self._arrays.values())

    def scores(self, vectors: np.ndarray, texts: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
        """Returns uncalibrated scores (n, intents) and supports (n,) of n messages.

        ``vectors`` has the shape (n, width); see `Verdict` for the support.
        """
        own = self._arrays
        kernel = _project(vectors, own["centre"], own["projection"]) @ own["examples"].T
        nearest = kernel.max(axis=1)
        kernel -= 1
        kernel *= np.float32(self.gamma)
        np.exp(kernel, out=kernel)
        letters = self._ngrams.transform(texts) @ own["letters"]
        scores = kernel @ own["dual"] + letters + own["bias"]
        return scores, scores.max(axis=1) + nearest

    def judge(self, vector: np.ndarray, text: str) -> Verdict:
        """Returns the calibrated probabilities of one message, whose vector has shape (width,)."""
        scores, supports = self.scores(vector.reshape(1, -1), [text])
        return Verdict(softmax(scores, self.temperature)[0], float(supports[0]))


def softmax(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Rows of probabilities; a lower temperature makes them surer."""
    scaled = scores / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def fit(
    vectors: np.ndarray, texts: Sequence[str], labels: Sequence[str], settings: HeadSettings
) -> Tuple[IntentHead, np.ndarray, np.ndarray]:
    """Fits a head whose temperature stems from messages it was not fitted on.

    Returns the head fitted on everything, the probabilities (m, intents) that a head fitted on
    the rest gives the m messages kept back, and the indices of those.

    Raises:
        ValueError: fewer than two intents.
    """
    if len(set(labels)) < 2:
        raise ValueError("an intent head needs two intents or more")
    names = np.asarray(labels)
    intents = np.unique(names)
    held = _held_out(names, settings.seed)
    taught = np.ones(len(names), dtype=bool)
    taught[held] = len(held) == len(names)
    compared = _compared(vectors, texts, settings)
    trial, bias = _solve(compared, names, intents, taught, settings)
    scores = _scores(compared, held, trial, settings) + bias
    temperature = calibrate(scores, np.searchsorted(intents, names[held]))
    everything = np.ones(len(names), dtype=bool)
    dual, bias = _solve(compared, names, intents, everything, settings)
    arrays = {
        "centre": compared.centre,
        "projection": compared.projection,
        "examples": compared.examples,
        "dual": dual,
        "idf": compared.idf,
        "letters": settings.ngram_weight * (compared.letters.T @ dual),
        "bias": bias,
        "temperature": np.array(temperature),
    }
    head = IntentHead([str(intent) for intent in intents], settings.gamma, arrays)
    return head, softmax(scores, temperature), held


def calibrate(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature under which the right answers are likeliest."""
    candidates = np.geomspace(0.02, 2, 60)
    rows = np.arange(len(truth))
    losses = [
        -np.log(softmax(scores, candidate)[rows, truth] + 1e-12).mean() for candidate in candidates
    ]
    return float(candidates[int(np.argmin(losses))])


def threshold_for(probabilities: np.ndarray, is_intent: np.ndarray, false_alarms: float) -> float:
    """The lowest probability at which at most a share ``false_alarms`` of the others passes."""
    others = np.sort(probabilities[~is_intent])[::-1]
    if not len(others):
        return 0.5
    allowed = int(false_alarms * len(others))
    return float(np.nextafter(others[min(allowed, len(others) - 1)], np.float32(1)))


def _held_out(names: np.ndarray, seed: int) -> np.ndarray:
    """Every fifth message of each intent in random order; intents of fewer keep all of theirs."""
    generator = np.random.default_rng(seed)
    chosen: List[int] = []
    for name in np.unique(names):
        members = generator.permutation(np.flatnonzero(names == name))
        chosen.extend(members[: len(members) // HELD_OUT])
    # A handful of messages in all leaves nothing to keep back: they then calibrate themselves.
    return np.sort(np.array(chosen or range(len(names)), dtype=int))


class _Compared(NamedTuple):
    """The training messages beside each other, which both fits share.

    ``centre``, ``projection`` and ``idf`` know the messages kept back, too, but nothing of their
    intents.
    """

    centre: np.ndarray
    projection: np.ndarray
    examples: np.ndarray
    idf: np.ndarray
    letters: sparse.csr_matrix
    kernel: np.ndarray


def _compared(vectors: np.ndarray, texts: Sequence[str], settings: HeadSettings) -> _Compared:
    centre, projection = _compression(vectors, settings.dimensions)
    examples = _project(vectors, centre, projection)
    ngrams = NgramVectoriser()
    letters = ngrams.fit_transform(texts)
    kernel = examples @ examples.T
    kernel -= 1
    kernel *= settings.gamma
    np.exp(kernel, out=kernel)
    return _Compared(centre, projection, examples, ngrams.idf, letters, kernel)


def _solve(
    compared: _Compared,
    names: np.ndarray,
    intents: np.ndarray,
    taught: np.ndarray,
    settings: HeadSettings,
) -> Tuple[np.ndarray, np.ndarray]:
    """Finds the dual weights (n, intents) and the bias from the messages that are ``taught``.

    The others get the weight 0.
    """
    target = np.where(names[:, None] == intents, 1, -1).astype(np.float32)
    bias = target[taught].mean(axis=0)
    penalties = np.full((len(names), 1), _NEVER, dtype=np.float32)
    penalties[taught] = _penalties(names[taught], settings)
    target = np.where(taught[:, None], target - bias, np.float32(0))
    dual = _conjugate_gradients(compared, target, penalties, settings)
    return dual * taught[:, None], bias


def _scores(
    compared: _Compared, rows: np.ndarray, dual: np.ndarray, settings: HeadSettings
) -> np.ndarray:
    """`IntentHead.scores` of training messages, without the bias."""
    letters = compared.letters[rows] @ (compared.letters.T @ dual)
    return np.asarray(compared.kernel[rows] @ dual + settings.ngram_weight * letters)


def _penalties(names: np.ndarray, settings: HeadSettings) -> np.ndarray:
    """The ridge of each message: higher in large intents, whose messages then weigh less."""
    _, owners = np.unique(names, return_inverse=True)
    sizes = np.bincount(owners).astype(np.float64) ** settings.balance
    inverse = 1 / sizes[owners]
    return (settings.ridge * inverse.mean() / inverse).astype(np.float32)[:, None]


def _conjugate_gradients(
    compared: _Compared,
    target: np.ndarray,
    penalties: np.ndarray,
    settings: HeadSettings,
) -> np.ndarray:
    """Solves (kernel + weight * letters letters' + penalties) x = target, all columns at once."""
    kernel, letters = compared.kernel, compared.letters
    transposed = letters.T.tocsr()
    precondition = _preconditioner(kernel, letters, penalties, settings)
    solution = np.zeros_like(target)
    residual = target.copy()
    eased = precondition(residual)
    direction = eased.copy()
    norms = (residual * eased).sum(axis=0)
    enough = _LEFT**2 * (target**2).sum(axis=0)
    for _ in range(settings.iterations):
        image = kernel @ direction + penalties * direction
        image += np.float32(settings.ngram_weight) * (letters @ (transposed @ direction))
        step = norms / np.maximum((direction * image).sum(axis=0), 1e-12)
        solution += step * direction
        residual -= step * image
        if np.all((residual**2).sum(axis=0) < enough):
            break
        eased = precondition(residual)
        renewed = (residual * eased).sum(axis=0)
        direction = eased + renewed / np.maximum(norms, 1e-12) * direction
        norms = renewed
    return solution


def _preconditioner(
    kernel: np.ndarray, letters: sparse.csr_matrix, penalties: np.ndarray, settings: HeadSettings
) -> Callable[[np.ndarray], np.ndarray]:
    """A cheap inverse of nearly the same matrix, with which a few steps do the work of hundreds.

    The kernel is replaced by what its columns at some landmarks tell of it (Nystroem), whose sum
    with the penalties Woodbury's identity inverts.
    """
    count = min(settings.landmarks, len(kernel))
    chosen = np.random.default_rng(settings.seed).choice(len(kernel), count, replace=False)
    columns = kernel[:, chosen]
    columns += np.float32(settings.ngram_weight) * (letters @ letters[chosen].T).toarray()
    scaled = columns / penalties
    inner = columns[chosen].astype(np.float64) + columns.T @ scaled
    inner[np.diag_indices(count)] += 1e-5 * inner.diagonal().mean()
    factor = linalg.cho_factor(inner, check_finite=False)

    def apply(residual: np.ndarray) -> np.ndarray:
        inside = linalg.cho_solve(factor, scaled.T @ residual, check_finite=False)
        return residual / penalties - scaled @ inside.astype(np.float32)

    return apply


def _compression(vectors: np.ndarray, dimensions: int) -> Tuple[np.ndarray, np.ndarray]:
    """The mean vector, and the directions (width, dimensions) along which vectors vary most.

    Comparing a message with all training messages takes time in proportion to the dimensions;
    beyond a few hundred they change no answer.
    """
    centre = vectors.mean(axis=0).astype(np.float32)
    moved = vectors - centre
    _, directions = np.linalg.eigh(moved.T @ moved)
    return centre, np.ascontiguousarray(directions[:, -dimensions:], dtype=np.float32)


def _project(vectors: np.ndarray, centre: np.ndarray, projection: np.ndarray) -> np.ndarray:
    moved = (np.asarray(vectors, dtype=np.float32) - centre) @ projection
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
