"""Whether an offer is open at a moment, by its schedules, holidays and school holidays."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import holidays
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday
from sqlalchemy.orm import selectinload

from bot.config import PROJECT
from bot.measures.models import Measure
from bot.measures.places import Location, Schedule, ServiceAtLocation

SCHOOL_HOLIDAYS = PROJECT / "data" / "school_holidays.csv"

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
    "YEARLY": YEARLY,
}


@dataclass(frozen=True)
class HolidayCalendar:
    """Public holidays of a German state, and its school holidays as far as they are known."""

    state: str
    school: tuple[tuple[date, date], ...]

    def is_public_holiday(self, day: date) -> bool:
        """Whether shops and offices are closed by law."""
        return day in _public_holidays(self.state)

    def is_school_holiday(self, day: date) -> bool | None:
        """Whether schools have holidays; None before and after the years that are known."""
        if not self.school or not self.school[0][0] <= day <= self.school[-1][1]:
            return None
        return any(first <= day <= last for first, last in self.school)


@lru_cache(maxsize=16)
def _public_holidays(state: str) -> holidays.HolidayBase:
    return holidays.country_holidays("DE", subdiv=state)


@lru_cache(maxsize=4)
def stuttgart_calendar(path: Path = SCHOOL_HOLIDAYS) -> HolidayCalendar:
    """The holidays of Baden-Württemberg; school holidays are read from ``path``."""
    with path.open(encoding="utf-8", newline="") as file:
        spans = sorted(
            (date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]))
            for row in csv.DictReader(file)
        )
    return HolidayCalendar(state="BW", school=tuple(spans))


# Options for a query of measures of which ``schedules_of`` is asked.
WITH_SCHEDULES = (
    selectinload(Measure.schedules),
    selectinload(Measure.places).selectinload(ServiceAtLocation.schedules),
    selectinload(Measure.places)
    .joinedload(ServiceAtLocation.location)
    .selectinload(Location.schedules),
)


def schedules_of(measure: Measure) -> list[Schedule]:
    """When an offer takes place; the hours of its places count where it has none of its own."""
    own = [*measure.schedules, *(s for place in measure.places for s in place.schedules)]
    return own or [s for place in measure.places for s in place.location.schedules]


def is_open(
    schedules: Iterable[Schedule], moment: datetime, calendar: HolidayCalendar
) -> bool | None:
    """Whether one of the schedules holds at a moment; None when they do not say.

    Times of day are those that the clocks on the wall show: hours that are skipped in
    spring are over at once, hours that come twice in autumn count twice.
    """
    verdicts = [_holds(schedule, moment, calendar) for schedule in schedules]
    if True in verdicts:
        return True
    return None if not verdicts or None in verdicts else False


def _holds(schedule: Schedule, moment: datetime, calendar: HolidayCalendar) -> bool | None:
    local = moment.astimezone(ZoneInfo(schedule.zone))
    today, now = local.date(), local.time()
    opens, closes = schedule.opens_at, schedule.closes_at
    if opens is None or closes is None:
        # A day without hours: what does not take place is closed, else nobody knows.
        return False if takes_place(schedule, today, calendar) is False else None
    days = []
    if closes > opens:
        days += [today] if opens <= now < closes else []
    else:
        days += [today] if now >= opens else []
        days += [today - timedelta(days=1)] if now < closes else []
    verdicts = [takes_place(schedule, day, calendar) for day in days]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def takes_place(schedule: Schedule, day: date, calendar: HolidayCalendar) -> bool | None:
    """Whether a schedule has an occurrence that begins on a day; None when it does not say."""
    if schedule.valid_from and day < schedule.valid_from:
        return False
    if schedule.valid_to and day > schedule.valid_to:
        return False
    if day.isoformat() in schedule.except_dates:
        return False
    by_rule = _by_rule(schedule, day)
    if not by_rule:
        return by_rule
    if calendar.is_public_holiday(day) and not schedule.on_public_holidays:
        # Where the source is silent, an open door on a holiday would be a guess.
        return None if schedule.on_public_holidays is None else False
    if schedule.in_school_holidays is False:
        return {True: False, False: True, None: None}[calendar.is_school_holiday(day)]
    return True


def _by_rule(schedule: Schedule, day: date) -> bool | None:
    if not schedule.freq:
        return day == schedule.dtstart if schedule.dtstart else None
    frequency = _FREQUENCIES.get(schedule.freq.upper())
    if frequency is None:
        return None
    start = schedule.dtstart or schedule.valid_from
    if start is None:
        if (schedule.interval or 1) > 1 or schedule.count or not _says_days(schedule):
            return None
        start = date(day.year - 1, 1, 1)
    if day < start:
        return False
    rule = rrule(
        frequency,
        dtstart=datetime.combine(start, time()),
        interval=schedule.interval or 1,
        wkst=_weekday(schedule.wkst) if schedule.wkst else None,
        count=schedule.count,
        until=datetime.combine(schedule.until, time())
        if schedule.until and not schedule.count
        else None,
        byweekday=[_weekday(part) for part in _parts(schedule.byday)] or None,
        bymonthday=_numbers(schedule.bymonthday),
        byyearday=_numbers(schedule.byyearday),
        byweekno=_numbers(schedule.byweekno),
        cache=False,
    )
    if schedule.until and day > schedule.until:
        return False
    midnight = datetime.combine(day, time())
    return bool(rule.between(midnight, midnight, inc=True))


def _says_days(schedule: Schedule) -> bool:
    return schedule.freq.upper() == "DAILY" or bool(
        schedule.byday or schedule.bymonthday or schedule.byyearday or schedule.byweekno
    )


def _parts(written: str) -> list[str]:
    return [part.strip().upper() for part in written.split(",") if part.strip()]


def _weekday(written: str) -> weekday:
    """``MO``, or ``2TU`` and ``-1FR`` for the second and the last one."""
    day = weekday(WEEKDAYS.index(written[-2:]))
    return day(int(written[:-2])) if written[:-2] else day


def _numbers(written: str) -> list[int] | None:
    return [int(part) for part in _parts(written)] or None
