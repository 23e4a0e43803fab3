"""Choosing without pressing: by place, by title, by yes and no."""

from __future__ import annotations

import pytest

from bot.db.session import Database
from bot.dialogue import texts as phrases
from bot.messages import Asks, Button, OutgoingMessage
from tests.conftest import Clock
from tests.support.fakes import says
from tests.support.talk import Talk

QUESTION = OutgoingMessage(
    text="Which?",
    buttons=(
        Button(title="Work", payload={"intent": "ask_job"}),
        Button(title="More", payload={"intent": "more_results"}, choosable=False),
        Button(title="Flat", payload={"intent": "ask_housing", "entities": {"district": "West"}}),
        Button(title="Yes, all", payload={"intent": "restart"}, choosable=False, means="yes"),
        Button(title="No", payload={"intent": "help"}, choosable=False, means="no"),
    ),
)
FLAT = '/ask_housing{"district": "West"}'


@pytest.fixture
async def talk(sqlite: Database, clock: Clock) -> Talk:
    talk = Talk(sqlite, clock)
    await talk.say("hello")
    talk.show(QUESTION)
    return talk


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("1", "/ask_job"),
        ("2", FLAT),
        ("-1", FLAT),
        ("flat", FLAT),
        ("  Flat. ", FLAT),
        ("MORE", "/more_results"),
        ("flat in the west", "flat in the west"),
    ],
)
async def test_words_press_the_button_they_name(talk: Talk, said: str, heard: str) -> None:
    await talk.say(said)
    assert talk.engine.texts[-1] == heard


async def test_a_place_that_is_not_there_is_said_so(talk: Talk) -> None:
    [reply] = await talk.say("3")
    assert reply.text == phrases.no_such_choice(talk.texts, ()).text
    assert talk.engine.texts == ["hello"]


@pytest.mark.parametrize(("intent", "pressed"), [("affirm", "/restart"), ("deny", "/help")])
async def test_yes_and_no_press_what_means_them(talk: Talk, intent: str, pressed: str) -> None:
    talk.engine.respond = lambda text: says(text, intent=intent if text == "word" else "other")
    [reply] = await talk.say("word")
    assert reply.text == pressed
    first, second = talk.engine.asked[-2:]
    assert (first.message, second.message) == ("word", pressed)
    assert second.message_id == f"{first.message_id}-pressed"


async def test_a_plain_yes_is_a_message_where_nothing_asks_for_it(
    sqlite: Database, clock: Clock
) -> None:
    talk = Talk(sqlite, clock)
    talk.engine.respond = lambda text: says(text, intent="affirm")
    [reply] = await talk.say("yes")
    assert reply.text == "yes"


async def test_a_list_can_be_chosen_from_behind_a_short_answer(talk: Talk) -> None:
    await talk.say("something else")
    await talk.say("flat")
    assert talk.engine.texts[-1] == "flat"
    await talk.say("2")
    assert talk.engine.texts[-1] == FLAT
    await talk.say("something else")
    await talk.say("2")
    assert talk.engine.texts[-1] == "2"


async def test_a_number_answers_a_question_for_words(talk: Talk) -> None:
    talk.show(OutgoingMessage(text="How old?", asks=Asks.WORDS))
    await talk.say("2")
    assert talk.engine.texts[-1] == "2"


async def test_a_command_is_chosen_too(talk: Talk) -> None:
    talk.show(
        OutgoingMessage(
            text="Delete?",
            buttons=(
                Button(title="Delete all", payload={"command": "privacy.forget"}, means="yes"),
            ),
        )
    )
    talk.engine.respond = lambda text: says(text, intent="affirm")
    conversation = talk.conversation.id
    await talk.say("yes")
    assert talk.engine.forgotten == [conversation]
