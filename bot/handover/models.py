"""A handover: why a person is needed, who took it, and when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversations.models import Conversation
from bot.db.base import NEVER_REUSE_IDS, Base


class HandoverState(StrEnum):
    """Waiting for a counsellor, with one, or over."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Reason(StrEnum):
    """Why a conversation was handed over."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not_understood"
    EMERGENCY = "emergency"


class Handover(Base):
    """One handover of one conversation; at most one of a conversation is open."""

    __tablename__ = "handover"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    urgent: Mapped[bool]
    language: Mapped[str] = mapped_column(String(8))
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    requested_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
