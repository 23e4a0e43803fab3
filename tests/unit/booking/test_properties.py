"""What holds whatever hours, bookings and moves there are."""

from __future__ import annotations

import contextlib
import itertools
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking import links
from bot.booking import service as booking
from bot.booking.availability import Slot, Wishes, free_slots, nearest, nearest_free
from bot.booking.errors import AppointmentClosedError, BookingError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    BusyTime,
    Reminder,
    ReminderState,
    Span,
    WeeklyTime,
)
from bot.conversations.models import Conversation
from bot.db.session import Database
from tests.support.booking import (
    BERLIN,
    berlin,
    blocking,
    hold,
    new_calendar,
    new_person,
    new_service,
)

# The week before Christmas holds holidays, that of 25 October a change of the clocks.
STARTS = [berlin(2026, 12, 21, 6), berlin(2026, 10, 22, 6), berlin(2027, 3, 26, 6)]
HOLIDAYS = {
    *(date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)),
    *(date(2027, 3, 26), date(2027, 3, 29)),
}

minutes = st.integers(0, 96).map(lambda quarter: quarter * 15)
stretches = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])
weekly = st.lists(
    st.tuples(st.integers(0, 6), stretches, st.sampled_from([Span.OPEN, Span.OPEN, Span.BREAK])),
    min_size=1,
    max_size=8,
)
absences = st.lists(st.tuples(st.integers(0, 7 * 24 * 60), st.integers(1, 2 * 24 * 60)), max_size=3)


class _Undone(Exception):
    """Raised at the end of an example so that nothing of it is kept."""


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_free_times_touch_nothing_that_is_in_the_way(sqlite: Database, data: st.DataObject) -> None:
    now = data.draw(st.sampled_from(STARTS))
    duration, step = data.draw(st.sampled_from([20, 30, 45, 90])), data.draw(st.integers(5, 60))
    before, after = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 30))
    try:
        with sqlite.transaction() as session:
            service = new_service(
                session,
                duration=duration,
                step=step,
                buffer_before=before,
                buffer_after=after,
                horizon_days=7,
                open_per_contact=9,
            )
            calendar = new_calendar(session, service, hours=())
            for weekday, (starts, ends), span in data.draw(weekly):
                calendar.weekly_times.append(
                    WeeklyTime(span=span, weekday=weekday, starts=starts, ends=ends)
                )
            away = [
                BusyTime(
                    calendar_id=calendar.id,
                    starts_at=now + timedelta(minutes=start),
                    ends_at=now + timedelta(minutes=start + length),
                )
                for start, length in data.draw(absences)
            ]
            session.add_all(away)
            session.flush()
            person = new_person(session, now=now)
            for _ in range(data.draw(st.integers(0, 4))):
                slots = free_slots(session, service, now=now)
                if not slots:
                    break
                chosen = data.draw(st.sampled_from(slots))
                held = hold(session, service, chosen, person, now=now)
                booking.book(session, held.id, details=booking.Details(), now=now)
            taken = blocking(session)
            for slot in free_slots(session, service, now=now):
                assert slot.starts_at > now
                _assert_in_the_open(slot, calendar.weekly_times)
                for row in away:
                    assert slot.ends_at <= row.starts_at or row.ends_at <= slot.starts_at
                for appointment in taken:
                    assert (
                        slot.ends_at + timedelta(minutes=after) <= appointment.blocked_from
                        or appointment.blocked_until <= slot.starts_at - timedelta(minutes=before)
                    )
            raise _Undone
    except _Undone:
        pass


