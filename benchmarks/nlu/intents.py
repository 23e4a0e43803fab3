"""Measure the choices of the intent head: an ablation, and its speed.

``.venv-rasa/bin/python benchmarks/nlu/intents.py ablation|romanised|speed``, from the root. It
needs the built encoder. How good the head is by language, `lotse nlu report` tells.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import blas  # noqa: E402

blas.install()

import numpy as np  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from benchmarks.nlu.evaluation import folds_of, predicted  # noqa: E402
from benchmarks.nlu.messages import (  # noqa: E402
    KEPT_APART,
    Messages,
    embedded,
    in_own_letters,
    is_core,
    read_table,
)
from engine.examples import read_examples  # noqa: E402
from engine.head import HeadSettings, IntentHead, fit  # noqa: E402
from engine.romanised.detector import is_latin, learn  # noqa: E402
from engine.romanised.reader import learnt  # noqa: E402
from engine.romanised.spelling import SPELLINGS  # noqa: E402

VECTOR = 384
"""The first numbers of the features are the encoder's plain vector."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["ablation", "romanised", "speed"])
    parser.add_argument("--nlu", type=Path, default=ROOT / "nlu")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "nlu-features.npz")
    arguments = parser.parse_args()
    taught = embedded(list(read_examples(arguments.nlu)), arguments.cache)
    print(f"{len(taught.texts)} training messages, {len(set(taught.intents))} intents")
    if arguments.what == "ablation":
        _ablation(taught)
    elif arguments.what == "romanised":
        _romanised(taught)
    else:
        _speed(taught)


def _ablation(taught: Messages) -> None:
    """One fold of five, and the four tables kept apart, for each way to do it."""
    folds = folds_of(taught, 5)
    rest, part = taught.at(np.flatnonzero(folds != 0)), taught.at(np.flatnonzero(folds == 0))
    sets = [part]
    sets += [embedded(list(read_table(path))) for path in KEPT_APART]
    asked = Messages(*(np.concatenate(column) for column in zip(*sets, strict=True)))
    as_typed = rest, asked
    rest, asked = in_own_letters(rest, asked)
    owners = np.repeat(np.arange(len(sets)), [len(one.texts) for one in sets])
    chosen = HeadSettings()
    settings = {
        "chosen": chosen,
        "letters x 0": replace(chosen, ngram_weight=0.0),
        "letters x 0.4": replace(chosen, ngram_weight=0.4),
        "letters x 0.8": replace(chosen, ngram_weight=0.8),
        "gamma 1": replace(chosen, gamma=1.0),
        "gamma 3": replace(chosen, gamma=3.0),
        "every message weighs the same": replace(chosen, balance=0.0),
        "ridge 0.05": replace(chosen, ridge=0.05),
        "ridge 0.2": replace(chosen, ridge=0.2),
        "ridge 1": replace(chosen, ridge=1.0),
        "192 dimensions": replace(chosen, dimensions=192),
    }
    print("| setting | fold: all | fold: core | held out | fresh | unseen | fresh, untrained |")
    print("|---|---|---|---|---|---|---|")
    plain, fresh = _only_vectors(rest), _only_vectors(asked)
    for cost in (1.0, 30.0):
        _row(
            f"logistic regression on vectors, C={cost:.0f}",
            _logistic(plain, fresh, cost),
            asked,
            owners,
        )
    best = predicted(plain, fresh, replace(chosen, ngram_weight=0.0)).best
    _row("kernel on vectors alone", best, asked, owners)
    _row("kernel on vectors, and letters", predicted(plain, fresh, chosen).best, asked, owners)
    best = predicted(*as_typed, chosen).best
    _row("romanised messages as typed", best, asked, owners)
    for name, tried in settings.items():
        _row(name, predicted(rest, asked, tried).best, asked, owners)


def _romanised(taught: Messages) -> None:
    """A head taught without romanised messages, asked those as typed and as read.

    Detection is measured on a fold that the detector has not seen.
    """
    texts, languages = [str(text) for text in taught.texts], [str(x) for x in taught.languages]
    typed = np.array([is_latin(text) for text in texts]) & np.isin(taught.languages, [*SPELLINGS])
    own, asked = taught.at(np.flatnonzero(~typed)), taught.at(np.flatnonzero(typed))
    reader = learnt([str(text) for text in own.texts], [str(x) for x in own.languages])
    native = [
        reader.native(str(text), language)
        for text, language in zip(asked.texts, asked.languages, strict=True)
    ]
    read = embedded(list(zip(asked.languages, asked.intents, native, strict=True)))
    settings = HeadSettings()
    right = [predicted(own, given, settings).best == asked.intents for given in (asked, read)]
    folds = folds_of(taught, 5)
    rest = np.flatnonzero(folds != 0)
    detector = learn([texts[row] for row in rest], [languages[row] for row in rest])
    found = np.array([detector.language(text) or "" for text in texts])
    fold = folds == 0
    print("| language | romanised | right as typed | right as read | detected (of a fold) |")
    print("|---|---|---|---|---|")
    for name in sorted(SPELLINGS):
        rows, own_fold = asked.languages == name, fold & typed & (taught.languages == name)
        shares = [f"{group[rows].mean():.1%}" for group in right]
        share = (found[own_fold] == name).mean()
        print(f"| {name} | {rows.sum()} | {' | '.join(shares)} | {share:.0%} of {own_fold.sum()} |")
    wrong = fold & ~np.isin(taught.languages, [*SPELLINGS])
    print(f"Taken for romanised in other languages: {(found[wrong] != '').sum()} of {wrong.sum()}.")


def _only_vectors(messages: Messages) -> Messages:
    vectors = messages.vectors[:, :VECTOR]
    return messages._replace(vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _row(name: str, best: np.ndarray, asked: Messages, owners: np.ndarray) -> None:
    right, core = best == asked.intents, is_core(asked.intents)
    groups = (owners == 0, (owners == 0) & core, *(owners == table for table in range(1, 5)))
    shares = " | ".join(f"{right[group].mean():.3f}" for group in groups)
    print(f"| {name} | {shares} |", flush=True)


def _logistic(taught: Messages, asked: Messages, cost: float) -> np.ndarray:
    """C=1 is what Rasa's LogisticRegressionClassifier does with the vectors."""
    model = LogisticRegression(C=cost, max_iter=200, class_weight="balanced", tol=1e-3)
    return np.asarray(model.fit(taught.vectors, taught.intents).predict(asked.vectors))


def _speed(taught: Messages) -> None:
    """Processor time, which other work on the machine disturbs less than the clock's."""
    started = time.process_time()
    head, _, _ = fit(taught.vectors, list(taught.texts), list(taught.intents), HeadSettings())
    print(f"training {time.process_time() - started:.1f} s, {head.size / 1e6:.1f} MB")
    times = [_timed(head, taught, row) for row in range(0, len(taught.texts), 25)]
    print("ms per message: p50 {:.2f}  p95 {:.2f}".format(*np.percentile(times, [50, 95])))


def _timed(head: IntentHead, taught: Messages, row: int) -> float:
    started = time.process_time()
    head.judge(taught.vectors[row], str(taught.texts[row]))
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    main()
