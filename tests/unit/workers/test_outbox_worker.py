"""Sending: in order per conversation, at once across them, never twice when unsure."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.conversations import inbox, leases, outbox
from bot.conversations.models import Conversation, OutboxMessage, OutboxState
from bot.db.session import Database
from bot.errors import (
    AddressChangedError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    RecipientGoneError,
    RetryLaterError,
)
from bot.messages import OutgoingMessage
from bot.privacy.export import Exporter
from bot.workers.outbox import GIVE_UP, LONGEST_WAIT, OutboxWorker
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.fakes import WAIT_SECONDS, FakeChannel, FakeEngine
from tests.support.talk import running


class Post:
    """A channel, the worker that serves it, and people to write to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.channel = FakeChannel()
        self.worker = self.new_worker()

    def new_worker(self, *, limit: int = 8) -> OutboxWorker:
        return OutboxWorker(
            database=self.database,
            channels={"web": self.channel},
            owner="worker",
            clock=self.clock,
            limit=limit,
            exporter=Exporter(database=self.database, remembered=FakeEngine().remembered),
        )

    def write(self, address: str, *texts: str) -> None:
        """Queues replies to the person at ``address``."""
        with self.database.transaction() as session:
            found = inbox.find_conversation(session, channel="web", address=address)
            if found is None:
                inbox.record(session, [incoming(address=address)], now=self.clock())
                found = inbox.find_conversation(session, channel="web", address=address)
            assert found is not None
            messages = [OutgoingMessage(text=text) for text in texts]
            outbox.add(session, conversation=found, messages=messages, now=self.clock())

    async def work(self, attempts: int = 0, *, sent: int = 0) -> None:
        """Runs the worker until it has tried and sent so many in all, then stops it."""
        async with running(self.worker):
            await self.channel.until(
                lambda: len(self.channel.attempts) >= attempts and len(self.channel.sent) >= sent
            )

    def rows(self) -> list[OutboxMessage]:
        with self.database.reading() as session:
            return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    def states(self) -> list[OutboxState]:
        return [row.state for row in self.rows()]


@pytest.fixture
def post(sqlite: Database, clock: Clock) -> Post:
    return Post(sqlite, clock)


@pytest.fixture
def posts(database: Database, clock: Clock) -> Post:
    """The same on both kinds of database."""
    return Post(database, clock)


# Order and concurrency


async def test_replies_arrive_in_order(posts: Post) -> None:
    texts = [str(number) for number in range(12)]
    posts.write("anna", *texts)
    await posts.work(sent=12)
    assert posts.channel.texts == texts
    assert set(posts.states()) == {OutboxState.SENT}
    first = posts.rows()[0]
    assert (first.external_ids, first.sent_at, first.attempts) == (
        ["platform-1"],
        posts.clock(),
        1,
    )


async def test_a_slow_conversation_does_not_hold_up_the_others(posts: Post) -> None:
    posts.write("anna", "anna 1", "anna 2")
    posts.write("ben", "ben 1")
    go_on = posts.channel.hold("anna")
    async with running(posts.worker):
        await posts.channel.until(
            lambda: posts.channel.texts == ["ben 1"] and len(posts.channel.attempts) == 2
        )
        assert sorted(one.text for one in posts.channel.attempts) == ["anna 1", "ben 1"]
        go_on.set()
        await posts.channel.until(lambda: len(posts.channel.sent) == 3)
    assert posts.channel.texts == ["ben 1", "anna 1", "anna 2"]


async def test_no_more_conversations_are_in_hand_than_allowed(post: Post) -> None:
    post.worker = post.new_worker(limit=2)
    held = [post.channel.hold(name) for name in "abc"]
    for name in "abc":
        post.write(name, name)
    async with running(post.worker):
        await post.channel.until(lambda: len(post.channel.attempts) == 2)
        post.worker.wake()
        held[0].set()
        await post.channel.until(lambda: len(post.channel.attempts) == 3)
        assert post.channel.texts == ["a"]
        for event in held:
            event.set()
        await post.channel.until(lambda: len(post.channel.sent) == 3)


