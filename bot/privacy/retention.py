"""What is deleted by age: the rule in SQL, and the deleting of one conversation or batch.

Everything here repeats harmlessly: what is deleted is not found again. Who is told is nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.booking import forgetting
from bot.booking.models import Appointment, WaitingEntry
from bot.config import Settings
from bot.conversations import leases
from bot.conversations.models import (
    ButtonKey,
    ChannelIdentity,
    Contact,
    Conversation,
    ConversationState,
    InboxMessage,
    InboxState,
    OutboxMessage,
)
from bot.counsellors.models import AuditEntry
from bot.handover.desks.models import DeskReceipt
from bot.handover.models import Handover, HandoverState
from bot.privacy.service import forget_contents

# A desk repeats what it sent for a day at most.
RECEIPTS = timedelta(days=30)
# Longer than the engine may take to forget; who writes meanwhile waits no longer than this.
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long what is kept: conversations after their last message, appointments after their end.

    ``without_consent`` is the term of conversations whose person did not agree.
    """

    conversations: timedelta
    without_consent: timedelta
    appointments: timedelta
    audit: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """The terms that are set. Where nobody is asked for consent, nobody lacks it."""
        conversations = timedelta(days=settings.retention_days)
        without_consent = timedelta(days=settings.retention_days_without_consent)
        return cls(
            conversations=conversations,
            without_consent=without_consent if settings.ask_consent else conversations,
            appointments=timedelta(days=settings.retention_days_appointments),
            audit=timedelta(days=settings.retention_days_audit),
        )


@dataclass(frozen=True, kw_only=True)
class Due:
    """How much is to be deleted now, or was; ``leftovers`` as ``sweep`` counts them."""

    conversations: int = 0
    without_consent: int = 0
    appointments: int = 0
    leftovers: int = 0


def count_due(session: Session, terms: Terms, *, now: datetime) -> Due:
    """How much would be deleted now."""

    def count(query: Select[Any]) -> int:
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0

    due = _due(terms, now)
    return Due(
        conversations=count(due.where(Contact.consented_at.is_not(None))),
        without_consent=count(due.where(Contact.consented_at.is_(None))),
        appointments=count(
            select(Appointment.id).where(forgetting.past_and_personal(now - terms.appointments))
        ),
        leftovers=sum(count(select(key).where(old)) for key, old in _leftovers(terms, now)),
    )


def due(session: Session, terms: Terms, *, after: str, now: datetime, limit: int) -> list[str]:
    """Up to ``limit`` conversations to be deleted, by id, beginning behind ``after``."""
    behind = _due(terms, now).where(Conversation.id > after)
    return list(session.scalars(behind.order_by(Conversation.id).limit(limit)))


def claim(
    session: Session, conversation_id: str, terms: Terms, *, owner: str, now: datetime
) -> bool:
    """Keeps the workers off a conversation that is to be deleted; False when it is not any more.

    What is written meanwhile is stored and answered afterwards. The claim ends by itself.
    """
    if not _is_due(session, conversation_id, terms, owner=owner, now=now):
        return False
    return leases.INBOX.take(session, conversation_id, owner=owner, now=now, until=now + LEASE)


def delete_claimed(
    session: Session, conversation_id: str, terms: Terms, *, owner: str, now: datetime
) -> bool:
    """Deletes a claimed conversation with its person and all that is theirs.

    False, and the claim is given back, when the person wrote or somebody took care of them in
    the meantime. The caller has made the engine forget the conversation before.
    """
    conversation = _locked(session, conversation_id)
    if conversation is None:
        return False
    if not _is_due(session, conversation_id, terms, owner=owner, now=now):
        leases.INBOX.release(session, conversation_id, owner=owner)
        return False
    forget_contents(session, conversation, now=now)
    session.flush()
    session.execute(
        delete(Contact)
        .where(Contact.id == conversation.identity.contact_id)
        .execution_options(synchronize_session=False)
    )
    return True


def release(session: Session, conversation_id: str, *, owner: str) -> None:
    """Gives a claim back."""
    leases.INBOX.release(session, conversation_id, owner=owner)


