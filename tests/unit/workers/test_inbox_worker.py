"""Answering what came in: in order, many conversations at once, whatever fails in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bot.conversations import inbox
from bot.conversations.models import Conversation, InboxMessage, InboxState
from bot.db.session import Database
from bot.workers.inbox import InboxWorker
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.fakes import WAIT_SECONDS, FakeChannel, FakeEngine
from tests.support.talk import make_router, running


class Office:
    """A worker with its engine and channel; ``answered`` wakes whoever waits for answers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.engine = FakeEngine()
        self.channel = FakeChannel()
        self.answers = 0
        self._changed = asyncio.Condition()
        self.worker = self.new_worker("one")

    def new_worker(self, owner: str, *, limit: int = 8) -> InboxWorker:
        return InboxWorker(
            database=self.database,
            router=make_router(self.database, self.clock, self.engine),
            channels={"web": self.channel},
            owner=owner,
            clock=self.clock,
            limit=limit,
            answered=self._answered,
        )

    def _answered(self) -> None:
        self.answers += 1
        self._told = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until_answered(self, count: int) -> None:
        async with self._changed:
            await asyncio.wait_for(
                self._changed.wait_for(lambda: self.answers >= count), WAIT_SECONDS
            )

    def receive(self, address: str, *texts: str) -> None:
        with self.database.transaction() as session:
            messages = [incoming(text, address=address, language_hint="en") for text in texts]
            inbox.record(session, messages, now=self.clock())

    def states(self) -> list[InboxState]:
        with self.database.reading() as session:
            return list(session.scalars(select(InboxMessage.state).order_by(InboxMessage.id)))


@pytest.fixture
async def office(sqlite: Database, clock: Clock) -> Office:
    return Office(sqlite, clock)


@pytest.fixture
async def offices(database: Database, clock: Clock) -> Office:
    """The same on both kinds of database."""
    return Office(database, clock)


async def test_messages_of_a_conversation_are_answered_in_order(offices: Office) -> None:
    texts = [f"question {number}" for number in range(8)]
    offices.receive("anna", *texts)
    async with running(offices.worker):
        await offices.until_answered(8)
    assert offices.engine.texts == texts
    assert set(offices.states()) == {InboxState.DONE}


async def test_a_slow_answer_does_not_hold_up_other_conversations(offices: Office) -> None:
    slow = offices.engine.hold("slow")
    offices.receive("anna", "slow", "after slow")
    offices.receive("ben", "quick")
    async with running(offices.worker):
        await slow.reached()
        await offices.until_answered(1)
        assert sorted(offices.engine.texts) == ["quick", "slow"]
        slow.let_go()
        await offices.until_answered(3)
    assert [text for text in offices.engine.texts if "slow" in text] == ["slow", "after slow"]


async def test_two_workers_answer_each_message_once(offices: Office) -> None:
    people = [f"person {number}" for number in range(6)]
    for name in people:
        offices.receive(name, f"{name} first", f"{name} second")
    async with running(offices.worker), running(offices.new_worker("two", limit=3)):
        await offices.until_answered(12)
    assert len(offices.engine.texts) == 12
    for name in people:
        own = [text for text in offices.engine.texts if text.startswith(name)]
        assert own == [f"{name} first", f"{name} second"]


async def test_typing_is_shown_while_an_answer_is_prepared(office: Office) -> None:
    slow = office.engine.hold("slow")
    office.receive("anna", "slow")
    async with running(office.worker):
        await office.channel.until(lambda: office.channel.typing == ["anna"])
        assert office.answers == 0
        slow.let_go()
        await office.until_answered(1)


async def test_a_channel_served_elsewhere_shows_no_typing(office: Office) -> None:
    with office.database.transaction() as session:
        inbox.record(session, [incoming("hello", channel="other")], now=office.clock())
    async with running(office.worker):
        await office.until_answered(1)
    assert office.channel.typing == []


async def test_a_message_that_arrives_later_is_noticed_by_waking(office: Office) -> None:
    office.receive("anna", "first")
    async with running(office.worker):
        await office.until_answered(1)
        office.receive("anna", "second")
        office.worker.wake()
        await office.until_answered(2)
    assert office.engine.texts == ["first", "second"]


async def test_messages_wait_while_the_engine_is_away(office: Office) -> None:
    office.engine.away = True
    office.receive("anna", "first", "second")
    async with running(office.worker):
        await office.until_answered(1)
    assert office.states() == [InboxState.PENDING, InboxState.PENDING]
    office.engine.away = False
    office.clock.advance(1)
    async with running(office.worker):
        await office.until_answered(3)
    assert office.engine.texts == ["first", "second"]


async def test_a_database_that_fails_briefly_is_waited_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.receive("anna", "hello")
    failures = 2
    loop = asyncio.get_running_loop()
    claim = inbox.claim

    def failing(*arguments: Any, **named: Any) -> list[str]:
        nonlocal failures
        failures -= 1
        loop.call_soon_threadsafe(office.worker.wake)
        if failures >= 0:
            raise ConnectionError("the database is restarting")
        return claim(*arguments, **named)

    monkeypatch.setattr(inbox, "claim", failing)
    async with running(office.worker):
        await office.until_answered(1)
    assert office.states() == [InboxState.DONE]


async def test_a_typing_sign_that_fails_harms_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def failing(*, address: str) -> None:
        tried.set()
        raise RuntimeError(address)

    monkeypatch.setattr(office.channel, "show_typing", failing)
    held = office.engine.hold("hello")
    office.receive("anna", "hello")
    async with running(office.worker):
        await asyncio.wait_for(tried.wait(), WAIT_SECONDS)
        held.let_go()
        await office.until_answered(1)
    assert office.states() == [InboxState.DONE]


async def test_an_answer_in_hand_is_finished_when_the_worker_stops(office: Office) -> None:
    slow = office.engine.hold("slow")
    office.receive("anna", "slow")
    task = asyncio.create_task(office.worker.run())
    await slow.reached()
    task.cancel()
    slow.let_go()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, WAIT_SECONDS)
    assert office.states() == [InboxState.DONE]
    with office.database.reading() as session:
        assert session.scalars(select(Conversation)).one().inbox_lease_owner is None


async def test_an_answer_that_takes_too_long_to_finish_is_left_for_the_next_start(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.workers.pool.STOP_SECONDS", 0.05)
    slow = office.engine.hold("slow")
    office.receive("anna", "slow")
    task = asyncio.create_task(office.worker.run())
    await slow.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, WAIT_SECONDS)
    assert office.states() == [InboxState.PENDING]
    office.engine.held.clear()
    async with running(office.new_worker("two")):
        await office.until_answered(1)
    assert office.engine.texts == ["slow", "slow"]
    assert office.states() == [InboxState.DONE]
