"""Forgetting a person: everything goes, the last word to them included."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.conversations.models import (
    ButtonKey,
    Contact,
    Conversation,
    InboxMessage,
    OutboxMessage,
    OutboxState,
)
from bot.handover.models import Handover


def forget_contents(session: Session, conversation: Conversation) -> None:
    """Deletes all that was written, told and handed over in a conversation.

    The address stays until ``forget_contact`` so that the person can be told;
    the conversation is marked for it.
    """
    for model in (ButtonKey, OutboxMessage, InboxMessage, Handover):
        session.execute(
            delete(model)
            .where(model.conversation_id == conversation.id)
            .execution_options(synchronize_session=False)
        )
    conversation.forget_due = True


def forget_contact(session: Session, conversation_id: str) -> bool:
    """Deletes contact, address and conversation once nothing is left to be sent.

    Returns whether that was done.
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
    session.execute(
        delete(Contact)
        .where(Contact.id == conversation.identity.contact_id)
        .execution_options(synchronize_session=False)
    )
    return True
