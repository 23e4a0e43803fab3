"""Rows of times: whatever is stored or written, showing and writing it loses nothing."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.measures import time_rows
from bot.console.measures.time_rows import TimeRow, closed_days, closed_text, shown, written
from bot.measures.hsds.derive import DAYS

days = st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(date.isoformat)
clocks = st.times().map(lambda value: value.replace(microsecond=0, tzinfo=None).isoformat())
by_day = st.lists(
    st.tuples(st.sampled_from(["", "1", "2", "-1", "+1", "5"]), st.sampled_from(DAYS)), max_size=5
).map(lambda parts: ",".join(f"{which}{code}" for which, code in parts))
schedules = st.fixed_dictionaries(
    {"hsds_id": st.just("s-1")},
    optional={
        "freq": st.sampled_from(["DAILY", "WEEKLY", "weekly", "MONTHLY", "YEARLY"]),
        "interval": st.integers(1, 4),
        "count": st.integers(1, 50),
        "byday": by_day.filter(bool),
        "bymonthday": st.sampled_from(["1", "1,15"]),
        "dtstart": days,
        "until": days,
        "valid_from": days,
        "valid_to": days,
        "opens_at": clocks,
        "closes_at": clocks,
        "except_dates": st.lists(days, min_size=1, max_size=5),
        "in_school_holidays": st.booleans(),
        "on_public_holidays": st.booleans(),
        "notes": st.sampled_from(["Ring twice", " spaces \r\n and lines "]),
        "wkst": st.just("SU"),
        "extra": st.just({"opens_at": "09:00+01:00", "foreign": 1}),
    },
)


@given(schedules)
def test_whatever_is_stored_is_kept_but_for_what_was_changed(stored: dict[str, Any]) -> None:
    row = shown(stored)
    assert row == shown(stored)
    row.note = "changed"
    assert written(row, stored) == {**stored, "notes": "changed"}


@st.composite
def rows(draw: st.DrawFn) -> TimeRow:
    repeat = draw(st.sampled_from(sorted(time_rows.REPEATS)))
    regular = repeat in (time_rows.WEEKLY, time_rows.FORTNIGHTLY, time_rows.MONTHLY)
    first, last = sorted(draw(st.tuples(days, days)))
    needs_first = repeat in (time_rows.ONCE, time_rows.FORTNIGHTLY)
    opens, closes = draw(st.one_of(st.just(("", "")), st.tuples(_minutes, _minutes)))
    return TimeRow(
        repeat=repeat,
        days=sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1)), key=DAYS.index)
        if regular
        else [],
        which=draw(st.sampled_from(list(time_rows.WHICH))) if repeat == time_rows.MONTHLY else "1",
        opens=opens,
        closes=closes,
        overnight=bool(closes) and closes != "00:00" and closes <= opens,
        first=first if needs_first else draw(st.sampled_from(["", first])),
        last=draw(st.sampled_from(["", last])),
        closed=closed_text(draw(st.lists(days, max_size=5))),
        public_holidays=draw(st.sampled_from(["", "yes", "no"])),
        school_holidays=draw(st.sampled_from(["", "yes", "no"])),
        note=draw(st.sampled_from(["", "Ring twice"])),
    )


_minutes = st.times().map(lambda value: f"{value:%H:%M}")


@given(rows(), st.one_of(st.none(), schedules))
def test_whatever_is_written_is_shown_again(row: TimeRow, stored: dict[str, Any] | None) -> None:
    if stored is not None:
        row.count = str(stored.get("count", ""))
        if row.repeat in (time_rows.ONCE, time_rows.NO_DAYS):
            row.count = ""
    time_rows.check(row, stored)
    assert row.wrong == {}
    again = shown(written(row, stored))
    again.of = row.of
    assert again == row


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=40))
def test_closed_days_are_read_as_they_are_shown(chosen: set[date]) -> None:
    assert closed_days(closed_text(one.isoformat() for one in chosen)) == sorted(chosen)


@pytest.mark.parametrize(
    ("written_as", "count"),
    [
        ("2026-12-24", 1),
        ("24.12.2026; 31.12.2026", 2),
        ("24.12.2026 - 06.01.2027", 14),
        ("24.12.2026–06.01.2027", 14),
        ("24.12.2026 bis 6.1.2027", 14),
        ("2026-12-24 - 2027-01-06", 14),
        ("", 0),
    ],
)
def test_closed_days_are_written_in_many_ways(written_as: str, count: int) -> None:
    found = closed_days(written_as)
    assert found is not None
    assert len(found) == count


@pytest.mark.parametrize(
    ("typed", "understood"),
    [("9", "09:00"), ("9.30", "09:30"), ("24:00", "00:00"), ("09:30:00", "09:30")],
)
def test_times_of_day_are_understood(typed: str, understood: str) -> None:
    assert time_rows.clock_text(typed) == understood
    time.fromisoformat(understood)
