"""A handover: why a person is needed, who took it, where it stands and how it came there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversations.models import Conversation
from bot.db.base import NEVER_REUSE_IDS, Base


class HandoverState(StrEnum):
    """Whose turn it is: nobody's yet, the counsellor's, the newcomer's, or it is over.

    ``CLAIMED``: somebody has taken it and has not answered yet.
    """

    WAITING = "waiting"
    CLAIMED = "claimed"
    FOR_NEWCOMER = "for_newcomer"
    FOR_COUNSELLOR = "for_counsellor"
    CLOSED = "closed"

    @property
    def with_counsellor(self) -> bool:
        """Whether exactly one counsellor has it."""
        return self not in (HandoverState.WAITING, HandoverState.CLOSED)


WITH_COUNSELLOR = tuple(state for state in HandoverState if state.with_counsellor)


class Reason(StrEnum):
    """Why a conversation was handed over."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not_understood"
    EMERGENCY = "emergency"
    BOOKING = "booking"
    CORRECTION = "correction"


class Outcome(StrEnum):
    """How a handover ended. ``WITHDRAWN``: the newcomer went on with the bot."""

    RESOLVED = "resolved"
    REFERRED = "referred"
    NO_ANSWER = "no_answer"
    NOT_NEEDED = "not_needed"
    WITHDRAWN = "withdrawn"


class EventKind(StrEnum):
    """What can happen to a handover; each is one line of its journal."""

    REQUESTED = "requested"
    MADE_URGENT = "made_urgent"
    CLAIMED = "claimed"
    ASSIGNED = "assigned"
    TRANSFERRED = "transferred"
    MESSAGE = "message"
    REPLY = "reply"
    CORRECTED = "corrected"
    NOTE = "note"
    LABELLED = "labelled"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    CALL_WANTED = "call_wanted"
    LEFT_TO_BOT = "left_to_bot"
    ALERTED = "alerted"
    CLOSED = "closed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    RATED = "rated"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    TRANSLATED = "translated"
    TO_TRANSLATE = "to_translate"


class Queue(Base):
    """Where handovers wait: for some topics, or for one organization.

    A handover without a queue is everybody's.
    """

    __tablename__ = "handover_queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    topics: Mapped[list[str]] = mapped_column(default=list)
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )


class QueueMember(Base):
    """A counsellor who answers in a queue."""

    __tablename__ = "handover_queue_member"

    queue_id: Mapped[int] = mapped_column(
        ForeignKey("handover_queue.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Handover(Base):
    """One handover of one conversation; at most one of a conversation is open.

    ``language`` is the newcomer's, ``languages`` are all in which they can be
    counselled. Who has it: ``claimed_by`` is the name shown, ``claimed_on`` the desk they
    work at, ``claimant`` their id there (at the console that of the account).
    ``first_reply_at`` and ``closed_at`` are the times of the first response and of the
    resolution, ``waiting_since`` is when the newcomer began to wait for an answer. Once they
    were told that it takes longer, or that nobody is there, ``reassured_at`` says when.
    """

    __tablename__ = "handover"
    __table_args__ = (
        Index(
            "uq_handover_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("state != 'closed'"),
            postgresql_where=text("state != 'closed'"),
        ),
        Index("ix_handover_claimant", "claimed_on", "claimant"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    urgent: Mapped[bool]
    topic: Mapped[str | None] = mapped_column(String(40))
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL")
    )
    queue_id: Mapped[int | None] = mapped_column(
        ForeignKey("handover_queue.id", ondelete="SET NULL"), index=True
    )
    language: Mapped[str] = mapped_column(String(8))
    languages: Mapped[list[str]] = mapped_column(default=list)
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_on: Mapped[str | None] = mapped_column(String(20))
    claimant: Mapped[str | None] = mapped_column(String(80))
    call_wanted: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None] = mapped_column(String(20))
    rating: Mapped[int | None]
    requested_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    next_alert_at: Mapped[datetime | None]
    reassured_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
    queue: Mapped[Queue | None] = relationship(lazy="joined")

    @property
    def is_open(self) -> bool:
        """Whether it is not closed."""
        return self.state != HandoverState.CLOSED


class HandoverEvent(Base):
    """One line of a handover's journal: a move, or something said.

    The journal is the audit of all moves and what every desk is told, in order. The words
    of messages and replies stand in inbox and outbox; ``text`` holds those of
    notes and of translations.
    ``actor`` is the name of whoever did it, empty for the newcomer and for Lotse itself.
    """

    __tablename__ = "handover_event"
    __table_args__ = (
        Index("ix_handover_event_conversation", "conversation_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    handover_id: Mapped[int] = mapped_column(
        ForeignKey("handover.id", ondelete="CASCADE"), index=True
    )
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100), default="")
    desk: Mapped[str] = mapped_column(String(20), default="")
    actor_id: Mapped[str | None] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text, default="")
    inbox_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("inbox_message.id", ondelete="CASCADE"), index=True
    )
    outbox_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox_message.id", ondelete="CASCADE"), index=True
    )
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class HandoverLabel(Base):
    """A word that counsellors put on a handover to find it again."""

    __tablename__ = "handover_label"

    handover_id: Mapped[int] = mapped_column(
        ForeignKey("handover.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)


class HandoverRead(Base):
    """How far one account has read one handover: up to the journal's line ``event_id``."""

    __tablename__ = "handover_read"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    handover_id: Mapped[int] = mapped_column(
        ForeignKey("handover.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    event_id: Mapped[int]


class ContactFact(Base):
    """Something that counsellors noted about a person, such as a telephone number."""

    __tablename__ = "contact_fact"

    contact_id: Mapped[str] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(String(500))
    noted_by: Mapped[str] = mapped_column(String(100))
    noted_at: Mapped[datetime]
