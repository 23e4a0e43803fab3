"""What every desk must do, tried at each: the console, the topics of Telegram, Chatwoot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.conversations.models import ConversationState
from bot.db.session import Database
from bot.handover import service
from bot.handover.journal import Actor
from bot.handover.models import HandoverState
from tests.conftest import Clock
from tests.support.bot_api import BotApi
from tests.support.chatwoot import Chatwoot
from tests.support.console_desk import ConsoleDesk
from tests.support.desks import TopicDesk
from tests.support.fakes import says, shows
from tests.support.talk import CATALOGUES, Talk

ASKS = "a person please"
ELSEWHERE = Actor(name="Berg", desk="command line")


@pytest.fixture(scope="module")
def bot_api() -> Iterator[BotApi]:
    with BotApi() as server:
        yield server


@pytest.fixture(params=["console", "telegram", "chatwoot"])
async def desk(
    request: pytest.FixtureRequest, sqlite: Database, clock: Clock, bot_api: BotApi
) -> AsyncIterator[Any]:
    match request.param:
        case "console":
            yield ConsoleDesk(sqlite, clock)
        case "chatwoot":
            chatwoot = Chatwoot(sqlite, clock)
            yield chatwoot
            assert chatwoot.refusals == []
            await chatwoot.desk.close()
        case _:
            bot_api.account.updates.clear()
            topics = TopicDesk(sqlite, clock, bot_api)
            yield topics
            await topics.api.close()


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    talk = Talk(sqlite, clock)
    talk.engine.respond = lambda text: (
        shows({"handover": "asked"}) if text == ASKS else says(f"about {text}", intent="ask_job")
    )
    return talk


@pytest.fixture
async def asked(talk: Talk, desk: Any) -> Talk:
    """The newcomer has asked for a person, and the desk shows it."""
    await talk.say("looking for work", ASKS)
    await desk.shown()
    talk.new_replies()
    return talk


async def test_a_request_is_shown_with_what_was_said_before(asked: Talk, desk: Any) -> None:
    shown = await desk.shown()
    assert "looking for work" in shown
    assert "about looking for work" in shown


async def test_messages_are_shown_once_and_in_order(asked: Talk, desk: Any) -> None:
    await asked.say("first", "second")
    await desk.shown()
    await asked.say("third")
    shown = await desk.shown()
    places = [shown.index(word) for word in ("first", "second", "third")]
    assert places == sorted(places)
    assert [shown.count(word) for word in ("first", "second", "third")] == [1, 1, 1]


async def test_an_answer_reaches_the_newcomer_and_claims(asked: Talk, desk: Any) -> None:
    await desk.writes("Good morning")
    assert [reply.text for reply in asked.new_replies()] == ["Good morning"]
    [handover] = asked.handovers()
    assert (handover.state, handover.claimed_by, handover.claimed_on) == (
        HandoverState.FOR_NEWCOMER,
        "Weber",
        desk.name,
    )
    assert asked.conversation.state == ConversationState.WITH_HUMAN


async def test_the_same_answer_delivered_again_is_not_sent_again(asked: Talk, desk: Any) -> None:
    await desk.writes("Good morning")
    await desk.receive_updates(again=True)
    assert [reply.text for reply in asked.new_replies()] == ["Good morning"]


async def test_only_one_counsellor_gets_it(asked: Talk, desk: Any) -> None:
    await desk.writes("/claim")
    await desk.writes("/claim", name="Kaya")
    [handover] = asked.handovers()
    assert (handover.state, handover.claimed_by) == (HandoverState.CLAIMED, "Weber")
    assert len(asked.new_replies()) == 1


async def test_a_note_is_not_for_the_newcomer(asked: Talk, desk: Any) -> None:
    await desk.writes("/note call the office")
    assert asked.new_replies() == []
    assert asked.conversation.state == ConversationState.WAITING


async def test_the_end_is_said_once_and_the_bot_answers_again(asked: Talk, desk: Any) -> None:
    await desk.writes("Good morning")
    await desk.writes("/close")
    await desk.writes("/close")
    told = asked.new_replies()
    assert len(told) == 2
    assert told[-1].text.startswith("The talk with our counsellor has ended.")
    assert [reply.text for reply in await asked.say("a flat")] == ["about a flat"]


async def test_what_is_written_after_the_end_does_not_reach_the_newcomer(
    asked: Talk, desk: Any
) -> None:
    await desk.writes("/close")
    asked.new_replies()
    await desk.writes("one more thing")
    assert asked.new_replies() == []


async def test_what_others_do_is_shown(asked: Talk, desk: Any) -> None:
    number = asked.handovers()[0].id
    now = asked.clock()
    with asked.database.transaction() as session:
        service.reply(session, number, text="from elsewhere", by=ELSEWHERE, now=now)
        service.note(session, number, text="a hint", by=ELSEWHERE, now=now)
        service.close(session, number, by=ELSEWHERE, catalogues=CATALOGUES, now=now)
    shown = await desk.shown()
    for part in ("from elsewhere", "a hint", "Berg"):
        assert part in shown


async def test_an_address_of_the_newcomer_is_nowhere(asked: Talk, desk: Any) -> None:
    await asked.say("hello?")
    assert asked.address not in await desk.shown()
