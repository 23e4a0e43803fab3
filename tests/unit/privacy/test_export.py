"""The copy of one's data: complete, for its person only, in every state, and never kept."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking import waiting
from bot.booking.models import Way
from bot.conversations import inbox, outbox
from bot.conversations.models import (
    Conversation,
    ConversationState,
    InboxMessage,
    OutboxMessage,
    OutboxState,
)
from bot.db.session import Database
from bot.handover import newcomer
from bot.handover import service as handover
from bot.handover.desks import feed as desk_feed
from bot.handover.journal import Actor
from bot.handover.models import ContactFact, Reason
from bot.i18n.languages import REPLY_LANGUAGES
from bot.messages import Attachment, Card, CardLine, Kind, OutgoingMessage
from bot.privacy import consent
from bot.privacy.export import Exporter, stored
from bot.workers.outbox import EXPORT_ATTEMPTS, OutboxWorker
from tests.conftest import Clock
from tests.support.booking import book, new_calendar, new_service, slot_at
from tests.support.builders import incoming
from tests.support.fakes import FakeChannel, FakeEngine
from tests.support.talk import CATALOGUES, Talk, running

DAY = timedelta(days=1)
WEBER = Actor(name="Weber", desk="console")


@pytest.fixture
def talk(database: Database, clock: Clock) -> Talk:
    return Talk(database, clock)


async def export(talk: Talk, *, sent: int) -> dict[str, Any]:
    """Asks for the copy, has everything delivered, and reads the file that arrived."""
    [reply] = await talk.say("/export")
    assert reply == consent.copy_of_data(talk.texts)
    channel = await talk.deliver(sent)
    [document] = channel.sent[-1].message.documents
    assert (document.name, document.media_type) == ("lotse-export.json", "application/json")
    data: dict[str, Any] = json.loads(document.content)
    return data


# What stands in it


async def test_it_holds_both_sides_of_the_conversation(talk: Talk) -> None:
    began = talk.clock()
    await talk.say("I need a German course")
    talk.clock.advance(60)
    data = await export(talk, sent=2)
    assert data["made_at"] == talk.clock().isoformat(timespec="seconds")
    said = [(one["from"], one["text"], one["at"]) for one in data["messages"]]
    at, later = began.isoformat(timespec="seconds"), data["made_at"]
    assert said == [
        ("you", "I need a German course", at),
        ("bot", "you said I need a German course", at),
        ("you", "/export", later),
        ("bot", consent.copy_of_data(talk.texts).text, later),
    ]
    assert (data["person"]["channel"], data["person"]["address"]) == ("web", "anna")
    assert data["person"]["language"] == "en"


def fill(session: Session, conversation: Conversation, now: datetime) -> None:
    """Stores something of every kind about a person."""
    contact = conversation.identity.contact
    contact.consented_at = now
    attached = incoming(
        "my letter",
        address=conversation.identity.address,
        kind=Kind.PHOTO,
        attachments=(Attachment(source="f1", name="brief.jpg", size=3),),
    )
    inbox.record(session, [attached], now=now)
    for message in session.scalars(select(InboxMessage)):
        inbox.finish(message, now=now)
    card = Card(title="A course", lines=(CardLine(label="Place", value="Feuerbach"),))
    outbox.add(
        session, conversation=conversation, messages=[OutgoingMessage(cards=(card,))], now=now
    )
    opened = newcomer.request(session, conversation, reason=Reason.ASKED, urgent=False, now=now)
    session.flush()
    desk_feed.open_threads(session, "chatwoot", now=now)
    handover.reply(session, opened.id, text="Good day", by=WEBER, now=now)
    handover.note(session, opened.id, text="internal note", by=WEBER, now=now)
    handover.label(session, opened.id, names=["internal label"], by=WEBER, now=now)
    handover.close(session, opened.id, by=WEBER, catalogues=CATALOGUES, now=now)
    session.add(
        ContactFact(
            contact_id=contact.id,
            name="telephone",
            value="0711 1234",
            noted_by="somebody internal",
            noted_at=now,
        )
    )
    service = new_service(session)
    details = {"name": "Anna B.", "reach": "0711 99", "subject": "work"}
    row = book(
        session,
        service,
        slot_at(now + DAY, new_calendar(session, service)),
        conversation,
        now=now,
        **details,
    )
    row.notes = "internal remark"
    waiting.join(
        session,
        service,
        contact_id=contact.id,
        conversation_id=conversation.id,
        way=Way.PHONE,
        language="ar",
        now=now,
    )
    session.flush()


async def test_it_holds_everything_but_what_counsellors_keep_to_themselves(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming("hello")], now=clock())
        conversation = inbox.find_conversation(session, channel="web", address="anna")
        assert conversation is not None
        fill(session, conversation, clock())
    engine = FakeEngine()
    engine.slots = {"search": {"german_level": "B1"}}
    exporter = Exporter(database=database, remembered=engine.remembered)
    written = await exporter.make(conversation.id, until=clock())
    data = json.loads(written)
    moment = clock().isoformat(timespec="seconds")
    assert data["person"]["consented_at"] == moment
    assert data["remembered"] == {"search": {"german_level": "B1"}}
    assert data["facts"] == [{"name": "telephone", "value": "0711 1234", "noted_at": moment}]
    [request] = data["requests_for_a_person"]
    assert (request["reason"], request["state"], request["counsellor"]) == (
        "asked",
        "closed",
        "Weber",
    )
    assert [step["what"] for step in request["steps"]] == ["requested", "claimed", "closed"]
    assert data["copies_of_requests_kept_at"] == ["chatwoot"]
    [appointment] = data["appointments"]
    assert (appointment["service"], appointment["state"]) == ("Career advice", "booked")
    assert (appointment["name"], appointment["reached_by"], appointment["subject"]) == (
        "Anna B.",
        "0711 99",
        "work",
    )
    [place] = data["waiting_list"]
    assert (place["state"], place["way"], place["language"]) == ("waiting", "phone", "ar")
    [letter] = [one for one in data["messages"] if one.get("files") and one["from"] == "you"]
    assert (letter["text"], letter["files"][0]["name"]) == ("my letter", "brief.jpg")
    [course] = [one for one in data["messages"] if one.get("cards")]
    assert course["cards"][0]["facts"] == [{"label": "Place", "value": "Feuerbach"}]
    assert {"from": "counsellor", "text": "Good day"}.items() <= next(
        one for one in data["messages"] if one["from"] == "counsellor"
    ).items()
    assert "internal" not in written


async def test_the_pressed_button_is_named(talk: Talk) -> None:
    await talk.say("hello")
    key = talk.show_button({"intent": "help"}, title="All topics")
    await talk.send(Kind.BUTTON, button_key=key)
    data = await export(talk, sent=4)
    assert "All topics" in [one["text"] for one in data["messages"] if one["from"] == "you"]


async def test_letters_of_all_scripts_stay_readable(talk: Talk) -> None:
    await talk.say("Привіт 👋 مرحبا")
    await talk.say("/export")
    channel = await talk.deliver(2)
    assert "Привіт 👋 مرحبا" in channel.sent[-1].message.documents[0].content


# Whose it is, and that it is not kept


async def test_nothing_of_anybody_else_stands_in_it(sqlite: Database, clock: Clock) -> None:
    anna, ben = Talk(sqlite, clock), Talk(sqlite, clock, address="ben")
    await ben.say("moonflower")
    await ben.deliver(1)
    with sqlite.transaction() as session:
        fill(session, session.get_one(Conversation, ben.conversation.id), clock())
    await anna.say("hello")
    await anna.say("/export")
    theirs_too = sum(row.state == OutboxState.PENDING for row in ben.rows())
    channel = await anna.deliver(2 + theirs_too)
    [sending] = [one for one in channel.sent if one.message.documents]
    assert sending.address == "anna"
    for theirs in ("moonflower", "0711", "Anna B.", '"ben"', ben.conversation.id):
        assert theirs not in sending.message.documents[0].content


async def test_its_content_is_not_stored(talk: Talk) -> None:
    await talk.say("hello")
    await export(talk, sent=2)
    [row] = [row for row in talk.rows() if row.content["documents"]]
    assert row.state == OutboxState.SENT
    assert row.content["documents"][0]["content"] == ""


async def test_its_content_does_not_show_in_the_repr_of_the_message(talk: Talk) -> None:
    await talk.say("moonflower")
    await talk.say("/export")
    channel = await talk.deliver(2)
    assert "moonflower" in channel.sent[-1].message.documents[0].content
    assert "moonflower" not in repr(channel.sent[-1].message)


async def test_the_same_request_makes_the_same_file_again(talk: Talk) -> None:
    """A platform that lets a file be sent later gets what it would have got at first."""
    await talk.say("hello", "/export")
    exporter = Exporter(database=talk.database, remembered=talk.engine.remembered)
    until = talk.rows()[-1].created_at
    first = await exporter.make(talk.conversation.id, until=until)
    talk.clock.advance(30)
    await talk.say("something else")
    assert await exporter.make(talk.conversation.id, until=until) == first


# In every state


async def test_it_needs_no_engine(talk: Talk) -> None:
    await talk.say("hello")
    talk.engine.away = True
    data = await export(talk, sent=2)
    assert data["remembered"] is None
    assert len(data["messages"]) == 4


@pytest.mark.parametrize("claimed", [False, True])
async def test_it_works_while_people_take_care(talk: Talk, claimed: bool) -> None:
    await talk.say("hello")
    with talk.database.transaction() as session:
        conversation = session.get_one(Conversation, talk.conversation.id)
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=talk.clock()
        )
        session.flush()
        if claimed:
            handover.reply(session, opened.id, text="Hello", by=WEBER, now=talk.clock())
    talk.new_replies()
    state = ConversationState.WITH_HUMAN if claimed else ConversationState.WAITING
    data = await export(talk, sent=3 if claimed else 2)
    assert talk.conversation.state == state
    assert data["requests_for_a_person"][0]["closed_at"] is None


async def test_who_did_not_agree_gets_what_is_stored_too(sqlite: Database, clock: Clock) -> None:
    talk = Talk(sqlite, clock, ask_consent=True)
    await talk.say("I need a German course")
    data = await export(talk, sent=2)
    assert data["person"]["consented_at"] is None
    assert data["messages"][0]["text"] == "I need a German course"
    assert talk.engine.asked == []


async def test_a_button_does_the_same(talk: Talk) -> None:
    await talk.say("hello")
    key = talk.show_button({"command": "privacy.export"})
    [reply] = await talk.send(Kind.BUTTON, button_key=key)
    assert reply == consent.copy_of_data(talk.texts)


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_it_is_announced_in_every_language(language: str) -> None:
    message = consent.copy_of_data(CATALOGUES[language])
    assert message.language == language
    assert message.documents[0].title
    if language != "en":
        assert message.text != consent.copy_of_data(CATALOGUES["en"]).text


# Failing


def worker_of(
    talk: Talk, channel: FakeChannel, remembered: Callable[[str], Awaitable[dict[str, Any]]]
) -> OutboxWorker:
    return OutboxWorker(
        database=talk.database,
        channels={"web": channel},
        owner="worker",
        clock=talk.clock,
        limit=1,
        exporter=Exporter(database=talk.database, remembered=remembered),
    )


async def test_what_cannot_be_made_now_is_sent_later(talk: Talk) -> None:
    await talk.say("hello")
    await talk.deliver(1)
    await talk.say("/export")
    faults = [OSError("disk")]

    async def failing_once(sender: str) -> dict[str, Any]:
        if faults:
            raise faults.pop()
        return {}

    channel = FakeChannel()
    worker = worker_of(talk, channel, failing_once)
    row_id = talk.rows()[-1].id
    assert await worker._step(talk.conversation.id) is False
    with talk.database.reading() as session:
        assert session.get_one(OutboxMessage, row_id).state == OutboxState.PENDING
    assert channel.attempts == []
    talk.clock.advance(5)
    async with running(worker):
        await channel.until(lambda: len(channel.sent) == 1)
    assert json.loads(channel.sent[0].message.documents[0].content)["messages"]


async def test_what_can_never_be_made_keeps_no_other_reply_waiting(talk: Talk) -> None:
    await talk.say("hello")
    await talk.deliver(1)
    await talk.say("/export")
    await talk.say("hello again")

    async def failing(sender: str) -> dict[str, Any]:
        raise OSError("disk")

    channel = FakeChannel()
    worker = worker_of(talk, channel, failing)
    for _ in range(EXPORT_ATTEMPTS - 1):
        assert await worker._step(talk.conversation.id) is False
        talk.clock.advance(60)
    assert channel.attempts == []
    assert await worker._step(talk.conversation.id) is True
    assert await worker._step(talk.conversation.id) is True
    instead, answer = [sent.message for sent in channel.sent]
    assert "/export" in instead.text
    assert instead.documents == ()
    assert answer.text


def test_what_is_too_much_for_one_file_is_left_out_and_said(
    sqlite: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.privacy.export.LIMIT", 2)
    with sqlite.transaction() as session:
        for number in range(5):
            inbox.record(session, [incoming(f"message {number}")], now=clock())
        conversation = inbox.find_conversation(session, channel="web", address="anna")
        assert conversation is not None
        data = stored(session, conversation, until=clock())
    assert data["messages_left_out"] == 3
    assert [one["text"] for one in data["messages"]] == ["message 3", "message 4"]
