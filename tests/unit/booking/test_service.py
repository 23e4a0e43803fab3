"""The moves of an appointment, and what each refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.booking import counselling, links
from bot.booking import service as booking
from bot.booking.availability import Slot
from bot.booking.errors import (
    AlreadyBookedError,
    AppointmentClosedError,
    AppointmentNotFoundError,
    SlotNotOfferedError,
    SlotTakenError,
)
from bot.booking.models import Appointment, AppointmentEvent, AppointmentState, Way
from bot.booking.taking import expire_holds
from bot.db.session import Database
from tests.support.booking import (
    berlin,
    blocking,
    book,
    hold,
    new_calendar,
    new_person,
    new_service,
    slot_at,
)

NOW = berlin(2026, 11, 16, 8)
NINE = berlin(2026, 11, 16, 9)
HALF_PAST_NINE = berlin(2026, 11, 16, 9, 30)
TEN = berlin(2026, 11, 16, 10)


def moves(session: Session, row: Appointment) -> list[tuple[str, str]]:
    events = session.scalars(
        select(AppointmentEvent)
        .where(AppointmentEvent.appointment_id == row.id)
        .order_by(AppointmentEvent.id)
    )
    return [(event.state.value, event.actor) for event in events]


def test_a_slot_is_held_and_booked(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        held = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        assert held.state == AppointmentState.HELD
        assert held.held_until == NOW + timedelta(minutes=10)
        contact = anna.identity.contact_id
        booked = booking.book(
            session,
            held.id,
            details=booking.Details(name=" Anna ", reach="0711 1", subject="x" * 600),
            contact_id=contact,
            now=NOW,
        )
        row = booked.appointment
        assert (row.state, row.name, row.reach, len(row.subject)) == (
            AppointmentState.BOOKED,
            "Anna",
            "0711 1",
            500,
        )
        assert moves(session, row) == [("held", "person"), ("booked", "person")]
        assert booking.appointments_of(session, contact, now=NOW) == [row]
        assert links.appointment_by_token(session, booked.token) is row


def test_somebody_elses_slot_leads_to_the_nearest_others(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        hold(session, service, slot_at(HALF_PAST_NINE, calendar), anna, now=NOW)
        with pytest.raises(SlotTakenError) as refused:
            hold(session, service, slot_at(HALF_PAST_NINE, calendar), berta, now=NOW)
        assert [slot.starts_at for slot in refused.value.alternatives] == [
            NINE,
            TEN,
            TEN + timedelta(minutes=30),
        ]
        # The transaction goes on: the next of them is held at once.
        hold(session, service, refused.value.alternatives[0], berta, now=NOW)
        assert len(blocking(session)) == 2


def test_overlaps_of_different_lengths_are_refused_by_the_database_itself(
    database: Database,
) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        row = book(session, service, slot_at(NINE, calendar), anna, now=NOW)
        values = {
            "service_id": service.id,
            "calendar_id": calendar.id,
            "state": AppointmentState.BOOKED,
            "way": Way.PHONE,
            "language": "de",
            "created_at": NOW,
            "changed_at": NOW,
        }

        def write(start: int, end: int, **changes: object) -> None:
            begins, ends = NINE + timedelta(minutes=start), NINE + timedelta(minutes=end)
            with session.begin_nested():
                session.add(
                    Appointment(
                        starts_at=begins,
                        ends_at=ends,
                        blocked_from=begins,
                        blocked_until=ends,
                        **{**values, **changes},
                    )
                )
                session.flush()

        for start, end in ((-60, 90), (10, 20), (0, 30), (29, 60), (-15, 1)):
            with pytest.raises(IntegrityError, match="appointments_do_not_overlap"):
                write(start, end)
        write(30, 45)
        write(-15, 0)
        write(0, 30, state=AppointmentState.CANCELLED)
        # Nor can one slip in by a change of its state or time.
        late = session.scalars(
            select(Appointment).where(Appointment.state == AppointmentState.CANCELLED)
        ).one()
        with pytest.raises(IntegrityError), session.begin_nested():
            late.state = AppointmentState.HELD
            session.flush()
        with pytest.raises(IntegrityError), session.begin_nested():
            row.blocked_until = row.blocked_until + timedelta(minutes=1)
            session.flush()


def test_an_expired_hold_blocks_nobody(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        held = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        later = NOW + booking.HOLD
        book(session, service, slot_at(NINE, calendar), berta, now=later)
        assert moves(session, held) == [("held", "person"), ("expired", "system")]
        with pytest.raises(SlotTakenError) as refused:
            booking.book(session, held.id, details=booking.Details(), now=later)
        assert refused.value.alternatives[0].starts_at == HALF_PAST_NINE


def test_an_expired_hold_is_booked_while_nobody_else_has_the_time(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        held = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        later = NOW + timedelta(minutes=20)
        assert expire_holds(session, now=later) == 1
        booking.book(session, held.id, details=booking.Details(), now=later)
        assert [row.id for row in blocking(session)] == [held.id]


def test_holding_again_prolongs_and_holding_another_lets_go(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        first = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        later = NOW + timedelta(minutes=5)
        again = hold(session, service, slot_at(NINE, calendar), anna, now=later)
        assert again.id == first.id
        assert again.held_until == later + booking.HOLD
        hold(session, service, slot_at(TEN, calendar), anna, now=later)
        assert [row.starts_at for row in blocking(session)] == [TEN]
        booking.release(
            session, blocking(session)[0].id, contact_id=anna.identity.contact_id, now=later
        )
        assert blocking(session) == []


def test_two_forms_of_one_person_book_once(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        one = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        other = hold(session, service, slot_at(TEN, calendar), anna, now=NOW)
        contact = anna.identity.contact_id
        booking.book(session, other.id, details=booking.Details(), contact_id=contact, now=NOW)
        with pytest.raises(AlreadyBookedError) as refused:
            booking.book(session, one.id, details=booking.Details(), contact_id=contact, now=NOW)
        assert refused.value.appointment_ids == [other.id]
        assert [row.id for row in blocking(session)] == [other.id]


def test_booking_twice_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        row = book(session, service, slot_at(NINE, calendar), anna, now=NOW)
        again = booking.book(session, row.id, details=booking.Details(name="Eve"), now=NOW)
        assert again.appointment is row
        assert row.name == ""
        assert len(moves(session, row)) == 2


@pytest.mark.parametrize(
    "moment",
    [
        berlin(2026, 11, 13, 9),
        berlin(2026, 11, 16, 9, 10),
        berlin(2026, 11, 16, 13),
        berlin(2027, 11, 15, 9),
        berlin(2026, 11, 22, 9),
    ],
)
def test_a_time_that_is_not_offered_is_refused(database: Database, moment: object) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        with pytest.raises(SlotNotOfferedError) as refused:
            hold(session, service, slot_at(moment, calendar), anna, now=NOW)  # type: ignore[arg-type]
        assert len(refused.value.alternatives) == 3
        with pytest.raises(SlotNotOfferedError):
            hold(session, service, Slot(NINE, TEN, calendar.id), anna, now=NOW)
        with pytest.raises(SlotNotOfferedError):
            hold(session, service, Slot(NINE, HALF_PAST_NINE, 10**6), anna, now=NOW)
        with pytest.raises(ValueError, match="this way"):
            hold(session, service, slot_at(NINE, calendar), anna, now=NOW, way=Way.VIDEO)
        assert blocking(session) == []


def test_a_hold_whose_time_has_begun_is_not_booked(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        held = hold(
            session, service, slot_at(NINE, calendar), anna, now=NINE - timedelta(minutes=1)
        )
        with pytest.raises(SlotNotOfferedError):
            booking.book(session, held.id, details=booking.Details(), now=NINE)


def test_moving_keeps_booking_and_links(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        contact = anna.identity.contact_id
        old = book(session, service, slot_at(NINE, calendar), anna, now=NOW, name="Anna")
        token = links.new_token(session, old.booking_id, now=NOW)
        # The new time overlaps the old one.
        calendar.weekly_times[0].starts = 9 * 60 + 15
        session.flush()
        new = booking.move(
            session,
            old.id,
            slot_at(NINE + timedelta(minutes=15), calendar),
            contact_id=contact,
            now=NOW,
        )
        assert (old.state, new.state) == (AppointmentState.MOVED, AppointmentState.BOOKED)
        assert (new.booking_id, new.sequence, new.name) == (old.booking_id, 1, "Anna")
        assert links.appointment_by_token(session, token) is new
        assert booking.appointments_of(session, contact, now=NOW) == [new]
        assert moves(session, old)[-1] == ("moved", "person")
        with pytest.raises(AppointmentClosedError):
            booking.move(session, old.id, slot_at(TEN, calendar), now=NOW)


def test_a_move_that_fails_leaves_the_appointment_as_it_was(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        row = book(session, service, slot_at(NINE, calendar), anna, now=NOW)
        book(session, service, slot_at(TEN, calendar), berta, now=NOW)
        with pytest.raises(SlotTakenError) as refused:
            booking.move(session, row.id, slot_at(TEN, calendar), now=NOW)
        assert refused.value.alternatives
        # A counsellor who overrides their hours still cannot double a time.
        with pytest.raises(SlotTakenError):
            booking.move(
                session,
                row.id,
                slot_at(TEN + timedelta(minutes=10), calendar),
                actor="account",
                outside_hours=True,
                now=NOW,
            )
        assert (row.state, row.starts_at, row.sequence) == (AppointmentState.BOOKED, NINE, 0)
        assert len(blocking(session)) == 2


def test_cancelling_frees_the_time_and_may_be_repeated(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        row = book(session, service, slot_at(NINE, calendar), anna, now=NOW)
        for _ in range(2):
            booking.cancel(session, row.id, contact_id=anna.identity.contact_id, now=NOW)
        assert (row.state, row.sequence) == (AppointmentState.CANCELLED, 1)
        assert [state for state, _ in moves(session, row)] == ["held", "booked", "cancelled"]
        book(session, service, slot_at(NINE, calendar), berta, now=NOW)


def test_what_has_begun_is_neither_moved_nor_cancelled(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        row = book(session, service, slot_at(NINE, calendar), anna, now=NOW)
        with pytest.raises(AppointmentClosedError):
            booking.cancel(session, row.id, now=NINE)
        with pytest.raises(AppointmentClosedError):
            booking.move(session, row.id, slot_at(TEN, calendar), now=NINE)
        with pytest.raises(AppointmentClosedError):
            booking.note_outcome(session, row.id, attended=True, actor="account", now=NOW)
        booking.note_outcome(session, row.id, attended=False, actor="account", now=NINE)
        booking.note_outcome(session, row.id, attended=True, actor="account", now=NINE)
        assert row.state == AppointmentState.ATTENDED
        with pytest.raises(AppointmentClosedError):
            booking.book(session, row.id, details=booking.Details(), now=NINE)


def test_nobody_touches_another_persons_appointment(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna, eve = new_person(session, now=NOW), new_person(session, now=NOW)
        held = hold(session, service, slot_at(NINE, calendar), anna, now=NOW)
        contact = eve.identity.contact_id
        for attempt in (
            lambda: booking.book(
                session, held.id, details=booking.Details(), contact_id=contact, now=NOW
            ),
            lambda: booking.move(
                session, held.id, slot_at(TEN, calendar), contact_id=contact, now=NOW
            ),
            lambda: booking.cancel(session, held.id, contact_id=contact, now=NOW),
            lambda: booking.cancel(session, "no such id", contact_id=contact, now=NOW),
        ):
            with pytest.raises(AppointmentNotFoundError):
                attempt()
        booking.release(session, held.id, contact_id=contact, now=NOW)
        assert held.state == AppointmentState.HELD
        for token in ("", "x" * 43, "x" * 100_000, held.id, held.booking_id):
            assert links.appointment_by_token(session, token) is None


def test_a_counsellor_books_for_a_caller(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session, notice=48 * 60)
        calendar = new_calendar(session, service)
        details = booking.Details(name="Frau Ö")

        def by_hand(slot: Slot, **changes: bool) -> Appointment:
            return booking.book_by_hand(
                session,
                service,
                slot,
                way=Way.PHONE,
                language="de",
                details=details,
                actor="account",
                now=NOW,
                **changes,
            ).appointment

        row = by_hand(slot_at(NINE, calendar))
        assert moves(session, row) == [("booked", "account")]
        noon = slot_at(berlin(2026, 11, 16, 12), calendar)
        with pytest.raises(SlotNotOfferedError):
            by_hand(noon)
        by_hand(noon, outside_hours=True)
        with pytest.raises(SlotTakenError):
            by_hand(slot_at(NINE + timedelta(minutes=5), calendar), outside_hours=True)
        with pytest.raises(SlotTakenError):
            by_hand(slot_at(NINE, calendar))
        with pytest.raises(SlotNotOfferedError):
            by_hand(slot_at(berlin(2026, 11, 13, 9), calendar), outside_hours=True)


@pytest.mark.parametrize(("months", "accepted"), [(0, True), (36, True), (37, False), (200, False)])
def test_the_age_of_the_youngest_child(sqlite: Database, months: int, accepted: bool) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, maximum_child_age_months=36)
        assert counselling.accepts_child(service, months) is accepted
        service.maximum_child_age_months = None
        assert counselling.accepts_child(service, months)
        for nonsense in (-3, 300 * 12):
            with pytest.raises(ValueError, match="this old"):
                counselling.accepts_child(service, nonsense)
