"""When counsellors give counselling: their weekly times on real days, and public holidays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy.orm import InstrumentedAttribute

from bot.booking.clocktime import instant
from bot.booking.intervals import Interval, joined, touches
from bot.booking.models import CounsellingService, Span, WeeklyTime


class Stretch(NamedTuple):
    """A weekly time without its calendar; see ``bot.booking.models.WeeklyTime``."""

    span: Span
    weekday: int
    starts: int
    ends: int
    valid_from: date | None
    valid_until: date | None

    @staticmethod
    def columns() -> list[InstrumentedAttribute[Any]]:
        """The columns of a weekly time, in the order in which a stretch has them."""
        return [getattr(WeeklyTime, name) for name in Stretch._fields]

    @classmethod
    def of(cls, row: WeeklyTime) -> Stretch:
        """The stretch of a weekly time that is loaded already."""
        return cls._make(getattr(row, name) for name in cls._fields)

    def holds_on(self, day: date) -> bool:
        """Whether the day lies within the validity; its weekday is not looked at."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class Hours:
    """Weekly times on real days, and where a service can begin in them.

    Counsellors with the same weekly times can share one, which then works each day out once.
    """

    def __init__(self, times: Iterable[Stretch], service: CounsellingService) -> None:
        self._zone = ZoneInfo(service.zone)
        self._length, self._step = service.duration, service.step
        self._times: dict[tuple[Span, int], list[Stretch]] = defaultdict(list)
        for time in times:
            self._times[time.span, time.weekday].append(time)
        self._beginnings: dict[date, list[int]] = {}

    def windows(self, day: date) -> list[Interval]:
        """The hours in which to book, in order and joined where they meet."""
        return joined(self._on(Span.OPEN, day))

    def breaks(self, day: date) -> list[Interval]:
        """The breaks in them, likewise."""
        return joined(self._on(Span.BREAK, day))

    def beginnings(self, day: date) -> list[int]:
        """Where an appointment can begin that fits into the hours and touches no break.

        In steps from the beginning of each window, in order.
        """
        known = self._beginnings.get(day)
        if known is None:
            breaks = self.breaks(day)
            known = self._beginnings[day] = [
                start
                for opens, closes in self.windows(day)
                for start in range(opens, closes - self._length + 1, self._step)
                if not touches(breaks, start, start + self._length)
            ]
        return known

    def _on(self, span: Span, day: date) -> list[Interval]:
        return [
            (instant(day, time.starts, self._zone), instant(day, time.ends, self._zone))
            for time in self._times.get((span, day.weekday()), ())
            if time.holds_on(day)
        ]


@lru_cache(maxsize=64)
def public_holidays(region: str, year: int) -> frozenset[date]:
    """The public holidays of a German state (``BW``); none where no region is given."""
    if not region:
        return frozenset()
    return frozenset(holidays.country_holidays("DE", subdiv=region, years=year))


def holiday_names(region: str, days: Iterable[date]) -> dict[date, str]:
    """The public holidays among some days, with their German names."""
    if not region:
        return {}
    named = holidays.country_holidays("DE", subdiv=region, language="de")
    return {day: str(named[day]) for day in days if day in named}
