"""The sentence encoder as searches use it: loaded when needed, its vectors without language."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import encoder
from bot.measures.neutral import VERSION, neutral
from bot.measures.search.codes import Matrix, Vector


class SentenceMeanings:
    """``bot.measures.search.Meanings`` by the encoder of ``encoder/``. Threads may share it."""

    def __init__(self, *, threads: int = 1) -> None:
        """``threads``: processors that a call with many passages may use."""
        self._threads = threads
        self._lock = Lock()
        self._loaded: encoder.Encoder | None = None

    @property
    def name(self) -> str:
        """The encoder's name and the version of ``neutral.npy``; loads the encoder."""
        return f"{self._encoder().name}+{VERSION}"

    def query(self, text: str) -> Vector:
        """The vector of a question."""
        vector: Vector = neutral(self._encoder().encode([text], kind="query"))[0]
        return vector

    def passages(self, texts: Sequence[str]) -> Matrix:
        """The vectors of passages, one a row."""
        return neutral(self._encoder().encode(texts, kind="passage"))

    def _encoder(self) -> encoder.Encoder:
        with self._lock:
            if self._loaded is None:
                self._loaded = encoder.load(threads=self._threads)
            return self._loaded
