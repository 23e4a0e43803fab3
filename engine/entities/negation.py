"""Whether a word is said in order to rule it out: "not online", "akşam değil"."""

from __future__ import annotations

from functools import lru_cache

from engine.entities.matcher import NONE, PhraseMatcher
from engine.entities.text import Message
from engine.entities.wordlists import load

BEFORE, AFTER, BETWEEN = "before", "after", "between"
_FURTHEST = 2


@lru_cache(maxsize=1)
def _matcher() -> PhraseMatcher[str]:
    matcher: PhraseMatcher[str] = PhraseMatcher()
    wordlist = load("negation", lambda value: value in (BEFORE, AFTER, BETWEEN, NONE))
    for spelling in wordlist.spellings:
        matcher.add(spelling.text, spelling.value)
    return matcher


class Negations:
    """The negations of one message; looked for when the first entity asks for them."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._roles: list[tuple[int, int, tuple[str, ...]]] | None = None

    def cover(self, first: int, last: int) -> bool:
        """Whether the tokens from ``first`` up to, not including, ``last`` are negated."""
        if self._roles is None:
            self._roles = self._find()
        return any(
            (BEFORE in roles and self._reaches(end, first))
            or (AFTER in roles and start == last and self._message.tokens[start].joined)
            for start, end, roles in self._roles
        )

    def _find(self) -> list[tuple[int, int, tuple[str, ...]]]:
        matcher, tokens = _matcher(), self._message.tokens
        found = []
        index = 0
        while index < len(tokens):
            last, roles = matcher.match_at(tokens, index)
            if BEFORE in roles or AFTER in roles:
                found.append((index, last, roles))
            index = max(last, index + 1)
        return found

    def _reaches(self, end: int, first: int) -> bool:
        tokens = self._message.tokens
        return (
            0 <= first - end <= _FURTHEST
            and all(tokens[index].joined for index in range(end, first + 1))
            and all(
                BETWEEN in _matcher().match_at(tokens[index : index + 1], 0)[1]
                for index in range(end, first)
            )
        )
