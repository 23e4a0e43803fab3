"""What the dialogue tells whoever counts it: what no row of the database says.

What is written down, such as messages and bookings, is counted where it is committed
(``bot/observability/commits.py``); only the rest is told here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Understanding(StrEnum):
    """Whether words were understood; ``ASKED_BACK``: the bot asks which of some meanings it is."""

    UNDERSTOOD = "understood"
    ASKED_BACK = "asked_back"
    NOT_UNDERSTOOD = "not_understood"


class SearchResult(StrEnum):
    """What a search for offers gave; ``RELAXED``: some wishes were given up, as none met all."""

    FOUND = "found"
    RELAXED = "relaxed"
    NOTHING = "nothing"


class CallResult(StrEnum):
    """How a call of the engine ended: answered, not reached in time, or failed on the message."""

    ANSWERED = "answered"
    AWAY = "away"
    FAILED = "failed"


class Observer(Protocol):
    """Somebody who counts. Its methods are quick, may be called from any thread, never raise."""

    def engine_called(self, call: str, *, seconds: float, result: CallResult) -> None:
        """The engine was called; ``call`` is one of the few things it can be asked."""

    def understood(self, understanding: Understanding) -> None:
        """Words that somebody wrote were answered by the engine; presses are not told."""

    def searched(self, result: SearchResult) -> None:
        """An answer shows what a new search gave."""


class Unobserved:
    """Nobody counts."""

    def engine_called(self, call: str, *, seconds: float, result: CallResult) -> None:
        """Is not counted."""

    def understood(self, understanding: Understanding) -> None:
        """Is not counted."""

    def searched(self, result: SearchResult) -> None:
        """Is not counted."""
