"""Which of the offers shown somebody wants: "2", "the second one", "последний"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engine.entities.entity import CHOICE, Entity
from engine.entities.matcher import PhraseMatcher
from engine.entities.text import Message, words
from engine.entities.wordlists import load

LAST = -1
HIGHEST = 20
_LONGEST = 4
_LAST, _FILLER, _SUFFIX = "last", "filler", "suffix"


@lru_cache(maxsize=1)
def _words() -> tuple[PhraseMatcher[int], PhraseMatcher[str], frozenset[str]]:
    def legal(value: str) -> bool:
        return value.isdecimal() or value in (_LAST, _FILLER, _SUFFIX)

    positions: PhraseMatcher[int] = PhraseMatcher()
    fillers: PhraseMatcher[str] = PhraseMatcher()
    suffixes: set[str] = set()
    for spelling in load(CHOICE, legal).spellings:
        if spelling.value == _FILLER:
            fillers.add(spelling.text, _FILLER)
        elif spelling.value == _SUFFIX:
            suffixes.update(words(spelling.text))
        else:
            positions.add(spelling.text, LAST if spelling.value == _LAST else int(spelling.value))
    return positions, fillers, frozenset(suffixes)


def find(message: Message) -> Iterator[Entity]:
    """The position, when the whole message is nothing but one; -1 is the last."""
    tokens = message.tokens
    if not 0 < len(tokens) <= _LONGEST or message.text.lstrip().startswith("-"):
        return
    positions, fillers, suffixes = _words()
    found: list[tuple[int, int, int]] = []
    index = 0
    while index < len(tokens):
        # "one" is a filler behind an ordinal ("the second one") and a number alone.
        last, values = positions.match_at(tokens, index)
        filled, filler = fillers.match_at(tokens, index)
        if tokens[index].word.isdecimal():
            last = index + 1
            values = (int(tokens[index].word),)
            if last < len(tokens) and tokens[last].word in suffixes and len(tokens[last].gap) < 2:
                last += 1
        if values and not (filler and (found or last <= filled < len(tokens))):
            found.append((index, last, values[0]))
            index = last
        elif filler:
            index = filled
        else:
            return
    if len(found) == 1 and (found[0][2] == LAST or 1 <= found[0][2] <= HIGHEST):
        first, last, position = found[0]
        yield Entity(CHOICE, position, *message.span_of(first, last))
