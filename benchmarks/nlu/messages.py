"""Messages with their intents: the training data, tables of others, and their vectors."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

import encoder

Row = tuple[str, str, str]
"""Language, intent, text."""


class Messages(NamedTuple):
    """Texts with their intents, languages and vectors (n, width)."""

    texts: np.ndarray
    intents: np.ndarray
    languages: np.ndarray
    vectors: np.ndarray

    def at(self, rows: np.ndarray) -> Messages:
        """The messages in `rows`."""
        return Messages(*(column[rows] for column in self))


def read_training(directory: Path) -> Iterator[Row]:
    """Every training message below `directory`, whose folders are named after languages."""
    for path in sorted(directory.glob("*/*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8")).get("nlu", []):
            for line in block["examples"].splitlines() if "intent" in block else ():
                if line.startswith("- "):
                    yield path.parent.name, block["intent"], line[2:].strip()


def read_table(path: Path) -> Iterator[Row]:
    """The messages of a tab-separated table headed language, intent, text."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["language"], row["intent"], row["text"]


def embedded(rows: list[Row], cache: Path | None = None) -> Messages:
    """`rows` with the encoder's features; those of texts known to the file `cache` are reused."""
    languages, intents, texts = (np.array(column) for column in zip(*rows, strict=True))
    model = encoder.load(threads=2)
    known: dict[str, np.ndarray] = {}
    if cache and cache.exists():
        with np.load(cache, allow_pickle=False) as kept:
            if str(kept["encoder"]) == model.name:
                known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))
    fresh = sorted({str(text) for text in texts} - known.keys())
    if fresh:
        known.update(zip(fresh, model.features(fresh), strict=True))
        if cache:
            cache.parent.mkdir(parents=True, exist_ok=True)
            stored = np.stack([known[text] for text in known])
            np.savez(cache, encoder=model.name, texts=np.array(list(known)), vectors=stored)
    return Messages(texts, intents, languages, np.stack([known[str(text)] for text in texts]))


def is_core(intents: np.ndarray) -> np.ndarray:
    """Which intents are among the eleven topics, booking, a person, emergencies."""
    asked = np.char.startswith(intents, "ask_") & (intents != "ask_privacy")
    others = ["book_counselling", "change_booking", "cancel_booking", "show_bookings"]
    return np.asarray(asked | np.isin(intents, [*others, "request_human", "report_emergency"]))
