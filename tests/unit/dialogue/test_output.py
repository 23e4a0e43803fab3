"""From the engine's answer to messages and effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db.session import Database
from bot.dialogue import texts as phrases
from bot.dialogue.effects import CountFailure, Reply, RequestHandover, SetLanguage
from bot.dialogue.engine import EngineAnswer
from bot.dialogue.output import Output, as_payload_text, payload
from bot.errors import MessageNotProcessedError
from bot.handover.models import Reason
from bot.handover.texts import withdraw_button
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import Texts
from bot.measures.answers import MeasureAnswers
from bot.messages import Button
from bot.safety import answers as safety_answers
from bot.safety.answers import Emergency
from tests.conftest import Clock
from tests.support.booking_form import booking_answers
from tests.support.fakes import FakeMeanings, says, shows, silence
from tests.support.measures import new_measure
from tests.support.talk import CATALOGUES

ENGLISH = CATALOGUES["en"]


@pytest.fixture
def output(sqlite: Database, clock: Clock) -> Output:
    measures = MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)
    return Output(
        catalogues=CATALOGUES,
        measures=measures,
        booking=booking_answers(sqlite, clock, CATALOGUES),
    )


def reply(output: Output, answer: EngineAnswer, **changes: Any) -> Reply:
    values = {"language": "en", "failures": 0, **changes}
    return output.reply(answer, **values)


def several(*items: dict[str, Any]) -> EngineAnswer:
    return EngineAnswer(intent="inform", confidence=1.0, messages=list(items))


# Texts and buttons


def test_a_text_with_buttons(output: Output) -> None:
    buttons = [
        {"title": "Work", "payload": "/ask_job"},
        {"title": "This one", "payload": '/inform{"measure": "m1"}'},
        {"title": "Delete", "payload": "!privacy.forget"},
    ]
    made = reply(output, says("What is it about?", intent="greet", buttons=buttons))
    [message] = made.messages
    assert (message.text, message.language, message.cards) == ("What is it about?", "en", ())
    assert message.buttons == (
        Button(title="Work", payload={"intent": "ask_job", "entities": {}}),
        Button(title="This one", payload={"intent": "inform", "entities": {"measure": "m1"}}),
        Button(title="Delete", payload={"command": "privacy.forget"}),
    )
    assert (made.effects, made.intent) == ((), "greet")


def test_what_is_said_in_pieces_becomes_one_message(output: Output) -> None:
    made = reply(
        output,
        several(
            {"text": "One."},
            {"text": "", "buttons": [{"title": "a", "payload": "/help"}]},
            {"text": "Two.", "buttons": [{"title": "b", "payload": "/help"}]},
        ),
    )
    [message] = made.messages
    assert message.text == "One.\n\nTwo."
    assert [button.title for button in message.buttons] == ["a", "b"]


def test_silence_is_never_an_answer(output: Output) -> None:
    with pytest.raises(MessageNotProcessedError):
        reply(output, silence())


def test_an_unknown_description_is_an_error(output: Output) -> None:
    with pytest.raises(MessageNotProcessedError, match="something"):
        reply(output, shows({"something": 1}))


@pytest.mark.parametrize(
    ("custom", "words"),
    [
        ({"ask_topic": True}, phrases.topic_question),
    ],
)
@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_questions_back_leave_a_way_on(
    output: Output, custom: dict[str, Any], words: Callable[[Texts], object], language: str
) -> None:
    [message] = reply(output, shows(custom), language=language).messages
    assert message == words(CATALOGUES[language])
    assert message.buttons


# Offers


def test_offers_and_details_are_made_into_cards(output: Output, sqlite: Database) -> None:
    with sqlite.transaction() as session:
        offer = new_measure(session, title="Course").id
    shown = {
        "topic": "language_course",
        "ids": [offer],
        "total": 1,
        "position": 0,
        "wishes": {},
        "unconfirmed": [],
    }
    for custom in ({"offers": shown}, {"offer": offer}):
        [message] = reply(output, shows(custom)).messages
        assert "Course" in message.cards[0].title
        assert message.buttons


# Language


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_a_change_of_language_is_confirmed_in_it(output: Output, language: str) -> None:
    made = reply(output, shows({"language": language}))
    assert made.effects == (SetLanguage(code=language),)
    assert made.messages == (phrases.language_changed(CATALOGUES[language]),)


def test_a_language_not_served_is_named_and_the_others_are_offered(output: Output) -> None:
    made = reply(output, shows({"language": "ku"}))
    assert made.effects == ()
    [message] = made.messages
    assert "Kurdish" in message.text
    assert [button.payload["entities"]["language"] for button in message.buttons] == list(
        REPLY_LANGUAGES
    )


def test_no_language_named_asks_which(output: Output) -> None:
    made = reply(output, shows({"language": None}))
    assert made.messages == (phrases.language_question(ENGLISH),)
    assert made.effects == ()


# People


def test_a_person_is_called_for(output: Output) -> None:
    made = reply(output, shows({"handover": "asked"}))
    assert made.effects == (RequestHandover(reason=Reason.ASKED),)
    assert made.messages == (), "what is said depends on who is there"


def test_an_emergency_gets_its_fixed_words_and_a_way_back(output: Output) -> None:
    made = reply(output, shows({"emergency": True}))
    assert made.effects == (RequestHandover(reason=Reason.EMERGENCY, urgent=True),)
    assert made.messages == (phrases.emergency(Emergency.DANGER, ENGLISH),)
    [message] = made.messages
    assert message.cards == safety_answers.answer(Emergency.DANGER, ENGLISH).cards
    assert message.buttons == (withdraw_button(ENGLISH),)


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
@pytest.mark.parametrize("kind", Emergency)
def test_emergency_words_name_a_number_or_a_place_in_every_language(
    kind: Emergency, language: str
) -> None:
    message = safety_answers.answer(kind, CATALOGUES[language])
    assert message.language == language
    assert message.text
    [card] = message.cards
    assert {line.kind for line in card.lines} <= {"phone", "text"}
    assert {"110", "112"} & {line.value for line in card.lines}
    assert all(line.label and line.value for line in card.lines)


@pytest.mark.parametrize(
    ("failures", "words", "effect"),
    [
        (0, (phrases.not_understood(ENGLISH, again=False),), CountFailure()),
        (1, (phrases.not_understood(ENGLISH, again=True),), CountFailure()),
        (2, (), RequestHandover(reason=Reason.NOT_UNDERSTOOD)),
        (9, (), RequestHandover(reason=Reason.NOT_UNDERSTOOD)),
    ],
)
def test_the_third_message_not_understood_brings_in_a_person(
    output: Output, failures: int, words: object, effect: object
) -> None:
    made = reply(output, shows({"not_understood": True}), failures=failures)
    assert (made.messages, made.effects) == (words, (effect,))


# Payloads

entities = st.dictionaries(
    st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
    st.one_of(st.text(max_size=20), st.integers(), st.booleans()),
    max_size=3,
)


@given(intent=st.from_regex(r"[a-z_]{1,30}", fullmatch=True), values=entities)
def test_a_payload_survives_the_way_through_the_engines_notation(
    intent: str, values: dict[str, Any]
) -> None:
    data = {"intent": intent, "entities": values}
    assert payload(as_payload_text(data)) == data


@pytest.mark.parametrize("written", ["", "ask_job", "/", "/ask job", "/ask_job{", "/ask_job[]"])
def test_any_other_notation_is_an_error(written: str) -> None:
    with pytest.raises(ValueError, match=r"payload"):
        payload(written)
