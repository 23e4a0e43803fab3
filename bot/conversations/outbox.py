"""Replies on their way: stored with their cause, sent in order, never lost silently."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.conversations import leases
from bot.conversations.models import (
    Author,
    ButtonKey,
    ChannelIdentity,
    Conversation,
    InboxMessage,
    OutboxMessage,
    OutboxState,
)
from bot.messages import OutgoingMessage

KEY_BYTES = 12


def add(
    session: Session,
    *,
    conversation: Conversation,
    messages: Sequence[OutgoingMessage],
    now: datetime,
    in_reply_to: InboxMessage | None = None,
    author: Author = Author.BOT,
) -> list[OutboxMessage]:
    """Queues replies in the order given; their buttons get keys that only we understand."""
    rows = [
        OutboxMessage(
            conversation=conversation,
            inbox_message_id=in_reply_to.id if in_reply_to else None,
            author=author,
            content=_with_keys(session, conversation, message, now=now).to_data(),
            created_at=now,
            next_attempt_at=now,
        )
        for message in messages
    ]
    session.add_all(rows)
    return rows


def _with_keys(
    session: Session, conversation: Conversation, message: OutgoingMessage, *, now: datetime
) -> OutgoingMessage:
    buttons = []
    for button in message.buttons:
        key = secrets.token_urlsafe(KEY_BYTES)
        session.add(
            ButtonKey(
                key=key,
                conversation_id=conversation.id,
                payload=button.payload,
                title=button.title[:200],
                created_at=now,
            )
        )
        buttons.append(replace(button, key=key, payload={}))
    return replace(message, buttons=tuple(buttons))


def button(session: Session, *, conversation_id: str, key: str) -> ButtonKey | None:
    """What a pressed button means; None for a key we did not give to this conversation."""
    row = session.get(ButtonKey, key)
    return row if row is not None and row.conversation_id == conversation_id else None


def claim(
    session: Session,
    *,
    owner: str,
    channels: Sequence[str],
    now: datetime,
    lease: timedelta,
    limit: int,
) -> list[str]:
    """Leases up to ``limit`` conversations whose oldest unsent reply is due."""
    first = (
        select(func.min(OutboxMessage.id).label("id"))
        .where(OutboxMessage.state == OutboxState.PENDING)
        .group_by(OutboxMessage.conversation_id)
        .subquery()
    )
    due = (
        select(OutboxMessage.conversation_id)
        .join(first, first.c.id == OutboxMessage.id)
        .join(Conversation)
        .join(ChannelIdentity)
        .where(
            OutboxMessage.next_attempt_at <= now,
            leases.OUTBOX.free(now),
            ChannelIdentity.channel.in_(channels),
            ChannelIdentity.blocked_at.is_(None),
        )
        .order_by(OutboxMessage.id)
        .limit(limit)
    )
    return [
        conversation_id
        for conversation_id in session.scalars(due).all()
        if leases.OUTBOX.take(session, conversation_id, owner=owner, now=now, until=now + lease)
    ]


def start_next(session: Session, conversation_id: str, *, now: datetime) -> OutboxMessage | None:
    """Marks the oldest unsent reply as being sent and returns it, if it is due.

    To be committed before the platform is called: a reply found in this state
    after a crash may or may not have arrived.
    """
    message = next_due(session, conversation_id, now=now)
    if message is not None:
        message.state = OutboxState.SENDING
        message.attempts += 1
    return message


def next_due(session: Session, conversation_id: str, *, now: datetime) -> OutboxMessage | None:
    """The oldest unsent reply of a conversation, if it is due; later ones wait for it."""
    message = session.scalar(
        select(OutboxMessage)
        .where(
            OutboxMessage.conversation_id == conversation_id,
            OutboxMessage.state == OutboxState.PENDING,
        )
        .order_by(OutboxMessage.id)
        .limit(1)
    )
    return message if message is not None and message.next_attempt_at <= now else None


def settle_interrupted(session: Session, *, now: datetime) -> int:
    """Marks replies whose sending was interrupted by a crash as uncertain; returns how many.

    Only those whose conversation nobody has leased: others are being sent now.
    """
    interrupted = (
        select(OutboxMessage.id)
        .join(Conversation)
        .where(OutboxMessage.state == OutboxState.SENDING, leases.OUTBOX.free(now))
    )
    settled = session.scalars(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(interrupted))
        .values(state=OutboxState.UNCERTAIN)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return len(settled.all())


def count_by_state(session: Session) -> dict[str, int]:
    """How many replies are in each state."""
    rows = session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
    return {state.value: count for state, count in rows}
