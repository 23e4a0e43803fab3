"""With a person: the bot is silent, nothing is lost, and the way back is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.conversations.models import Conversation, ConversationState, InboxState
from bot.db.session import Database
from bot.errors import IllegalMoveError
from bot.handover import newcomer
from bot.handover import service as handover
from bot.handover.journal import Actor
from bot.handover.models import Reason
from bot.handover.texts import requested, withdrawn
from bot.messages import Kind
from bot.safety import answers as safety_answers
from bot.safety.answers import Emergency
from tests.conftest import Clock
from tests.support.fakes import says, shows
from tests.support.talk import CATALOGUES, SOMEBODY_IS_THERE, Talk

WEBER = Actor(name="Weber")


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    return Talk(sqlite, clock)


def hand_over(talk: Talk, *, claimed: bool) -> int:
    """Puts the conversation into ``waiting``, or ``with_human`` when ``claimed``."""
    with talk.database.transaction() as session:
        conversation = session.get(Conversation, talk.conversation.id)
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=talk.clock()
        )
        session.flush()
        if claimed:
            handover.reply(session, opened.id, text="Hello", by=WEBER, now=talk.clock())
        number = opened.id
    talk.new_replies()
    return number


@pytest.mark.parametrize("claimed", [False, True])
async def test_whoever_has_a_person_is_not_answered_by_the_bot(
    database: Database, clock: Clock, claimed: bool
) -> None:
    talk = Talk(database, clock)
    await talk.say("hello")
    hand_over(talk, claimed=claimed)
    assert await talk.say("are you there?", "😀") == []
    assert await talk.send(Kind.PHOTO) == []
    assert await talk.send(Kind.BUTTON, button_key="unknown") == []
    assert talk.engine.texts == ["hello"]
    assert {message.state for message in talk.messages()} == {InboxState.DONE}


async def test_the_bots_buttons_and_commands_work_until_a_person_takes_over(talk: Talk) -> None:
    await talk.say("hello")
    key = talk.show_button({"intent": "ask_job"})
    hand_over(talk, claimed=False)
    assert len(await talk.send(Kind.BUTTON, button_key=key)) == 1
    assert len(await talk.say("/help")) == 1
    assert talk.engine.texts == ["hello", "/ask_job", "/help"]
    assert talk.conversation.state == ConversationState.WAITING
    hand_over(talk, claimed=True)
    assert await talk.send(Kind.BUTTON, button_key=key) == []
    assert await talk.say("/help") == []
    assert len(talk.engine.texts) == 3


@pytest.mark.parametrize("claimed", [False, True])
async def test_an_emergency_makes_an_open_handover_urgent(
    sqlite: Database, clock: Clock, claimed: bool
) -> None:
    talk = Talk(sqlite, clock, hint="de")
    await talk.say("hallo")
    hand_over(talk, claimed=claimed)
    state = talk.conversation.state
    [reply] = await talk.say("mein Mann schlägt mich")
    assert reply.text == safety_answers.answer(Emergency.VIOLENCE, talk.texts).text
    [opened] = talk.handovers()
    assert (opened.urgent, opened.reason) == (True, Reason.EMERGENCY)
    assert talk.conversation.state == state


async def test_request_human_puts_the_conversation_into_waiting(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    talk.engine.respond = lambda _: shows({"handover": "asked"}, intent="request_human")
    [reply] = await talk.say("I want to talk to a person")
    assert reply.text == requested(talk.texts, SOMEBODY_IS_THERE).text
    [opened] = talk.handovers()
    assert (opened.reason, opened.urgent, opened.language) == (Reason.ASKED, False, "en")
    assert talk.conversation.state == ConversationState.WAITING


async def test_whoever_waits_can_go_on_with_the_bot(talk: Talk) -> None:
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("a person please")
    talk.engine.respond = says
    [reply] = await talk.press(talk.texts.gettext("Go on with the chat assistant"))
    assert reply.text == withdrawn(talk.texts, stays=False)
    assert talk.conversation.state == ConversationState.BOT
    assert [item.state for item in talk.handovers()] == ["closed"]
    assert [reply.text for reply in await talk.say("hello again")] == ["hello again"]


async def test_whoever_talks_with_a_person_cannot_cut_them_off(talk: Talk) -> None:
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("a person please")
    key = talk.key(talk.texts.gettext("Go on with the chat assistant"))
    hand_over(talk, claimed=True)
    assert await talk.send(Kind.BUTTON, button_key=key) == []
    assert talk.conversation.state == ConversationState.WITH_HUMAN


def meanwhile(talk: Talk, happens: Callable[[], object]) -> None:
    """Lets something happen between deciding about the next message and settling it."""
    settle = talk.router._settle

    def interrupted(*arguments: Any) -> None:
        talk.router._settle = settle  # type: ignore[method-assign]
        happens()
        settle(*arguments)

    talk.router._settle = interrupted  # type: ignore[method-assign]


async def test_a_message_is_not_lost_when_the_handover_is_closed_meanwhile(talk: Talk) -> None:
    await talk.say("hello")
    number = hand_over(talk, claimed=True)

    def close() -> None:
        with talk.database.transaction() as session:
            handover.close(session, number, by=WEBER, catalogues=CATALOGUES, now=talk.clock())

    meanwhile(talk, close)
    replies = await talk.say("and now?")
    assert [reply.text for reply in replies[1:]] == ["you said and now?"]


async def test_a_counsellor_who_takes_over_meanwhile_is_not_cut_off(talk: Talk) -> None:
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("a person please")
    key = talk.key(talk.texts.gettext("Go on with the chat assistant"))
    [opened] = talk.handovers()

    def answer() -> None:
        with talk.database.transaction() as session:
            handover.reply(session, opened.id, text="Hello", by=WEBER, now=talk.clock())

    meanwhile(talk, answer)
    replies = await talk.send(Kind.BUTTON, button_key=key)
    assert [reply.text for reply in replies] == ["Hello"]
    assert talk.conversation.state == ConversationState.WITH_HUMAN


async def test_the_engines_dialogue_starts_afresh_after_a_person(talk: Talk) -> None:
    await talk.say("hello")
    number = hand_over(talk, claimed=True)
    with talk.database.transaction() as session:
        handover.close(session, number, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
    talk.new_replies()
    await talk.say("and now?", "and then?")
    assert talk.engine.resumed == [talk.conversation.id]
    assert talk.engine.texts == ["hello", "and now?", "and then?"]
    with talk.database.transaction() as session, pytest.raises(IllegalMoveError):
        handover.close(session, number, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
