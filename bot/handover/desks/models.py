"""What is remembered of other desks: one thread a person, and what arrived from there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db.base import NEVER_REUSE_IDS, Base


class DeskThread(Base):
    """Where one person's handovers stand at a desk, and how far they were told there.

    ``position`` is the last line of the journal that the desk was told, ``latest`` the last
    there is. Without ``conversation_id`` the person was forgotten, and what the desk holds
    is to be deleted. ``lease_*`` name the worker that tells the desk now.
    """

    __tablename__ = "desk_thread"
    __table_args__ = (
        UniqueConstraint("desk", "conversation_id"),
        Index("ix_desk_thread_external", "desk", "external_id"),
        Index(
            "ix_desk_thread_behind",
            "desk",
            sqlite_where=text("position < latest OR conversation_id IS NULL"),
            postgresql_where=text("position < latest OR conversation_id IS NULL"),
        ),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    desk: Mapped[str] = mapped_column(String(20))
    conversation_id: Mapped[str | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="SET NULL"), index=True
    )
    external_id: Mapped[str | None] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(default=0)
    latest: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]


class DeskReceipt(Base):
    """Something that arrived from a desk, so that a repeat is recognised.

    ``message_id`` is the desk's number of what was written there, ``outbox_message_id`` the
    reply that was made of it: an edit of the one corrects the other.
    """

    __tablename__ = "desk_receipt"
    __table_args__ = (
        UniqueConstraint("desk", "external_id"),
        Index("ix_desk_receipt_message", "desk", "message_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    desk: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(120))
    message_id: Mapped[str | None] = mapped_column(String(80))
    outbox_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox_message.id", ondelete="CASCADE"), index=True
    )
    received_at: Mapped[datetime]
