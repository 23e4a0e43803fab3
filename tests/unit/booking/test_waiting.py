"""Places on waiting lists: seen, left, and taken again."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.booking import service as booking
from bot.booking import waiting
from bot.booking.availability import Wishes
from bot.booking.errors import AppointmentNotFoundError
from bot.booking.models import CounsellingService, WaitingEntry, WaitingState, Way
from bot.conversations.models import Conversation
from bot.db.session import Database
from bot.messages import OutgoingMessage
from tests.conftest import Clock
from tests.support.booking import (
    berlin,
    blocking,
    book,
    new_calendar,
    new_person,
    new_service,
    slot_at,
)
from tests.support.booking_form import booking_answers
from tests.support.talk import CATALOGUES

NOW = berlin(2026, 11, 16, 8)
SLOT = berlin(2026, 11, 18, 10)
ENGLISH = CATALOGUES["en"]


def place(
    session: Session, person: Conversation, service: CounsellingService, **changes: object
) -> WaitingEntry:
    values = {"way": Way.PHONE, "language": "ar", "now": NOW} | changes
    return waiting.join(
        session,
        service,
        contact_id=person.identity.contact_id,
        conversation_id=person.id,
        **values,  # type: ignore[arg-type]
    )


def test_who_left_is_no_longer_asked_and_may_leave_again(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        new_calendar(session, service)
        anna = new_person(session, now=NOW)
        contact = anna.identity.contact_id
        entry = place(session, anna, service)
        [(_, held)] = waiting.offer_free_times(session, now=NOW)
        assert blocking(session) == [held]
        for _ in range(2):
            left = waiting.leave(session, entry.id, contact_id=contact, now=NOW)
            assert left.state == WaitingState.WITHDRAWN
        assert blocking(session) == []
        assert waiting.of(session, contact) == []
        assert waiting.offer_free_times(session, now=NOW) == []


def test_who_joins_again_waits_behind_the_others_with_the_same_wishes(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        anna, ben = (new_person(session, now=NOW) for _ in range(2))
        contact = anna.identity.contact_id
        wishes = Wishes(weekdays=(2,))
        first = place(session, anna, service, wishes=wishes)
        second = place(session, ben, service)
        waiting.leave(session, first.id, contact_id=contact, now=NOW)
        again = waiting.join_again(session, first.id, contact_id=contact, now=NOW)
        assert again.id > second.id
        assert (again.way, again.language, again.wishes) == (Way.PHONE, "ar", wishes.to_data())
        # Once more, it is the same place.
        assert waiting.join_again(session, first.id, contact_id=contact, now=NOW) is again
        assert waiting.of(session, contact) == [again]


def test_a_place_is_its_owners_and_a_service_that_ended_has_none(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session)
        anna, eve = (new_person(session, now=NOW) for _ in range(2))
        entry = place(session, anna, service)
        for move in (waiting.leave, waiting.join_again):
            with pytest.raises(AppointmentNotFoundError):
                move(session, entry.id, contact_id=eve.identity.contact_id, now=NOW)
        assert entry.state == WaitingState.WAITING
        contact = anna.identity.contact_id
        waiting.leave(session, entry.id, contact_id=contact, now=NOW)
        service.active = False
        with pytest.raises(AppointmentNotFoundError):
            waiting.join_again(session, entry.id, contact_id=contact, now=NOW)


def test_a_time_offered_while_somebody_leaves_is_free_again(postgres: Database) -> None:
    with postgres.transaction() as session:
        service = new_service(session)
        new_calendar(session, service)
        anna = new_person(session, now=NOW)
        entry = place(session, anna, service)
        contact = anna.identity.contact_id

    def leave() -> None:
        with postgres.transaction() as session:
            waiting.leave(session, entry.id, contact_id=contact, now=NOW)

    leaving = threading.Thread(target=leave)
    with postgres.transaction() as session:
        assert waiting.offer_free_times(session, now=NOW)
        leaving.start()
        queued = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with postgres.engine.connect() as watcher:
            while not watcher.scalar(queued):
                watcher.rollback()
    leaving.join()
    with postgres.reading() as session:
        assert session.get_one(WaitingEntry, entry.id).state == WaitingState.WITHDRAWN
        assert blocking(session) == []


def shown(
    database: Database, clock: Clock, person: Conversation, *, purpose: str
) -> OutgoingMessage:
    """What the person is told of their appointments."""
    contact = person.identity.contact_id
    with database.reading() as session:
        ids = [row.id for row in booking.appointments_of(session, contact, now=clock())]
        places = [entry.id for entry in waiting.of(session, contact)]
    answers = booking_answers(database, clock, CATALOGUES)
    return answers.appointments(ids, ENGLISH, purpose=purpose, places=places)


def titles(message: OutgoingMessage) -> list[str]:
    return [button.title for button in message.buttons]


def test_a_place_is_shown_alone_beside_an_appointment_and_with_an_offer(
    sqlite: Database, clock: Clock
) -> None:
    clock.now = NOW
    with sqlite.transaction() as session:
        service, other = new_service(session), new_service(session, title={"en": "Recognition"})
        calendar = new_calendar(session, service)
        anna = new_person(session, now=NOW)
        place(session, anna, other)
    message = shown(sqlite, clock, anna, purpose="show")
    assert message.text == "You have no appointment."
    [card] = message.cards
    assert (card.title, [line.value for line in card.lines]) == (
        "Recognition",
        [
            "By phone",
            "Arabic",
            "You are on the waiting list. I write to you when a time becomes free.",
        ],
    )
    assert titles(message)[:2] == ["Leave the waiting list", "Book an appointment"]
    with sqlite.transaction() as session:
        book(session, service, slot_at(SLOT, calendar), anna, now=NOW)
    message = shown(sqlite, clock, anna, purpose="show")
    assert [card.title for card in message.cards] == ["Career advice", "Recognition"]
    assert titles(message)[:3] == ["Move it", "Cancel it", "Leave the waiting list"]
    message = shown(sqlite, clock, anna, purpose="cancel")
    assert message.text.startswith("Shall I cancel your appointment on ")
    assert titles(message)[-1] == "Leave the waiting list"
    with sqlite.transaction() as session:
        new_calendar(session, other, languages=["ar"])
        assert waiting.offer_free_times(session, now=NOW)
    message = shown(sqlite, clock, anna, purpose="show")
    assert message.cards[-1].lines[-1].value.startswith("A time has become free: ")
    assert {"Yes, book it", "No, thank you", "Leave the waiting list"} < set(titles(message))


def test_which_of_two_places_is_meant_stands_on_the_buttons(sqlite: Database, clock: Clock) -> None:
    clock.now = NOW
    with sqlite.transaction() as session:
        anna = new_person(session, now=NOW)
        for name in ("Career", "Recognition"):
            place(session, anna, new_service(session, title={"en": name}))
    message = shown(sqlite, clock, anna, purpose="cancel")
    assert message.text == "Shall I take you off the waiting list?"
    assert titles(message) == [
        "Leave the waiting list: Career",
        "Leave the waiting list: Recognition",
        "No, I keep waiting",
    ]
    assert not any(button.means == "yes" for button in message.buttons)


def test_a_place_that_was_left_meanwhile_is_not_shown(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        anna = new_person(session, now=NOW)
        entry = place(session, anna, new_service(session))
        waiting.leave(session, entry.id, contact_id=anna.identity.contact_id, now=NOW)
    answers = booking_answers(sqlite, clock, CATALOGUES)
    message = answers.appointments([], ENGLISH, purpose="cancel", places=[entry.id])
    assert (message.text, message.cards) == ("You have no appointment.", ())
