"""What must not be overlooked: emergencies, long waiting, and what was put aside until now."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import ConversationState
from bot.handover import routing
from bot.handover import texts as phrases
from bot.handover.journal import LOTSE, record
from bot.handover.models import EventKind, Handover, HandoverState
from bot.handover.moves import held, tell, texts_for
from bot.i18n.texts import Catalogues

#: An emergency that nobody has taken is announced again so often.
ALERT_EVERY = timedelta(minutes=2)
#: Whoever waits for so long without a word is told that they are not forgotten.
REASSURE_AFTER = timedelta(minutes=10)


def alert_due(session: Session, *, now: datetime) -> int:
    """Announces emergencies that nobody has taken to everybody on duty; returns how many.

    Queues and hours play no part. Where nobody is on duty the desks are told all the same.
    """
    due = session.scalars(
        select(Handover.id)
        .where(Handover.state == HandoverState.WAITING.value, Handover.next_alert_at <= now)
        .order_by(Handover.id)
    ).all()
    for handover_id in due:
        handover = held(session, handover_id)
        if handover.next_alert_at is None or handover.next_alert_at > now:
            # Another process announced it, or somebody took it, in this very moment.
            continue
        there = routing.on_duty(session, now=now)
        handover.next_alert_at = now + ALERT_EVERY
        record(
            session,
            handover,
            EventKind.ALERTED,
            by=LOTSE,
            now=now,
            on_duty=[account.name for account in there],
            accounts=[account.id for account in there],
        )
    return len(due)


def wake_due(session: Session, *, now: datetime) -> int:
    """Takes up again what was put aside until now; returns how many."""
    due = session.scalars(
        select(Handover.id)
        .where(Handover.snoozed_until <= now, Handover.state != HandoverState.CLOSED.value)
        .order_by(Handover.id)
    ).all()
    for handover_id in due:
        handover = held(session, handover_id)
        if handover.snoozed_until is not None and handover.snoozed_until <= now:
            handover.snoozed_until = None
            record(session, handover, EventKind.WOKEN, by=LOTSE, now=now)
    return len(due)


def reassure_due(session: Session, *, catalogues: Catalogues, now: datetime) -> int:
    """Tells, once, whoever has waited for long how it goes on; returns how many."""
    due = session.scalars(
        select(Handover.id)
        .where(
            Handover.state == HandoverState.WAITING.value,
            Handover.reassured_at.is_(None),
            Handover.urgent.is_(False),
            Handover.requested_at <= now - REASSURE_AFTER,
        )
        .order_by(Handover.id)
    ).all()
    told = 0
    for handover_id in due:
        handover = held(session, handover_id)
        if handover.reassured_at is not None or handover.state != HandoverState.WAITING:
            continue
        handover.reassured_at = now
        if handover.conversation.state != ConversationState.WAITING:
            # The bot answers meanwhile; nobody sits and waits.
            continue
        texts = texts_for(handover, catalogues)
        presence = routing.presence_of(session, handover, now=now)
        words = (
            phrases.takes_longer(texts)
            if presence.is_open
            else phrases.nobody_there(texts, presence)
        )
        tell(session, handover, words, now=now)
        told += 1
    return told
