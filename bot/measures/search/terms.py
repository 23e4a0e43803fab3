"""Terms of the full-text index: facts about a measure, and the words of its texts.

A fact is known, unknown or does not matter. Where a row does not say, it has a term
such as ``level_unknown``: searches leave out what contradicts a wish, not what is
silent about it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from math import cos, floor, radians
from zoneinfo import ZoneInfo

from bot.measures.models import Kind, Measure
from bot.measures.opening import WEEKDAYS, schedules_of
from bot.measures.places import Schedule
from bot.measures.search.wishes import Near, Wishes

CITY_ZONE = ZoneInfo("Europe/Berlin")

OLDEST_CHILD = 21
"""Years that are told apart; whoever is older counts as this old."""

# The day's parts begin here, when schedules have to tell them.
_NOON, _EVENING = time(12), time(18)
_SATURDAY = 5
# Degrees of the squares by which places are found: about 1.1 by 0.7 km, and 11 by 7 km.
_FINE, _COARSE = 100, 10
_FINE_KILOMETRES = 5.0
_KILOMETRES_PER_DEGREE = 111.2

# Longer than any word that means something, and short enough for any index.
_MINIMUM_WORD, _MAXIMUM_WORD = 3, 60
_WORD = re.compile(r"\w+")
_ENDINGS = ("ern", "en", "er", "es", "em", "e", "n", "s")
_MINIMUM_STEM = 5


def facts(measure: Measure) -> set[str]:
    """The terms of a measure's facts; its places and schedules must be loaded or loadable."""
    topics = [entry.topic for entry in measure.topics]
    terms = {f"kind_{measure.kind or Kind.OFFER.value}"}
    terms |= {f"topic_{topic}" for topic in topics}
    terms |= {f"main_{topic}" for topic in topics[:1]}
    terms |= set(_known("level", measure.levels))
    terms |= set(_known("format", measure.formats))
    terms |= {f"language_{_term(code)}" for code in measure.languages}
    terms |= {f"audience_{_term(name)}" for name in measure.audience}
    terms |= set(_known("childcare", _yes_or_no(measure.childcare)))
    terms |= set(_known("free", _yes_or_no(measure.free_of_charge)))
    terms |= set(_known("child", _child_years(measure)))
    terms |= set(_districts(measure))
    terms |= set(_known("place", _squares(positions(measure))))
    schedules = schedules_of(measure)
    terms |= set(_known("time", [*measure.times, *_times(schedules)]))
    terms |= set(_known("day", _days(schedules)))
    terms |= set(_known("open", _hours(schedules)))
    return terms


def positions(measure: Measure) -> list[tuple[float, float]]:
    """Where a measure takes place: latitude and longitude, as far as they are known."""
    places = (entry.location for entry in measure.places)
    return [
        (place.latitude, place.longitude)
        for place in places
        if place.latitude is not None and place.longitude is not None
    ]


def _known(name: str, values: Iterable[str]) -> list[str]:
    return [f"{name}_{_term(value)}" for value in values] or [f"{name}_unknown"]


def _yes_or_no(value: bool | None) -> list[str]:
    return [] if value is None else ["yes" if value else "no"]


def _child_years(measure: Measure) -> Iterator[str]:
    if measure.age_of != "child":
        return
    youngest = measure.minimum_age or 0
    oldest = OLDEST_CHILD if measure.maximum_age is None else measure.maximum_age
    for years in range(min(youngest, OLDEST_CHILD), min(oldest, OLDEST_CHILD) + 1):
        yield str(years)


def _districts(measure: Measure) -> Iterator[str]:
    written = [measure.district, *(entry.location.district for entry in measure.places)]
    for part in (part for text in written for part in re.split(r"[,;()/]", text)):
        names = _WORD.findall(fold(part))
        for first in range(len(names)):
            for last in range(first + 1, len(names) + 1):
                yield f"district_{'_'.join(names[first:last])}"


def _squares(places: Iterable[tuple[float, float]]) -> Iterator[str]:
    for latitude, longitude in places:
        for grid in (_FINE, _COARSE):
            yield _square(grid, floor(latitude * grid), floor(longitude * grid))


def _square(grid: int, row: int, column: int) -> str:
    # A minus sign would end the term.
    return f"{grid}_{row}_{column}".replace("-", "m")


def _times(schedules: Iterable[Schedule]) -> set[str]:
    times = set()
    for schedule in schedules:
        days = _weekdays(schedule)
        if not days.isdisjoint(WEEKDAYS[_SATURDAY:]):
            times.add("weekend")
        opens, closes = schedule.opens_at, schedule.closes_at
        if opens is None or closes is None:
            continue
        ends = closes if closes > opens else time.max
        times |= {"morning"} if opens < _NOON else set()
        times |= {"afternoon"} if opens < _EVENING and ends > _NOON else set()
        times |= {"evening"} if ends > _EVENING else set()
    return times


