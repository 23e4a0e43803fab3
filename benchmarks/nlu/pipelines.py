"""Train Rasa's own pipelines on a share of the messages and ask them about those kept apart.

``.venv-rasa/bin/python benchmarks/nlu/pipelines.py [--share 0.1] [--only NAME]``, from the
project's root, with the encoder built. DIET takes minutes for a tenth of the messages and hours for
all of them, hence the share; every row, the product's own included, learns from the same messages.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import blas  # noqa: E402

blas.install()

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from benchmarks.nlu.messages import Row, read_table  # noqa: E402
from engine.examples import read_examples  # noqa: E402

TOKENS = {"name": "WhitespaceTokenizer"}
VECTORS = {"name": "engine.features.SentenceEmbeddingFeaturizer", "alias": "vectors", "threads": 1}
WORDS = {"name": "CountVectorsFeaturizer"}
LETTERS = {
    "name": "CountVectorsFeaturizer",
    "analyzer": "char_wb",
    "min_ngram": 1,
    "max_ngram": 4,
}


def pipelines(epochs: int) -> dict[str, list[dict[str, Any]]]:
    """Pipelines by name; "stock" is what ``rasa init`` writes, without its response selector."""
    diet = {"name": "DIETClassifier", "epochs": epochs, "entity_recognition": False}
    regression = {"name": "LogisticRegressionClassifier"}
    stock = [{"name": "RegexFeaturizer"}, {"name": "LexicalSyntacticFeaturizer"}, WORDS, LETTERS]
    return {
        "own head": [TOKENS, VECTORS, {"name": "engine.intents.EmbeddingIntentClassifier"}],
        "LogisticRegressionClassifier on vectors": [TOKENS, VECTORS, regression],
        "DIET on vectors and letters": [TOKENS, VECTORS, LETTERS, diet],
        "stock": [TOKENS, *stock, diet],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.1, help="of the training messages")
    parser.add_argument("--epochs", type=int, default=50, help="of DIET; rasa init says 100")
    parser.add_argument("--only", action="append", choices=pipelines(1), help="may be repeated")
    arguments = parser.parse_args()
    every = list(read_examples(ROOT / "nlu"))
    count = round(arguments.share * len(every))
    chosen = np.random.default_rng(1).permutation(len(every))[:count]
    taught = [every[row] for row in chosen]
    tables = [
        list(read_table(Path(__file__).with_name(name))) for name in ("heldout.tsv", "unseen.tsv")
    ]
    print(f"{len(taught)} training messages, DIET {arguments.epochs} epochs", flush=True)
    print("| pipeline | kept apart | untrained languages | training | p50 of a message |")
    print("|---|---|---|---|---|", flush=True)
    for name, pipeline in pipelines(arguments.epochs).items():
        if not arguments.only or name in arguments.only:
            print(f"| {name} | {_measured(pipeline, taught, tables)} |", flush=True)


def _measured(pipeline: list[dict[str, Any]], taught: list[Row], tables: list[list[Row]]) -> str:
    # Rasa is slow to import and not needed for --help.
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu
    from rasa.utils.log_utils import configure_structlog

    # It would print every message beside the table.
    configure_structlog(logging.WARNING)

    with tempfile.TemporaryDirectory() as place:
        config, data = Path(place) / "config.yml", Path(place) / "nlu.yml"
        settings = {"recipe": "default.v1", "language": "en", "pipeline": pipeline}
        config.write_text(yaml.safe_dump({**settings, "assistant_id": "measured"}), "utf-8")
        data.write_text(_training_file(taught), "utf-8")
        began = time.monotonic()
        agent = Agent.load(train_nlu(str(config), str(data), place))
        seconds = time.monotonic() - began
        shares, times = [], []
        for table in tables:
            right = 0
            for _, intent, text in table:
                began = time.monotonic()
                found = asyncio.run(agent.parse_message(text))
                times.append(time.monotonic() - began)
                right += found["intent"]["name"] == intent
            shares.append(f"{right / len(table):.1%}")
    return f"{' | '.join(shares)} | {seconds:.0f} s | {1000 * np.median(times):.0f} ms"


def _training_file(taught: list[Row]) -> str:
    by_intent: dict[str, list[str]] = {}
    for _, intent, text in taught:
        by_intent.setdefault(intent, []).append(text)
    blocks = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)}
        for intent, texts in sorted(by_intent.items())
    ]
    return yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True)


if __name__ == "__main__":
    main()
