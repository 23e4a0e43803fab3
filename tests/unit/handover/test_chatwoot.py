"""Chatwoot: what only it can do wrong, and what strangers try at its webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations import inbox
from bot.db.session import Database
from bot.handover.desks.agents import Deed, to_act
from bot.privacy.service import forget_contents
from tests.conftest import Clock
from tests.support.chatwoot import INBOX, Chatwoot
from tests.support.desks import told
from tests.support.fakes import shows
from tests.support.talk import Talk


@pytest.fixture
async def chatwoot(sqlite: Database, clock: Clock) -> AsyncIterator[Chatwoot]:
    desk = Chatwoot(sqlite, clock)
    yield desk
    assert desk.refusals == []
    await desk.desk.close()


@pytest.fixture
async def talk(sqlite: Database, clock: Clock, chatwoot: Chatwoot) -> Talk:
    talk = Talk(sqlite, clock)
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("a person please")
    await chatwoot.shown()
    talk.new_replies()
    return talk


async def test_agents_see_words_as_messages_and_all_else_as_notes(
    talk: Talk, chatwoot: Chatwoot
) -> None:
    await talk.say("my heating is broken")
    await chatwoot.shown()
    seen = [(m["message_type"], m["private"]) for m in chatwoot.messages]
    assert seen == [("outgoing", True), ("incoming", False)]
    assert chatwoot.messages[-1]["content"] == "my heating is broken"


async def test_the_state_is_the_same_on_both_sides(talk: Talk, chatwoot: Chatwoot) -> None:
    await chatwoot.writes("Hello")
    await chatwoot.writes("/close")
    await chatwoot.shown()
    assert chatwoot.conversations[chatwoot.conversation]["status"] == "resolved"
    await talk.say("a person please")
    await chatwoot.shown()
    assert chatwoot.conversations[chatwoot.conversation]["status"] == "open"
    assert len(chatwoot.conversations) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"private": True},
        {"message_type": "incoming"},
        {"message_type": "template"},
        {"content_attributes": {"lotse": True}},
        {"sender": {"id": 1, "type": "agent_bot", "name": "Bot"}},
        {"sender": None},
        {"inbox": {"id": INBOX + 1}},
        {"content": "  "},
        {"content": None},
        {"conversation": {}},
        {"conversation": {"id": 999}},
        {"event": "message_updated"},
    ],
)
async def test_what_is_no_agents_answer_is_left_alone(
    talk: Talk, chatwoot: Chatwoot, changes: dict[str, Any]
) -> None:
    answer = await chatwoot.writes("Hello", **changes)
    assert answer.status_code == 200
    assert talk.new_replies() == []


async def test_a_wrong_signature_is_refused(talk: Talk, chatwoot: Chatwoot) -> None:
    await chatwoot.writes("Hello")
    body, headers = chatwoot.last
    talk.new_replies()
    for changed in (
        {**headers, "X-Chatwoot-Signature": "sha256=00"},
        {**headers, "X-Chatwoot-Timestamp": "1"},
        {k: v for k, v in headers.items() if k != "X-Chatwoot-Signature"},
    ):
        answer = await chatwoot.product.post("/chatwoot/webhook", content=body, headers=changed)
        assert answer.status_code == 403
    answer = await chatwoot.product.post("/chatwoot/webhook", content=body + b" ", headers=headers)
    assert answer.status_code == 403
    assert (await chatwoot.post({}, secret="another")).status_code == 403
    assert talk.new_replies() == []


async def test_what_is_no_webhook_is_refused(chatwoot: Chatwoot) -> None:
    assert (await chatwoot.post(b"{")).status_code == 400
    assert (await chatwoot.post(b"[]")).status_code == 200
    assert (await chatwoot.post(b" " * 1_000_001)).status_code == 413


async def test_nothing_is_lost_while_chatwoot_is_down(
    talk: Talk, chatwoot: Chatwoot, clock: Clock
) -> None:
    chatwoot.broken = True
    await talk.say("one", "two")
    await chatwoot.shown()
    chatwoot.broken = False
    assert "one" not in await chatwoot.shown(), "it is given time"
    clock.advance(60)
    shown = await chatwoot.shown()
    assert shown.index("one") < shown.index("two")
    assert (shown.count("one"), shown.count("two")) == (1, 1)


async def test_a_conversation_deleted_there_is_made_again(talk: Talk, chatwoot: Chatwoot) -> None:
    chatwoot.conversations.clear()
    await talk.say("are you there?")
    assert "are you there?" in await chatwoot.shown()
    assert len(chatwoot.contacts) == 1, "the contact made before is used"


async def test_what_belongs_to_no_person_stands_as_notes_in_one_conversation(
    talk: Talk, chatwoot: Chatwoot
) -> None:
    persons = chatwoot.conversation
    await chatwoot.desk.announce("Booked: Monday")
    notices = chatwoot.conversation
    assert notices != persons
    # An agent has read it and resolved the conversation.
    chatwoot.conversations[notices]["status"] = "resolved"
    await chatwoot.desk.announce("Cancelled: Monday")
    assert len(chatwoot.conversations) == 2
    assert chatwoot.conversations[notices]["status"] == "open"
    told_there = [m for m in chatwoot.messages if m["conversation"] == notices]
    assert [m["content"] for m in told_there] == ["Booked: Monday", "Cancelled: Monday"]
    assert all(m["private"] for m in told_there)


async def test_what_agents_write_beside_the_notices_goes_to_nobody(
    talk: Talk, chatwoot: Chatwoot
) -> None:
    await chatwoot.desk.announce("Booked: Monday")
    await chatwoot.writes("I know her")
    assert talk.new_replies() == []


async def test_forgetting_a_person_deletes_their_contact(talk: Talk, chatwoot: Chatwoot) -> None:
    with talk.database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        forget_contents(session, found, now=talk.clock())
    await told(chatwoot.worker)
    assert (chatwoot.contacts, chatwoot.conversations) == ({}, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "name", "sender", "inbox", "conversation", "meta"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    event=st.sampled_from(["message_created", "conversation_updated", "x", None]),
    fields=st.dictionaries(
        st.sampled_from(
            [
                *("message_type", "private", "content", "sender", "inbox", "conversation"),
                *("content_attributes", "inbox_id", "id", "status", "meta"),
            ]
        ),
        JSON,
    ),
)
def test_no_payload_breaks_the_reading(event: Any, fields: dict[str, Any]) -> None:
    act = to_act({"event": event, **fields}, inbox_id=INBOX)
    assert act is None or act.deed in Deed
