"""Which times are offered, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot.booking.availability import Slot, Wishes, free_slots, nearest
from bot.booking.models import BusyTime, CounsellingService, Span, Way, WeeklyTime
from bot.db.session import Database
from tests.support.booking import (
    BERLIN,
    SUNDAY,
    TUESDAY,
    berlin,
    book,
    hold,
    new_calendar,
    new_person,
    new_service,
    slot_at,
)

# A Monday without anything special about it.
MONDAY_EIGHT = berlin(2026, 11, 16, 8)


def walls(slots: list[Slot]) -> list[str]:
    """What the clock in Stuttgart shows at the beginnings."""
    return [f"{slot.starts_at.astimezone(BERLIN):%d.%m. %H:%M}" for slot in slots]


def times(slots: list[Slot], day: date) -> list[str]:
    """The beginnings on one day."""
    local = [slot.starts_at.astimezone(BERLIN) for slot in slots]
    return [f"{moment:%H:%M}" for moment in local if moment.date() == day]


def on_monday(session: Session, service: CounsellingService) -> list[str]:
    return times(free_slots(session, service, now=MONDAY_EIGHT), date(2026, 11, 16))


def test_hours_are_divided_into_slots(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        new_calendar(session, service)
        slots = free_slots(session, service, now=MONDAY_EIGHT)
        assert times(slots, date(2026, 11, 16)) == [
            "09:00",
            "09:30",
            "10:00",
            "10:30",
            "11:00",
            "11:30",
        ]
        assert all(slot.ends_at - slot.starts_at == timedelta(minutes=30) for slot in slots)
        # Twenty working days from today to the last day of four weeks, and the day itself.
        assert len({slot.starts_at.date() for slot in slots}) == 21


def test_a_booking_and_its_buffers_take_their_time(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session, buffer_before=10, buffer_after=20)
        calendar = new_calendar(session, service)
        person = new_person(session, now=MONDAY_EIGHT)
        taken = slot_at(berlin(2026, 11, 16, 10), calendar)
        book(session, service, taken, person, now=MONDAY_EIGHT)
        # 10:00 blocks 9:50 to 10:50. 9:00 with its buffers ends at 9:50, 11:00 begins at 10:50.
        assert on_monday(session, service) == ["09:00", "11:00", "11:30"]


def test_a_hold_blocks_for_ten_minutes_only(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        person = new_person(session, now=MONDAY_EIGHT)
        hold(session, service, slot_at(berlin(2026, 11, 16, 9), calendar), person, now=MONDAY_EIGHT)
        assert on_monday(session, service)[0] == "09:30"
        later = free_slots(session, service, now=MONDAY_EIGHT + timedelta(minutes=10))
        assert times(later, date(2026, 11, 16))[0] == "09:00"


def test_breaks_absences_and_other_appointments_are_left_out(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        calendar.weekly_times.append(
            WeeklyTime(span=Span.BREAK, weekday=0, starts=9 * 60 + 30, ends=9 * 60 + 45)
        )
        session.add(
            BusyTime(
                calendar_id=calendar.id,
                starts_at=berlin(2026, 11, 16, 11, 10),
                ends_at=berlin(2026, 11, 16, 11, 20) + timedelta(seconds=30),
            )
        )
        session.flush()
        assert on_monday(session, service) == ["09:00", "10:00", "10:30", "11:30"]


def test_hours_hold_only_while_they_are_valid(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service, hours=())
        calendar.weekly_times.append(
            WeeklyTime(
                weekday=TUESDAY,
                starts=540,
                ends=570,
                valid_from=date(2026, 11, 24),
                valid_until=date(2026, 12, 1),
            )
        )
        session.flush()
        slots = free_slots(session, service, now=MONDAY_EIGHT)
        assert walls(slots) == ["24.11. 09:00", "01.12. 09:00"]


def test_public_holidays_of_the_state_are_left_out(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, horizon_days=7)
        new_calendar(session, service)
        # Corpus Christi is a holiday in Baden-Württemberg and not in Berlin.
        now = berlin(2026, 6, 3, 20)
        assert "04.06." not in "".join(walls(free_slots(session, service, now=now)))
        service.holiday_region = "BE"
        assert "04.06." in "".join(walls(free_slots(session, service, now=now)))


def test_notice_and_horizon_bound_what_is_offered(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, notice=24 * 60 + 90, horizon_days=2)
        new_calendar(session, service)
        slots = free_slots(session, service, now=MONDAY_EIGHT)
        assert walls(slots)[0] == "17.11. 09:30"
        assert walls(slots)[-1] == "18.11. 11:30"


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_time_is_offered_until_it_begins_and_can_then_be_booked(
    sqlite: Database, seconds: int
) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        new_calendar(session, service)
        now = berlin(2026, 11, 16, 9, 0) + timedelta(seconds=seconds)
        first = free_slots(session, service, now=now)[0]
        assert walls([first]) == ["16.11. 09:00" if seconds < 0 else "16.11. 09:30"]
        row = book(session, service, first, new_person(session, now=now), now=now)
        assert row.starts_at == first.starts_at


def test_a_counsellor_with_a_full_week_is_not_offered_in_it(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session, weekly_limit=1)
        calendar = new_calendar(session, service)
        person = new_person(session, now=MONDAY_EIGHT)
        taken = slot_at(berlin(2026, 11, 18, 9), calendar)
        book(session, service, taken, person, now=MONDAY_EIGHT)
        slots = free_slots(session, service, now=MONDAY_EIGHT)
        assert walls(slots)[0] == "23.11. 09:00"


def test_wishes_narrow_the_choice(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        new_calendar(session, service, languages=["de"])
        arabic = new_calendar(session, service, languages=["ar"], hours=((TUESDAY, 540, 660),))

        def offered(**wishes: object) -> list[str]:
            return walls(
                free_slots(
                    session,
                    service,
                    now=MONDAY_EIGHT,
                    wishes=Wishes(**wishes),  # type: ignore[arg-type]
                    limit=2,
                )
            )

        assert offered(language="ar") == ["17.11. 09:00", "17.11. 09:30"]
        assert offered(calendar_id=arabic.id) == ["17.11. 09:00", "17.11. 09:30"]
        assert offered(earliest=11 * 60) == ["16.11. 11:00", "16.11. 11:30"]
        assert offered(latest=9 * 60 + 30) == ["16.11. 09:00", "17.11. 09:00"]
        assert offered(weekdays=(3,)) == ["19.11. 09:00", "19.11. 09:30"]
        assert offered(from_day=date(2026, 11, 20))[0] == "20.11. 09:00"
        assert offered(from_day=date(2026, 11, 20), until_day=date(2026, 11, 19)) == []
        assert offered(way=Way.VIDEO) == []
        assert offered(language="xx") == []


def test_the_least_busy_counsellor_is_named(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        first, second = new_calendar(session, service), new_calendar(session, service)
        assert free_slots(session, service, now=MONDAY_EIGHT)[0].calendar_id == first.id
        person = new_person(session, now=MONDAY_EIGHT)
        taken = slot_at(berlin(2026, 11, 17, 9), first)
        book(session, service, taken, person, now=MONDAY_EIGHT)
        assert free_slots(session, service, now=MONDAY_EIGHT)[0].calendar_id == second.id


def test_wishes_survive_storage() -> None:
    wishes = Wishes(
        language="ar",
        way=Way.PHONE,
        weekdays=(0, 2),
        earliest=60,
        from_day=date(2026, 2, 28),
        calendar_id=3,
    )
    assert Wishes.from_data(wishes.to_data()) == wishes
    assert Wishes.from_data({}) == Wishes()


def test_the_nearest_times_come_in_order() -> None:
    start = datetime(2026, 11, 16, 8, tzinfo=UTC)
    slots = [
        Slot(start + timedelta(hours=h), start + timedelta(hours=h, minutes=30), 1)
        for h in range(9)
    ]
    near = nearest(slots, start + timedelta(hours=4, minutes=10), limit=3)
    assert [slot.starts_at.hour for slot in near] == [11, 12, 13]


# Clocks go from 2:00 to 3:00: the skipped hour is no time to come.
SPRING = ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]
# Clocks go from 3:00 back to 2:00: the hour comes twice, as two different times.
AUTUMN = [
    *("01:00+0200", "01:30+0200", "02:00+0200", "02:30+0200"),
    *("02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100"),
]


@pytest.mark.parametrize(
    ("sunday", "offered"),
    [
        ((2026, 3, 29), SPRING),
        ((2027, 3, 28), SPRING),
        ((2026, 10, 25), AUTUMN),
        ((2027, 10, 31), AUTUMN),
    ],
)
def test_the_night_in_which_the_clocks_change(
    sqlite: Database, sunday: tuple[int, int, int], offered: list[str]
) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, horizon_days=1)
        new_calendar(session, service, hours=((SUNDAY, 60, 240),))
        slots = free_slots(session, service, now=berlin(*sunday) - timedelta(hours=4))
        assert [f"{slot.starts_at.astimezone(BERLIN):%H:%M%z}" for slot in slots] == offered
        assert len({slot.starts_at for slot in slots}) == len(slots)


def test_hours_within_the_skipped_hour_offer_nothing(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, horizon_days=1)
        new_calendar(session, service, hours=((SUNDAY, 120, 180),))
        assert free_slots(session, service, now=berlin(2026, 3, 28, 20)) == []


@pytest.mark.parametrize("year", [2026, 2027])
def test_nine_o_clock_stays_nine_o_clock_all_year(sqlite: Database, year: int) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, horizon_days=366, holiday_region="")
        new_calendar(session, service, hours=((TUESDAY, 540, 570),))
        slots = free_slots(session, service, now=berlin(year, 1, 1))
        assert {f"{slot.starts_at.astimezone(BERLIN):%a %H:%M}" for slot in slots} == {"Tue 09:00"}
        assert {slot.starts_at.hour for slot in slots} == {7, 8}
        assert len(slots) >= 52
