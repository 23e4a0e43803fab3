"""Messages with their intents: the training data, tables of others, and their vectors."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import encoder
from engine.kept_vectors import features
from engine.romanised.reader import Reader, learnt

KEPT_APART = tuple(
    Path(__file__).with_name(f"{name}.tsv")
    for name in ("heldout", "fresh", "unseen", "fresh_untrained")
)
"""Tables that no training saw; the last two are in languages that were not trained."""
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


def read_table(path: Path) -> Iterator[Row]:
    """The messages of a tab-separated table headed language, intent, text."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["language"], row["intent"], row["text"]


def embedded(rows: Sequence[Row], cache: Path | None = None) -> Messages:
    """`rows` with the encoder's features; those of texts known to the file `cache` are reused."""
    languages, intents, texts = (np.array(column) for column in zip(*rows, strict=True))
    vectors = features([str(text) for text in texts], encoder.load(threads=2), cache)
    return Messages(texts, intents, languages, vectors)


def in_own_letters(taught: Messages, asked: Messages) -> tuple[Messages, Messages]:
    """Both as the pipeline reads them, with romanised messages in the letters of their language.

    `taught` keeps them as typed, too. What is needed to read them is learnt from it alone.
    """
    reader = learnt([str(text) for text in taught.texts], [str(x) for x in taught.languages])
    twins, _ = _read(reader, taught)
    both = Messages(*(np.concatenate(columns) for columns in zip(taught, twins, strict=True)))
    given, changed = _read(reader, asked)
    texts, vectors = asked.texts.astype(object), asked.vectors.copy()
    texts[changed], vectors[changed] = given.texts, given.vectors
    return both, asked._replace(texts=texts.astype(str), vectors=vectors)


def _read(reader: Reader, messages: Messages) -> tuple[Messages, np.ndarray]:
    """The romanised ones among `messages` in other letters, and their rows."""
    native = np.array([reader.native(str(text)) for text in messages.texts], dtype=object)
    rows = np.flatnonzero(native != messages.texts)
    read = messages.at(rows)._replace(texts=native[rows].astype(str))
    if len(rows):
        read = read._replace(vectors=encoder.load(threads=2).features(list(read.texts)))
    return read, rows


def is_core(intents: np.ndarray) -> np.ndarray:
    """Which intents are among the eleven topics, booking, a person, emergencies."""
    asked = np.char.startswith(intents, "ask_") & (intents != "ask_privacy")
    others = ["book_counselling", "change_booking", "cancel_booking", "show_bookings"]
    return np.asarray(asked | np.isin(intents, [*others, "request_human", "report_emergency"]))
