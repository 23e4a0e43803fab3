"""Vectors of passages that were made before, kept in a file between runs.

A database that is set up anew holds the same starter offers as the last one, in fourteen
languages; reading them again takes most of a minute, looking them up takes none.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from bot.config import PROJECT
from bot.measures.search.codes import Matrix, Vector
from bot.measures.search.meanings import Meanings

FILE = PROJECT / ".cache" / "passages.db"
"""Where this installation keeps them."""

# The starter offers have about 3,000 passages; a city's own fit as well. What comes
# after that is made anew each time, so that the file stays below 40 MB.
MOST = 20_000
_TABLE = "CREATE TABLE IF NOT EXISTS passage (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"


class RememberedMeanings:
    """``Meanings`` whose passages are looked up in a file before they are made.

    The file may be lost, locked or broken at any time: then the vectors are made as if
    it were not there. Keys are digests of the encoder's name and the text, so another
    encoder never gets these vectors, and the file holds no words.
    """

    def __init__(self, meanings: Meanings, *, file: Path) -> None:
        self._meanings = meanings
        self._file = file

    @property
    def name(self) -> str:
        """The name of the vectors."""
        return self._meanings.name

    def query(self, text: str) -> Vector:
        """The vector of a question, which is never kept."""
        return self._meanings.query(text)

    def passages(self, texts: Sequence[str]) -> Matrix:
        """The vectors of passages, one a row."""
        keys = [self._key(text) for text in texts]
        known = self._look_up(keys)
        lacking = [index for index, key in enumerate(keys) if key not in known]
        if lacking:
            made = self._meanings.passages([texts[index] for index in lacking])
            fresh = {keys[index]: made[row] for row, index in enumerate(lacking)}
            self._keep(fresh)
            known.update(fresh)
        return np.stack([known[key] for key in keys])

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{text}".encode()).digest()

    def _look_up(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        try:
            with closing(self._open()) as connection:
                for key in keys:
                    row = connection.execute(
                        "SELECT vector FROM passage WHERE key = ?", (key,)
                    ).fetchone()
                    if row is not None:
                        found[key] = np.frombuffer(row[0], dtype=np.float32)
        except (sqlite3.Error, OSError):
            return {}
        return found

    def _keep(self, fresh: dict[bytes, Vector]) -> None:
        try:
            with closing(self._open()) as connection, connection:
                [held] = connection.execute("SELECT count(*) FROM passage").fetchone()
                connection.executemany(
                    "INSERT OR IGNORE INTO passage VALUES (?, ?)",
                    [
                        (key, np.asarray(vector, dtype=np.float32).tobytes())
                        for key, vector in list(fresh.items())[: max(0, MOST - held)]
                    ],
                )
        except (sqlite3.Error, OSError):
            return

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=5)
        connection.execute(_TABLE)
        return connection
