"""Conversations in all languages: asking, refining, choosing, being misunderstood."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.conversations.models import ConversationState
from bot.dialogue.meanings import ask_back
from bot.handover.models import Reason
from bot.i18n.languages import REPLY_LANGUAGES
from tests.dialogue.conversation import LANGUAGES, Conversation, in_every_language, said

Begin = Callable[[str], Conversation]


@in_every_language
async def test_a_search_is_refined_chosen_from_and_left(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    reply = await anna.hears(says["course"])
    assert anna.described("offers")["topic"] == "language_course"
    assert (len(reply.cards), reply.language) == (3, anna.language)
    await anna.hears(says["level"])
    assert anna.described("offers")["wishes"] == {"german_level": "B1"}
    await anna.hears(says["evenings"])
    offers = anna.described("offers")
    assert offers["wishes"] == {"german_level": "B1", "time_of_day": ["evening"]}
    assert offers["topic"] == "language_course"
    for choice in ("2", says["second"]):
        reply = await anna.hears(choice)
        assert anna.described("offer") == offers["ids"][1], choice
        assert (len(reply.cards), reply.language) == (1, anna.language)
    await anna.hears(says["housing"])
    housing = anna.described("offers")
    assert (housing["topic"], housing["wishes"]) == ("housing", {})


@in_every_language
async def test_what_it_cannot_do_it_says_and_then_offers_a_person(
    begin: Begin, language: str
) -> None:
    anna, says = begin(language), said(language)
    first, second, third = says["off_topic"]
    reply = await anna.hears(first)
    assert (anna.intent, anna.conversation.failures) == ("out_of_scope", 1)
    assert {"ask_language_course", "help"} <= set(anna.intents_of(reply))
    assert reply.language == anna.language
    reply = await anna.hears(second)
    assert anna.intents_of(reply)[0] == "request_human"
    assert anna.conversation.state == ConversationState.BOT
    await anna.hears(third)
    assert [item.reason for item in anna.handovers()] == [Reason.NOT_UNDERSTOOD]


@in_every_language
async def test_a_wrong_answer_has_alternatives(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["housing"])
    reply = await anna.hears(says["wrong"])
    assert anna.intent == "feedback_negative"
    offered = anna.intents_of(reply)
    assert "ask_housing" not in offered
    assert {"more_results", "help", "request_human"} <= set(offered)
    assert reply.language == anna.language
    await anna.presses_intent("more_results")
    assert anna.described("offers")["position"] == 3


@in_every_language
async def test_an_ask_back_is_answered_by_number_words_and_title(
    begin: Begin, language: str
) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["level"])
    assert "ask_language_course" in anna.intents_of(anna.replies()[-1])
    meanings = ["ask_job", "ask_childcare", "show_bookings"]
    question = ask_back(meanings, anna.texts, again=False)
    title = question.buttons[1].title
    for choice in ("2", says["second"], title, f" {title.upper()}."):
        anna.show(question)
        await anna.hears(choice)
        assert anna.intent == "ask_childcare", choice
        assert anna.described("offers")["topic"] == "childcare"
    anna.show(question)
    reply = await anna.hears("7")
    assert anna.intents_of(reply)[:3] == meanings
    assert anna.conversation.failures == 0


@in_every_language
async def test_yes_and_no_press_the_buttons_that_mean_them(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["level"])
    question = ask_back(["ask_childcare"], anna.texts, again=False)
    anna.show(question)
    await anna.hears(says["yes"])
    assert anna.intent == "ask_childcare"
    anna.show(question)
    await anna.hears(says["no"])
    assert anna.intent == "help"


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_what_was_said_before_the_topic_was_clear_is_not_lost(
    begin: Begin, language: str
) -> None:
    anna = begin(language)
    await anna.hears(said(language)["level"])
    await anna.presses_intent("ask_language_course")
    assert anna.described("offers")["wishes"] == {"german_level": "B1"}


def test_every_language_has_its_sentences() -> None:
    assert set(REPLY_LANGUAGES) <= set(LANGUAGES)
    sentences = {language: said(language) for language in LANGUAGES}
    names = {frozenset(known) for known in sentences.values()}
    assert len(names) == 1
