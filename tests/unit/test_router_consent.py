"""Consent before the first answer, and forgetting: nothing lost, nothing left."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.conversations import inbox, outbox
from bot.conversations.models import (
    ButtonKey,
    ChannelIdentity,
    Contact,
    Conversation,
    ConversationState,
    InboxMessage,
    InboxState,
    OutboxMessage,
)
from bot.db.session import Database
from bot.dialogue import texts as phrases
from bot.handover import newcomer
from bot.handover import service as handover
from bot.handover.journal import Actor
from bot.handover.models import Handover, Reason
from bot.messages import Kind, OutgoingMessage
from bot.privacy import consent
from bot.privacy.export import Exporter
from bot.safety import answers as safety_answers
from bot.safety.answers import Emergency
from bot.workers.outbox import OutboxWorker
from tests.conftest import Clock
from tests.support.fakes import FakeEngine, says
from tests.support.talk import Talk

PERSONAL = (
    Contact,
    ChannelIdentity,
    Conversation,
    InboxMessage,
    OutboxMessage,
    ButtonKey,
    Handover,
)

WEBER = Actor(name="Weber")


@pytest.fixture
def talk(database: Database, clock: Clock) -> Talk:
    return Talk(database, clock, ask_consent=True)


def yes(talk: Talk) -> str:
    return talk.texts.gettext("Yes, I agree")


def no(talk: Talk) -> str:
    return talk.texts.gettext("No")


def rows_left(database: Database) -> dict[str, int]:
    with database.reading() as session:
        counts = {
            model.__tablename__: session.scalar(select(func.count()).select_from(model)) or 0
            for model in PERSONAL
        }
    return {table: count for table, count in counts.items() if count}


def said(replies: list[OutgoingMessage]) -> list[str]:
    return [reply.text for reply in replies]


# Asking


async def test_the_first_message_is_kept_until_the_person_agrees(talk: Talk) -> None:
    [question] = await talk.say("I need a German course")
    assert question.text == consent.question(talk.texts).text
    assert [message.state for message in talk.messages()] == [InboxState.AWAITING_CONSENT]
    assert talk.engine.asked == []
    assert said(await talk.press(yes(talk))) == ["you said I need a German course"]
    assert talk.conversation.identity.contact.consented_at == talk.clock()


async def test_whoever_writes_on_is_reminded_and_answered_in_order(talk: Talk) -> None:
    await talk.say("first question")
    replies = await talk.say("second question", "third question")
    assert said(replies) == [consent.reminder(talk.texts).text] * 2
    replies = await talk.press(yes(talk))
    assert said(replies) == [f"you said {n} question" for n in ("first", "second", "third")]


async def test_who_agreed_is_not_asked_again(talk: Talk) -> None:
    await talk.say("hello")
    await talk.press(yes(talk))
    assert said(await talk.say("and now?")) == ["you said and now?"]


async def test_agreeing_twice_is_harmless(talk: Talk) -> None:
    await talk.say("hello")
    await talk.press(yes(talk))
    agreed_at = talk.conversation.identity.contact.consented_at
    talk.clock.advance(60)
    assert said(await talk.press(yes(talk))) == [consent.thanks(talk.texts).text]
    assert talk.conversation.identity.contact.consented_at == agreed_at


async def test_a_start_command_needs_no_answer_of_its_own(talk: Talk) -> None:
    [question] = await talk.say("/start")
    assert question.text == consent.question(talk.texts).text
    assert said(await talk.press(yes(talk))) == [consent.thanks(talk.texts).text]
    assert talk.engine.asked == []


async def test_other_commands_are_kept_and_carried_out(talk: Talk) -> None:
    await talk.say("/help")
    await talk.press(yes(talk))
    assert talk.engine.texts == ["/help"]


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        (Kind.PHOTO, "what is this letter", "you said what is this letter"),
        (Kind.VOICE, "", None),
    ],
)
async def test_what_is_not_text_is_kept_too(
    sqlite: Database, clock: Clock, kind: Kind, text: str, answer: str | None
) -> None:
    talk = Talk(sqlite, clock, ask_consent=True)
    [question] = await talk.send(kind, text)
    assert question.text == consent.question(talk.texts).text
    expected = answer or phrases.cannot_read(kind, talk.texts).text
    assert said(await talk.press(yes(talk))) == [expected]


async def test_an_emergency_is_answered_without_consent(talk: Talk) -> None:
    [reply] = await talk.say("I want to kill myself")
    assert reply.text == safety_answers.answer(Emergency.SUICIDE, talk.texts).text
    [opened] = talk.handovers()
    assert (opened.urgent, opened.reason) == (True, Reason.EMERGENCY)
    assert talk.conversation.identity.contact.consented_at is None


async def test_the_question_is_in_the_language_of_the_message(
    sqlite: Database, clock: Clock
) -> None:
    talk = Talk(sqlite, clock, ask_consent=True, hint=None)
    [question] = await talk.say("Almanca kursu arıyorum, akşam olursa çok iyi olur")
    assert question.language == "tr"


# Declining


async def test_declining_deletes_everything(talk: Talk) -> None:
    await talk.say("first question", "second question")
    [last_words] = await talk.press(no(talk))
    assert last_words.text == consent.declined(talk.texts).text
    assert talk.messages() == []
    channel = await talk.deliver(1)
    assert channel.texts == [last_words.text]
    assert rows_left(talk.database) == {}
    assert talk.engine.asked == []


async def test_who_declined_and_writes_again_is_asked_again(talk: Talk) -> None:
    await talk.say("first question")
    await talk.press(no(talk))
    await talk.deliver(1)
    replies = await talk.say("second question")
    assert said(replies) == [consent.question(talk.texts).text]
    assert said(await talk.press(yes(talk))) == ["you said second question"]


# Forgetting


async def forget(talk: Talk) -> list[str]:
    """Asks for deletion, as the engine's answer and its button do."""
    talk.engine.respond = lambda _: says(
        "really?", buttons=[{"title": "yes", "payload": "!privacy.forget"}]
    )
    await talk.say("delete my data")
    return said(await talk.press("yes"))


