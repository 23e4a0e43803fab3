"""The topic desk: one topic a person, answers from there, nothing lost and nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.channels.telegram import SendLimiter, TelegramChannel
from bot.conversations import inbox
from bot.conversations.models import ConversationState
from bot.db.session import Database
from bot.errors import RetryLaterError
from bot.handover import service
from bot.handover.desks.desk import Case, Line
from bot.handover.desks.telegram import TelegramDesk, packed
from bot.handover.journal import Actor
from bot.handover.models import EventKind, HandoverState
from bot.messages import OutgoingMessage
from bot.privacy.service import forget_contents
from tests.conftest import Clock
from tests.support.bot_api import BotApi, FaultKind
from tests.support.builders import incoming
from tests.support.desks import CONSOLE_TEXTS, NoWaiting, TopicDesk, told
from tests.support.fakes import says, shows
from tests.support.talk import CATALOGUES, Talk

ASKS = "a person please"


@pytest.fixture(scope="module")
def bot_api() -> Iterator[BotApi]:
    with BotApi() as server:
        yield server


@pytest.fixture
async def topics(sqlite: Database, clock: Clock, bot_api: BotApi) -> AsyncIterator[TopicDesk]:
    desk = TopicDesk(sqlite, clock, bot_api)
    bot_api.account.updates.clear()
    yield desk
    await desk.api.close()


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    talk = Talk(sqlite, clock, hint="uk")
    talk.engine.respond = lambda text: (
        shows({"handover": "asked"}) if text == ASKS else says(f"about {text}", intent="ask_job")
    )
    return talk


async def test_a_request_makes_a_topic_with_what_was_said_before(
    talk: Talk, topics: TopicDesk
) -> None:
    await talk.say("де знайти роботу", ASKS)
    shown = await topics.shown()
    [thread] = topics.threads
    [opened] = talk.handovers()
    assert topics.server.account.topics[topics.group.chat_id][thread]["name"] == (
        f"#{opened.id} · Ukrainian · Work and training"
    )
    assert "Why: asked for a person" in shown
    assert "👤 де знайти роботу" in shown
    assert "🤖 about де знайти роботу" in shown
    assert "anna" not in shown


async def test_an_answer_in_the_topic_reaches_the_newcomer(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    await topics.writes("Добрий день!")
    assert [reply.text for reply in talk.new_replies()] == ["Добрий день!"]
    [opened] = talk.handovers()
    assert (opened.state, opened.claimed_by, opened.claimed_on) == (
        HandoverState.FOR_NEWCOMER,
        "Weber",
        "telegram",
    )
    await talk.say("дякую")
    shown = await topics.shown()
    assert shown.count("дякую") == 1
    assert "✅ Weber has it" in shown
    assert "Добрий день!" not in shown, "it stands there as the counsellor wrote it"


async def test_an_update_that_comes_again_changes_nothing(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    await topics.writes("Hello")
    await topics.receive_updates(again=True)
    await topics.receive_updates(again=True)
    assert [reply.text for reply in talk.new_replies()] == ["Hello"]


async def test_commands_claim_note_and_close(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    await topics.writes("/claim")
    assert talk.conversation.state == ConversationState.WITH_HUMAN
    await topics.writes("/note speaks a little German")
    await topics.writes("/claim", name="Kaya")
    shown = await topics.shown()
    assert "Weber has it. /take takes it over." in shown
    await topics.writes("/close@lotse_bot referred")
    assert "✔️ Closed by Weber: referred to another office" in await topics.shown()
    [closed] = talk.handovers()
    assert (closed.state, closed.outcome) == (HandoverState.CLOSED, "referred")
    assert len(talk.new_replies()) == 2, "somebody is here, and the end"
    await topics.writes("one more thing")
    assert talk.new_replies() == []
    assert "/reopen goes on with it" in await topics.shown()
    await topics.writes("/reopen")
    await topics.writes("one more thing")
    assert [reply.text for reply in talk.new_replies()] == ["one more thing"]


async def test_what_is_not_text_or_no_command_is_answered_in_the_topic(
    talk: Talk, topics: TopicDesk
) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    await topics.writes("/dance")
    await topics.writes("  ")
    await topics.writes("/note")
    shown = await topics.shown()
    assert "Commands: /claim" in shown
    assert "Only text can be passed on" in shown
    assert "Write the note behind the command" in shown
    assert talk.new_replies() == []
    assert talk.conversation.state == ConversationState.WAITING


async def test_moves_at_another_desk_are_shown_in_the_topic(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    [opened] = talk.handovers()
    berg = Actor(name="Berg", id="account")
    with talk.database.transaction() as session:
        service.reply(session, opened.id, text="from the console", by=berg, now=talk.clock())
        service.note(session, opened.id, text="call back", by=berg, now=talk.clock())
        service.close(session, opened.id, by=berg, catalogues=CATALOGUES, now=talk.clock())
    shown = await topics.shown()
    for part in (
        "✅ Berg has it",
        "💬 Berg (console): from the console",
        "📝 Berg: call back",
        "✔️ Closed by Berg: solved",
    ):
        assert part in shown


async def test_one_topic_serves_all_handovers_of_a_person(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    await topics.writes("/close")
    talk.clock.advance(25 * 3600)
    await talk.say(ASKS)
    shown = await topics.shown()
    assert len(topics.threads) == 1
    assert [f"🆕 #{item.id} · " in shown for item in talk.handovers()] == [True, True]


async def test_a_deleted_topic_is_made_again_and_nothing_is_missing(
    talk: Talk, topics: TopicDesk
) -> None:
    await talk.say(ASKS, "first words")
    await topics.shown()
    topics.group.loses_topic(topics.threads[0])
    await talk.say("later words")
    shown = await topics.shown()
    assert len(topics.threads) == 1
    assert "first words" in shown
    assert "later words" in shown
    talk.new_replies()
    await topics.writes("Hello again")
    assert [reply.text for reply in talk.new_replies()] == ["Hello again"]


async def test_a_closed_topic_is_opened_again(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    topics.server.account.topics[topics.group.chat_id][topics.threads[0]]["closed"] = True
    await talk.say("are you there?")
    assert "are you there?" in await topics.shown()


async def test_nothing_is_lost_while_the_group_cannot_be_reached(
    talk: Talk, topics: TopicDesk, clock: Clock
) -> None:
    await talk.say(ASKS)
    await topics.shown()
    topics.server.fail(FaultKind.FLOOD, value=7, chat_id=topics.group.chat_id)
    await talk.say("one", "two")
    assert "one" not in await topics.shown()
    await talk.say("three")
    clock.advance(10)
    shown = await topics.shown()
    assert [word for word in shown.split() if word in ("one", "two", "three")] == [
        "one",
        "two",
        "three",
    ]
    assert topics.texts(topics.threads[0])[-1].count("👤") == 3, "in one message"


async def test_an_emergency_is_announced_where_everybody_sees_it(
    talk: Talk, topics: TopicDesk
) -> None:
    await talk.say("мій чоловік б'є мене")
    shown = await topics.shown()
    assert "Why: emergency" in shown
    [alarm] = topics.texts(None)
    assert alarm.startswith("🚨 Emergency! Please take it:")
    # Time does not pass here, so the limits are another test's.
    assert [one for one in topics.server.violations if not one.startswith("flood")] == []


async def test_forgetting_a_person_deletes_their_topic(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    assert len(topics.threads) == 1
    with talk.database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        forget_contents(session, found, now=talk.clock())
    await told(topics.worker)
    assert topics.threads == []


async def test_strangers_and_other_groups_are_not_heard(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    elsewhere = topics.server.add_group(forum=True)
    person = topics.server.add_person()
    elsewhere.receives_from(person, "/close", message_thread_id=topics.threads[0])
    topics.group.receives_from(person, "/close")
    topics.group.receives_from(person, "/close", message_thread_id=9_999)
    await topics.receive_updates()
    assert talk.new_replies() == []
    assert [item.state for item in talk.handovers()] == ["waiting"]


# Corrections


async def test_an_edited_answer_changes_the_message_on_telegram(
    sqlite: Database, clock: Clock, topics: TopicDesk
) -> None:
    anna = topics.server.add_person()
    channel = TelegramChannel(topics.api)
    message = OutgoingMessage(text="at ten", language="en")
    [number] = await channel.send(address=str(anna.chat_id), message=message)
    better = OutgoingMessage(
        text="Correction: at eleven", replaces=(number,), replacement="at eleven"
    )
    assert await channel.send(address=str(anna.chat_id), message=better) == [number]
    assert anna.texts == ["at eleven"]
    gone = OutgoingMessage(text="Correction: at noon", replaces=("999",), replacement="at noon")
    await channel.send(address=str(anna.chat_id), message=gone)
    assert anna.texts == ["at eleven", "Correction: at noon"]


async def test_an_edit_in_the_topic_corrects_the_answer(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await topics.shown()
    talk.new_replies()
    number = await topics.writes("at ten")
    await topics.edits(number, "at eleven")
    assert [reply.text for reply in talk.new_replies()] == ["at eleven"], "it had not left yet"
    await talk.deliver(len(talk.rows()))
    await topics.edits(number, "at noon")
    [correction] = talk.new_replies()
    assert (correction.text, correction.replacement) == (
        CATALOGUES.get(talk.conversation.language).gettext("Correction: {text}", text="at noon"),
        "at noon",
    )
    assert correction.replaces
    await topics.receive_updates(again=True)
    assert talk.new_replies() == []


async def test_an_edit_of_the_newcomer_is_shown_as_one(talk: Talk, topics: TopicDesk) -> None:
    await talk.say(ASKS)
    await talk.say(incoming("my number is 12", edited=True))
    assert "👤 (corrected) my number is 12" in await topics.shown()


# The group's limit


class Writings:
    """A forum that only notes when something was written."""

    def __init__(self, time: NoWaiting) -> None:
        self.time = time
        self.times: list[float] = []
        self.texts: list[str] = []

    async def create_topic(self, chat_id: int, name: str) -> int:
        return 1

    async def delete_topic(self, chat_id: int, thread_id: int) -> None: ...

    async def reopen_topic(self, chat_id: int, thread_id: int) -> None: ...

    async def write_in_topic(self, chat_id: int, html: str, *, thread_id: int | None) -> None:
        self.times.append(self.time.now)
        self.texts.append(html)


async def test_many_lines_are_merged_and_bounded() -> None:
    texts = [f"line {number} " + "x" * 150 for number in range(40)]
    pieces = packed(texts)
    assert all(len(piece) <= 1_900 for piece in pieces)
    assert "\n\n".join(pieces) == "\n\n".join(texts)
    assert len(pieces) < 5
    assert packed(["y" * 5_000]) == ["y" * 1_900, "y" * 1_900, "y" * 1_200]


async def test_never_more_than_twenty_messages_a_minute(clock: Clock) -> None:
    time = NoWaiting()
    limiter = SendLimiter(clock=time.clock, sleep=time.sleep)
    forum = Writings(time)
    desk = TelegramDesk(forum, chat_id=-100, limits=limiter, texts=CONSOLE_TEXTS)
    case = Case(
        handover_id=1,
        conversation_id="a",
        channel="web",
        language="en",
        topic="",
        reason="asked",
        urgent=False,
    )
    for number in range(60):
        while True:
            await desk.wait_until_free()
            line = Line(id=number, kind=EventKind.NOTE, at=clock(), text=str(number))
            try:
                await desk.tell("1", case, [line])
            except RetryLaterError as error:
                await time.sleep(error.seconds)
                continue
            break
    assert len(forum.texts) == 60
    for start in forum.times:
        assert sum(start <= moment < start + 60 for moment in forum.times) <= 20
