"""Trains the intent head on a part of the messages and asks it about the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from benchmarks.nlu.messages import Messages, in_own_letters, is_core
from engine.head import HeadSettings, fit, softmax, threshold_for
from engine.ngrams import NgramVectoriser

EMERGENCY, OUTSIDE = "report_emergency", "out_of_scope"
FALSE_ALARMS = 0.01
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(20))


class Predictions(NamedTuple):
    """Probabilities (n, intents) with the emergency threshold of each row."""

    intents: np.ndarray
    probabilities: np.ndarray
    urgent: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The likeliest intent of each row."""
        return np.asarray(self.intents[self.probabilities.argmax(axis=1)])


def predicted(taught: Messages, asked: Messages, settings: HeadSettings) -> Predictions:
    """What a head fitted on `taught` says of `asked`."""
    head, kept_back, held = fit(taught.vectors, list(taught.texts), list(taught.intents), settings)
    threshold = 1.0
    if EMERGENCY in head.intents:
        truth = taught.intents[held] == EMERGENCY
        column = kept_back[:, head.intents.index(EMERGENCY)]
        threshold = threshold_for(column, truth, FALSE_ALARMS)
    scores, _ = head.scores(asked.vectors, list(asked.texts))
    return Predictions(
        np.array(head.intents),
        softmax(scores, head.temperature),
        np.full(len(asked.texts), threshold),
    )


def folds_of(messages: Messages, count: int) -> np.ndarray:
    """A fold per message; messages of one intent that are alike share theirs.

    Alike are messages whose normalised texts share most of their n-grams or whose vectors nearly
    coincide, so that no fold is tested on what it was taught.
    """
    letters = NgramVectoriser().fit_transform(list(messages.texts))
    folds = np.zeros(len(messages.texts), dtype=int)
    generator = np.random.default_rng(1)
    for intent in np.unique(messages.intents):
        members = np.flatnonzero(messages.intents == intent)
        alike = (letters[members] @ letters[members].T).toarray() > 0.7
        alike |= messages.vectors[members] @ messages.vectors[members].T > 0.985
        _, groups = connected_components(sparse.csr_matrix(alike), directed=False)
        order = generator.permutation(groups.max() + 1)
        folds[members] = order[groups] % count
    return folds


def language_parts(messages: Messages) -> np.ndarray:
    """A part per message: its language."""
    return np.asarray(np.unique(messages.languages, return_inverse=True)[1])


def split(messages: Messages, parts: np.ndarray, say: Callable[[str], None]) -> Predictions:
    """What heads say of each part that were fitted on the other parts; `say` hears of progress."""
    pieces: list[Predictions] = []
    rows: list[np.ndarray] = []
    for part in np.unique(parts):
        say(f"part {part + 1} of {parts.max() + 1}")
        rows.append(np.flatnonzero(parts == part))
        rest = messages.at(np.flatnonzero(parts != part))
        taught, asked = in_own_letters(rest, messages.at(rows[-1]))
        pieces.append(predicted(taught, asked, HeadSettings()))
    order = np.argsort(np.concatenate(rows))
    return Predictions(
        pieces[0].intents,
        np.concatenate([piece.probabilities for piece in pieces])[order],
        np.concatenate([piece.urgent for piece in pieces])[order],
    )


def summary(asked: Messages, given: Predictions) -> dict[str, Any]:
    """Everything the report shows of one evaluation, ready for JSON. Shares are 0 to 1."""
    right, core = given.best == asked.intents, is_core(asked.intents)
    column = given.probabilities[:, list(given.intents).index(EMERGENCY)]
    alarm, emergency = column >= given.urgent, asked.intents == EMERGENCY
    wrong = Counter(zip(asked.intents[~right], given.best[~right], strict=True))
    return {
        "messages": len(right),
        "all": _share(right),
        "core": _share(right[core]),
        "languages": {
            str(name): {
                "messages": int(own.sum()),
                "all": _share(right[own]),
                "core": _share(right[own & core]),
                "emergencies": _share(alarm[own & emergency]),
            }
            for name in np.unique(asked.languages)
            for own in [asked.languages == name]
        },
        "intents": {
            str(name): _share(right[asked.intents == name]) for name in np.unique(asked.intents)
        },
        "emergency_recall": _share(alarm[emergency]),
        "false_alarms": _share(alarm[~emergency]),
        "confusions": [
            {"intent": str(truth), "taken_for": str(said), "messages": count}
            for (truth, said), count in wrong.most_common(25)
        ],
        "confidence": _confidence(given.probabilities.max(axis=1), right),
        "thresholds": _thresholds(asked, given, right),
    }


def _share(which: np.ndarray) -> float | None:
    return round(float(which.mean()), 4) if len(which) else None


def _confidence(top: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """Ten bins of confidence, with how many messages lie in each and how many of them are right."""
    bins = np.minimum((top * 10).astype(int), 9)
    return [
        {
            "from": number / 10,
            "messages": int((bins == number).sum()),
            "confidence": _share(top[bins == number]),
            "right": _share(right[bins == number]),
        }
        for number in range(10)
    ]


def _thresholds(asked: Messages, given: Predictions, right: np.ndarray) -> list[dict[str, Any]]:
    """What becomes of messages in and out of scope when answers less sure are refused."""
    outside, top = asked.intents == OUTSIDE, given.probabilities.max(axis=1)
    return [
        {
            "threshold": threshold,
            "in_scope_right": _share((right & (top >= threshold))[~outside]),
            "out_of_scope_found": _share(((given.best == OUTSIDE) | (top < threshold))[outside]),
        }
        for threshold in THRESHOLDS
    ]