def _days(schedules: Iterable[Schedule]) -> set[str]:
    return {day.lower() for schedule in schedules for day in _weekdays(schedule)}


def _hours(schedules: Iterable[Schedule]) -> set[str]:
    """Hours of the week in which a schedule may be open; which weeks is checked later."""
    hours: set[str] = set()
    for schedule in schedules:
        opens, closes = schedule.opens_at, schedule.closes_at
        if opens is None or closes is None:
            return {"unknown", *hours}
        spans = [(0, opens, closes)]
        if closes <= opens:
            spans = [(0, opens, time.max), (1, time.min, closes)]
        for day in _weekdays(schedule) or WEEKDAYS:
            for later, first, last in spans:
                name = WEEKDAYS[(WEEKDAYS.index(day) + later) % 7].lower()
                hours |= {f"{name}_{hour}" for hour in range(first.hour, last.hour + 1)}
    return hours


def _weekdays(schedule: Schedule) -> set[str]:
    if schedule.byday:
        return {part.strip().upper()[-2:] for part in schedule.byday.split(",") if part.strip()}
    if not schedule.freq and schedule.dtstart:
        return {WEEKDAYS[schedule.dtstart.weekday()]}
    return set(WEEKDAYS) if schedule.freq.upper() == "DAILY" else set()


@dataclass(frozen=True)
class Clause:
    """What a wish asks of the terms: any of ``confirming``.

    ``silent`` is the term of rows that do not say; None means that a row which does not
    confirm the wish contradicts nothing, as lists of audiences name who is addressed,
    not who is turned away.
    """

    confirming: tuple[str, ...]
    silent: str | None

    def verdict(self, terms: str) -> bool | None:
        """True confirmed, None unknown, False excluded; ``terms`` lie between spaces."""
        if any(f" {term} " in terms for term in self.confirming):
            return True
        return None if self.silent is None or f" {self.silent} " in terms else False


def clauses(wishes: Wishes, now: datetime) -> dict[str, Clause]:
    """What each wish asks of the terms, in the order of ``wishes.named()``."""
    local = now.astimezone(CITY_ZONE)
    hour = f"open_{WEEKDAYS[local.weekday()].lower()}_{local.hour}"
    years = min((wishes.child_age_months or 0) // 12, OLDEST_CHILD)
    every = {
        "german_level": lambda: Clause((f"level_{_term(wishes.german_level)}",), "level_unknown"),
        "district": lambda: Clause((f"district_{_term(wishes.district)}",), None),
        "near": lambda: Clause(_squares_around(wishes.near), "place_unknown"),
        "child_age_months": lambda: Clause((f"child_{years}",), "child_unknown"),
        "time_of_day": lambda: Clause(
            tuple(f"time_{_term(name)}" for name in wishes.time_of_day), "time_unknown"
        ),
        "weekday": lambda: Clause(
            tuple(f"day_{_term(name)}" for name in wishes.weekday), "day_unknown"
        ),
        "open_now": lambda: Clause((hour,), "open_unknown"),
        "format": lambda: Clause((f"format_{_term(wishes.format)}",), "format_unknown"),
        "language": lambda: Clause((f"language_{_term(wishes.language)}",), None),
        "audience": lambda: Clause((f"audience_{_term(wishes.audience)}",), None),
        "childcare": lambda: Clause(("childcare_yes",), "childcare_unknown"),
        "free_of_charge": lambda: Clause(("free_yes",), "free_unknown"),
    }
    return {name: every[name]() for name in wishes.named()}


def _term(value: str | None) -> str:
    return "_".join(_WORD.findall(fold(value or "")))


def _squares_around(near: Near | None) -> tuple[str, ...]:
    if near is None:
        return ()
    grid = _FINE if near.kilometres <= _FINE_KILOMETRES else _COARSE
    high = near.kilometres / _KILOMETRES_PER_DEGREE
    wide = high / max(cos(radians(near.latitude)), 0.01)
    rows = range(floor((near.latitude - high) * grid), floor((near.latitude + high) * grid) + 1)
    columns = range(
        floor((near.longitude - wide) * grid), floor((near.longitude + wide) * grid) + 1
    )
    return tuple(f"place_{_square(grid, row, column)}" for row in rows for column in columns)


def fold(text: str) -> str:
    """Lower case without accents: ``Straße`` and ``STRASSE`` are one."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def words(text: str) -> list[str]:
    """A text's words, folded, without short ones and without common German endings."""
    found = _WORD.findall(fold(text).replace("_", " "))
    return [_stem(word) for word in found if _MINIMUM_WORD <= len(word) <= _MAXIMUM_WORD]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MINIMUM_STEM:
            return word[: -len(ending)]
    return word
