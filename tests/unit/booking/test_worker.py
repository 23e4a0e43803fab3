"""What happens by the clock: reminders once, holds that end, the waiting list."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.booking import links, waiting
from bot.booking import service as booking
from bot.booking.availability import Wishes
from bot.booking.errors import AppointmentNotFoundError, SlotTakenError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Reminder,
    ReminderState,
    WaitingEntry,
    WaitingState,
    Way,
)
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.conversations.models import Contact, Conversation, OutboxMessage
from bot.db.session import Database
from bot.errors import RetryLaterError
from bot.privacy.service import forget_contents
from bot.workers.booking import BookingWorker
from tests.conftest import Clock
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
from tests.support.talk import CATALOGUES

NOW = berlin(2026, 11, 16, 8)
TEN_TOMORROW = berlin(2026, 11, 17, 10)
TEN_ON_WEDNESDAY = berlin(2026, 11, 18, 10)


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = NOW
    return clock


def worker(database: Database, clock: Clock) -> BookingWorker:
    teller = Teller(catalogues=CATALOGUES, site=Site("https://lotse.example"))
    return BookingWorker(database=database, teller=teller, clock=clock, told=lambda: None)


def told(session: Session, person: Conversation) -> list[str]:
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.conversation_id == person.id)
        .order_by(OutboxMessage.id)
    )
    return [row.content["text"] for row in rows]


def one_slot(session: Session) -> tuple[CounsellingService, CounsellorCalendar]:
    """A service with a single time, on Wednesday at ten."""
    service = new_service(session, horizon_days=5)
    return service, new_calendar(session, service, hours=((2, 600, 630),))


def wait_for(
    session: Session, service: CounsellingService, person: Conversation, **changes: object
) -> WaitingEntry:
    values = {
        "contact_id": person.identity.contact_id,
        "conversation_id": person.id,
        "way": Way.PLACE,
        "language": "en",
        "now": NOW,
    }
    return waiting.join(session, service, **{**values, **changes})  # type: ignore[arg-type]


def test_reminders_are_sent_when_due_and_once(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        book(session, service, slot_at(TEN_ON_WEDNESDAY, calendar), anna, now=NOW)
    sent = []
    for moment in (
        NOW,
        TEN_ON_WEDNESDAY - timedelta(hours=24, seconds=1),
        TEN_ON_WEDNESDAY - timedelta(hours=24),
        TEN_ON_WEDNESDAY - timedelta(hours=23),
        TEN_ON_WEDNESDAY - timedelta(hours=2),
        TEN_ON_WEDNESDAY,
    ):
        clock.now = moment
        # A fresh worker each time: nothing depends on what one remembers.
        sent.append(worker(database, clock).look())
    assert sent == [0, 0, 1, 0, 1, 0]
    with database.transaction() as session:
        assert told(session, anna) == ["A reminder of your appointment:"] * 2


def test_several_workers_send_a_reminder_once(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        for number in range(6):
            start = TEN_ON_WEDNESDAY + timedelta(minutes=30 * (number - 2))
            person = new_person(session, now=NOW)
            book(session, service, slot_at(start, calendar), person, now=NOW)
    clock.now = TEN_ON_WEDNESDAY - timedelta(hours=2, minutes=60)
    workers = [worker(database, clock) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        sent = sum(pool.map(BookingWorker.look, workers))
    with database.transaction() as session:
        queued = session.scalar(select(func.count()).select_from(OutboxMessage))
        done = session.scalar(select(func.count()).where(Reminder.state == ReminderState.SENT))
    assert sent == queued == done == 6


def test_a_reminder_that_comes_too_late_is_skipped(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        book(session, service, slot_at(TEN_ON_WEDNESDAY, calendar), anna, now=NOW)
    # The product stood still until an hour before: one reminder, not two.
    clock.now = TEN_ON_WEDNESDAY - timedelta(hours=1)
    assert worker(database, clock).look() == 1
    clock.now = TEN_ON_WEDNESDAY
    assert worker(database, clock).look() == 0


def test_who_moves_cancels_or_opts_out_is_not_reminded_of_the_old_time(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        people = [new_person(session, now=NOW) for _ in range(3)]
        rows = [
            book(
                session,
                service,
                slot_at(TEN_ON_WEDNESDAY + timedelta(minutes=30 * number), calendar),
                person,
                now=NOW,
            )
            for number, person in enumerate(people)
        ]
        booking.cancel(session, rows[0].id, now=NOW)
        friday = slot_at(berlin(2026, 11, 20, 10), calendar)
        booking.move(session, rows[1].id, friday, now=NOW)
        booking.set_reminders(session, rows[2], wanted=False, now=NOW)
    clock.now = TEN_ON_WEDNESDAY - timedelta(hours=1)
    assert worker(database, clock).look() == 0
    clock.now = berlin(2026, 11, 19, 10)
    assert worker(database, clock).look() == 1
    with database.transaction() as session:
        booking.set_reminders(
            session, session.get_one(Appointment, rows[2].id), wanted=True, now=NOW
        )
        assert (
            session.scalar(select(func.count()).where(Reminder.appointment_id == rows[2].id)) == 2
        )


def test_holds_end_by_themselves(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        hold(session, service, slot_at(TEN_TOMORROW, calendar), anna, now=NOW)
    clock.now = NOW + booking.HOLD
    worker(database, clock).look()
    with database.transaction() as session:
        assert blocking(session) == []
        assert session.scalar(select(func.count()).select_from(Appointment)) == 1
    clock.now += timedelta(days=1)
    worker(database, clock).look()
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Appointment)) == 0


def test_a_cancelled_time_is_offered_to_who_waits_longest(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service, calendar = one_slot(session)
        slot = slot_at(TEN_ON_WEDNESDAY, calendar)
        anna, berta, clara = (new_person(session, now=NOW) for _ in range(3))
        row = book(session, service, slot, anna, now=NOW)
        first = wait_for(session, service, berta)
        second = wait_for(session, service, clara)
        assert wait_for(session, service, berta).id == first.id
    look = worker(database, clock).look
    assert look() == 0
    with database.transaction() as session:
        booking.cancel(session, row.id, now=NOW)
    assert look() == 1
    assert look() == 0
    with database.transaction() as session:
        [text] = told(session, berta)
        assert text.startswith("A time has become free: Wednesday, November 18")
        assert told(session, clara) == []
        # Kept for her: nobody else gets it meanwhile.
        with pytest.raises(SlotTakenError):
            hold(session, service, slot, anna, now=NOW)
        with pytest.raises(AppointmentNotFoundError):
            waiting.accept(session, first.id, contact_id=clara.identity.contact_id, now=NOW)
    # She does not answer: two hours later it is Clara's turn.
    clock.now = NOW + waiting.OFFER
    assert look() == 1
    with database.transaction() as session:
        entry = session.get_one(WaitingEntry, second.id)
        booked = waiting.accept(
            session, entry.id, contact_id=clara.identity.contact_id, now=clock.now
        )
        assert booked.appointment.starts_at == TEN_ON_WEDNESDAY
        assert entry.state == WaitingState.TAKEN
        assert session.get_one(WaitingEntry, first.id).state == WaitingState.WAITING


def test_a_declined_time_is_not_offered_again(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service, _ = one_slot(session)
        anna = new_person(session, now=NOW)
        entry = wait_for(session, service, anna, wishes=Wishes(weekdays=(2,)))
    look = worker(database, clock).look
    assert look() == 1
    with database.transaction() as session:
        contact = anna.identity.contact_id
        waiting.decline(session, entry.id, contact_id=contact, now=NOW)
        assert blocking(session) == []
    assert look() == 0
    with database.transaction() as session:
        waiting.leave(session, entry.id, contact_id=contact, now=NOW)
        assert session.get_one(WaitingEntry, entry.id).state == WaitingState.WITHDRAWN


@pytest.mark.parametrize("notice", [0, 60])
def test_an_offer_ends_while_its_time_can_still_be_booked(
    database: Database, clock: Clock, notice: int
) -> None:
    with database.transaction() as session:
        service, _ = one_slot(session)
        service.notice = notice
        anna = new_person(session, now=NOW)
        entry = wait_for(session, service, anna)
    last = TEN_ON_WEDNESDAY - timedelta(minutes=notice)
    look = worker(database, clock).look
    clock.now = last - timedelta(minutes=30)
    assert look() == 1
    with database.transaction() as session:
        assert session.get_one(WaitingEntry, entry.id).offered_until == last
        booking.release(
            session, blocking(session)[0].id, contact_id=anna.identity.contact_id, now=clock.now
        )
        entry = session.get_one(WaitingEntry, entry.id)
        entry.state, entry.offered_id, entry.offered_until = WaitingState.WAITING, None, None
    # Too late to ask anybody about it, though nobody let it pass; next week's time is offered.
    clock.now = last - timedelta(minutes=2)
    with database.transaction() as session:
        session.get_one(CounsellingService, service.id).horizon_days = 10
    assert look() == 1
    with database.transaction() as session:
        [held] = blocking(session)
        assert held.starts_at == TEN_ON_WEDNESDAY + timedelta(days=7)


def test_nobody_is_asked_at_night_or_about_what_does_not_suit(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        service, _ = one_slot(session)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        wait_for(session, service, berta, language="xx")
        wait_for(session, service, anna)
    look = worker(database, clock).look
    clock.now = berlin(2026, 11, 16, 21)
    assert look() == 0
    clock.now = berlin(2026, 11, 17, 8)
    assert look() == 1
    with database.transaction() as session:
        assert told(session, berta) == []


def everything(session: Session) -> str:
    columns = [
        (row.name, row.reach, row.subject, row.notes, row.contact_id, row.conversation_id)
        for row in session.scalars(select(Appointment))
    ]
    return repr(columns)


def test_forgetting_leaves_times_without_a_person(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session, open_per_contact=2)
        calendar = new_calendar(session, service)
        anna, berta = new_person(session, now=NOW), new_person(session, now=NOW)
        details = {"name": "Anna", "reach": "0711", "subject": "work"}
        past = book(
            session, service, slot_at(berlin(2026, 11, 16, 9), calendar), anna, now=NOW, **details
        )
        ahead = book(session, service, slot_at(TEN_TOMORROW, calendar), anna, now=NOW, **details)
        ahead.notes = "secret"
        token = links.new_token(session, ahead.booking_id, now=NOW)
        wait_for(session, service, anna)
        other = book(session, service, slot_at(TEN_ON_WEDNESDAY, calendar), berta, now=NOW)
    later: datetime = NOW + timedelta(hours=3)
    with database.transaction() as session:
        person = session.get_one(Conversation, anna.id)
        forget_contents(session, person, now=later)
    with database.transaction() as session:
        states = {row.id: row.state for row in session.scalars(select(Appointment))}
        assert states[past.id] == AppointmentState.BOOKED
        assert states[ahead.id] == AppointmentState.CANCELLED
        assert states[other.id] == AppointmentState.BOOKED
        text = everything(session)
        assert not any(word in text for word in ("Anna", "0711", "work", "secret"))
        assert anna.identity.contact_id not in text
        assert links.appointment_by_token(session, token) is None
        assert session.scalar(select(func.count()).select_from(WaitingEntry)) == 0
        # What the person is told last goes out; then the contact itself is deleted.
        session.delete(session.get_one(Contact, anna.identity.contact_id))


async def test_the_desk_is_told_once_and_without_names(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        row = book(
            session, service, slot_at(TEN_ON_WEDNESDAY, calendar), anna, now=NOW, name="Anna"
        )
        booking.move(session, row.id, slot_at(TEN_TOMORROW, calendar), now=NOW)
        by_hand = slot_at(berlin(2026, 11, 19, 10), calendar)
        booking.book_by_hand(
            session,
            service,
            by_hand,
            way=Way.PHONE,
            language="de",
            details=booking.Details(),
            actor="account",
            now=NOW,
        )
    told: list[str] = []
    told_elsewhere: list[str] = []

    async def fail_after(text: str) -> None:
        told.append(text)
        raise RetryLaterError(1)

    async def announce(text: str) -> None:
        told_elsewhere.append(text)

    teller = Teller(catalogues=CATALOGUES, site=Site("https://lotse.example"))
    desk = BookingWorker(
        database=sqlite,
        teller=teller,
        clock=clock,
        told=lambda: None,
        announce=[fail_after, announce],
        desk_texts=CATALOGUES["en"],
    )
    assert [await desk.tell_desk(), await desk.tell_desk()] == [3, 0]
    [text] = told
    assert told_elsewhere == told
    assert text.split("\n") == [
        "📅 Booked: Wed, Nov 18, 10:00\u202fAM, Career advice, Miriam",
        "📅 Given up for another time: Wed, Nov 18, 10:00\u202fAM, Miriam",
        "📅 Booked: Tue, Nov 17, 10:00\u202fAM, Career advice, Miriam",
    ]
    assert await worker(sqlite, clock).tell_desk() == 0
