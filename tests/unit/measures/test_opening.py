"""Whether an offer is open: days, nights, clock changes, holidays."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from bot.measures.opening import HolidayCalendar, is_open, stuttgart_calendar, takes_place
from bot.measures.places import Schedule

BERLIN = ZoneInfo("Europe/Berlin")
CALENDAR = HolidayCalendar(
    state="BW",
    school=(
        (date(2026, 1, 1), date(2026, 1, 5)),
        (date(2026, 7, 30), date(2026, 9, 12)),
        (date(2026, 12, 23), date(2027, 1, 9)),
    ),
)


def hours(days: str = "MO,TU,WE,TH,FR", opens: str = "09:00", closes: str = "12:00", **more: Any):
    values = {
        "freq": "WEEKLY",
        "byday": days,
        "byweekno": "",
        "bymonthday": "",
        "byyearday": "",
        "wkst": "",
        "zone": "Europe/Berlin",
        "except_dates": [],
        "opens_at": time.fromisoformat(opens),
        "closes_at": time.fromisoformat(closes),
    }
    return Schedule(**{**values, **more})


def at(day: str, clock: str, fold: int = 0) -> datetime:
    moment = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), BERLIN)
    return moment.replace(fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("08:59", False), ("09:00", True), ("11:59", True), ("12:00", False)],
)
def test_open_from_the_first_minute_and_closed_at_the_last(clock: str, expected: bool) -> None:
    assert is_open([hours()], at("2026-11-23", clock), CALENDAR) is expected


def test_closed_on_other_days() -> None:
    assert is_open([hours("TU")], at("2026-11-23", "10:00"), CALENDAR) is False


def test_past_midnight_belongs_to_the_evening_before() -> None:
    night = [hours("FR", "22:00", "02:00")]
    assert is_open(night, at("2026-11-28", "01:30"), CALENDAR) is True
    assert is_open(night, at("2026-11-27", "01:30"), CALENDAR) is False
    assert is_open(night, at("2026-11-28", "02:00"), CALENDAR) is False


def test_all_day_is_open_at_any_time() -> None:
    always = [hours("MO,TU,WE,TH,FR,SA,SU", "00:00", "00:00", on_public_holidays=True)]
    for hour in range(24):
        assert is_open(always, at("2026-12-25", f"{hour:02}:17"), CALENDAR) is True


# Clock changes: 2026-03-29 at 2:00 to 3:00, 2026-10-25 at 3:00 back to 2:00.


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"])
def test_office_hours_are_those_of_the_clock_on_the_wall(day: str) -> None:
    weekend = [hours("SA,SU", "09:00", "12:00")]
    assert is_open(weekend, at(day, "08:59"), CALENDAR) is False
    assert is_open(weekend, at(day, "09:00"), CALENDAR) is True
    assert is_open(weekend, at(day, "11:59"), CALENDAR) is True
    assert is_open(weekend, at(day, "12:00"), CALENDAR) is False


def test_an_hour_that_is_skipped_in_spring_is_not_missed() -> None:
    night = [hours("SU", "01:30", "03:30")]
    before, after = at("2026-03-29", "01:59"), at("2026-03-29", "03:00")
    assert after - before == timedelta(minutes=1)
    assert is_open(night, before, CALENDAR) is True
    assert is_open(night, after, CALENDAR) is True
    # What would begin within the skipped hour begins when it is over.
    assert is_open([hours("SU", "02:30", "04:00")], after, CALENDAR) is True
    assert is_open([hours("SU", "02:00", "03:00")], after, CALENDAR) is False


def test_an_hour_that_comes_twice_in_autumn_counts_twice() -> None:
    night = [hours("SU", "02:00", "02:30")]
    first, second = at("2026-10-25", "02:15"), at("2026-10-25", "02:15", fold=1)
    assert second - first == timedelta(hours=1)
    assert is_open(night, first, CALENDAR) is True
    assert is_open(night, second, CALENDAR) is True
    assert is_open(night, first + timedelta(minutes=20), CALENDAR) is False


def test_a_schedule_has_its_own_zone() -> None:
    london = [hours(zone="Europe/London")]
    assert is_open(london, at("2026-11-23", "09:30"), CALENDAR) is False
    assert is_open(london, at("2026-11-23", "10:00"), CALENDAR) is True


# Holidays


def test_on_a_public_holiday_nothing_is_promised() -> None:
    friday = at("2026-12-25", "10:00")
    assert is_open([hours()], friday, CALENDAR) is None
    assert is_open([hours(on_public_holidays=False)], friday, CALENDAR) is False
    assert is_open([hours(on_public_holidays=True)], friday, CALENDAR) is True


def test_holidays_are_those_of_the_state() -> None:
    # Epiphany is a holiday in Baden-Württemberg, the day of peace in Augsburg is not.
    assert is_open([hours()], at("2026-01-06", "10:00"), CALENDAR) is None
    assert is_open([hours("SA")], at("2026-08-08", "10:00"), CALENDAR) is True


def test_closed_in_school_holidays_if_the_schedule_says_so() -> None:
    summer, term = at("2026-08-03", "10:00"), at("2026-11-23", "10:00")
    assert is_open([hours(in_school_holidays=False)], summer, CALENDAR) is False
    assert is_open([hours(in_school_holidays=False)], term, CALENDAR) is True
    assert is_open([hours(in_school_holidays=None)], summer, CALENDAR) is True


def test_school_holidays_of_unknown_years_leave_it_open() -> None:
    later = at("2029-08-06", "10:00")
    assert is_open([hours(in_school_holidays=False)], later, CALENDAR) is None


def test_the_citys_school_holidays_are_in_order() -> None:
    spans = stuttgart_calendar().school
    assert all(first <= last for first, last in spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_an_exception_is_left_out() -> None:
    closed = hours(except_dates=["2026-11-23"])
    assert is_open([closed], at("2026-11-23", "10:00"), CALENDAR) is False
    assert is_open([closed], at("2026-11-24", "10:00"), CALENDAR) is True


def test_only_while_it_is_valid() -> None:
    course = hours(valid_from=date(2026, 11, 16), valid_to=date(2026, 11, 20))
    assert is_open([course], at("2026-11-13", "10:00"), CALENDAR) is False
    assert is_open([course], at("2026-11-20", "10:00"), CALENDAR) is True
    assert is_open([course], at("2026-11-23", "10:00"), CALENDAR) is False


# What is not known


def test_no_schedule_says_nothing() -> None:
    assert is_open([], at("2026-11-23", "10:00"), CALENDAR) is None


def test_a_day_without_hours_is_unknown_and_other_days_are_closed() -> None:
    someday = hours("MO", opens_at=None, closes_at=None)
    assert is_open([someday], at("2026-11-23", "10:00"), CALENDAR) is None
    assert is_open([someday], at("2026-11-24", "10:00"), CALENDAR) is False


def test_one_schedule_that_holds_is_enough() -> None:
    both = [hours("TU"), hours("MO", opens_at=None, closes_at=None), hours("MO")]
    assert is_open(both, at("2026-11-23", "10:00"), CALENDAR) is True


def test_every_second_week_without_a_beginning_is_unknown() -> None:
    assert is_open([hours(interval=2)], at("2026-11-23", "10:00"), CALENDAR) is None


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 4),
    start=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    later=st.integers(0, 200),
    weekdays=st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=3),
    count=st.one_of(st.none(), st.integers(1, 40)),
)
def test_rules_mean_what_rfc_5545_says(
    frequency: str,
    interval: int,
    start: date,
    later: int,
    weekdays: set[str],
    count: int | None,
) -> None:
    day = start + timedelta(days=later)
    schedule = hours(
        ",".join(sorted(weekdays)),
        freq=frequency,
        interval=interval,
        dtstart=start,
        count=count,
        on_public_holidays=True,
    )
    rule = f"DTSTART:{start:%Y%m%d}\nRRULE:FREQ={frequency};INTERVAL={interval}"
    rule += f";BYDAY={','.join(sorted(weekdays))}" if weekdays else ""
    rule += f";COUNT={count}" if count else ""
    days = {
        moment.date()
        for moment in rrulestr(rule).between(
            datetime.combine(start, time()), datetime.combine(day, time()), inc=True
        )
    }
    assert takes_place(schedule, day, CALENDAR) is (day in days)
