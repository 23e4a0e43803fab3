"""What arrived from a desk, remembered so that a repeat changes nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.conversations.models import OutboxMessage
from bot.handover.desks.models import DeskReceipt


def is_new(
    session: Session, desk: str, external_id: str, *, now: datetime, message_id: str | None = None
) -> bool:
    """Stores the receipt of something from a desk; False when it arrived before."""
    known = select(DeskReceipt.id).where(
        DeskReceipt.desk == desk, DeskReceipt.external_id == external_id
    )
    if session.scalar(known) is not None:
        return False
    row = DeskReceipt(desk=desk, external_id=external_id, message_id=message_id, received_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Two processes got the same at once; the other one was faster.
        return False
    return True


def keep_reply(session: Session, desk: str, external_id: str, reply: OutboxMessage) -> None:
    """Notes which reply was made of what arrived."""
    session.flush()
    session.execute(
        update(DeskReceipt)
        .where(DeskReceipt.desk == desk, DeskReceipt.external_id == external_id)
        .values(outbox_message_id=reply.id)
        .execution_options(synchronize_session=False)
    )


def reply_made_of(session: Session, desk: str, message_id: str) -> OutboxMessage | None:
    """The reply that was made of a message at a desk, or None."""
    return session.scalar(
        select(OutboxMessage)
        .join(DeskReceipt, DeskReceipt.outbox_message_id == OutboxMessage.id)
        .where(DeskReceipt.desk == desk, DeskReceipt.message_id == message_id)
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    )