async def test_two_workers_send_nothing_twice(posts: Post) -> None:
    people = [f"person {number}" for number in range(6)]
    for name in people:
        posts.write(name, f"{name} 1", f"{name} 2")
    other = OutboxWorker(
        database=posts.database,
        channels={"web": posts.channel},
        owner="other",
        clock=posts.clock,
        limit=3,
        exporter=Exporter(database=posts.database, remembered=FakeEngine().remembered),
    )
    async with running(posts.worker), running(other):
        await posts.channel.until(lambda: len(posts.channel.sent) == 12)
    assert len(posts.channel.attempts) == 12
    for name in people:
        own = [one.text for one in posts.channel.sent if one.address == name]
        assert own == [f"{name} 1", f"{name} 2"]


# What the platform says


async def test_a_message_to_be_retried_is_not_sent_before_its_time(posts: Post) -> None:
    posts.write("anna", "one", "two")
    posts.channel.fail(RetryLaterError(30))
    await posts.work(attempts=1)
    assert posts.states() == [OutboxState.PENDING, OutboxState.PENDING]
    posts.clock.advance(29)
    posts.write("ben", "marker")
    await posts.work(sent=1)
    assert posts.channel.texts == ["marker"]
    posts.clock.advance(1)
    await posts.work(sent=3)
    assert posts.channel.texts == ["marker", "one", "two"]


@pytest.mark.parametrize("seconds", [0, 0.5, 7, 30, 300])
async def test_retries_never_come_sooner_than_the_platform_asked(
    post: Post, seconds: float
) -> None:
    post.write("anna", "one")
    waits = []
    for attempt in range(1, 6):
        post.channel.fail(RetryLaterError(seconds))
        await post.work(attempts=attempt)
        [row] = post.rows()
        waits.append((row.next_attempt_at - post.clock()).total_seconds())
        post.clock.advance(waits[-1])
    assert waits == sorted(waits)
    assert min(waits) == seconds
    assert max(waits) <= max(seconds, LONGEST_WAIT)


async def test_a_platform_out_of_reach_for_a_day_gets_no_more_attempts(post: Post) -> None:
    post.write("anna", "one", "two")
    post.clock.advance(GIVE_UP.total_seconds())
    post.channel.fail(RetryLaterError(5))
    await post.work(sent=1)
    assert post.states() == [OutboxState.REFUSED, OutboxState.SENT]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (DeliveryUncertainError(), OutboxState.UNCERTAIN),
        (DeliveryRefusedError(), OutboxState.REFUSED),
        (RuntimeError("secret words"), OutboxState.UNCERTAIN),
    ],
)
async def test_what_may_have_arrived_is_not_sent_again_and_the_next_goes_on(
    posts: Post, error: Exception, state: OutboxState
) -> None:
    posts.write("anna", "one", "two")
    posts.channel.fail(error)
    with capture_logs() as logs:
        await posts.work(sent=1)
    assert [one.text for one in posts.channel.attempts] == ["one", "two"]
    assert posts.states() == [state, OutboxState.SENT]
    assert "secret words" not in str(logs)


async def test_whoever_blocked_the_bot_gets_nothing_until_unblocked(posts: Post) -> None:
    posts.write("anna", "one", "two")
    posts.write("ben", "marker")
    posts.channel.fail(RecipientGoneError())
    posts.worker = posts.new_worker(limit=1)
    await posts.work(sent=1)
    assert posts.channel.texts == ["marker"]
    assert posts.states() == [OutboxState.RECIPIENT_GONE, OutboxState.PENDING, OutboxState.SENT]
    with posts.database.transaction() as session:
        inbox.set_blocked(session, channel="web", address="anna", now=None)
    await posts.work(sent=2)
    assert posts.channel.texts == ["marker", "two"]


async def test_a_chat_that_moved_is_written_to_at_its_new_address(posts: Post) -> None:
    posts.write("anna", "one", "two")
    posts.channel.fail(AddressChangedError("anna-moved"))
    await posts.work(sent=2)
    assert [(one.address, one.text) for one in posts.channel.sent] == [
        ("anna-moved", "one"),
        ("anna-moved", "two"),
    ]
    with posts.database.reading() as session:
        assert inbox.find_conversation(session, channel="web", address="anna") is None
        assert inbox.find_conversation(session, channel="web", address="anna-moved") is not None


# Faults of our own


