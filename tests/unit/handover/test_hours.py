"""Office hours: weekly, by the clock in Stuttgart, with holidays and absences."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.counsellors.hours import Absence, OfficeHours, Timetable, is_holiday

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, FRIDAY, SUNDAY = 0, 4, 6


def hours(weekday: int, opens: int, closes: int, **valid: date) -> OfficeHours:
    return OfficeHours(weekday=weekday, opens=time(opens), closes=time(closes), **valid)


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=BERLIN)  # type: ignore[arg-type, misc]


MORNINGS = Timetable([hours(day, 9, 12) for day in range(MONDAY, FRIDAY + 1)])


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(2026, 11, 23, 9), True),
        (at(2026, 11, 23, 8, 59), False),
        (at(2026, 11, 23, 11, 59), True),
        (at(2026, 11, 23, 12), False),
        (at(2026, 11, 22, 10), False),
    ],
)
def test_the_door_opens_on_time_and_closes_on_time(moment: datetime, is_open: bool) -> None:
    assert MORNINGS.is_open(moment) is is_open


@pytest.mark.parametrize(
    ("now", "next_opening"),
    [
        (at(2026, 11, 23, 10), at(2026, 11, 23, 10)),
        (at(2026, 11, 23, 7), at(2026, 11, 23, 9)),
        (at(2026, 11, 23, 13), at(2026, 11, 24, 9)),
        # A weekend in between.
        (at(2026, 11, 27, 13), at(2026, 11, 30, 9)),
        # Christmas Eve is a working day in law; Christmas and a weekend follow.
        (at(2026, 12, 24, 13), at(2026, 12, 28, 9)),
        # Epiphany is kept in Baden-Württemberg, but not in all of Germany.
        (at(2026, 1, 5, 13), at(2026, 1, 7, 9)),
        # Corpus Christi likewise.
        (at(2026, 6, 3, 13), at(2026, 6, 5, 9)),
    ],
)
def test_the_next_opening(now: datetime, next_opening: datetime) -> None:
    assert MORNINGS.next_opening(now) == next_opening


def test_hours_keep_to_the_clock_when_it_changes() -> None:
    # Summer time ends on Sunday, 25 October 2026, and begins on 28 March 2027.
    assert MORNINGS.next_opening(at(2026, 10, 24, 10)) == at(2026, 10, 26, 9)
    assert at(2026, 10, 26, 9) - at(2026, 10, 23, 9) == timedelta(days=3)
    assert at(2026, 10, 26, 9).utcoffset() == timedelta(hours=1)
    nights = Timetable([hours(SUNDAY, 1, 5)])
    assert nights.is_open(datetime.fromisoformat("2026-10-25T00:30:00+00:00"))
    assert nights.is_open(datetime.fromisoformat("2026-10-25T01:30:00+00:00"))
    assert not nights.is_open(datetime.fromisoformat("2026-10-25T04:00:00+00:00"))


def test_hours_are_valid_from_and_until_a_day_and_both_days_count() -> None:
    summer = hours(MONDAY, 9, 12, valid_from=date(2026, 11, 30), valid_until=date(2026, 12, 7))
    timetable = Timetable([summer])
    opened = [
        day
        for day in (date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14))
        if timetable.on(day)
    ]
    assert opened == [date(2026, 11, 30), date(2026, 12, 7)]
    assert timetable.next_opening(at(2026, 12, 8, 9)) is None


def test_an_absence_covers_both_its_days() -> None:
    away = Absence(starts_on=date(2026, 11, 24), ends_on=date(2026, 11, 25))
    timetable = Timetable(MORNINGS.hours, [away])
    assert timetable.next_opening(at(2026, 11, 23, 13)) == at(2026, 11, 26, 9)
    assert Timetable([], [away]).may_be_there(at(2026, 11, 26, 3))
    assert not Timetable([], [away]).may_be_there(at(2026, 11, 25, 10))


def test_without_hours_nothing_is_promised() -> None:
    assert Timetable([]).next_opening(at(2026, 11, 23, 9)) is None
    assert Timetable([]).may_be_there(at(2026, 11, 23, 9))


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),
    weekday=st.integers(0, 6),
    opens=st.integers(0, 22),
)
def test_an_opening_is_open_and_nothing_before_it(
    moment: datetime, weekday: int, opens: int
) -> None:
    timetable = Timetable([hours(weekday, opens, opens + 1)])
    now = moment.replace(tzinfo=BERLIN)
    found = timetable.next_opening(now)
    assert found is not None
    assert found >= now
    assert timetable.is_open(found)
    assert not is_holiday(found.date())
    if found != now:
        assert not timetable.is_open(now)
        assert found.astimezone(BERLIN).time() == time(opens)
