"""Booking, moving, cancelling, interrupting and leaving by chat, in all languages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.booking import counselling, seed, waiting, waiting_words
from bot.booking import service as booking
from bot.booking.draft import Question, named_slot, slot_name
from bot.booking.models import Appointment, AppointmentState, Way
from bot.db.session import Database
from bot.messages import Asks, OutgoingMessage
from tests.dialogue.conversation import Conversation, in_every_language, said
from tests.support.booking import new_calendar, new_service
from tests.support.product import Engine

Begin = Callable[[str], Conversation]
BERLIN = ZoneInfo("Europe/Berlin")
NAME, NUMBER = "Şirin Öztürk", "0711 1234567"


def answers(value: str, question: Question | None = None) -> Callable[[dict[str, Any]], bool]:
    """Matches a form's button by its value."""

    def matching(payload: dict[str, Any]) -> bool:
        entities = payload.get("entities", {})
        asked = question is None or entities.get("booking_question") == question
        return bool(entities.get("booking_value") == value and asked)

    return matching


def asked(anna: Conversation) -> Question:
    return Question(anna.described("booking_question")["question"])


def starts(anna: Conversation) -> list[datetime]:
    """When the times begin that are offered now, by the clock on the wall."""
    slots = [named_slot(name) for name in anna.described("booking_question")["slots"]]
    return [slot.starts_at.astimezone(BERLIN) for slot in slots if slot]


def appointments(anna: Conversation) -> list[Appointment]:
    contact = anna.conversation.identity.contact_id
    with anna.database.reading() as session:
        return list(
            session.scalars(
                select(Appointment)
                .where(Appointment.contact_id == contact)
                .order_by(Appointment.created_at)
            ).unique()
        )


def booked(anna: Conversation) -> list[Appointment]:
    return [row for row in appointments(anna) if row.state == AppointmentState.BOOKED]


async def up_to_the_times(anna: Conversation, says: dict[str, Any]) -> OutgoingMessage:
    """Answers by button what comes before the times."""
    await anna.hears(says["book"])
    await anna.presses(answers("work"))
    await anna.presses(answers("expecting"))
    await anna.presses(answers("de"))
    return await anna.presses(answers("video"))


@in_every_language
async def test_an_appointment_is_booked_shown_moved_and_cancelled(
    begin: Begin, language: str, served_engine: Engine
) -> None:
    anna, says = begin(language), said(language)
    reply = await anna.hears(says["book"])
    assert (asked(anna), reply.asks) == (Question.SUBJECT, Asks.PERSONAL)
    assert reply.language == anna.language
    await anna.presses(answers("training"))
    assert asked(anna) == Question.CHILD
    await anna.hears(says["why"])
    assert (asked(anna), anna.described("booking_note")["name"]) == (Question.CHILD, "why")
    await anna.hears(says["baby"])
    assert asked(anna) == Question.LANGUAGE
    await anna.presses(answers("de"))
    await anna.hears(says["phone"])
    assert asked(anna) == Question.TIME
    await anna.hears(says["mornings"])
    first = starts(anna)
    assert all(moment.hour < 12 for moment in first)
    await anna.hears(says["other_times"])
    assert starts(anna)[0] > first[-1]
    second = starts(anna)[1]
    reply = await anna.hears("2")
    assert (asked(anna), reply.asks) == (Question.NAME, Asks.PERSONAL)
    await anna.hears(NAME)
    assert asked(anna) == Question.CONTACT
    reply = await anna.hears(NUMBER)
    assert (asked(anna), len(reply.cards)) == (Question.CONFIRMED, 1)
    reply = await anna.hears(says["yes"])
    [row] = booked(anna)
    assert (row.name, row.reach, row.subject) == (NAME, NUMBER, "training")
    assert (row.starts_at.astimezone(BERLIN), row.way) == (second, Way.PHONE)
    assert [document.media_type for document in reply.documents] == ["text/calendar"]
    assert reply.language == anna.language
    assert not remembered(served_engine, anna.conversation.id, NAME, NUMBER)
    await anna.hears(says["show"])
    assert anna.described("appointments") == [row.id]

    await anna.hears(says["move"])
    assert anna.described("booking_question")["moves"] == row.id
    await anna.hears(says["tuesday"])
    assert asked(anna) == Question.CONFIRMED
    await anna.hears(says["yes"])
    [moved] = booked(anna)
    local = moved.starts_at.astimezone(BERLIN)
    assert (local.weekday(), local.hour, moved.booking_id) == (1, 10, row.booking_id)

    reply = await anna.hears(says["cancel"])
    assert len(booked(anna)) == 1
    reply = await anna.hears(says["yes"])
    assert booked(anna) == []
    assert len(reply.documents) == 1


