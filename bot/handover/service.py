"""The moves of a handover: request, reply, close. One method per move; illegal ones raise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations import outbox
from bot.conversations.models import Author, Conversation, ConversationState, OutboxMessage
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover.models import Handover, HandoverState, Reason
from bot.i18n.texts import Catalogues
from bot.messages import OutgoingMessage


def request(
    session: Session, conversation: Conversation, *, reason: Reason, urgent: bool, now: datetime
) -> Handover:
    """Puts a conversation into ``waiting``, or makes its open handover urgent.

    Asking again changes nothing else, so a repeated message is harmless.
    """
    handover = open_handover(session, conversation.id)
    if handover is None:
        handover = Handover(
            conversation=conversation,
            state=HandoverState.WAITING.value,
            reason=reason.value,
            urgent=urgent,
            language=conversation.language or "",
            requested_at=now,
        )
        session.add(handover)
        conversation.state = ConversationState.WAITING
    elif urgent and not handover.urgent:
        handover.urgent = True
        handover.reason = reason.value
    return handover


def reply(
    session: Session, handover_id: int, *, text: str, counsellor: str, now: datetime
) -> OutboxMessage:
    """Sends a counsellor's words to the person and claims the handover if nobody has.

    Raises ``IllegalMoveError`` when the handover is closed or the text is empty,
    ``NotFoundError`` when there is no such handover.
    """
    handover = get(session, handover_id)
    if handover.state == HandoverState.CLOSED:
        raise IllegalMoveError(f"Handover {handover_id} is closed; the bot answers again.")
    if not text.strip():
        raise IllegalMoveError("An empty reply cannot be sent.")
    if handover.state == HandoverState.WAITING:
        handover.state = HandoverState.CLAIMED.value
        handover.claimed_by = counsellor
        handover.claimed_at = now
        handover.conversation.state = ConversationState.WITH_HUMAN
    handover.first_reply_at = handover.first_reply_at or now
    message = OutgoingMessage(text=text, language=handover.conversation.language or "en")
    [row] = outbox.add(
        session,
        conversation=handover.conversation,
        messages=[message],
        now=now,
        author=Author.COUNSELLOR,
    )
    return row


def close(session: Session, handover_id: int, *, catalogues: Catalogues, now: datetime) -> Handover:
    """Gives the conversation back to the bot and tells the person, in their language.

    The engine's dialogue starts afresh with the next message. Raises
    ``IllegalMoveError`` when the handover is closed already, so that the closing
    words are never sent twice.
    """
    handover = get(session, handover_id)
    if handover.state == HandoverState.CLOSED:
        raise IllegalMoveError(f"Handover {handover_id} is closed already.")
    handover.state = HandoverState.CLOSED.value
    handover.closed_at = now
    conversation = handover.conversation
    conversation.state = ConversationState.BOT
    conversation.failures = 0
    conversation.engine_reset_due = True
    texts = catalogues.get(conversation.language)
    message = OutgoingMessage(
        text=texts.gettext(
            "The talk with our counsellor has ended. From now on I, the chat assistant, "
            "answer you again. If you need a person, just say so."
        ),
        language=texts.language,
    )
    outbox.add(session, conversation=conversation, messages=[message], now=now)
    return handover


def withdraw(session: Session, conversation: Conversation, *, now: datetime) -> None:
    """The person goes on with the bot instead of waiting; no handover open changes nothing.

    Raises ``IllegalMoveError`` when a counsellor has taken over already.
    """
    handover = open_handover(session, conversation.id)
    if handover is not None:
        if handover.state == HandoverState.CLAIMED:
            raise IllegalMoveError(f"Handover {handover.id} is with a counsellor.")
        handover.state = HandoverState.CLOSED.value
        handover.closed_at = now
    conversation.state = ConversationState.BOT
    conversation.failures = 0


def get(session: Session, handover_id: int) -> Handover:
    """The handover with this number; raises ``NotFoundError``."""
    handover = session.get(Handover, handover_id)
    if handover is None:
        raise NotFoundError(f"There is no handover {handover_id}. `lotse handovers` lists them.")
    return handover


def open_handover(session: Session, conversation_id: str) -> Handover | None:
    """The open handover of a conversation, or None."""
    return session.scalar(
        select(Handover).where(
            Handover.conversation_id == conversation_id,
            Handover.state != HandoverState.CLOSED.value,
        )
    )


def list_open(session: Session) -> Sequence[Handover]:
    """All open handovers, urgent ones first, then those that wait longest."""
    return session.scalars(
        select(Handover)
        .where(Handover.state != HandoverState.CLOSED.value)
        .order_by(Handover.urgent.desc(), Handover.requested_at)
    ).all()
