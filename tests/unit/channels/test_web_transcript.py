"""Reading a conversation back from the database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot.conversations import inbox
from bot.conversations.models import (
    Author,
    ButtonKey,
    Conversation,
    OutboxMessage,
    OutboxState,
)
from bot.conversations.transcript import PersonEntry, ReplyEntry, entries, replies_after
from bot.db.session import Database
from bot.messages import IncomingMessage, Kind, OutgoingMessage
from tests.unit.channels.test_web_support import NOON, new_database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return new_database(tmp_path)


def hear(session: Session, text: str, *, minute: int, address: str = "a", **more: str) -> None:
    kind = Kind.BUTTON if "button_key" in more else Kind.TEXT
    message = IncomingMessage(
        channel="web",
        address=address,
        external_id=f"{address}{minute}",
        text=text,
        kind=kind,
        **more,  # type: ignore[arg-type]
    )
    inbox.record(session, [message], now=NOON + timedelta(minutes=minute))


def conversation(session: Session, address: str = "a") -> Conversation:
    found = inbox.find_conversation(session, channel="web", address=address)
    assert found is not None
    return found


def tell(session: Session, text: str, *, minute: int, address: str = "a") -> int:
    at = NOON + timedelta(minutes=minute)
    row = OutboxMessage(
        conversation=conversation(session, address),
        author=Author.BOT,
        content=OutgoingMessage(text=text).to_data(),
        state=OutboxState.PENDING,
        created_at=at,
        next_attempt_at=at,
        external_ids=[],
    )
    session.add(row)
    session.flush()
    return row.id


def words(session: Session, *, limit: int = 10) -> list[str]:
    found = entries(session, conversation(session).id, limit=limit)
    return [e.text if isinstance(e, PersonEntry) else e.message.text for e in found]


def test_entries_stand_in_the_order_they_happened(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "first", minute=0)
        hear(session, "second", minute=1)
        tell(session, "to the first", minute=1)
        tell(session, "to the second", minute=2)
        hear(session, "third", minute=3)

        assert words(session) == ["first", "second", "to the first", "to the second", "third"]


def test_only_the_last_entries_are_read(database: Database) -> None:
    with database.transaction() as session:
        for minute in range(5):
            hear(session, f"said {minute}", minute=minute)
            tell(session, f"told {minute}", minute=minute)

        assert words(session, limit=3) == ["told 3", "said 4", "told 4"]
        assert words(session, limit=0) == []


def test_other_conversations_are_not_read(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "mine", minute=0)
        hear(session, "theirs", minute=0, address="b")
        tell(session, "to them", minute=1, address="b")

        assert words(session) == ["mine"]


def test_a_pressed_button_reads_as_its_title(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "hello", minute=0)
        session.add(
            ButtonKey(
                key="k",
                conversation_id=conversation(session).id,
                payload={},
                title="More offers",
                created_at=NOON,
            )
        )
        hear(session, "", minute=1, button_key="k")

        assert words(session) == ["hello", "More offers"]


def test_a_key_of_another_conversation_reveals_nothing(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "hello", minute=0, address="b")
        session.add(
            ButtonKey(
                key="k",
                conversation_id=conversation(session, "b").id,
                payload={},
                title="Appointment on Tuesday",
                created_at=NOON,
            )
        )
        hear(session, "", minute=1, button_key="k")

        assert words(session) == [""]


def test_replies_after_an_id_come_in_order_and_in_portions(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "hello", minute=0)
        # Times do not decide here: a clock may have been set back between two replies.
        ids = [tell(session, str(number), minute=-number) for number in range(4)]

        found = replies_after(session, conversation(session).id, after=ids[0], limit=2)

        assert [(reply.id, reply.message.text) for reply in found] == [(ids[1], "1"), (ids[2], "2")]


def test_texts_stay_out_of_what_is_logged(database: Database) -> None:
    with database.transaction() as session:
        hear(session, "private words", minute=0)
        tell(session, "private answer", minute=1)

        said, told = entries(session, conversation(session).id, limit=2)

        assert isinstance(told, ReplyEntry)
        assert "private" not in repr(said) + repr(told)
