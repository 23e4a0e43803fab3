"""Measure the intent head: cross-validated, by language left out, on held-out messages.

``.venv-rasa/bin/python benchmarks/nlu/intents.py cv|heldout|unseen|ablation|speed``, from the
project's root. It needs the built encoder. Training messages come from ``--nlu``, held-out ones
from ``--heldout``: tab-separated language, intent, text under one line of headings.

Cross-validation keeps messages of one intent together whose normalised texts share most of their
n-grams, or whose vectors nearly coincide, so that no fold is tested on what it was taught.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import encoder  # noqa: E402
from engine.head import HeadSettings, IntentHead, fit, softmax, threshold_for  # noqa: E402
from engine.ngrams import NgramVectoriser  # noqa: E402

EMERGENCY, OUTSIDE = "report_emergency", "out_of_scope"
FALSE_ALARMS = 0.01


class Messages(NamedTuple):
    """Texts with their intents, languages and vectors (n, width)."""

    texts: np.ndarray
    intents: np.ndarray
    languages: np.ndarray
    vectors: np.ndarray

    def at(self, rows: np.ndarray) -> Messages:
        return Messages(*(column[rows] for column in self))


class Predictions(NamedTuple):
    """Probabilities (n, intents) with the emergency threshold of each row."""

    intents: np.ndarray
    probabilities: np.ndarray
    urgent: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cv", "heldout", "unseen", "ablation", "speed"])
    parser.add_argument("--nlu", type=Path, default=ROOT / "nlu")
    parser.add_argument("--heldout", type=Path, default=Path(__file__).with_name("heldout.tsv"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="file that keeps the vectors between runs")
    arguments = parser.parse_args()
    taught = _embedded(list(_training(arguments.nlu)), arguments.cache)
    print(f"{len(taught.texts)} training messages, {len(set(taught.intents))} intents")
    if arguments.what == "cv":
        _report(taught, _cross_validated(taught, arguments.folds))
    elif arguments.what == "unseen":
        _report(taught, _languages_left_out(taught))
    elif arguments.what == "heldout":
        fresh = _embedded(list(_heldout(arguments.heldout)), None)
        _report(fresh, _predicted(taught, fresh, HeadSettings()))
    elif arguments.what == "ablation":
        _ablation(taught, _embedded(list(_heldout(arguments.heldout)), None))
    else:
        _speed(taught)


def _training(directory: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(directory.glob("*/*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8")).get("nlu", []):
            for line in block["examples"].splitlines() if "intent" in block else ():
                if line.startswith("- "):
                    yield path.parent.name, block["intent"], line[2:].strip()


def _heldout(path: Path) -> Iterator[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["language"], row["intent"], row["text"]


def _embedded(rows: list[tuple[str, str, str]], cache: Path | None) -> Messages:
    languages, intents, texts = (np.array(column) for column in zip(*rows, strict=True))
    if cache and cache.exists():
        with np.load(cache, allow_pickle=False) as kept:
            if np.array_equal(kept["texts"], texts):
                return Messages(texts, intents, languages, kept["vectors"])
    vectors = encoder.load(threads=2).features([str(text) for text in texts])
    if cache:
        np.savez(cache, texts=texts, vectors=vectors)
    return Messages(texts, intents, languages, vectors)


def _is_core(intents: np.ndarray) -> np.ndarray:
    """The eleven topics, booking, a person, emergencies."""
    asked = np.char.startswith(intents, "ask_") & (intents != "ask_privacy")
    others = ["book_counselling", "change_booking", "cancel_booking", "show_bookings"]
    return asked | np.isin(intents, [*others, "request_human", EMERGENCY])


def _predicted(taught: Messages, asked: Messages, settings: HeadSettings) -> Predictions:
    head, kept_back, held = fit(taught.vectors, list(taught.texts), list(taught.intents), settings)
    truth = taught.intents[held] == EMERGENCY
    threshold = threshold_for(kept_back[:, head.intents.index(EMERGENCY)], truth, FALSE_ALARMS)
    scores = head.scores(asked.vectors, list(asked.texts))
    return Predictions(
        np.array(head.intents),
        softmax(scores, head.temperature),
        np.full(len(asked.texts), threshold),
    )


def _folds(messages: Messages, count: int) -> np.ndarray:
    """A fold per message; messages alike share theirs, intents and languages are spread."""
    letters = NgramVectoriser().fit(list(messages.texts)).transform(list(messages.texts))
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


def _cross_validated(messages: Messages, count: int) -> Predictions:
    return _split(messages, _folds(messages, count))


def _languages_left_out(messages: Messages) -> Predictions:
    return _split(messages, np.unique(messages.languages, return_inverse=True)[1])


def _split(messages: Messages, parts: np.ndarray) -> Predictions:
    pieces: list[Predictions] = []
    rows: list[np.ndarray] = []
    for part in np.unique(parts):
        print(f"part {part + 1} of {parts.max() + 1}", file=sys.stderr, flush=True)
        rows.append(np.flatnonzero(parts == part))
        rest = messages.at(np.flatnonzero(parts != part))
        pieces.append(_predicted(rest, messages.at(rows[-1]), HeadSettings()))
    order = np.argsort(np.concatenate(rows))
    return Predictions(
        pieces[0].intents,
        *(np.concatenate(column)[order] for column in list(zip(*pieces, strict=True))[1:]),
    )


def _report(asked: Messages, given: Predictions) -> None:
    best = given.intents[given.probabilities.argmax(axis=1)]
    right, core = best == asked.intents, _is_core(asked.intents)
    print(f"all {right.mean():.3f}  core {right[core].mean():.3f}")
    for language in np.unique(asked.languages):
        own = asked.languages == language
        print(f"  {language}  all {right[own].mean():.3f}  core {right[own & core].mean():.3f}")
    alarm = given.probabilities[:, list(given.intents).index(EMERGENCY)] >= given.urgent
    emergency = asked.intents == EMERGENCY
    print(
        f"emergency recall {alarm[emergency].mean():.3f}  "
        f"false alarms {alarm[~emergency].mean():.4f}"
    )
    top = given.probabilities.max(axis=1)
    print(f"mean confidence {top.mean():.3f}, which should equal the share right in all")
    outside = asked.intents == OUTSIDE
    print("threshold  in scope right  out of scope found")
    for threshold in (0.0, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6):
        kept = top >= threshold
        found = (best == OUTSIDE) | ~kept
        accepted = (right & kept)[~outside].mean()
        print(f"  {threshold:.2f}  {accepted:.3f}  {found[outside].mean():.3f}")


def _ablation(taught: Messages, fresh: Messages) -> None:
    """One fold of five, and the held-out messages, for each setting beside the chosen one."""
    folds = _folds(taught, 5)
    rest, part = taught.at(np.flatnonzero(folds != 0)), taught.at(np.flatnonzero(folds == 0))
    chosen = HeadSettings()
    rows = {
        "chosen": chosen,
        "no n-grams": replace(chosen, ngram_weight=0.0),
        "n-grams x 1": replace(chosen, ngram_weight=1.0),
        "gamma 1": replace(chosen, gamma=1.0),
        "gamma 4": replace(chosen, gamma=4.0),
        "every message weighs the same": replace(chosen, balance=0.0),
        "192 dimensions": replace(chosen, dimensions=192),
        "all dimensions": replace(chosen, dimensions=1 << 20),
        "ridge 0.1": replace(chosen, ridge=0.1),
        "ridge 1": replace(chosen, ridge=1.0),
    }
    print("| setting | fold: all | fold: core | held out |\n|---|---|---|---|")
    both = Messages(*(np.concatenate(pair) for pair in zip(part, fresh, strict=True)))
    inside = np.arange(len(both.texts)) < len(part.texts)
    plain = _logistic(rest, both) == both.intents
    _row("logistic regression on vectors, C=30", plain, inside, both)
    for name, settings in rows.items():
        given = _predicted(rest, both, settings)
        right = given.intents[given.probabilities.argmax(axis=1)] == both.intents
        _row(name, right, inside, both)


def _row(name: str, right: np.ndarray, inside: np.ndarray, asked: Messages) -> None:
    core = _is_core(asked.intents)
    figures = (right[inside].mean(), right[inside & core].mean(), right[~inside].mean())
    print(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True)


def _logistic(taught: Messages, asked: Messages) -> np.ndarray:
    """The head this one replaced, as a yardstick."""
    model = LogisticRegression(C=30, max_iter=300, class_weight="balanced")
    return model.fit(taught.vectors, taught.intents).predict(asked.vectors)


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
