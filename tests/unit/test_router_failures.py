"""When the engine is away, fails, says nothing, or the process dies in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from bot.conversations.models import InboxState
from bot.db.session import Database
from bot.dialogue import texts as phrases
from bot.dialogue.engine import EngineAnswer
from bot.handover.models import Reason
from bot.handover.texts import requested
from bot.messages import Kind, OutgoingMessage
from bot.privacy import consent
from bot.router import ATTEMPTS, PATIENCE
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.fakes import FakeEngine, says, shows, silence
from tests.support.talk import SOMEBODY_IS_THERE, Talk


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    return Talk(sqlite, clock)


async def wait_through(talk: Talk, seconds: float) -> list[OutgoingMessage]:
    """Lets time pass a second at a time, as the worker would look."""
    replies: list[OutgoingMessage] = []
    for _ in range(int(seconds)):
        talk.clock.advance(1)
        replies += await talk.settle()
    return replies


# The engine is away


async def test_while_the_engine_is_away_messages_wait(database: Database, clock: Clock) -> None:
    talk = Talk(database, clock)
    talk.engine.away = True
    assert await talk.say("first", "second") == []
    assert {message.state for message in talk.messages()} == {InboxState.PENDING}
    talk.engine.away = False
    replies = await wait_through(talk, 1)
    assert [reply.text for reply in replies] == ["you said first", "you said second"]


async def test_the_person_is_told_once_and_only_after_a_while(talk: Talk) -> None:
    talk.engine.away = True
    assert await talk.say("first", "second") == []
    assert await wait_through(talk, PATIENCE.total_seconds() - 1) == []
    replies = await wait_through(talk, 60)
    assert [reply.text for reply in replies] == [phrases.engine_down(talk.texts).text]
    assert await talk.say("third") == []
    talk.engine.away = False
    replies = await wait_through(talk, 15)
    assert [reply.text for reply in replies] == [
        f"you said {n}" for n in ("first", "second", "third")
    ]


async def test_a_later_outage_is_told_again(talk: Talk) -> None:
    for _ in range(2):
        talk.engine.away = True
        await talk.say("hello")
        replies = await wait_through(talk, 20)
        assert [reply.text for reply in replies] == [phrases.engine_down(talk.texts).text]
        talk.engine.away = False
        assert [reply.text for reply in await wait_through(talk, 15)] == ["you said hello"]


async def test_what_needs_no_engine_is_answered_while_it_is_away(talk: Talk) -> None:
    talk.engine.away = True
    [reply] = await talk.say("😀")
    assert reply.text == phrases.not_understood(talk.texts, again=False).text


async def test_the_distances_between_attempts_are_bounded(talk: Talk) -> None:
    talk.engine.away = True
    await talk.say("hello")
    waits = []
    for _ in range(8):
        [message] = talk.messages()
        waits.append((message.next_attempt_at - talk.clock()).total_seconds())
        talk.clock.advance(waits[-1])
        await talk.settle()
    assert waits == [1, 1, 2, 4, 8, 15, 15, 15]


# The engine fails


async def test_a_message_that_always_fails_is_given_up_with_an_apology(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    talk.engine.failing = True
    talk.receive("fails", "works")
    assert await talk.settle() == []
    [reply] = await wait_through(talk, 3)
    assert reply.text == phrases.failed(talk.texts).text
    assert reply.buttons
    assert talk.engine.texts[:ATTEMPTS] == ["fails"] * ATTEMPTS
    talk.engine.failing = False
    assert [reply.text for reply in await wait_through(talk, 1)] == ["you said works"]
    assert [message.state for message in talk.messages()] == [InboxState.FAILED, InboxState.DONE]


async def test_a_message_that_fails_once_is_answered(talk: Talk) -> None:
    talk.engine.failing = True
    assert await talk.say("hello") == []
    talk.engine.failing = False
    assert [reply.text for reply in await wait_through(talk, 1)] == ["you said hello"]


async def test_an_outage_is_not_counted_as_a_messages_failure(talk: Talk) -> None:
    talk.engine.away = True
    await talk.say("hello")
    await wait_through(talk, 30)
    talk.engine.away, talk.engine.failing = False, True
    talk.clock.advance(15)
    assert await talk.settle() == []
    assert talk.engine.texts == ["hello"]
    talk.engine.failing = False
    assert [reply.text for reply in await wait_through(talk, 2)] == ["you said hello"]


async def test_silence_of_the_engine_is_a_failure(talk: Talk) -> None:
    talk.engine.respond = lambda _: silence()
    assert await talk.say("hello") == []
    [reply] = await wait_through(talk, 3)
    assert reply.text == phrases.failed(talk.texts).text


@pytest.mark.parametrize(
    "custom",
    [{"something": "unknown"}, {"handover": "no such reason"}, {"offers": {"topic": "no such"}}],
)
async def test_an_answer_that_cannot_be_read_is_a_failure(
    talk: Talk, custom: dict[str, Any]
) -> None:
    talk.engine.respond = lambda _: shows(custom)
    await talk.say("secret words")
    with capture_logs() as logs:
        [reply] = await wait_through(talk, 3)
    assert reply.text == phrases.failed(talk.texts).text
    assert "secret words" not in str(logs)


async def test_after_failures_a_person_is_offered_sooner(talk: Talk) -> None:
    talk.engine.failing = True
    await talk.say("one")
    await wait_through(talk, 3)
    await talk.say("two")
    await wait_through(talk, 3)
    assert talk.conversation.failures == 2
    talk.engine.failing = False
    talk.engine.respond = lambda _: shows({"not_understood": True})
    await talk.say("three")
    assert [item.reason for item in talk.handovers()] == [Reason.NOT_UNDERSTOOD]


# The process dies


class CrashError(Exception):
    """The process is gone."""


@contextlib.contextmanager
def crash_at_commit(database: Database, number: int) -> Iterator[None]:
    """The ``number``-th commit within the block does not happen, and raises."""
    commits = 0

    def interrupt(_: Any) -> None:
        nonlocal commits
        commits += 1
        if commits == number:
            raise CrashError

    event.listen(database.engine, "commit", interrupt)
    try:
        yield
    finally:
        event.remove(database.engine, "commit", interrupt)


# First the message is read; then the answer is stored, which the engine gave in between.
@pytest.mark.parametrize(("commit", "asked"), [(1, 1), (2, 2)])
async def test_a_message_interrupted_by_a_crash_is_answered_once(
    database: Database, clock: Clock, commit: int, asked: int
) -> None:
    processed: list[str] = []

    def process(text: str) -> EngineAnswer:
        processed.append(text)
        return shows({"handover": "asked"})

    talk = Talk(database, clock, engine=FakeEngine(process))
    talk.receive("a person please")
    conversation_id = talk.conversation.id
    with crash_at_commit(database, commit), pytest.raises(CrashError):
        await talk.router.answer_next(conversation_id)
    assert talk.new_replies() == []
    assert talk.handovers() == []
    [reply] = await talk.settle()
    assert reply.text == requested(talk.texts, SOMEBODY_IS_THERE).text
    assert processed == ["a person please"]
    assert len(talk.engine.asked) == asked
    assert len({one.message_id for one in talk.engine.asked}) == 1
    assert len(talk.handovers()) == 1
    assert await talk.settle() == []


async def test_forgetting_interrupted_by_a_crash_is_done_afterwards(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    talk.engine.respond = lambda _: says(
        "really?", buttons=[{"title": "yes", "payload": "!privacy.forget"}]
    )
    await talk.say("delete my data")
    talk.receive(incoming("", kind=Kind.BUTTON, button_key=talk.key("yes")))
    conversation_id = talk.conversation.id
    with crash_at_commit(database, 2), pytest.raises(CrashError):
        await talk.router.answer_next(conversation_id)
    assert len(talk.messages()) == 2
    [reply] = await talk.settle()
    assert reply.text == consent.forgotten(talk.texts).text
    assert talk.messages() == []
