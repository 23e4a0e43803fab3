"""The journal of a handover: who did what and when, and what was said meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.conversations.models import InboxMessage, OutboxMessage
from bot.handover.desks.models import DeskThread
from bot.handover.models import EventKind, Handover, HandoverEvent

NAME_LENGTH = 100


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who makes a move: a counsellor at a desk.

    ``id`` is stable at that desk (at the console the account's); who has none is known by
    the name alone.
    """

    name: str = field(repr=False)
    desk: str = "console"
    id: str | None = None

    def has(self, handover: Handover) -> bool:
        """Whether the handover is this counsellor's."""
        if not handover.claimed_on:
            return False
        mine = (self.desk, self.id or self.name)
        return mine == (handover.claimed_on, handover.claimant or handover.claimed_by)


#: Moves that Lotse itself makes, and those of the newcomer.
LOTSE = Actor(name="", desk="lotse")
NEWCOMER = Actor(name="", desk="newcomer")


def record(
    session: Session,
    handover: Handover,
    kind: EventKind,
    *,
    by: Actor,
    now: datetime,
    text: str = "",
    message: InboxMessage | None = None,
    reply: OutboxMessage | None = None,
    **details: Any,
) -> HandoverEvent:
    """Adds a line to the journal in the caller's transaction; the desks are told of it.

    The caller holds the conversation, so that the lines of one come one after another.
    """
    if reply is not None:
        # The line needs the reply's number.
        session.flush()
    event = HandoverEvent(
        handover_id=handover.id,
        conversation_id=handover.conversation_id,
        kind=kind.value,
        at=now,
        actor=by.name[:NAME_LENGTH],
        desk=by.desk,
        actor_id=by.id,
        text=text,
        inbox_message_id=message.id if message else None,
        outbox_message_id=reply.id if reply else None,
        details=details,
    )
    session.add(event)
    session.flush()
    session.execute(
        update(DeskThread)
        .where(DeskThread.conversation_id == handover.conversation_id)
        .values(latest=event.id)
        .execution_options(synchronize_session=False)
    )
    return event


def events(session: Session, handover_id: int) -> Sequence[HandoverEvent]:
    """The journal of a handover, oldest line first."""
    return session.scalars(
        select(HandoverEvent)
        .where(HandoverEvent.handover_id == handover_id)
        .order_by(HandoverEvent.id)
    ).all()
