"""The rules of a time zone as calendar files carry them (RFC 5545, 3.6.5).

Written as yearly rules, which every calendar program reads; lists of single days, as libraries
make them, are misread by some, and then an appointment stands an hour off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

MINUTE = timedelta(minutes=1)

_HOUR = timedelta(hours=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def timezone_component(zone: ZoneInfo, year: int) -> Timezone:
    """The VTIMEZONE that holds in ``year`` and, while the law stays the same, in later ones."""
    component = Timezone()
    component.add("tzid", zone.key)
    changes = list(_changes(zone, year - 1))
    if not changes:
        steady = datetime(year, 1, 1, tzinfo=zone)
        component.add_component(_observance(steady, steady, datetime(1970, 1, 1)))
    for before, after in changes:
        # A rule is written in the time that clocks show just before they change.
        shown = (before + MINUTE).replace(tzinfo=None)
        observance = _observance(before, after, shown)
        observance.add("rrule", _yearly(shown.date()))
        component.add_component(observance)
    return component


def _observance(
    before: datetime, after: datetime, begins: datetime
) -> TimezoneDaylight | TimezoneStandard:
    observance = TimezoneDaylight() if after.dst() else TimezoneStandard()
    observance.add("tzname", after.tzname())
    observance.add("tzoffsetfrom", before.utcoffset())
    observance.add("tzoffsetto", after.utcoffset())
    observance.add("dtstart", begins)
    return observance


def _changes(zone: ZoneInfo, year: int) -> Iterator[tuple[datetime, datetime]]:
    """The last minute before and the first after each change of the clocks in a year."""
    moment = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        before, after = moment.astimezone(zone), (moment + _HOUR).astimezone(zone)
        if before.utcoffset() != after.utcoffset():
            # Clocks change at a full hour of UTC or within it.
            while (moment + MINUTE).astimezone(zone).utcoffset() == before.utcoffset():
                moment += MINUTE
            yield moment.astimezone(zone), (moment + MINUTE).astimezone(zone)
            moment = moment.replace(minute=0)
        moment += _HOUR


def _yearly(day: date) -> dict[str, object]:
    """The rule that this day of the year follows: "the last Sunday of March"."""
    is_last = (day + timedelta(days=7)).month != day.month
    place = -1 if is_last else (day.day - 1) // 7 + 1
    weekday = f"{place}{_WEEKDAYS[day.weekday()]}"
    return {"freq": "YEARLY", "bymonth": day.month, "byday": weekday}
