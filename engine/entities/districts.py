"""Districts of Stuttgart and neighbouring towns, in several scripts and with typos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.entities.entity import DISTRICT, Entity
from engine.entities.matcher import NONE, PhraseMatcher
from engine.entities.negation import Negations
from engine.entities.text import Message, words
from engine.entities.wordlists import Spelling, WordListError, load

AMBIGUOUS, CITY, IN, AND, PLEASE = "ambiguous", "city", "in", "and", "please"
NOT_BEFORE, SUFFIX, FOREIGN = "not_before", "suffix", "foreign_"
_ROLES = (AMBIGUOUS, CITY, IN, AND, PLEASE, NOT_BEFORE, SUFFIX)
_DIRECTIONS = tuple(FOREIGN + name for name in ("Mitte", "Nord", "Ost", "Süd", "West"))
# One typo is forgiven in names this long; shorter ones may still carry an ending.
_LONG, _LONG_ENOUGH_FOR_SUFFIX = 7, 6
# "est" and "sur" are words of their own in French and Spanish.
_SHORT_DIRECTION = 4
# "Welcome Center Stuttgart" is no district, while "west Stuttgart" is one.
_CENTRE = "Mitte"


@dataclass(frozen=True)
class _Names:
    names: PhraseMatcher[str]
    roles: PhraseMatcher[str]
    local: PhraseMatcher[str]
    directions: PhraseMatcher[str]
    single: dict[str, str]
    typos: dict[str, set[str]]
    suffixes: frozenset[str]


@lru_cache(maxsize=1)
def _names() -> _Names:
    def legal(value: str) -> bool:
        return value in (*_ROLES, *_DIRECTIONS, NONE) or value[:1].isupper()

    wordlist = load(DISTRICT, legal)
    ambiguous = [spelling.text for spelling in wordlist.of(AMBIGUOUS)]
    empty = PhraseMatcher[str]
    found = _Names(empty(), empty(), empty(), empty(), {}, {}, frozenset())
    name = ""
    for spelling in wordlist.of(AMBIGUOUS):
        # "Sued" follows "Süd" as its other spelling.
        name = spelling.text if spelling.text in wordlist.values else name
        found.local.add(spelling.text, name)
    for spelling in wordlist.spellings:
        if spelling.value in (CITY, IN, AND, PLEASE, NOT_BEFORE):
            found.roles.add(spelling.text, spelling.value)
        elif spelling.value.startswith(FOREIGN):
            found.directions.add(spelling.text, spelling.value[len(FOREIGN) :])
        elif spelling.value not in _ROLES:
            _add(found, spelling, str(wordlist.path))
    for value in sorted(wordlist.values):
        if value[:1].isupper() and value not in ambiguous:
            _add(found, Spelling("de", value, value, 0), str(wordlist.path))
    suffixes = {word for spelling in wordlist.of(SUFFIX) for word in words(spelling.text)}
    return replace(found, suffixes=frozenset(suffixes))


def _add(names: _Names, spelling: Spelling, path: str) -> None:
    others = [value for value in names.names.values(spelling.text) if value != spelling.value]
    if others:
        raise WordListError(
            f"{path}:{spelling.line}: {spelling.language}.{spelling.value}: "
            f"{spelling.text!r} is already a spelling of {others[0]!r}"
        )
    names.names.add(spelling.text, spelling.value)
    parts = words(spelling.text)
    if len(parts) == 1 and not parts[0].endswith("*") and spelling.value != NONE:
        names.single[parts[0]] = spelling.value
        if len(parts[0]) >= _LONG:
            for shortened in _deletions(parts[0]):
                names.typos.setdefault(shortened, set()).add(parts[0])


def find(message: Message, negations: Negations) -> Iterator[Entity]:
    """Districts and towns, unless they are ruled out."""
    names = _names()
    index, previous = 0, -1
    while index < len(message.tokens):
        last, value = _at(message, index, previous)
        if value and not negations.cover(index, last):
            yield Entity(DISTRICT, value, *message.span_of(index, last))
        if value:
            previous = last
        elif previous >= 0 and AND not in names.roles.match_at(message.tokens, index)[1]:
            previous = -1
        index = max(last, index + 1)


def _at(message: Message, index: int, previous: int) -> tuple[int, str]:
    """The end and the name of the district at a token; the name is empty if there is none."""
    names, tokens = _names(), message.tokens
    last, values = names.names.match_at(tokens, index)
    if values:
        return last, "" if values[0] == NONE else values[0]
    last, value = _ambiguous(message, index, previous)
    return (last, value) if value else (index + 1, _single(tokens[index].word))


def _ambiguous(message: Message, index: int, previous: int) -> tuple[int, str]:
    """A name that is also a word, where its surroundings make it a district."""
    names, tokens = _names(), message.tokens
    last, local = names.local.match_at(tokens, index)
    end, directions = names.directions.match_at(tokens, index)
    if not local and not directions:
        return index, ""
    roles = names.roles
    if NOT_BEFORE in roles.match_at(tokens, max(last, end))[1] and _joined(message, max(last, end)):
        return index, ""
    before = roles.match_at(tokens, index - 1)[1] if index and tokens[index].joined else ()
    in_city = CITY in before and (tokens[index - 1].word != "s" or _is_prefix(message, index))
    if local and (in_city or IN in before or previous >= 0 or _alone(message, index, last)):
        return last, local[0]
    if (
        directions
        and in_city
        and (len(tokens[index].word) > _SHORT_DIRECTION or not _joined(message, end))
    ):
        return end, directions[0]
    name = (local or directions)[0]
    behind = max(last, end)
    if name == _CENTRE or not _joined(message, behind) or tokens[behind].word == "s":
        return index, ""
    return (behind, name) if CITY in roles.match_at(tokens, behind)[1] else (index, "")


def _is_prefix(message: Message, index: int) -> bool:
    """Whether the token before is the "S" of "S-West" and not that of "it's west"."""
    token = message.tokens[index - 1]
    written = message.original[message.span(token.start, token.end)[0]]
    return "'" not in token.gap and (written == "S" or message.tokens[index].gap == "-")


def _alone(message: Message, index: int, last: int) -> bool:
    """Whether a name with a capital is the whole answer, save for a "please"."""
    written = message.original[message.span_of(index, last)[0]]
    rest = message.tokens[:index] + message.tokens[last:]
    return written.isupper() and all(
        PLEASE in _names().roles.match_at((token,), 0)[1] for token in rest
    )


def _joined(message: Message, index: int) -> bool:
    return index < len(message.tokens) and message.tokens[index].joined


def _single(word: str) -> str:
    """The district a word names with an ending or with one typo."""
    names = _names()
    for length in range(len(word) - 1, _LONG_ENOUGH_FOR_SUFFIX - 1, -1):
        value = names.single.get(word[:length])
        if value and word[length:] in names.suffixes:
            return value
    if len(word) < _LONG - 1:
        return ""
    candidates: set[str] = set()
    for shortened in (word, *_deletions(word)):
        candidates |= names.typos.get(shortened, set())
        if shortened in names.single and len(shortened) >= _LONG:
            candidates.add(shortened)
    near = {
        names.single[name] for name in candidates if name[0] == word[0] and _is_near(name, word)
    }
    return near.pop() if len(near) == 1 else ""


def _deletions(word: str) -> list[str]:
    return [word[:index] + word[index + 1 :] for index in range(len(word))]


def _is_near(one: str, other: str) -> bool:
    """Whether one letter added, left out, replaced or swapped makes one word the other."""
    if len(one) == len(other):
        wrong = [index for index in range(len(one)) if one[index] != other[index]]
        if len(wrong) == 2 and wrong[1] - wrong[0] == 1:
            first, second = wrong
            return one[first] == other[second] and one[second] == other[first]
        return len(wrong) <= 1
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return len(longer) - len(shorter) == 1 and shorter in _deletions(longer)


def values() -> frozenset[str]:
    """All names that can come out."""
    roles = (*_ROLES, NONE)
    wordlist = load(DISTRICT, lambda value: True)
    return frozenset(
        value for value in wordlist.values if value not in roles and not value.startswith(FOREIGN)
    )
