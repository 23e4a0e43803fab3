"""Replies: in order, with buttons only we understand, and honest after a crash."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations import inbox, leases, outbox
from bot.conversations.models import Conversation, OutboxMessage, OutboxState
from bot.db.session import Database
from bot.messages import Button, OutgoingMessage
from tests.conftest import Clock
from tests.support.builders import incoming

LEASE = timedelta(seconds=15)


def conversation(session: Session, clock: Clock, address: str = "anna") -> Conversation:
    inbox.record(session, [incoming(address=address)], now=clock())
    found = inbox.find_conversation(session, channel="web", address=address)
    assert found is not None
    return found


def claim(session: Session, clock: Clock, channels: tuple[str, ...] = ("web",)) -> list[str]:
    return outbox.claim(session, owner="one", channels=channels, now=clock(), lease=LEASE, limit=10)


def say(session: Session, to: Conversation, clock: Clock, *texts: str) -> list[OutboxMessage]:
    messages = [OutgoingMessage(text=text) for text in texts]
    return outbox.add(session, conversation=to, messages=messages, now=clock())


def test_replies_leave_in_order(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation(session, clock)
        say(session, anna, clock, "one", "two")
    sent = []
    with database.transaction() as session:
        assert claim(session, clock) == [anna.id]
        while row := outbox.start_next(session, anna.id, now=clock()):
            sent.append(row.content["text"])
            row.state = OutboxState.SENT
    assert sent == ["one", "two"]


def test_replies_to_channels_not_served_here_stay(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        say(session, conversation(session, clock), clock, "one")
    with database.transaction() as session:
        assert claim(session, clock, ("telegram",)) == []


def test_nothing_is_sent_to_people_who_blocked_us(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        say(session, conversation(session, clock), clock, "one")
        inbox.set_blocked(session, channel="web", address="anna", now=clock())
    with database.transaction() as session:
        assert claim(session, clock) == []
        inbox.set_blocked(session, channel="web", address="anna", now=None)
        session.flush()
        assert len(claim(session, clock)) == 1


def test_what_a_crash_interrupted_is_uncertain(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation(session, clock)
        say(session, anna, clock, "one")
        claim(session, clock)
        outbox.start_next(session, anna.id, now=clock())
    with database.transaction() as session:
        assert outbox.settle_interrupted(session, now=clock()) == 0, "its lease still holds"
        leases.OUTBOX.release_all(session)
        assert outbox.settle_interrupted(session, now=clock()) == 1
    with database.transaction() as session:
        assert session.scalars(select(OutboxMessage.state)).all() == [OutboxState.UNCERTAIN]
        assert outbox.start_next(session, anna.id, now=clock()) is None


def test_a_button_means_something_only_in_its_conversation(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        anna, other = conversation(session, clock), conversation(session, clock, "other")
        message = OutgoingMessage(
            text="?", buttons=(Button(title="Yes", payload={"intent": "affirm"}),)
        )
        [row] = outbox.add(session, conversation=anna, messages=[message], now=clock())
        stored = OutgoingMessage.from_data(row.content).buttons[0]
        session.flush()
        assert stored.payload == {}, "what a button means never leaves"
        assert len(stored.key.encode()) <= 64, "Telegram's limit"
        found = outbox.button(session, conversation_id=anna.id, key=stored.key)
        assert found is not None
        assert found.payload == {"intent": "affirm"}
        assert outbox.button(session, conversation_id=other.id, key=stored.key) is None
        assert outbox.button(session, conversation_id=anna.id, key="made up") is None