def remembered(engine: Engine, conversation: str, *words: str) -> list[str]:
    """Which of these words the engine has kept of a conversation."""
    with sqlite3.connect(engine.directory / "tracker.db") as connection:
        rows = connection.execute(
            "SELECT data FROM events WHERE sender_id = ?", (conversation,)
        ).fetchall()
    assert rows
    kept = "".join(data for (data,) in rows).encode().decode("unicode_escape", "replace")
    return [word for word in words if word in kept or word in "".join(data for (data,) in rows)]


@in_every_language
async def test_a_form_is_interrupted_ended_by_age_and_left(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    await anna.hears(says["book"])
    await anna.presses(answers("skip"))
    replies = await anna.say(says["housing"])
    assert anna.described("offers")["topic"] == "housing"
    assert asked(anna) == Question.CHILD
    assert [bool(reply.cards) for reply in replies] == [True, False]
    reply = await anna.hears(says["old"])
    assert anna.described("booking_stopped") == "too_old"
    assert anna.described("offers")["topic"] == "job"
    assert len(reply.cards) == 3
    await up_to_the_times(anna, says)
    await anna.hears("1")
    assert [row.state for row in appointments(anna)] == [AppointmentState.HELD]
    await anna.hears(says["stop"])
    assert anna.described("booking_stopped") == "left"
    await anna.hears(says["course"])
    assert anna.described("offers")["topic"] == "language_course"
    assert booked(anna) == []


@pytest.fixture
def nothing_free(starter_database: Database) -> Iterator[None]:
    """Everybody is booked out while the test runs."""
    days = _set_horizon(starter_database, 0)
    yield
    _set_horizon(starter_database, days)


def _set_horizon(database: Database, days: int) -> int:
    with database.transaction() as session:
        service = counselling.by_key(session, seed.KEY)
        before, service.horizon_days = service.horizon_days, days
        return before


@in_every_language
@pytest.mark.usefixtures("nothing_free")
async def test_without_a_free_time_there_is_a_waiting_list(begin: Begin, language: str) -> None:
    anna, says = begin(language), said(language)
    reply = await up_to_the_times(anna, says)
    assert starts(anna) == []
    assert "request_human" in anna.intents_of(reply)
    await anna.presses(answers("wait"))
    assert anna.described("booking_stopped") == "waiting"
    [place] = waits(anna)
    # Without an appointment, the place is what can be cancelled; it is asked for first.
    await anna.hears(says["cancel"])
    await anna.hears(says["no"])
    assert waits(anna) == [place]
    await anna.hears(says["off_the_list"])
    assert waits(anna) == [place]
    reply = await anna.hears(says["yes"])
    assert (waits(anna), reply.language) == ([], anna.language)


@pytest.mark.parametrize("language", ["de", "ar", "en"])
@pytest.mark.usefixtures("nothing_free")
async def test_a_place_on_the_waiting_list_is_shown_left_and_taken_again(
    begin: Begin, language: str
) -> None:
    anna, says = begin(language), said(language)
    await up_to_the_times(anna, says)
    await anna.presses(answers("wait"))
    [place] = waits(anna)
    reply = await anna.hears(says["show"])
    assert (anna.described("appointments"), anna.described("places")) == ([], [place])
    assert len(reply.cards) == 1
    reply = await anna.presses(commands(waiting_words.LEAVE_LIST))
    assert (waits(anna), reply.language) == ([], anna.language)
    await anna.presses(commands(waiting_words.JOIN_AGAIN))
    assert len(waits(anna)) == 1


def commands(name: str) -> Callable[[dict[str, Any]], bool]:
    """Matches a button that means this to the router."""
    return lambda payload: payload.get("command") == name


def waits(anna: Conversation) -> list[int]:
    """The places that the person has on waiting lists."""
    with anna.database.reading() as session:
        return [entry.id for entry in waiting.of(session, anna.conversation.identity.contact_id)]


RECOGNITION = "recognition"


@pytest.fixture
def two_services(starter_database: Database) -> Iterator[None]:
    """Beside the starter service, advice on recognition by telephone can be booked."""
    with starter_database.transaction() as session:
        service = new_service(
            session,
            key=RECOGNITION,
            title={
                "de": "Beratung zur Anerkennung",
                "en": "Advice on recognition",
                "ar": "استشارة الاعتراف بالشهادات",
            },
            ways=[Way.PHONE.value],
        )
        new_calendar(session, service, languages=["de"])
    yield
    with starter_database.transaction() as session:
        counselling.by_key(session, RECOGNITION).active = False
        counselling.by_key(session, RECOGNITION).key = f"{RECOGNITION}-{service.id}"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "die Beratung zur Anerkennung bitte"),
        ("en", "the advice on recognition"),
        ("ar", "استشارة الاعتراف بالشهادات"),
    ],
)
@pytest.mark.usefixtures("two_services")
async def test_of_two_services_one_is_chosen_by_button_and_one_by_words(
    begin: Begin, language: str, words: str
) -> None:
    anna, ben, says = begin(language), begin(language), said(language)
    await anna.hears(says["book"])
    assert asked(anna) == Question.SERVICE
    await anna.presses(answers(seed.KEY, Question.SERVICE))
    assert asked(anna) == Question.SUBJECT
    assert anna.described("booking_question")["service"] == seed.KEY

    await ben.hears(says["book"])
    assert asked(ben) == Question.SERVICE
    await ben.hears(words)
    assert asked(ben) == Question.SUBJECT
    assert ben.described("booking_question")["service"] == RECOGNITION
    # Nobody's age matters there, and there is one way and one language.
    await ben.presses(answers("skip", Question.SUBJECT))
    assert asked(ben) == Question.TIME
    await ben.hears("1")
    await ben.presses(answers("skip", Question.NAME))
    await ben.hears(NUMBER)
    await ben.hears(says["yes"])
    [row] = booked(ben)
    assert (row.service.key, row.way, row.language) == (RECOGNITION, Way.PHONE, "de")


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_a_time_taken_meanwhile_leads_to_the_nearest_others(
    begin: Begin, language: str
) -> None:
    anna, ben = begin(language), begin(language)
    await up_to_the_times(anna, said(language))
    wanted = named_slot(anna.described("booking_question")["slots"][0])
    assert wanted is not None
    await ben.hears(said(language)["level"])
    with anna.database.transaction() as session:
        service = counselling.services(session)[0]
        booking.hold(
            session,
            service,
            wanted,
            way=Way.VIDEO,
            language="de",
            contact_id=ben.conversation.identity.contact_id,
            conversation_id=ben.conversation.id,
            now=anna.clock(),
        )
    await anna.hears("1")
    assert anna.described("booking_note")["name"] == "taken"
    assert asked(anna) == Question.TIME
    assert slot_name(wanted) not in anna.described("booking_question")["slots"]
    assert starts(anna)[0].date() == wanted.starts_at.astimezone(BERLIN).date()


