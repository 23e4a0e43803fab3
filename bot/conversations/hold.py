"""Holding a conversation while its state is decided on."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Conversation


def hold(session: Session, conversation_id: str) -> Conversation | None:
    """The conversation as it is now, kept from others until the transaction ends; or None.

    Whoever decides by a conversation's state, or changes it, holds it first: the router
    and a counsellor at a desk then take their turns. New messages are stored meanwhile.
    SQLite has one writer at a time anyway.
    """
    return session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        # NO KEY UPDATE: storing a message refers to this row and must not wait.
        .with_for_update(of=Conversation, key_share=True)
        .execution_options(populate_existing=True)
    )
