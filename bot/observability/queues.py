"""What waits now, read from the database: the same from whichever process it is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session

from bot.booking.models import Reminder, ReminderState
from bot.conversations.models import (
    ChannelIdentity,
    Contact,
    Conversation,
    InboxMessage,
    InboxState,
    OutboxMessage,
    OutboxState,
)
from bot.handover.models import Handover, HandoverState
from bot.observability.labels import known


@dataclass(frozen=True)
class Waiting:
    """How many wait, and for how many seconds the first of them has waited."""

    count: int = 0
    oldest: float = 0.0

    def __add__(self, other: Waiting) -> Waiting:
        return Waiting(self.count + other.count, max(self.oldest, other.oldest))


NOBODY = Waiting()


@dataclass(frozen=True, kw_only=True)
class Queues:
    """Everything that waits. ``handovers`` is keyed by state and whether they are urgent."""

    inbox: Mapping[str, Waiting] = field(default_factory=dict)
    outbox: Mapping[str, Waiting] = field(default_factory=dict)
    uncertain: Mapping[str, int] = field(default_factory=dict)
    handovers: Mapping[tuple[str, bool], Waiting] = field(default_factory=dict)
    reminders_due: int = 0


_STATES = tuple(state.value for state in HandoverState if state != HandoverState.CLOSED)


def read(session: Session, *, channels: Collection[str], now: datetime) -> Queues:
    """Reads the queues at ``now``; rows of a channel not in ``channels`` count as ``other``.

    The open rows are few and found by indexes; those that are done are not touched.
    """
    return Queues(
        inbox=_by_channel(_inbox(session), channels, now=now),
        outbox=_by_channel(_outbox(session), channels, now=now),
        uncertain={
            channel: waiting.count
            for channel, waiting in _by_channel(_uncertain(session), channels, now=now).items()
        },
        handovers=_handovers(session, now=now),
        reminders_due=_reminders_due(session, now=now),
    )


_Row = Row[str, int, datetime]


def _inbox(session: Session) -> Iterable[_Row]:
    # A message that was kept until the person agreed waits for us only since then.
    since = case(
        (Contact.consented_at > InboxMessage.received_at, Contact.consented_at),
        else_=InboxMessage.received_at,
    )
    return session.execute(
        select(InboxMessage.channel, func.count(), func.min(since))
        .join(Conversation, InboxMessage.conversation_id == Conversation.id)
        .join(ChannelIdentity, Conversation.identity_id == ChannelIdentity.id)
        .join(Contact, ChannelIdentity.contact_id == Contact.id)
        .where(InboxMessage.state == InboxState.PENDING)
        .group_by(InboxMessage.channel)
    )


def _outbox(session: Session) -> Iterable[_Row]:
    # What is for somebody who blocked the bot is kept, and waits for nobody.
    return session.execute(
        select(ChannelIdentity.channel, func.count(), func.min(OutboxMessage.created_at))
        .join(Conversation, OutboxMessage.conversation_id == Conversation.id)
        .join(ChannelIdentity, Conversation.identity_id == ChannelIdentity.id)
        .where(
            OutboxMessage.state.in_((OutboxState.PENDING, OutboxState.SENDING)),
            ChannelIdentity.blocked_at.is_(None),
        )
        .group_by(ChannelIdentity.channel)
    )


def _uncertain(session: Session) -> Iterable[_Row]:
    return session.execute(
        select(ChannelIdentity.channel, func.count(), func.min(OutboxMessage.created_at))
        .join(Conversation, OutboxMessage.conversation_id == Conversation.id)
        .join(ChannelIdentity, Conversation.identity_id == ChannelIdentity.id)
        .where(OutboxMessage.state == OutboxState.UNCERTAIN)
        .group_by(ChannelIdentity.channel)
    )


def _by_channel(
    rows: Iterable[_Row], channels: Collection[str], *, now: datetime
) -> dict[str, Waiting]:
    found = dict.fromkeys(channels, NOBODY)
    for channel, count, first in rows:
        name = known(channel, channels)
        found[name] = found.get(name, NOBODY) + Waiting(count, _seconds(first, now))
    return found


def _handovers(session: Session, *, now: datetime) -> dict[tuple[str, bool], Waiting]:
    since = func.coalesce(Handover.waiting_since, Handover.requested_at)
    rows = session.execute(
        select(Handover.state, Handover.urgent, func.count(), func.min(since))
        .where(Handover.state.in_(_STATES))
        .group_by(Handover.state, Handover.urgent)
    )
    found = {(state, urgent): NOBODY for state in _STATES for urgent in (False, True)}
    for state, urgent, count, first in rows:
        found[state, urgent] = Waiting(count, _seconds(first, now))
    return found


def _reminders_due(session: Session, *, now: datetime) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Reminder)
            .where(Reminder.state == ReminderState.PLANNED, Reminder.due_at <= now)
        )
        or 0
    )


def _seconds(first: datetime, now: datetime) -> float:
    return max(0.0, (now - first).total_seconds())
