"""Receiving: nothing lost, nothing twice, one message of a conversation at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.conversations import inbox, leases
from bot.conversations.models import Contact, Conversation, InboxMessage, InboxState
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.builders import incoming

LEASE = timedelta(seconds=15)


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def record(database: Database, clock: Clock, *messages: object) -> int:
    with database.transaction() as session:
        return inbox.record(session, messages, now=clock())  # type: ignore[arg-type]


def claim(database: Database, clock: Clock, owner: str = "one", limit: int = 10) -> list[str]:
    with database.transaction() as session:
        return inbox.claim(session, owner=owner, now=clock(), lease=LEASE, limit=limit)


def test_a_repeated_update_is_stored_once(database: Database, clock: Clock) -> None:
    message = incoming()
    assert record(database, clock, message, message) == 1
    assert record(database, clock, message) == 0
    assert count(database, InboxMessage) == 1


def test_messages_of_one_address_share_a_conversation(database: Database, clock: Clock) -> None:
    record(database, clock, incoming("a"), incoming("b"), incoming("c", address="other"))
    assert count(database, Conversation) == 2
    assert count(database, Contact) == 2


def test_the_same_address_in_another_channel_is_another_person(
    database: Database, clock: Clock
) -> None:
    record(database, clock, incoming(), incoming(channel="telegram"))
    assert count(database, Conversation) == 2


def test_simultaneous_first_messages_make_one_conversation(
    database: Database, clock: Clock
) -> None:
    messages = [incoming(str(number)) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        stored = list(pool.map(lambda m: record(database, clock, m), messages))
    assert sum(stored) == 12
    assert count(database, Conversation) == 1


def test_the_same_update_arriving_at_once_is_stored_once(database: Database, clock: Clock) -> None:
    record(database, clock, incoming())
    message = incoming("again")
    with ThreadPoolExecutor(12) as pool:
        stored = list(pool.map(lambda _: record(database, clock, message), range(12)))
    assert sum(stored) == 1


def test_exactly_one_worker_gets_a_conversation(database: Database, clock: Clock) -> None:
    record(database, clock, incoming())
    with ThreadPoolExecutor(20) as pool:
        claims = list(pool.map(lambda n: claim(database, clock, f"worker-{n}"), range(20)))
    assert sum(len(ids) for ids in claims) == 1


def test_a_dead_workers_lease_ends_by_itself(database: Database, clock: Clock) -> None:
    record(database, clock, incoming())
    [conversation] = claim(database, clock, "dead")
    assert claim(database, clock, "other") == []
    clock.advance(LEASE.total_seconds() + 1)
    assert claim(database, clock, "other") == [conversation]


def test_a_released_conversation_can_be_taken_at_once(database: Database, clock: Clock) -> None:
    record(database, clock, incoming())
    [conversation] = claim(database, clock, "one")
    with database.transaction() as session:
        leases.INBOX.release(session, conversation, owner="somebody else")
    assert claim(database, clock, "two") == []
    with database.transaction() as session:
        leases.INBOX.release(session, conversation, owner="one")
    assert claim(database, clock, "two") == [conversation]


def test_messages_come_out_in_the_order_they_came_in(database: Database, clock: Clock) -> None:
    record(database, clock, *(incoming(str(number)) for number in range(5)))
    [conversation] = claim(database, clock)
    texts = []
    for _ in range(5):
        with database.transaction() as session:
            message = inbox.next_message(session, conversation, now=clock())
            assert message is not None
            texts.append(message.text)
            inbox.finish(message, now=clock())
    assert texts == ["0", "1", "2", "3", "4"]
    assert claim(database, clock, "two") == []


def test_a_postponed_message_holds_back_the_later_ones(database: Database, clock: Clock) -> None:
    record(database, clock, incoming("first"), incoming("second"))
    [conversation] = claim(database, clock)
    with database.transaction() as session:
        message = inbox.next_message(session, conversation, now=clock())
        assert message is not None
        inbox.postpone(message, now=clock())
    with database.transaction() as session:
        assert inbox.next_message(session, conversation, now=clock()) is None
        leases.INBOX.release(session, conversation, owner="one")
    assert claim(database, clock) == []
    clock.advance(inbox.RETRY_SECONDS[0])
    assert claim(database, clock) == [conversation]


def test_postponing_waits_longer_each_time_up_to_a_bound(sqlite: Database, clock: Clock) -> None:
    record(sqlite, clock, incoming())
    waits = []
    with sqlite.transaction() as session:
        message = session.scalars(select(InboxMessage)).one()
        for _ in range(8):
            inbox.postpone(message, now=clock())
            waits.append((message.next_attempt_at - clock()).total_seconds())
    assert waits == [1, 2, 4, 8, 15, 15, 15, 15]


@pytest.mark.parametrize("text", ["\x00nul\x00", "x" * 20_000, "", "\u202eabc"])
def test_any_text_can_be_stored(database: Database, clock: Clock, text: str) -> None:
    record(database, clock, incoming(text))
    with database.reading() as session:
        stored = session.scalars(select(InboxMessage)).one().text
    assert stored == text.replace("\x00", "")[: inbox.MAXIMUM_STORED_TEXT]


def test_consent_releases_the_kept_messages(database: Database, clock: Clock) -> None:
    record(database, clock, incoming("kept"))
    [conversation] = claim(database, clock)
    with database.transaction() as session:
        message = inbox.next_message(session, conversation, now=clock())
        assert message is not None
        inbox.await_consent(message)
    with database.transaction() as session:
        assert inbox.next_message(session, conversation, now=clock()) is None
        assert inbox.release_after_consent(session, conversation, now=clock()) == 1
        message = inbox.next_message(session, conversation, now=clock())
        assert message is not None
        assert (message.text, message.state) == ("kept", InboxState.PENDING)
