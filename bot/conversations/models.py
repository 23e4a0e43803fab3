"""Contact, channel identity, conversation, inbox, outbox and buttons."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import NEVER_REUSE_IDS, Base, new_id


class ConversationState(StrEnum):
    """Who answers: the bot, nobody yet, or a counsellor."""

    BOT = "bot"
    WAITING = "waiting"
    WITH_HUMAN = "with_human"


class InboxState(StrEnum):
    """How far a received message has come."""

    PENDING = "pending"
    AWAITING_CONSENT = "awaiting_consent"
    DONE = "done"
    FAILED = "failed"


class OutboxState(StrEnum):
    """How far a reply has come. ``UNCERTAIN``: the platform's answer was never seen."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
    RECIPIENT_GONE = "recipient_gone"


class FileState(StrEnum):
    """How far a file that a person sent has come. ``GONE``: the platform has it no more."""

    PENDING = "pending"
    STORED = "stored"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    VIRUS = "virus"
    GONE = "gone"


class Author(StrEnum):
    """Who speaks in a reply."""

    BOT = "bot"
    COUNSELLOR = "counsellor"


def _enum(kind: type[StrEnum]) -> Enum:
    # Stored as short text: a new member needs no change of a database type.
    return Enum(
        kind,
        native_enum=False,
        length=20,
        create_constraint=False,
        values_callable=lambda members: [member.value for member in members],
    )


class Contact(Base):
    """A person, known by a random id only."""

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    created_at: Mapped[datetime]
    consented_at: Mapped[datetime | None]


class ChannelIdentity(Base):
    """Where a contact can be reached: one address in one channel."""

    __tablename__ = "channel_identity"
    __table_args__ = (UniqueConstraint("channel", "address"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200))
    platform_language: Mapped[str | None] = mapped_column(String(20))
    blocked_at: Mapped[datetime | None]

    contact: Mapped[Contact] = relationship(lazy="joined", innerjoin=True)


class Conversation(Base):
    """What is said with one contact through one identity; the engine's sender id.

    ``lease_*`` name the worker that handles the conversation now, so that its
    messages are taken one at a time also across processes.
    """

    __tablename__ = "conversation"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    identity_id: Mapped[str] = mapped_column(
        ForeignKey("channel_identity.id", ondelete="CASCADE"), unique=True
    )
    state: Mapped[ConversationState] = mapped_column(
        _enum(ConversationState), default=ConversationState.BOT
    )
    language: Mapped[str | None] = mapped_column(String(8))
    language_pinned: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    consent_asked_at: Mapped[datetime | None]
    outage_noted_at: Mapped[datetime | None]
    engine_reset_due: Mapped[bool] = mapped_column(default=False)
    forget_due: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    inbox_lease_owner: Mapped[str | None] = mapped_column(String(40))
    inbox_lease_until: Mapped[datetime | None]
    outbox_lease_owner: Mapped[str | None] = mapped_column(String(40))
    outbox_lease_until: Mapped[datetime | None]

    identity: Mapped[ChannelIdentity] = relationship(lazy="joined", innerjoin=True)


class InboxMessage(Base):
    """Something a person sent, stored before the platform is told it arrived."""

    __tablename__ = "inbox_message"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_inbox_message_open", "state", "conversation_id", "id"),
        Index("ix_inbox_message_conversation", "conversation_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    button_key: Mapped[str | None] = mapped_column(String(64))
    edited: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(String(8))
    intent: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[InboxState] = mapped_column(_enum(InboxState), default=InboxState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)


class OutboxMessage(Base):
    """A reply on its way to a person; ``content`` is an ``OutgoingMessage`` as data."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_open", "state", "conversation_id", "id"),
        # What was said last in a conversation is looked up for every message.
        Index("ix_outbox_message_conversation", "conversation_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    inbox_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("inbox_message.id", ondelete="CASCADE")
    )
    author: Mapped[Author] = mapped_column(_enum(Author), default=Author.BOT)
    content: Mapped[dict[str, Any]]
    state: Mapped[OutboxState] = mapped_column(_enum(OutboxState), default=OutboxState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    external_ids: Mapped[list[str]] = mapped_column(default=list)

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)


class ButtonKey(Base):
    """What a button means; the platform is given the key only."""

    __tablename__ = "button_key"

    key: Mapped[str] = mapped_column(String(24), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )
    payload: Mapped[dict[str, Any]]
    title: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class StoredFile(Base):
    """A file or photo that a person sent; its content stands in the state directory.

    ``source`` is the platform's id of a file that is still to be fetched. ``name`` is what the
    person's device called it, ``media_type`` what its content says, ``size`` bytes.
    """

    __tablename__ = "stored_file"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )
    inbox_message_id: Mapped[int] = mapped_column(
        ForeignKey("inbox_message.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[FileState] = mapped_column(_enum(FileState), index=True)
    source: Mapped[str] = mapped_column(String(300), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    media_type: Mapped[str] = mapped_column(String(100), default="")
    size: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    received_at: Mapped[datetime]
