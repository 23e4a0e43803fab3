"""Refining a search, taking wishes back, details and corrections, in all languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from bot.measures.models import Correction
from bot.measures.wish_names import wish_names
from bot.messages import Kind
from tests.dialogue.conversation import Conversation, in_every_language, said

Begin = Callable[[str], Conversation]


@in_every_language
async def test_wishes_add_up_and_are_taken_back_by_button(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["course"])
    expected = {
        "childcare": {"childcare": True},
        "free": {"free_of_charge": True},
        "district": {"district": "Bad Cannstatt"},
        "child": {"child_age_months": 48},
    }
    wishes: dict[str, object] = {}
    for name, added in expected.items():
        reply = await anna.hears(says[name])
        wishes |= added
        assert anna.described("offers")["wishes"] == wishes, name
        assert anna.described("offers")["topic"] == "language_course"
        assert removable(anna, reply) == set(wishes)
        assert len(reply.cards) <= 3
    while wishes:
        gone = next(iter(wishes))
        reply = await anna.presses(lambda payload, gone=gone: without(payload) == gone)
        del wishes[gone]
        assert anna.described("offers")["wishes"] == wishes
        assert removable(anna, reply) == set(wishes)


@in_every_language
async def test_days_and_open_doors_are_wished_for_and_taken_back(
    begin: Begin, language: str
) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["course"])
    await anna.hears(says["mondays"])
    assert anna.described("offers")["wishes"] == {"weekday": ["mo"]}
    reply = await anna.hears(says["open_now"])
    offers = anna.described("offers")
    assert offers["topic"] == "language_course"
    assert offers["wishes"] == {"weekday": ["mo"], "open_now": True}
    assert removable(anna, reply) == {"weekday", "open_now"}
    assert all(name in reply.text for name in wish_names(offers["wishes"], anna.texts).values())
    await anna.presses(lambda payload: without(payload) == "weekday")
    assert anna.described("offers")["wishes"] == {"open_now": True}


def without(payload: dict[str, object]) -> object:
    entities = payload.get("entities")
    return entities.get("without") if isinstance(entities, dict) else None


def removable(anna: Conversation, reply: object) -> set[object]:
    """The wishes that the buttons below an answer take back."""
    return {
        wish
        for button in reply.buttons  # type: ignore[attr-defined]
        if (wish := without(anna.payload(button)))
    }


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_a_shared_location_is_a_wish_too(begin: Begin, language: str) -> None:
    anna = begin(language)
    place = {"latitude": 48.776, "longitude": 9.183, "kilometres": 3.0}
    await anna.send(Kind.LOCATION, "48.776,9.183")
    await anna.presses_intent("ask_language_course")
    assert anna.described("offers")["wishes"] == {"near": place}
    [reply] = await anna.send(Kind.LOCATION, "48.8,9.2")
    assert anna.described("offers")["wishes"]["near"]["latitude"] == 48.8
    assert removable(anna, reply) == {"near"}


@in_every_language
async def test_a_hint_that_something_is_wrong_reaches_the_editors(
    begin: Begin, language: str
) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["course"])
    offer = anna.described("offers")["ids"][0]
    await anna.hears("1")
    await anna.presses(lambda payload: "correct" in payload.get("entities", {}))
    reply = await anna.hears(says["mistake"])
    assert reply.language == anna.language
    assert hints(anna, offer)[-1] == (says["mistake"], anna.language)
    await anna.hears("1")
    await anna.presses(lambda payload: "correct" in payload.get("entities", {}))
    await anna.presses(lambda payload: payload.get("entities", {}).get("about") == "address")
    assert len(hints(anna, offer)) >= 2
    before = hints(anna, offer)
    await anna.hears("1")
    await anna.presses(lambda payload: "correct" in payload.get("entities", {}))
    await anna.presses_intent("deny")
    await anna.hears(says["housing"])
    assert anna.described("offers")["topic"] == "housing"
    assert hints(anna, offer) == before


def hints(anna: Conversation, offer: str) -> list[tuple[str, str]]:
    with anna.database.reading() as session:
        rows = session.scalars(
            select(Correction).where(Correction.measure_id == offer).order_by(Correction.id)
        )
        return [(row.text, row.language) for row in rows]