@given(data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_first_and_the_nearest_times_are_among_all_of_them(
    sqlite: Database, data: st.DataObject
) -> None:
    now = data.draw(st.sampled_from(STARTS))
    try:
        with sqlite.transaction() as session:
            service = new_service(
                session,
                duration=data.draw(st.sampled_from([20, 45])),
                step=data.draw(st.sampled_from([15, 25, 60])),
                buffer_after=data.draw(st.sampled_from([0, 10])),
                weekly_limit=data.draw(st.sampled_from([None, 1, 3])),
                horizon_days=data.draw(st.integers(0, 40)),
                open_per_contact=9,
            )
            for _ in range(data.draw(st.integers(1, 3))):
                calendar = new_calendar(session, service, hours=())
                for weekday, (starts, ends), span in data.draw(weekly):
                    calendar.weekly_times.append(
                        WeeklyTime(span=span, weekday=weekday, starts=starts, ends=ends)
                    )
            session.flush()
            person = new_person(session, now=now)
            for _ in range(data.draw(st.integers(0, 5))):
                slots = free_slots(session, service, now=now)
                if not slots:
                    break
                chosen = data.draw(st.sampled_from(slots))
                held = hold(session, service, chosen, person, now=now)
                booking.book(session, held.id, details=booking.Details(), now=now)
            wishes = Wishes(
                weekdays=data.draw(st.sampled_from([(), (1, 5)])),
                earliest=data.draw(st.sampled_from([0, 600])),
            )
            every = free_slots(session, service, now=now, wishes=wishes)
            limit = data.draw(st.integers(1, 200))
            first = free_slots(session, service, now=now, wishes=wishes, limit=limit)
            assert first == every[:limit]
            wanted = now + timedelta(minutes=data.draw(st.integers(-3000, 60_000)))
            near = nearest_free(session, service, wanted, now=now, wishes=wishes, limit=3)
            assert near == nearest(every, wanted, limit=3)
            raise _Undone
    except _Undone:
        pass


def _assert_in_the_open(slot: Slot, times: list[WeeklyTime]) -> None:
    """Walks through the appointment minute by minute, as a clock on the wall shows it."""
    local_day = slot.starts_at.astimezone(BERLIN).date()
    assert local_day not in HOLIDAYS
    for minute in range(int((slot.ends_at - slot.starts_at).total_seconds() // 60)):
        wall = (slot.starts_at + timedelta(minutes=minute)).astimezone(BERLIN)
        assert wall.date() == local_day
        shown = wall.hour * 60 + wall.minute
        spans = {
            time.span
            for time in times
            if time.weekday == wall.weekday() and time.starts <= shown < time.ends
        }
        # In the hour that comes twice, what begins or ends in it counts from its first coming.
        twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
        assert twice or spans == {Span.OPEN}


class Life(RuleBasedStateMachine):
    """Three people hold, book, move and cancel in any order, while time goes on."""

    database: Database
    rows = Bundle("rows")

    def __init__(self) -> None:
        super().__init__()
        self.now = berlin(2026, 11, 16, 8)
        self.offered: list[Slot] = []
        self.transaction = self.database.transaction()
        self.session: Session = self.transaction.__enter__()
        self.service = new_service(
            self.session, duration=30, step=15, buffer_after=10, horizon_days=2
        )
        self.calendars = [new_calendar(self.session, self.service) for _ in range(2)]
        self.people: list[Conversation] = [new_person(self.session, now=self.now) for _ in range(3)]

    def teardown(self) -> None:
        try:
            raise _Undone
        except _Undone as undone:
            self.transaction.__exit__(type(undone), undone, undone.__traceback__)

    def slot(self, number: int) -> Slot:
        """Some time on the two days, free or not."""
        begins = berlin(2026, 11, 16, 9) + timedelta(minutes=15 * (number % 12))
        begins += timedelta(days=number % 2)
        return Slot(begins, begins + timedelta(minutes=30), self.calendars[number % 2].id)

    @rule(target=rows, person=st.integers(0, 2), number=st.integers(0, 200))
    def hold(self, person: int, number: int) -> object:
        slot = self.slot(number)
        try:
            return hold(self.session, self.service, slot, self.people[person], now=self.now).id
        except BookingError as error:
            self.offered += error.alternatives
            return multiple()

    @rule(row=rows)
    def book(self, row: str) -> None:
        with contextlib.suppress(BookingError, AppointmentClosedError):
            booking.book(self.session, row, details=booking.Details(), now=self.now)

    @rule(target=rows, row=rows, number=st.integers(0, 200))
    def move(self, row: str, number: int) -> object:
        try:
            return booking.move(self.session, row, self.slot(number), now=self.now).id
        except (BookingError, AppointmentClosedError):
            return multiple()

    @rule(row=rows)
    def cancel(self, row: str) -> None:
        with contextlib.suppress(AppointmentClosedError):
            booking.cancel(self.session, row, now=self.now)

    @rule(seconds=st.sampled_from([1, 300, 600, 3600]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def nothing_past_is_offered_instead(self) -> None:
        assert all(other.starts_at > self.now for other in self.offered)
        self.offered.clear()

    @invariant()
    def nothing_overlaps(self) -> None:
        for one, other in itertools.combinations(blocking(self.session), 2):
            assert (
                one.calendar_id != other.calendar_id
                or one.blocked_until <= other.blocked_from
                or other.blocked_until <= one.blocked_from
            )

    @invariant()
    def nobody_has_two_and_every_booking_has_one_present_row(self) -> None:
        for person in self.people:
            contact_id = person.identity.contact_id
            assert len(booking.appointments_of(self.session, contact_id, now=self.now)) <= 1
        rows = self.session.scalars(select(Appointment)).all()
        for booking_id in {row.booking_id for row in rows if row.booked_at is not None}:
            chain = [row for row in rows if row.booking_id == booking_id and row.booked_at]
            current = links.current(self.session, booking_id)
            assert [row for row in chain if row.state != AppointmentState.MOVED] == [current]

    @invariant()
    def reminders_belong_to_booked_appointments(self) -> None:
        planned = self.session.scalars(
            select(Reminder).where(Reminder.state == ReminderState.PLANNED)
        )
        assert all(row.appointment.state == AppointmentState.BOOKED for row in planned)


def test_any_order_of_moves_keeps_the_calendar_consistent(sqlite: Database) -> None:
    Life.database = sqlite
    run_state_machine_as_test(
        Life, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )
