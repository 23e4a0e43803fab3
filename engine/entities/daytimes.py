"""Times of day: CLDR's day periods and week-end days, colloquial words, and hours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from babel import Locale

from engine.entities.entity import TIME_OF_DAY, Entity
from engine.entities.matcher import NONE, PhraseMatcher, value_and_role_matchers
from engine.entities.negation import Negations
from engine.entities.text import Message
from engine.entities.wordlists import LANGUAGES

MORNING, AFTERNOON, EVENING, WEEKEND = "morning", "afternoon", "evening", "weekend"
VALUES = (MORNING, AFTERNOON, EVENING, WEEKEND)
AFTER, AFTER_BARE, HOUR, ONWARDS, RANGE = "after", "after_bare", "hour", "onwards", "range"
_ROLES = (AFTER, AFTER_BARE, HOUR, ONWARDS, RANGE)
_SATURDAY, _SUNDAY = 5, 6
_SHORTEST_NAME = 3
_NOON, _EVENING_BEGINS, _LATEST = 12, 17, 24
# "after 5" is said of the afternoon, "after 9" may be either.
_BARE_AFTERNOON = range(1, 9)


@lru_cache(maxsize=1)
def _matchers() -> tuple[PhraseMatcher[str], PhraseMatcher[str]]:
    return value_and_role_matchers(TIME_OF_DAY, values=VALUES, roles=_ROLES, names=_cldr_names())


def _cldr_names() -> Iterator[tuple[str, str]]:
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for period, name in _day_periods(locale, context):
                value = period.rstrip("12")
                if value in VALUES and "." not in name and len(name) >= _SHORTEST_NAME:
                    yield name, value
            for day in (_SATURDAY, _SUNDAY):
                yield locale.days[context]["wide"][day], WEEKEND


def _day_periods(locale: Locale, context: str) -> Iterator[tuple[str, str]]:
    widths = locale.day_periods.get(context, {})
    for width in ("wide", "abbreviated"):
        if width in widths:
            # Babel resolves its aliases ("as in the other context") on subscription only.
            names = widths[width]
            for period in names:
                yield period, names[period]


def find(message: Message, negations: Negations) -> Iterator[Entity]:
    """Parts of the day and the week-end, unless they are ruled out."""
    for match in _matchers()[0].find(message):
        if match.value != NONE and not negations.cover(match.first, match.last):
            yield Entity(TIME_OF_DAY, match.value, *message.span_of(match.first, match.last))
    for index, token in enumerate(message.tokens):
        # "A2" is no hour.
        glued = index > 0 and not token.gap
        if token.word.isdecimal() and int(token.word) <= _LATEST and not glued:
            yield from _hour(message, index)


def _hour(message: Message, index: int) -> Iterator[Entity]:
    """The part of the day that begins at an hour: "after 6 pm", "8-12 Uhr"."""
    tokens, clock = message.tokens, _matchers()[1]
    hour = int(tokens[index].word)
    last, minutes = _minutes(message, index)
    start = index
    before: tuple[str, ...] = ()
    for first in range(max(0, index - 3), index):
        end, roles = clock.match_at(tokens, first)
        if end == index and tokens[index].joined and (AFTER in roles or AFTER_BARE in roles):
            start, before = first, roles
            break
    end, behind = clock.match_at(tokens, last) if _joined(message, last) else (last, ())
    unit = tokens[last].word if HOUR in behind else ""
    ends = not _joined(message, end)
    if ONWARDS in behind or (before and (HOUR in behind or minutes)):
        pass
    elif AFTER_BARE in before and ends and (hour in _BARE_AFTERNOON or hour > _NOON):
        unit = unit or "pm"
    else:
        if HOUR not in behind:
            end = last
        end = _end_of_range(message, end)
        if not end:
            return
        # "6-8 pm": the half of the day stands once, behind the second hour.
        last_unit = tokens[end - 1].word
        unit = unit or (last_unit if last_unit in ("pm", "m") and hour < _NOON - 3 else "")
    said_before = _matchers()[0].match_at(tokens, start - 1)[1] if start else ()
    said_behind = _matchers()[0].match_at(tokens, last)[1]
    late = unit in ("pm", "p") or {AFTERNOON, EVENING} & {*said_before, *said_behind}
    if late and hour < _NOON:
        hour += _NOON
    value = MORNING if hour < _NOON else AFTERNOON if hour < _EVENING_BEGINS else EVENING
    yield Entity(TIME_OF_DAY, value, *message.span_of(start, max(end, last)))


def _end_of_range(message: Message, index: int) -> int:
    """The end of a range whose first hour ends before ``index``, or 0 if there is none."""
    tokens, clock = message.tokens, _matchers()[1]
    if index < len(tokens) and tokens[index].is_number and tokens[index].gap.strip() == "-":
        second = index
    elif _joined(message, index):
        second, roles = clock.match_at(tokens, index)
        if RANGE not in roles:
            return 0
    else:
        return 0
    if not (second < len(tokens) and tokens[second].word.isdecimal()):
        return 0
    last, _ = _minutes(message, second)
    end, behind = clock.match_at(tokens, last) if _joined(message, last) else (last, ())
    return end if HOUR in behind else 0


def _minutes(message: Message, index: int) -> tuple[int, bool]:
    """The token behind an hour with its minutes, and whether it has any."""
    tokens = message.tokens
    following = tokens[index + 1 : index + 2]
    if following and following[0].gap == ":" and following[0].word.isdecimal():
        return index + 2, True
    return index + 1, False


def _joined(message: Message, index: int) -> bool:
    return index < len(message.tokens) and message.tokens[index].joined
