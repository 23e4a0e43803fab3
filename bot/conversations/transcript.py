"""Reading a conversation back: what was said, in order, and what is new since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from bot.conversations.models import (
    Author,
    ButtonKey,
    InboxMessage,
    InboxState,
    OutboxMessage,
    OutboxState,
)
from bot.messages import Kind, OutgoingMessage


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """Something the person sent. Of a pressed button, ``text`` is the button's title.

    ``language`` and ``intent`` are what was recognised, None when nothing was.
    """

    id: int
    external_id: str
    kind: Kind
    text: str = field(repr=False)
    button_key: str | None
    state: InboxState
    at: datetime
    language: str | None = None
    intent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyEntry:
    """Something the person was told, or is about to be; ``state`` says which."""

    id: int
    author: Author
    message: OutgoingMessage = field(repr=False)
    state: OutboxState
    at: datetime


Entry = PersonEntry | ReplyEntry


def entries(session: Session, conversation_id: str, *, limit: int) -> list[Entry]:
    """The last ``limit`` entries of a conversation, oldest first.

    The order is that of the times at which messages arrived and replies were
    made; at the same moment the person's message comes before the reply.
    """
    said = session.execute(
        _said()
        .where(InboxMessage.conversation_id == conversation_id)
        .order_by(InboxMessage.id.desc())
        .limit(limit)
    )
    replies = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.conversation_id == conversation_id)
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    )
    merged: list[Entry] = [_person_entry(row) for row in said]
    merged += [_reply_entry(reply) for reply in replies]
    merged.sort(key=lambda entry: (entry.at, isinstance(entry, ReplyEntry), entry.id))
    return merged[-limit:] if limit > 0 else []


def replies_after(
    session: Session, conversation_id: str, *, after: int, limit: int
) -> list[ReplyEntry]:
    """The first ``limit`` replies whose outbox id is greater than ``after``, by id."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.conversation_id == conversation_id, OutboxMessage.id > after)
        .order_by(OutboxMessage.id)
        .limit(limit)
    )
    return [_reply_entry(row) for row in rows]


def _said() -> Select[InboxMessage, str]:
    # A key of another conversation's button must not reveal that button's title.
    own_key = and_(
        ButtonKey.key == InboxMessage.button_key,
        ButtonKey.conversation_id == InboxMessage.conversation_id,
    )
    return select(InboxMessage, ButtonKey.title).outerjoin(ButtonKey, own_key)


def _person_entry(row: Row[InboxMessage, str]) -> PersonEntry:
    # Without a button there is no title, whatever the type of its column says.
    message, title = row
    return PersonEntry(
        id=message.id,
        external_id=message.external_id,
        kind=Kind(message.kind),
        text=message.text or title or "",
        button_key=message.button_key,
        state=message.state,
        at=message.received_at,
        language=message.language,
        intent=message.intent,
    )


def _reply_entry(row: OutboxMessage) -> ReplyEntry:
    return ReplyEntry(
        id=row.id,
        author=row.author,
        message=OutgoingMessage.from_data(row.content),
        state=row.state,
        at=row.created_at,
    )
