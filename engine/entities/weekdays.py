"""Days of the week: CLDR's names, their other forms, spans of days, today and tomorrow."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from babel import Locale

from engine.entities import openings
from engine.entities.entity import WEEKDAY, Entity
from engine.entities.matcher import NONE, Match, PhraseMatcher, value_and_role_matchers
from engine.entities.negation import Negations
from engine.entities.text import Message
from engine.entities.wordlists import LANGUAGES

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
# Which day these are is known to whoever has a clock.
TODAY, TOMORROW = "today", "tomorrow"
VALUES = (*DAYS, TODAY, TOMORROW)
_WORKDAYS = "workdays"
_RANGE, _UNTIL, _UNCOUNTED = "range", "until", "uncounted"
_ROLES = (_RANGE, _UNTIL, _UNCOUNTED)
# A message no longer than this that says "today" says little else.
_SHORT = 3


@lru_cache(maxsize=1)
def _matchers() -> tuple[PhraseMatcher[str], PhraseMatcher[str]]:
    return value_and_role_matchers(
        WEEKDAY, values=(*VALUES, _WORKDAYS), roles=_ROLES, names=_cldr_names()
    )


def _cldr_names() -> Iterator[tuple[str, str]]:
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for number, name in locale.days[context]["wide"].items():
                yield name, DAYS[number]


def find(message: Message, negations: Negations, daytimes: Collection[Entity]) -> Iterator[Entity]:
    """Days of the week, unless they are ruled out.

    ``daytimes`` are the times of day found already: "am Morgen" is not tomorrow.
    """
    previous: Match[str] | None = None
    for match in _matchers()[0].find(message):
        if not _is_said(message, match, negations, daytimes):
            previous = None
            continue
        first, days = match.first, _days(match.value)
        if previous and _are_range(message, previous, match):
            first, days = previous.first, _from_to(previous.value, match.value)
        elif _is_deadline(message, match.first):
            continue
        for day in days:
            yield Entity(WEEKDAY, day, *message.span_of(first, match.last))
        previous = match


def is_place_as_well(message: Message, days: Collection[Entity]) -> bool:
    """Whether these days may be places in a list: Greek "τρίτη" is "third" and "Tuesday".

    The day is written with a capital letter.
    """
    return bool(days) and all(message.original[day.start : day.end].islower() for day in days)


def _is_said(
    message: Message, match: Match[str], negations: Negations, daytimes: Collection[Entity]
) -> bool:
    if match.value == NONE or negations.cover(match.first, match.last):
        return False
    if match.value in (TODAY, TOMORROW):
        start, end = message.span_of(match.first, match.last)
        if any(one.start < end and start < one.end for one in daytimes):
            return False
        # In a longer story the day is when something happened, not when it is wished.
        return len(message.tokens) <= _SHORT or openings.asks_for_opening(message)
    return not _is_counted(message, match.first)


def _is_counted(message: Message, index: int) -> bool:
    tokens = message.tokens
    if index == 0 or not tokens[index - 1].is_number or not tokens[index].joined:
        return False
    # The digit of a level ("B1 luni") counts nothing.
    alone = index == 1 or bool(tokens[index - 1].gap)
    return alone and _UNCOUNTED in _matchers()[1].match_at(tokens[index : index + 1], 0)[1]


def _is_deadline(message: Message, index: int) -> bool:
    """Whether "until" stands right before the day at ``index``: "bis Montag"."""
    between = _matchers()[1]
    for first in range(max(0, index - 2), index):
        end, roles = between.match_at(message.tokens[:index], first)
        if end == index and _UNTIL in roles:
            return message.tokens[index].joined
    return False


def _days(value: str) -> tuple[str, ...]:
    return DAYS[:5] if value == _WORKDAYS else (value,)


def _are_range(message: Message, first: Match[str], last: Match[str]) -> bool:
    """Whether nothing but a dash or a word such as "to" stands between two days."""
    if first.value not in DAYS or last.value not in DAYS:
        return False
    tokens = message.tokens
    if first.last == last.first:
        return tokens[last.first].gap.strip() == "-"
    end, roles = _matchers()[1].match_at(tokens[: last.first], first.last)
    return end == last.first and (_RANGE in roles or _UNTIL in roles)


def _from_to(first: str, last: str) -> tuple[str, ...]:
    """The days from one to another, across the end of the week where it lies between."""
    start, end = DAYS.index(first), DAYS.index(last)
    return tuple(DAYS[number % 7] for number in range(start, end + 1 + 7 * (end < start)))