@pytest.fixture
def known(database: Database, clock: Clock) -> Talk:
    return Talk(database, clock)


async def test_forgetting_leaves_no_row(known: Talk) -> None:
    await known.say("hello")
    conversation_id = known.conversation.id
    assert await forget(known) == [consent.forgotten(known.texts).text]
    assert known.engine.forgotten == [conversation_id]
    # Of the person only the address is left, until the last words have reached it.
    assert rows_left(known.database) == {
        "contact": 1,
        "channel_identity": 1,
        "conversation": 1,
        "outbox_message": 1,
    }
    channel = await known.deliver(1)
    assert channel.texts == [consent.forgotten(known.texts).text]
    assert rows_left(known.database) == {}


async def test_only_the_person_who_asked_is_forgotten(sqlite: Database, clock: Clock) -> None:
    engine = FakeEngine()
    anna, ben = Talk(sqlite, clock, engine=engine), Talk(sqlite, clock, engine=engine, address="b")
    await ben.say("hello")
    await ben.deliver(1)
    await anna.say("hello")
    await forget(anna)
    await anna.deliver(1)
    assert anna.find() is None
    assert [message.text for message in ben.messages()] == ["hello"]
    assert len(ben.rows()) == 1


@pytest.mark.parametrize("claimed", [False, True])
async def test_handovers_are_forgotten_too(known: Talk, claimed: bool) -> None:
    known.engine.respond = lambda _: says(
        "really?", buttons=[{"title": "yes", "payload": "!privacy.forget"}]
    )
    await known.say("delete my data")
    with known.database.transaction() as session:
        conversation = session.get(Conversation, known.conversation.id)
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=True, now=known.clock()
        )
        session.flush()
        if claimed:
            handover.reply(session, opened.id, text="Hello", by=WEBER, now=known.clock())
    known.new_replies()
    assert said(await known.press("yes")) == [consent.forgotten(known.texts).text]
    await known.deliver(1)
    assert rows_left(known.database) == {}


async def test_whoever_talks_with_a_person_can_be_forgotten_by_command(known: Talk) -> None:
    await known.say("hello")
    with known.database.transaction() as session:
        conversation = session.get(Conversation, known.conversation.id)
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=known.clock()
        )
        session.flush()
        handover.reply(session, opened.id, text="Hello", by=WEBER, now=known.clock())
    known.new_replies()
    [question] = await known.say("/forget")
    assert question.text == consent.ask_delete(known.texts).text
    assert known.conversation.state == ConversationState.WITH_HUMAN
    answer = await known.press(known.texts.gettext("Yes, delete everything"))
    assert said(answer) == [consent.forgotten(known.texts).text]


async def test_forgetting_waits_for_the_engine(known: Talk) -> None:
    known.engine.respond = lambda _: says(
        "really?", buttons=[{"title": "yes", "payload": "!privacy.forget"}]
    )
    await known.say("delete my data")
    known.engine.away = True
    assert await known.press("yes") == []
    assert [message.state for message in known.messages()] == [
        InboxState.DONE,
        InboxState.PENDING,
    ]
    known.engine.away = False
    known.clock.advance(15)
    assert said(await known.settle()) == [consent.forgotten(known.texts).text]
    assert known.engine.forgotten == [known.conversation.id]
    await known.deliver(1)
    assert rows_left(known.database) == {}


async def test_whoever_writes_before_the_last_words_left_is_not_lost(talk: Talk) -> None:
    await talk.say("hello")
    await talk.press(yes(talk))
    await forget(talk)
    talk.receive("I am back")
    channel = await talk.deliver(1)
    assert channel.texts == [consent.forgotten(talk.texts).text]
    talk.engine.respond = says
    assert said(await talk.settle()) == [consent.question(talk.texts).text]
    assert said(await talk.press(yes(talk))) == ["I am back"]


async def test_last_words_interrupted_by_a_crash_are_followed_by_forgetting(known: Talk) -> None:
    await known.say("hello")
    await known.deliver(1)
    await forget(known)
    with known.database.transaction() as session:
        assert outbox.start_next(session, known.conversation.id, now=known.clock()) is not None
    worker = OutboxWorker(
        database=known.database,
        channels={},
        owner="next",
        clock=known.clock,
        limit=1,
        exporter=Exporter(database=known.database, remembered=known.engine.remembered),
    )
    assert worker.settle_interrupted() == 1
    assert rows_left(known.database) == {}


async def test_a_message_of_somebody_forgotten_meanwhile_is_answered_to_nobody(
    sqlite: Database, clock: Clock
) -> None:
    talk = Talk(sqlite, clock)

    def forgotten_meanwhile(text: str) -> object:
        with sqlite.transaction() as session:
            found = inbox.find_conversation(session, channel="web", address="anna")
            session.delete(found.identity.contact)  # type: ignore[union-attr]
        return says(text)

    talk.engine.respond = forgotten_meanwhile  # type: ignore[assignment]
    assert await talk.say("hello") == []
    assert rows_left(sqlite) == {}
