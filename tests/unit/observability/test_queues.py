"""What waits, counted from the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.booking.models import Reminder
from bot.conversations import inbox, outbox
from bot.conversations.models import InboxState, OutboxState
from bot.db.session import Database
from bot.handover import service as handover
from bot.handover.journal import Actor
from bot.messages import OutgoingMessage
from bot.observability import queues
from bot.observability.queues import NOBODY, Queues, Waiting
from tests.conftest import Clock
from tests.support.booking import berlin, book, new_calendar, new_person, new_service, slot_at
from tests.support.builders import incoming
from tests.support.handovers import handed_over
from tests.support.talk import CATALOGUES

CHANNELS = ("web", "telegram")


def read(database: Database, clock: Clock) -> Queues:
    with database.reading() as session:
        return queues.read(session, channels=CHANNELS, now=clock())


def receive(database: Database, clock: Clock, **changes: str) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming(**changes)], now=clock())


def test_nothing_waits_in_an_empty_database(database: Database, clock: Clock) -> None:
    found = read(database, clock)
    assert found.inbox == found.outbox == dict.fromkeys(CHANNELS, NOBODY)
    assert found.uncertain == dict.fromkeys(CHANNELS, 0)
    assert len(found.handovers) == 8
    assert set(found.handovers.values()) == {NOBODY}
    assert found.reminders_due == 0


def test_messages_wait_until_they_are_done(database: Database, clock: Clock) -> None:
    receive(database, clock, address="anna")
    clock.advance(40)
    receive(database, clock, address="ben")
    receive(database, clock, address="carl", channel="telegram")
    # A channel that is not served any more.
    receive(database, clock, address="dora", channel="Dora's own")
    clock.advance(20)
    assert read(database, clock).inbox == {
        "web": Waiting(2, 60),
        "telegram": Waiting(1, 20),
        "other": Waiting(1, 20),
    }
    with database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        message = inbox.next_message(session, found.id, now=clock())
        assert message is not None
        inbox.finish(message, now=clock())
    assert read(database, clock).inbox["web"] == Waiting(1, 20)


def test_a_message_kept_until_consent_waits_only_since_then(
    database: Database, clock: Clock
) -> None:
    receive(database, clock)
    with database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        message = inbox.next_message(session, found.id, now=clock())
        assert message is not None
        inbox.await_consent(message)
    clock.advance(3600)
    assert read(database, clock).inbox["web"] == NOBODY
    with database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        found.identity.contact.consented_at = clock()
        inbox.release_after_consent(session, found.id, now=clock())
    clock.advance(5)
    assert read(database, clock).inbox["web"] == Waiting(1, 5)


@pytest.mark.parametrize(
    ("state", "waiting", "uncertain"),
    [
        (OutboxState.PENDING, Waiting(1, 30), 0),
        (OutboxState.SENDING, Waiting(1, 30), 0),
        (OutboxState.UNCERTAIN, NOBODY, 1),
        (OutboxState.SENT, NOBODY, 0),
        (OutboxState.REFUSED, NOBODY, 0),
    ],
)
def test_replies_wait_until_they_are_sent(
    database: Database, clock: Clock, state: OutboxState, waiting: Waiting, uncertain: int
) -> None:
    with database.transaction() as session:
        person = new_person(session, now=clock())
        [row] = outbox.add(
            session, conversation=person, messages=[OutgoingMessage(text="hi")], now=clock()
        )
        row.state = state
    clock.advance(30)
    found = read(database, clock)
    assert (found.outbox["web"], found.uncertain["web"]) == (waiting, uncertain)


def test_what_is_for_somebody_who_blocked_the_bot_is_not_stuck(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        person = new_person(session, now=clock())
        outbox.add(session, conversation=person, messages=[OutgoingMessage(text="hi")], now=clock())
        person.identity.blocked_at = clock()
    assert read(database, clock).outbox["web"] == NOBODY


def test_handovers_are_told_apart_by_state_and_urgency(database: Database, clock: Clock) -> None:
    taken = handed_over(database, clock(), address="anna")
    handed_over(database, clock(), address="ben", urgent=True)
    clock.advance(90)
    handed_over(database, clock(), address="carl", urgent=True)
    with database.transaction() as session:
        handover.claim(session, taken, by=Actor(name="Weber"), catalogues=CATALOGUES, now=clock())
    waiting = {key: each for key, each in read(database, clock).handovers.items() if each.count}
    assert waiting == {("waiting", True): Waiting(2, 90), ("claimed", False): Waiting(1, 90)}


def test_reminders_are_due_until_they_are_sent(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        person = new_person(session, now=clock())
        row = book(
            session, service, slot_at(berlin(2026, 11, 25, 11), calendar), person, now=clock()
        )
        first = min(
            reminder.due_at for reminder in session.query(Reminder).filter_by(appointment_id=row.id)
        )
    assert read(database, clock).reminders_due == 0
    clock.now = first + timedelta(seconds=1)
    assert read(database, clock).reminders_due == 1


def test_finished_messages_do_not_count(database: Database, clock: Clock) -> None:
    receive(database, clock)
    with database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        message = inbox.next_message(session, found.id, now=clock())
        assert message is not None
        message.state = InboxState.FAILED
    assert read(database, clock).inbox["web"] == NOBODY