def clear_appointments(session: Session, terms: Terms, *, now: datetime, limit: int) -> int:
    """Takes the people out of up to ``limit`` past appointments; returns of how many."""
    return forgetting.forget_past(session, before=now - terms.appointments, limit=limit)


def sweep(session: Session, terms: Terms, *, now: datetime, limit: int) -> int:
    """Deletes up to ``limit`` of each kind of leftover; returns how many.

    They are: buttons that nobody pressed, of replies as old as conversations may get; ended
    places on the waiting list; receipts from desks that led to no reply; old audit entries.
    """
    count = 0
    for key, old in _leftovers(terms, now):
        model = key.class_
        some = select(key).where(old).order_by(key).limit(limit)
        swept = session.scalars(
            delete(model)
            .where(key.in_(some))
            .returning(key)
            .execution_options(synchronize_session=False)
        )
        count += len(swept.all())
    return count


def _leftovers(
    terms: Terms, now: datetime
) -> list[tuple[InstrumentedAttribute[Any], ColumnElement[bool]]]:
    pressed = exists().where(InboxMessage.button_key == ButtonKey.key)
    return [
        (ButtonKey.key, and_(ButtonKey.created_at <= now - terms.conversations, ~pressed)),
        (WaitingEntry.id, forgetting.closed_entries(now - terms.appointments)),
        (
            DeskReceipt.id,
            and_(
                DeskReceipt.outbox_message_id.is_(None), DeskReceipt.received_at <= now - RECEIPTS
            ),
        ),
        (AuditEntry.id, AuditEntry.at <= now - terms.audit),
    ]


def _is_due(
    session: Session, conversation_id: str, terms: Terms, *, owner: str, now: datetime
) -> bool:
    query = _due(terms, now, owner=owner).where(Conversation.id == conversation_id)
    return session.scalar(query) is not None


def _due(terms: Terms, now: datetime, *, owner: str = "") -> Select[str]:
    """The conversations whose term is over and which nobody needs any more."""
    agreed = Contact.consented_at.is_not(None)
    unleased = leases.INBOX.free(now) | (Conversation.inbox_lease_owner == owner)
    return (
        select(Conversation.id)
        .join(ChannelIdentity, ChannelIdentity.id == Conversation.identity_id)
        .join(Contact, Contact.id == ChannelIdentity.contact_id)
        .where(
            or_(
                and_(agreed, _silent_since(now - terms.conversations)),
                and_(~agreed, _silent_since(now - terms.without_consent)),
            ),
            Conversation.state == ConversationState.BOT,
            ~exists().where(
                Handover.conversation_id == Conversation.id,
                Handover.state != HandoverState.CLOSED.value,
            ),
            ~exists().where(
                InboxMessage.conversation_id == Conversation.id,
                InboxMessage.state == InboxState.PENDING,
            ),
            ~forgetting.has_plans(Contact.id, now),
            unleased,
            leases.OUTBOX.free(now),
        )
    )


def _silent_since(moment: datetime) -> ColumnElement[bool]:
    """Condition: nothing was said by either side after ``moment``."""
    said = (
        select(InboxMessage.received_at)
        .where(InboxMessage.conversation_id == Conversation.id)
        .order_by(InboxMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    replied = (
        select(OutboxMessage.created_at)
        .where(OutboxMessage.conversation_id == Conversation.id)
        .order_by(OutboxMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return and_(
        Conversation.created_at <= moment,
        or_(said.is_(None), said <= moment),
        or_(replied.is_(None), replied <= moment),
    )


def _locked(session: Session, conversation_id: str) -> Conversation | None:
    """The conversation, into which nobody can store anything until the transaction ends.

    Whoever stores a message changes the identity first, so it is locked first as well.
    """
    session.execute(
        select(ChannelIdentity.id)
        .join(Conversation, Conversation.identity_id == ChannelIdentity.id)
        .where(Conversation.id == conversation_id)
        .with_for_update(of=ChannelIdentity)
    )
    return session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update(of=Conversation)
        .execution_options(populate_existing=True)
    )
