"""Buttons below messages about appointments, pressed in a conversation."""

from __future__ import annotations

import pytest

from bot.booking import presentation, waiting, waiting_words
from bot.booking.models import Appointment, WaitingEntry, WaitingState, Way
from bot.conversations.models import Conversation
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.booking import berlin, blocking, book, new_calendar, new_service, slot_at
from tests.support.talk import Talk

NOW = berlin(2026, 11, 16, 8)
SLOT = berlin(2026, 11, 18, 10)


@pytest.fixture
async def talk(sqlite: Database, clock: Clock) -> Talk:
    clock.now = NOW
    begun = Talk(sqlite, clock)
    await begun.say("hello")
    return begun


async def test_no_more_reminders(talk: Talk) -> None:
    with talk.database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        person = session.get_one(Conversation, talk.conversation.id)
        row = book(session, service, slot_at(SLOT, calendar), person, now=NOW)
    key = talk.show_button({"command": presentation.REMINDERS_OFF, "appointment": row.id})
    for _ in range(2):
        [answer] = await talk.press("press me")
        assert answer.text == "You get no more reminders. Your appointment stays booked."
    assert key
    with talk.database.reading() as session:
        assert not session.get_one(Appointment, row.id).reminders_wanted
    eve = Talk(talk.database, talk.clock, address="eve")
    await eve.say("hello")
    eve.show_button({"command": presentation.REMINDERS_OFF, "appointment": row.id})
    [answer] = await eve.press("press me")
    assert "no more reminders" not in answer.text


async def offered(talk: Talk) -> int:
    """A time offered to the person from the waiting list."""
    with talk.database.transaction() as session:
        service = new_service(session, horizon_days=5)
        new_calendar(session, service, hours=((2, 600, 630),))
        person = session.get_one(Conversation, talk.conversation.id)
        entry = waiting.join(
            session,
            service,
            contact_id=person.identity.contact_id,
            conversation_id=person.id,
            way=Way.PLACE,
            language="en",
            now=NOW,
        )
        [(_, held)] = waiting.offer_free_times(session, now=NOW)
        message = waiting_words.offer(held, talk.texts, entry_id=entry.id, until=NOW)
    talk.show(message)
    return entry.id


async def test_an_offer_is_taken_by_pressing_yes_and_again_does_no_harm(talk: Talk) -> None:
    entry_id = await offered(talk)
    [answer] = await talk.press("Yes, book it")
    assert answer.text.startswith("Your appointment is booked.")
    assert answer.documents
    [again] = await talk.press("Yes, book it")
    assert not again.cards
    with talk.database.reading() as session:
        assert session.get_one(WaitingEntry, entry_id).state == WaitingState.TAKEN
        assert len(blocking(session)) == 1


async def test_an_offer_is_declined(talk: Talk) -> None:
    await offered(talk)
    [answer] = await talk.press("No, thank you")
    assert answer.text == "All right. I ask you again when another time is free."
    with talk.database.reading() as session:
        assert blocking(session) == []


async def test_a_place_on_the_list_is_left_and_taken_again(talk: Talk) -> None:
    entry_id = await offered(talk)
    await talk.press("No, thank you")
    for _ in range(2):
        [answer] = await talk.press("Leave the waiting list")
        assert answer.text == "You are no longer on the waiting list."
    for _ in range(2):
        [answer] = await talk.press("Join the waiting list again")
        assert answer.text.startswith("You are on the waiting list.")
    with talk.database.reading() as session:
        [again] = waiting.of(session, talk.conversation.identity.contact_id)
        assert again.id != entry_id
    eve = Talk(talk.database, talk.clock, address="eve")
    await eve.say("hello")
    eve.show_button({"command": waiting_words.LEAVE_LIST, "entry": again.id})
    await eve.press("press me")
    with talk.database.reading() as session:
        assert waiting.still_there(session, [again.id])
