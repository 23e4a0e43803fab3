"""What a search needs of a model of meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.measures.search.codes import Matrix, Vector


class Meanings(Protocol):
    """Turns texts into vectors of length 1; the likelier two texts mean the same, the nearer.

    A question in one language is comparable with a passage in any other.
    """

    @property
    def name(self) -> str:
        """Identifies the vectors: those of different names must not be compared."""
        ...

    def query(self, text: str) -> Vector:
        """The vector of a question."""
        ...

    def passages(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts that are searched, one a row."""
        ...
