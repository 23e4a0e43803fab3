"""Measure how emergencies are recognised as the product does it: by phrase, else by the model.

``.venv-rasa/bin/python benchmarks/nlu/emergencies.py``, from the project's root. It needs the built
encoder and both environments: the phrases are searched by ``.venv/bin/python``. The messages stand
in ``emergencies.tsv`` (language, yes or no, text). Half of those that are none are near misses:
figures of speech, things past, neighbouring topics. In real use these are rare, so that the share
of false alarms there is lower than printed here; the tables of ordinary messages show it.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import blas  # noqa: E402

blas.install()

import numpy as np  # noqa: E402

from benchmarks.nlu.evaluation import EMERGENCY, predicted  # noqa: E402
from benchmarks.nlu.messages import (  # noqa: E402
    KEPT_APART,
    Messages,
    Row,
    embedded,
    in_own_letters,
    read_table,
)
from engine.examples import read_examples  # noqa: E402
from engine.head import HeadSettings  # noqa: E402

SEARCH = """
import json, sys
from bot.safety.detect import detect
print(json.dumps([detect(text) is not None for text in json.load(sys.stdin)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nlu", type=Path, default=ROOT / "nlu")
    parser.add_argument("--messages", type=Path, default=Path(__file__).with_suffix(".tsv"))
    parser.add_argument("--misses", action="store_true", help="print the messages judged wrongly")
    arguments = parser.parse_args()
    rows = _hard(arguments.messages)
    owners = [arguments.messages.name] * len(rows)
    for path in KEPT_APART:
        for language, intent, text in read_table(path):
            rows.append((language, "yes" if intent == EMERGENCY else "no", text))
            owners.append(path.name)
    asked, tables = embedded(rows), np.array(owners)
    by_phrase, by_model = _by_phrase(list(asked.texts)), _by_model(arguments.nlu, asked)
    urgent, hard = asked.intents == "yes", tables == arguments.messages.name
    groups = {
        name: hard & (asked.languages == name) for name in dict.fromkeys(asked.languages[hard])
    }
    groups |= {"all of them": hard} | {path.name: tables == path.name for path in KEPT_APART}
    print(f"{'':22}recall: phrases  model  both   false alarms: phrases  model  both")
    for name, own in groups.items():
        shares = [
            found[own & group].mean()
            for group in (urgent, ~urgent)
            for found in (by_phrase, by_model, by_phrase | by_model)
        ]
        print(f"{name:28}" + "  ".join(f"{share:.3f}" for share in shares))
    if arguments.misses:
        for row in np.flatnonzero(hard & ((by_phrase | by_model) != urgent)):
            print(asked.languages[row], asked.intents[row], asked.texts[row])


def _hard(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (row["language"], row["emergency"], row["text"])
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def _by_phrase(texts: list[str]) -> np.ndarray:
    found = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", SEARCH],
        input=json.dumps([str(text) for text in texts]),
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    return np.array(json.loads(found.stdout))


def _by_model(nlu: Path, asked: Messages) -> np.ndarray:
    """Whether the model calls it an emergency: from its urgent probability, or as the likeliest."""
    taught = embedded(list(read_examples(nlu)))
    given = predicted(*in_own_letters(taught, asked), HeadSettings())
    column = list(given.intents).index(EMERGENCY)
    alarm = given.probabilities[:, column] >= given.urgent
    return np.asarray(alarm | (given.probabilities.argmax(axis=1) == column))


if __name__ == "__main__":
    main()