async def test_a_database_that_fails_briefly_is_waited_out(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.write("anna", "one")
    failures = 2
    loop = asyncio.get_running_loop()
    claim = outbox.claim

    def failing(*arguments: Any, **named: Any) -> list[str]:
        nonlocal failures
        failures -= 1
        # The worker looks again by itself; here it is told to at once.
        loop.call_soon_threadsafe(post.worker.wake)
        if failures >= 0:
            raise ConnectionError("the database is restarting")
        return claim(*arguments, **named)

    monkeypatch.setattr(outbox, "claim", failing)
    await post.work(sent=1)
    assert post.channel.texts == ["one"]


async def test_a_result_that_cannot_be_stored_is_never_sent_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.write("anna", "one", "two")
    store = OutboxWorker._sent
    failures = [ConnectionError("the database is restarting")]

    def failing(self: OutboxWorker, row_id: int, external_ids: list[str]) -> None:
        if failures:
            raise failures.pop()
        store(self, row_id, external_ids)

    monkeypatch.setattr(OutboxWorker, "_sent", failing)
    await post.work(sent=2)
    assert post.channel.texts == ["one", "two"]
    assert post.worker.settle_interrupted() == 1
    assert post.states() == [OutboxState.UNCERTAIN, OutboxState.SENT]


# Stopping and starting


async def test_what_is_being_sent_is_finished_when_the_worker_stops(post: Post) -> None:
    post.write("anna", "one")
    go_on = post.channel.hold("anna")
    task = asyncio.create_task(post.worker.run())
    await post.channel.until(lambda: len(post.channel.attempts) == 1)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, WAIT_SECONDS)
    assert post.states() == [OutboxState.SENT]
    with post.database.reading() as session:
        assert session.scalars(select(Conversation)).one().outbox_lease_owner is None


class WatchedEvent(asyncio.Event):
    """Tells when somebody begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.waited_for.set()
        return await super().wait()


async def test_a_worker_woken_and_stopped_in_the_same_moment_stops(post: Post) -> None:
    watched = post.worker._awake = WatchedEvent()
    task = asyncio.create_task(post.worker.run())
    await asyncio.wait_for(watched.waited_for.wait(), WAIT_SECONDS)
    post.worker.wake()
    task.cancel()
    await asyncio.wait([task], timeout=2)
    stopped = task.cancelled()
    # Lets the test end where the worker did not.
    task.cancel()
    assert stopped


async def test_what_waits_for_the_platforms_limits_is_not_under_way_yet(post: Post) -> None:
    post.write("anna", "one")
    free = post.channel.limit("anna")
    async with running(post.worker):
        await post.channel.until(lambda: post.channel.waited == ["anna"])
        assert post.states() == [OutboxState.PENDING]
        assert post.channel.attempts == []
        free.set()
        await post.channel.until(lambda: post.channel.texts == ["one"])
    assert post.states() == [OutboxState.SENT]


async def test_what_a_crash_interrupted_is_uncertain_and_the_next_goes_on(posts: Post) -> None:
    posts.write("anna", "one", "two")
    with posts.database.transaction() as session:
        [conversation_id] = outbox.claim(
            session,
            owner="dead",
            channels=["web"],
            now=posts.clock(),
            lease=timedelta(seconds=15),
            limit=1,
        )
        assert outbox.start_next(session, conversation_id, now=posts.clock()) is not None
    assert posts.worker.settle_interrupted() == 0
    posts.clock.advance(16)
    assert posts.worker.settle_interrupted() == 1
    await posts.work(sent=1)
    assert posts.channel.texts == ["two"]
    assert posts.states() == [OutboxState.UNCERTAIN, OutboxState.SENT]


async def test_a_long_sending_keeps_its_lease(post: Post) -> None:
    post.write("anna", "one")
    go_on = post.channel.hold("anna")
    async with running(post.worker):
        await post.channel.until(lambda: len(post.channel.attempts) == 1)
        [row] = post.rows()
        post.clock.advance(14)
        post.worker._prolong(row.conversation_id)
        post.clock.advance(14)
        with post.database.transaction() as session:
            now = post.clock()
            assert not leases.OUTBOX.take(
                session, row.conversation_id, owner="other", now=now, until=now
            )
        go_on.set()
        await post.channel.until(lambda: len(post.channel.sent) == 1)
