"""Bot or human? What the router makes of every kind of message."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands import INTENTS
from bot.conversations.models import ConversationState, InboxState
from bot.db.session import Database
from bot.dialogue import texts as phrases
from bot.dialogue.output import FAILURES_BEFORE_HANDOVER
from bot.handover.models import Reason
from bot.handover.texts import requested
from bot.i18n.languages import REPLY_LANGUAGES
from bot.messages import Kind
from bot.privacy import consent
from bot.router import MAXIMUM_READ, readable
from bot.safety import answers as safety_answers
from bot.safety.answers import Emergency
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.fakes import FakeEngine, says, shows
from tests.support.talk import CATALOGUES, SOMEBODY_IS_THERE, Talk

NOT_UNDERSTOOD = {"not_understood": True}


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    return Talk(sqlite, clock)


# Ordinary messages


async def test_a_message_is_answered_by_the_engine(database: Database, clock: Clock) -> None:
    talk = Talk(database, clock)
    [reply] = await talk.say("I need a German course")
    assert reply.text == "you said I need a German course"
    [asked] = talk.engine.asked
    [message] = talk.messages()
    assert (asked.sender, asked.message_id) == (talk.conversation.id, str(message.id))
    assert asked.metadata == {"language": "en"}
    assert (message.state, message.intent, message.language) == (InboxState.DONE, "greet", "en")
    assert [row.inbox_message_id for row in talk.rows()] == [message.id]


async def test_messages_are_answered_in_order(database: Database, clock: Clock) -> None:
    talk = Talk(database, clock)
    replies = await talk.say("one hello", "two hello", "three hello")
    assert [reply.text for reply in replies] == [
        "you said one hello",
        "you said two hello",
        "you said three hello",
    ]


async def test_nothing_to_answer_is_said(talk: Talk) -> None:
    await talk.say("hello")
    assert await talk.router.answer_next(talk.conversation.id) is False
    assert await talk.router.answer_next("no such conversation") is False


async def test_two_conversations_do_not_disturb_each_other(
    database: Database, clock: Clock
) -> None:
    engine = FakeEngine()
    anna = Talk(database, clock, engine=engine)
    ben = Talk(database, clock, engine=engine, address="ben")
    slow = engine.hold("slow question")
    anna.receive("slow question")
    waiting = asyncio.create_task(anna.settle())
    await slow.reached()
    assert [reply.text for reply in await ben.say("quick question")] == ["you said quick question"]
    slow.let_go()
    assert [reply.text for reply in await waiting] == ["you said slow question"]
    assert len({asked.sender for asked in engine.asked}) == 2


async def test_a_buttons_payload_reaches_the_engine(talk: Talk) -> None:
    await talk.say("hello")
    payload = {"intent": "inform", "entities": {"measure": 'a"b'}}
    key = talk.show_button(payload)
    await talk.send(Kind.BUTTON, button_key=key)
    intent, _, entities = talk.engine.texts[-1].partition("{")
    assert (intent, json.loads("{" + entities)) == ("/inform", {"measure": 'a"b'})


# Injection


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ('/restart{"x":1}', 'restart{"x":1}'),
        ("/ask_job", "ask_job"),
        ("//x", "x"),
        ("/ /ask_job", "ask_job"),
        ("/help me please", "help me please"),
        ("\u202e/ask_job", "ask_job"),
        ("\x00/ask_job", "ask_job"),
        ("\n /greet", "greet"),
        ("/inform{}", "inform{}"),
        ("/session_start", "session_start"),
    ],
)
async def test_a_typed_slash_is_never_passed_on(talk: Talk, typed: str, read: str) -> None:
    await talk.say(typed)
    assert talk.engine.texts == [read]


# A function-scoped database per test is enough: every example is another message of one person.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    typed=st.one_of(
        st.text(max_size=60),
        st.text(alphabet='/{}":! aZ\u200d\u202e\u2068\x00\n', max_size=12),
    )
)
async def test_no_typed_text_is_read_as_an_intent(talk: Talk, typed: str) -> None:
    before = len(talk.engine.asked)
    replies = await talk.say(typed)
    asked = talk.engine.texts[before:]
    commands = {f"/{intent}" for intent in INTENTS.values()}
    for text in asked:
        assert not text.startswith("/") or text.partition("{")[0] in commands
        assert text.strip()
    assert len(replies) == 1


@given(text=st.text(max_size=200))
def test_a_readable_text_is_one_line_of_visible_characters(text: str) -> None:
    read = readable(text)
    assert read == readable(read)
    assert not set(read) & set("\x00\r\n\t\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e")
    assert len(read) <= MAXIMUM_READ


def test_a_readable_text_keeps_the_joiners_of_persian_and_emoji() -> None:
    assert readable("می\u200cخواهم 👨\u200d👩\u200d👧") == "می\u200cخواهم 👨\u200d👩\u200d👧"


# Commands


@pytest.mark.parametrize(
    ("typed", "payload"),
    [
        ("/start", "/greet"),
        ("/help", "/help"),
        ("/help@lotse_bot", "/help"),
        ("  /HELP  ", "/help"),
        ("/language", "/change_language"),
        ("/language tr", '/change_language{"language": "tr"}'),
        ("/language Türkçe", '/change_language{"language": "tr"}'),
        ("/language ar-SY", '/change_language{"language": "ar"}'),
        ("/language klingon", "/change_language"),
        ("/privacy", "/ask_privacy"),
        ("/forget", "/delete_my_data"),
        ("/restart", "/restart"),
        ("/human", "/request_human"),
    ],
)
async def test_a_command_is_what_its_button_would_be(talk: Talk, typed: str, payload: str) -> None:
    await talk.say(typed)
    assert talk.engine.texts == [payload]


# Buttons that mean nothing (any more)


async def test_an_unknown_button_key_gets_a_way_on(talk: Talk) -> None:
    await talk.say("hello")
    [reply] = await talk.send(Kind.BUTTON, button_key="no-such-key")
    assert reply.text == phrases.old_button(talk.texts).text
    assert reply.buttons
    assert talk.engine.texts == ["hello"]


async def test_another_persons_button_means_nothing(sqlite: Database, clock: Clock) -> None:
    anna, ben = Talk(sqlite, clock), Talk(sqlite, clock, address="ben")
    await anna.say("hello")
    await ben.say("hello")
    key = anna.show_button({"intent": "request_human"})
    [reply] = await ben.send(Kind.BUTTON, button_key=key)
    assert reply.text == phrases.old_button(ben.texts).text


async def test_a_button_of_an_older_release_means_nothing(talk: Talk) -> None:
    await talk.say("hello")
    key = talk.show_button({"command": "no.longer.known"})
    [reply] = await talk.send(Kind.BUTTON, button_key=key)
    assert reply.text == phrases.old_button(talk.texts).text


# What is not text


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.TEXT, Kind.BUTTON)])
async def test_what_cannot_be_read_is_said_honestly(talk: Talk, kind: Kind) -> None:
    [reply] = await talk.send(kind)
    assert reply.text == phrases.cannot_read(kind, talk.texts).text
    assert reply.buttons
    assert talk.engine.asked == []


async def test_the_words_below_a_photo_are_read(talk: Talk) -> None:
    [reply] = await talk.send(Kind.PHOTO, "what does this letter mean")
    assert reply.text == "you said what does this letter mean"


@pytest.mark.parametrize(
    "text", ["", "   ", "😀🙏", "?!…", "/", "\x00\x07", "\u202e\u2066\u200f", "\ufeff"]
)
async def test_texts_without_words_are_not_understood(talk: Talk, text: str) -> None:
    [reply] = await talk.say(text)
    assert reply.text == phrases.not_understood(talk.texts, again=False).text
    assert talk.engine.asked == []
    assert talk.conversation.failures == 0


async def test_control_and_direction_characters_do_not_reach_the_engine(talk: Talk) -> None:
    await talk.say("ger\u202eman\x00 \x07course\u2066\n\nin  Feuerbach\u200f")
    assert talk.engine.texts == ["german course in Feuerbach"]


async def test_a_very_long_text_is_read_up_to_a_bound(database: Database, clock: Clock) -> None:
    talk = Talk(database, clock)
    await talk.say("word " * 2_000)
    [text] = talk.engine.texts
    assert text == ("word " * 2_000)[:MAXIMUM_READ]
    assert len(talk.messages()[0].text) == 10_000


async def test_an_edited_message_is_answered_once_more(talk: Talk) -> None:
    await talk.say(incoming("hello ther", language_hint="en"))
    [reply] = await talk.say(incoming("hello there", edited=True))
    assert reply.text == "you said hello there"


# Emergencies


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.PHOTO])
async def test_an_emergency_is_answered_before_the_engine(
    database: Database, clock: Clock, kind: Kind
) -> None:
    talk = Talk(database, clock, hint="de")
    [reply] = await talk.send(kind, "mein Mann schlägt mich")
    assert reply.text == safety_answers.answer(Emergency.VIOLENCE, talk.texts).text
    assert "110" in [line.value for line in reply.cards[0].lines]
    assert talk.engine.asked == []
    [opened] = talk.handovers()
    assert (opened.urgent, opened.reason) == (True, Reason.EMERGENCY)
    assert talk.conversation.state == ConversationState.WAITING
    assert talk.messages()[0].intent == "report_emergency"
    await talk.press(talk.texts.gettext("Go on with the chat assistant"))
    assert talk.conversation.state == ConversationState.BOT


async def test_an_emergency_told_by_the_model_is_urgent_too(talk: Talk) -> None:
    talk.engine.respond = lambda _: shows({"emergency": True}, intent="report_emergency")
    [reply] = await talk.say("something terrible is going on")
    assert reply.text == safety_answers.answer(Emergency.DANGER, talk.texts).text
    assert [item.urgent for item in talk.handovers()] == [True]


# Language


async def test_the_platforms_language_counts_until_words_say_more(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock, hint="tr-TR")
    await talk.say("ok")
    assert talk.conversation.language == "tr"
    await talk.say("Ich suche einen Deutschkurs am Abend für meine Schwester")
    assert talk.conversation.language == "de"


async def test_the_language_stays_when_a_message_says_little(talk: Talk) -> None:
    await talk.say("Almanca kursu arıyorum, akşam olursa çok iyi olur")
    assert talk.conversation.language == "tr"
    await talk.say("B1", "Feuerbach", "ok", "/help", "😀")
    assert talk.conversation.language == "tr"
    assert {asked.metadata["language"] for asked in talk.engine.asked} == {"tr"}


async def test_a_chosen_language_stays_whatever_is_written(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    talk.engine.respond = lambda _: shows({"language": "tr"}, intent="change_language")
    [reply] = await talk.say("/language tr")
    assert reply.language == "tr"
    assert reply.text == phrases.language_changed(CATALOGUES["tr"]).text
    talk.engine.respond = says
    await talk.say("Ich suche einen Deutschkurs am Abend für meine Schwester")
    assert (talk.conversation.language, talk.conversation.language_pinned) == ("tr", True)
    assert talk.engine.asked[-1].metadata == {"language": "tr"}


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
async def test_the_routers_own_words_are_in_the_readers_language(
    sqlite: Database, clock: Clock, language: str
) -> None:
    talk = Talk(sqlite, clock, hint=language)
    [reply] = await talk.send(Kind.VOICE)
    assert reply.language == language
    assert reply.text == phrases.cannot_read(Kind.VOICE, CATALOGUES[language]).text


# Not understood


async def test_a_person_takes_over_when_nothing_is_understood(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    talk.engine.respond = lambda _: shows(NOT_UNDERSTOOD, intent="out_of_scope")
    replies = await talk.say(*(f"gibberish number {n}" for n in range(FAILURES_BEFORE_HANDOVER)))
    assert [reply.text for reply in replies] == [
        phrases.not_understood(talk.texts, again=False).text,
        phrases.not_understood(talk.texts, again=True).text,
        requested(talk.texts, SOMEBODY_IS_THERE).text,
    ]
    assert [item.reason for item in talk.handovers()] == [Reason.NOT_UNDERSTOOD]
    assert talk.conversation.state == ConversationState.WAITING


async def test_an_understood_message_resets_the_count(talk: Talk) -> None:
    answers = {"good": says("fine")}
    talk.engine.respond = lambda text: answers.get(text, shows(NOT_UNDERSTOOD))
    await talk.say("bad one", "bad two", "good", "bad three", "bad four")
    assert talk.conversation.state == ConversationState.BOT
    assert talk.conversation.failures == 2


async def test_consent_plays_no_part_where_it_is_not_asked(talk: Talk) -> None:
    replies = await talk.say("hello")
    assert consent.question(talk.texts).text not in [reply.text for reply in replies]
