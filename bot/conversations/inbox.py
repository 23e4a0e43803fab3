"""Storing what arrives, and handing it out one message per conversation at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from bot.conversations import files, leases
from bot.conversations.models import (
    ChannelIdentity,
    Contact,
    Conversation,
    InboxMessage,
    InboxState,
)
from bot.messages import IncomingMessage

MAXIMUM_STORED_TEXT = 10_000
# Waiting times before the same message is tried again, in seconds.
RETRY_SECONDS = (1, 2, 4, 8, 15)


def record(session: Session, messages: Sequence[IncomingMessage], *, now: datetime) -> int:
    """Stores messages in the order given and returns how many were new.

    A message whose (channel, external id) is known already is left alone, so the
    same update may arrive any number of times.
    """
    return sum(_record_one(session, message, now=now) for message in messages)


def _record_one(session: Session, message: IncomingMessage, *, now: datetime) -> bool:
    known = select(InboxMessage.id).where(
        InboxMessage.channel == message.channel, InboxMessage.external_id == message.external_id
    )
    if session.scalar(known) is not None:
        return False
    try:
        _store(session, message, now=now)
    except IntegrityError:
        if session.scalar(known) is not None:
            # Two processes got the same update at once; the other one was faster.
            return False
        # The conversation was deleted after it was found: the person begins anew.
        _store(session, message, now=now)
    return True


def _store(session: Session, message: IncomingMessage, *, now: datetime) -> None:
    conversation = _conversation_at(session, message, now=now)
    row = InboxMessage(
        conversation=conversation,
        channel=message.channel,
        external_id=message.external_id,
        kind=message.kind.value,
        # PostgreSQL refuses NUL in texts; nobody means to write it.
        text=message.text.replace("\x00", "")[:MAXIMUM_STORED_TEXT],
        button_key=message.button_key,
        edited=message.edited,
        received_at=now,
        next_attempt_at=now,
    )
    with session.begin_nested():
        session.add(row)
        if message.attachments:
            session.flush()
            files.announce(session, row, message.attachments, now=now)


def _conversation_at(session: Session, message: IncomingMessage, *, now: datetime) -> Conversation:
    conversation = find_conversation(session, channel=message.channel, address=message.address)
    if conversation is None:
        conversation = _first_contact(session, message, now=now)
    if message.language_hint:
        conversation.identity.platform_language = message.language_hint[:20]
    # Whoever writes can be reached again.
    conversation.identity.blocked_at = None
    return conversation


def find_conversation(session: Session, *, channel: str, address: str) -> Conversation | None:
    """The conversation at an address, or None."""
    return session.scalar(
        select(Conversation)
        .join(ChannelIdentity)
        .where(ChannelIdentity.channel == channel, ChannelIdentity.address == address)
    )


def _first_contact(session: Session, message: IncomingMessage, *, now: datetime) -> Conversation:
    identity = ChannelIdentity(
        channel=message.channel, address=message.address, contact=Contact(created_at=now)
    )
    conversation = Conversation(identity=identity, created_at=now)
    try:
        with session.begin_nested():
            session.add(conversation)
    except IntegrityError:
        # Two first messages at once, in two processes: use what the other one made.
        found = find_conversation(session, channel=message.channel, address=message.address)
        if found is None:
            raise
        return found
    return conversation


def set_blocked(session: Session, *, channel: str, address: str, now: datetime | None) -> None:
    """Notes that the person at an address blocked the bot (``now``) or unblocked it (None)."""
    conversation = find_conversation(session, channel=channel, address=address)
    if conversation is not None:
        conversation.identity.blocked_at = now


def claim(
    session: Session, *, owner: str, now: datetime, lease: timedelta, limit: int
) -> list[str]:
    """Leases up to ``limit`` conversations whose oldest open message is due, oldest first.

    A conversation is leased to one owner at a time. The lease ends by itself, so
    the messages of a worker that died are taken over.
    """
    first = (
        select(func.min(InboxMessage.id).label("id"))
        .where(InboxMessage.state == InboxState.PENDING)
        .group_by(InboxMessage.conversation_id)
        .subquery()
    )
    due = (
        select(InboxMessage.conversation_id)
        .join(first, first.c.id == InboxMessage.id)
        .join(Conversation)
        .where(InboxMessage.next_attempt_at <= now, leases.INBOX.free(now))
        .order_by(InboxMessage.id)
        .limit(limit)
    )
    return [
        conversation_id
        for conversation_id in session.scalars(due).all()
        if leases.INBOX.take(session, conversation_id, owner=owner, now=now, until=now + lease)
    ]


def next_message(session: Session, conversation_id: str, *, now: datetime) -> InboxMessage | None:
    """The oldest open message of a conversation, if it is due; later ones wait for it."""
    oldest = aliased(InboxMessage)
    message = session.scalar(
        select(oldest)
        .where(oldest.conversation_id == conversation_id, oldest.state == InboxState.PENDING)
        .order_by(oldest.id)
        .limit(1)
    )
    return message if message is not None and message.next_attempt_at <= now else None


def finish(message: InboxMessage, *, now: datetime) -> None:
    """Marks a message answered; to be committed together with its replies."""
    message.state = InboxState.DONE
    message.done_at = now


def postpone(message: InboxMessage, *, now: datetime) -> None:
    """Has a message tried again later, at growing distances up to 15 seconds."""
    waiting = RETRY_SECONDS[min(message.attempts, len(RETRY_SECONDS) - 1)]
    message.attempts += 1
    message.next_attempt_at = now + timedelta(seconds=waiting)


def hold(message: InboxMessage, *, now: datetime) -> None:
    """Has a message tried again later for a reason outside it; no attempt is counted.

    The distances grow as those of ``postpone``, by the time the message has waited already.
    """
    waited = (now - message.received_at).total_seconds()
    waiting = min(max(waited, RETRY_SECONDS[0]), RETRY_SECONDS[-1])
    message.next_attempt_at = now + timedelta(seconds=waiting)


def await_consent(message: InboxMessage) -> None:
    """Keeps a message until the person has agreed that it may be answered."""
    message.state = InboxState.AWAITING_CONSENT


def release_after_consent(session: Session, conversation_id: str, *, now: datetime) -> int:
    """Makes all messages that waited for consent due, in their old order; returns how many."""
    waiting = select(InboxMessage).where(
        InboxMessage.conversation_id == conversation_id,
        InboxMessage.state == InboxState.AWAITING_CONSENT,
    )
    messages = session.scalars(waiting).all()
    for message in messages:
        message.state = InboxState.PENDING
        message.next_attempt_at = now
    return len(messages)


def count_open(session: Session) -> int:
    """How many messages wait to be answered."""
    return (
        session.scalar(
            select(func.count())
            .select_from(InboxMessage)
            .where(InboxMessage.state == InboxState.PENDING)
        )
        or 0
    )
