"""Wall-clock time and instants: the one place that knows what happens when clocks change.

Instants are counted in whole minutes since 1970-01-01 00:00 UTC: comparing and adding numbers is
what finding free times mostly consists of, and minutes are as fine as anybody books.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY_MINUTES = 24 * 60


def minute_of(moment: datetime) -> int:
    """The minute in which a moment lies."""
    return int((moment - EPOCH) // MINUTE)


def minute_after(moment: datetime) -> int:
    """The first full minute at or after a moment."""
    return -int((EPOCH - moment) // MINUTE)


def moment_of(minute: int) -> datetime:
    """The instant at the start of a minute, in UTC."""
    return EPOCH + minute * MINUTE


def local_day(minute: int, zone: ZoneInfo) -> date:
    """The day that the calendar in ``zone`` shows at an instant."""
    return moment_of(minute).astimezone(zone).date()


def instant(day: date, minute_of_day: int, zone: ZoneInfo) -> int:
    """The instant at which clocks in ``zone`` show a time on a day.

    A time that is skipped in spring stands for the moment at which clocks jump over it; a time
    that comes twice in autumn stands for its first coming. ``minute_of_day`` 1440 is midnight at
    the day's end.
    """
    base, even = _day(day, zone)
    if even:
        return base + minute_of_day
    wall = datetime(day.year, day.month, day.day) + minute_of_day * MINUTE
    for skipped in range(DAY_MINUTES):
        local = (wall + skipped * MINUTE).replace(tzinfo=zone)
        utc = local.astimezone(UTC)
        if utc.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return minute_of(utc)
    raise ValueError(f"no clock in {zone.key} shows a time on {day}")


def comes_twice(local: datetime) -> bool:
    """Whether clocks in the zone of ``local`` show its time twice that day."""
    return local.replace(fold=0).utcoffset() > local.replace(fold=1).utcoffset()  # type: ignore[operator]


@lru_cache(maxsize=4096)
def _day(day: date, zone: ZoneInfo) -> tuple[int, bool]:
    """The day's first instant, and whether its clock runs evenly to midnight."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    first, last = minute_of(start.astimezone(UTC)), minute_of(end.astimezone(UTC))
    return first, last - first == DAY_MINUTES