async def test_buttons_of_an_old_form_change_nothing(begin: Begin) -> None:
    anna, says = begin("en"), said("en")
    await up_to_the_times(anna, says)
    old = [
        button.key
        for message in anna.replies()
        for button in message.buttons
        if answers("phone")(anna.payload(button))
    ]
    await anna.presses(answers("leave"))
    await anna.press_key(old[-1])
    assert anna.described("booking_old_button")
    await up_to_the_times(anna, says)
    await anna.press_key(old[-1])
    assert anna.described("booking_note")["name"] == "old_button"
    assert asked(anna) == Question.TIME


async def test_a_button_further_up_corrects_an_answer(begin: Begin) -> None:
    anna, says = begin("en"), said("en")
    await up_to_the_times(anna, says)
    await anna.hears("1")
    assert asked(anna) == Question.NAME
    await anna.presses(answers("place", Question.WAY))
    assert asked(anna) == Question.TIME
    await anna.hears("1")
    await anna.presses(answers("skip", Question.NAME))
    assert asked(anna) == Question.CONFIRMED


async def test_a_person_ends_the_form(begin: Begin) -> None:
    anna, says = begin("de"), said("de")
    await up_to_the_times(anna, says)
    await anna.hears("Ich möchte mit einem Menschen sprechen")
    assert len(anna.handovers()) == 1
