"""Whether somebody asks for what is open at this moment: "jetzt geöffnet", "açık mı?"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engine.entities.entity import OPEN_NOW, Entity
from engine.entities.matcher import NONE, Match, PhraseMatcher
from engine.entities.negation import Negations
from engine.entities.text import Message
from engine.entities.wordlists import load

YES = "yes"
_OPEN, _NOW = "open", "now"
# So many words may stand between "open" and "now".
_BETWEEN = 4
# A message no longer than this which says "open" and no day is about this moment.
_SHORT = 4


@lru_cache(maxsize=1)
def _matchers() -> tuple[PhraseMatcher[str], PhraseMatcher[str]]:
    wordlist = load(OPEN_NOW, lambda value: value in (YES, _OPEN, _NOW, NONE))
    doors: PhraseMatcher[str] = PhraseMatcher()
    moments: PhraseMatcher[str] = PhraseMatcher()
    for spelling in wordlist.spellings:
        (moments if spelling.value == _NOW else doors).add(spelling.text, spelling.value)
    return doors, moments


def asks_for_opening(message: Message) -> bool:
    """Whether a message says that something is to be open, at whatever time."""
    return any(match.value in (YES, _OPEN) for match in _matchers()[0].find(message))


def find(message: Message, negations: Negations, *, names_days: bool) -> Iterator[Entity]:
    """Open now, unless it is ruled out; ``names_days``: whether the message names days."""
    doors, moments = _matchers()
    now = list(moments.find(message))
    for match in doors.find(message):
        if match.value == NONE or negations.cover(match.first, match.last):
            continue
        near = [one for one in now if _distance(one, match) <= _BETWEEN]
        short = len(message.tokens) <= _SHORT and not names_days
        if match.value == YES or near or short:
            first = min(match.first, *(one.first for one in near), match.first)
            last = max(match.last, *(one.last for one in near), match.last)
            yield Entity(OPEN_NOW, YES, *message.span_of(first, last))


def _distance(one: Match[str], other: Match[str]) -> int:
    """How many words stand between two matches."""
    return max(one.first, other.first) - min(one.last, other.last)
