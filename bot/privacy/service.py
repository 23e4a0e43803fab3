"""Forgetting a person: everything goes, the last word to them included."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.booking.forgetting import forget as forget_appointments
from bot.conversations.models import (
    ButtonKey,
    Contact,
    Conversation,
    ConversationState,
    InboxMessage,
    OutboxMessage,
    OutboxState,
)
from bot.handover.desks import feed as desk_feed
from bot.handover.models import ContactFact, Handover


def forget_contents(session: Session, conversation: Conversation, *, now: datetime) -> None:
    """Deletes all that was written, told and handed over in a conversation.

    Appointments ahead are cancelled, and no appointment keeps anything about the person.
    The address stays until ``forget_contact`` so that the person can be told;
    the conversation is marked for it and otherwise as new.
    """
    forget_appointments(session, conversation.identity.contact_id, now=now)
    for model in (ButtonKey, OutboxMessage, InboxMessage, Handover):
        session.execute(
            delete(model)
            .where(model.conversation_id == conversation.id)
            .execution_options(synchronize_session=False)
        )
    session.execute(
        delete(ContactFact)
        .where(ContactFact.contact_id == conversation.identity.contact_id)
        .execution_options(synchronize_session=False)
    )
    desk_feed.forget(session, conversation)
    conversation.state = ConversationState.BOT
    conversation.language_pinned = False
    conversation.failures = 0
    conversation.consent_asked_at = None
    conversation.outage_noted_at = None
    conversation.engine_reset_due = False
    conversation.forget_due = True
    conversation.identity.contact.consented_at = None


def forget_told_contacts(session: Session) -> int:
    """Does ``forget_contact`` where a crash came in between; returns for how many."""
    due = session.scalars(select(Conversation.id).where(Conversation.forget_due)).all()
    return sum(forget_contact(session, conversation_id) for conversation_id in due)


def forget_contact(session: Session, conversation_id: str) -> bool:
    """Deletes contact, address and conversation once nothing is left to be sent.

    Whoever has written again meanwhile is kept, as a new person who was told nothing
    yet. Returns whether the contact was deleted.
    """
    conversation = session.get(Conversation, conversation_id)
    if conversation is None or not conversation.forget_due:
        return False
    unsent = select(OutboxMessage.id).where(
        OutboxMessage.conversation_id == conversation_id,
        OutboxMessage.state.in_((OutboxState.PENDING, OutboxState.SENDING)),
    )
    if session.scalar(unsent.limit(1)) is not None:
        return False
    written = select(InboxMessage.id).where(InboxMessage.conversation_id == conversation_id)
    if session.scalar(written.limit(1)) is not None:
        conversation.forget_due = False
        return False
    session.execute(
        delete(Contact)
        .where(Contact.id == conversation.identity.contact_id)
        .execution_options(synchronize_session=False)
    )
    return True
