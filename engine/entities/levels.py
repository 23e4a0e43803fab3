"""Levels of German: "B1", "niveau a 2", "beginner"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from engine.entities.entity import GERMAN_LEVEL, Entity
from engine.entities.matcher import NONE, PhraseMatcher, value_and_role_matchers
from engine.entities.text import Message

LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")
CONTEXT, NOT_AFTER, NOT_BEFORE = "context", "not_after", "not_before"
FROM_ZERO, LEARNING = "from_zero", "learning"
# "From zero" alone answers the question for a level; in a longer text it may be a job.
_LITTLE_ELSE = 4

# Cyrillic and Greek keyboards have letters of the same look or place; "В" looks like B.
_LETTERS = dict(zip("abcабвсцαβγ", "ABCABBCCABC"))
# What Turkish and Polish write onto the level, and compounds with "Kurs".
_ENDINGS = "de|da|den|dan|ten|tan|e|i|a|u|yi|ye|ya|in|nin|li|lik|kurs|niveau|prufung|deutsch|test"
_LEVEL = re.compile(
    rf"(?<![\w])(?P<letter>[{''.join(_LETTERS)}])(?P<gap>[ .\-]{{0,2}})(?P<number>[12])"
    rf"(?P<half>[.,][12])?\+?(?=(?:{_ENDINGS})?(?![\w]|[.,]\d))"
)


@lru_cache(maxsize=1)
def _matchers() -> tuple[PhraseMatcher[str], PhraseMatcher[str]]:
    roles = (CONTEXT, NOT_AFTER, NOT_BEFORE, LEARNING)
    values = (*LEVELS, FROM_ZERO)
    return value_and_role_matchers(GERMAN_LEVEL, values=values, roles=roles)


def find(message: Message) -> Iterator[Entity]:
    """Levels by letter, where nothing around says otherwise, and by name."""
    taken: list[tuple[int, int]] = []
    for match in _LEVEL.finditer(message.text):
        start, end = match.start(), match.end()
        if _is_level(message, match):
            taken.append((start, end))
            value = _LETTERS[match["letter"]] + match["number"]
            yield Entity(GERMAN_LEVEL, value, *message.span(start, end))
    for named in _matchers()[0].find(message):
        start, end = message.tokens[named.first].start, message.tokens[named.last - 1].end
        if named.value == NONE or any(s < end and start < e for s, e in taken):
            continue
        value = LEVELS[0] if named.value == FROM_ZERO else named.value
        if named.value != FROM_ZERO or _is_about_learning(message):
            yield Entity(GERMAN_LEVEL, value, *message.span(start, end))


def _is_about_learning(message: Message) -> bool:
    around = _matchers()[1]
    return len(message.tokens) <= _LITTLE_ELSE or any(
        LEARNING in around.match_at((token,), 0)[1] for token in message.tokens
    )


def _is_level(message: Message, match: re.Match[str]) -> bool:
    before, after = _around(message, match.start(), match.end())
    if NOT_AFTER in before or NOT_BEFORE in after:
        return False
    if "-" in match["gap"] or "." in match["gap"] or not match["gap"] or match["half"]:
        return True
    # "a 2", "в 2" and "с 1" are prepositions and articles in half of the languages.
    ends = not message.text[match.end() :].strip(" .!?,;)")
    latin_b = match["letter"] in "bcβγб"
    capital = message.original[message.span(match.start(), match.end())[0]].isupper()
    alone = ends and not message.text[: match.start()].strip(" .!?,;(")
    if CONTEXT in before or CONTEXT in after or alone:
        return True
    return (latin_b or capital) and match["letter"] in "abcαβγб" and ends


def _around(message: Message, start: int, end: int) -> tuple[set[str], set[str]]:
    """The roles of the word before and of the word behind a level, across a pair of levels."""
    around = _matchers()[1]
    before: set[str] = set()
    after: set[str] = set()
    for index, token in enumerate(message.tokens):
        if token.end <= start and _only_levels(message.text[token.end : start]):
            before.update(around.match_at(message.tokens[index : index + 1], 0)[1])
            if index:
                # Licences and motorways are named in two words, too.
                before.update(around.match_at(message.tokens[index - 1 : index + 1], 0)[1])
        elif token.start >= end and not message.text[end : token.start].strip(" -'\""):
            after.update(around.match_at(message.tokens[index : index + 1], 0)[1])
    return before, after


def _only_levels(between: str) -> bool:
    return not re.sub(r"[abc][ ]?[12]", "", between).strip(" -/:'\"+&.")
