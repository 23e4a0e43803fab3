"""Trains and evaluates the intent head and writes a page and a summary.

`lotse nlu report` starts this with the engine's interpreter. Nothing is left of the heads that
are trained meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from pathlib import Path

from engine import blas

blas.install()

import numpy as np  # noqa: E402

import encoder  # noqa: E402
from benchmarks.nlu.evaluation import folds_of, language_parts, predicted, split, summary  # noqa: E402
from benchmarks.nlu.messages import KEPT_APART, Messages, embedded, in_own_letters, read_table  # noqa: E402
from benchmarks.nlu.page import write_page  # noqa: E402
from engine.examples import read_examples  # noqa: E402
from engine.head import HeadSettings  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Writes ``index.html`` and ``summary.json`` into the directory given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nlu.report", description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--nlu", type=Path, default=ROOT / "nlu", help="training messages")
    parser.add_argument("--messages", type=Path, action="append", default=[], help="more tables")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "nlu-features.npz")
    parser.add_argument("--folds", type=int, help="5, or 2 if --quick")
    parser.add_argument("--quick", action="store_true", help="two folds, no language left out")
    arguments = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", file=sys.stderr, flush=True)

    say("reading training messages and computing their vectors")
    taught = embedded(list(read_examples(arguments.nlu)), arguments.cache)
    say(f"{len(taught.texts)} messages")
    parts = {}
    count = arguments.folds or (2 if arguments.quick else 5)
    say(f"cross-validation with {count} folds")
    folds = folds_of(taught, count)
    parts[f"cross-validated, {count} folds"] = summary(taught, split(taught, folds, say))
    if not arguments.quick:
        say("each language left out of training in turn")
        parts["languages left out"] = summary(taught, split(taught, language_parts(taught), say))
    tables = [*KEPT_APART, *arguments.messages]
    say("training on everything, for the messages kept apart")
    kept_apart = [embedded(list(read_table(path))) for path in tables]
    together = Messages(*(np.concatenate(column) for column in zip(*kept_apart, strict=True)))
    given = predicted(*in_own_letters(taught, together), HeadSettings())
    owners = np.repeat(np.arange(len(tables)), [len(table.texts) for table in kept_apart])
    for number, path in enumerate(tables):
        rows = np.flatnonzero(owners == number)
        own = type(given)(given.intents, given.probabilities[rows], given.urgent[rows])
        parts[path.name] = summary(together.at(rows), own)
    report = {
        "made": datetime.date.today().isoformat(),
        "messages": len(taught.texts),
        "intents": len(np.unique(taught.intents)),
        "languages": len(np.unique(taught.languages)),
        "encoder": encoder.load().name,
        "seconds": round(time.monotonic() - began),
        "parts": parts,
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "summary.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (arguments.output / "index.html").write_text(write_page(report), "utf-8")
    for name, part in parts.items():
        print(
            f"{name}: all {part['all']:.1%}, core {part['core']:.1%}, "
            f"emergencies {part['emergency_recall']:.1%} at {part['false_alarms']:.2%} false alarms"
        )
    print(f"Page: {arguments.output / 'index.html'}")


if __name__ == "__main__":
    main()
