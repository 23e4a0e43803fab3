"""Bringing in people and going back to the bot: the moves, and what the person is told.

Every function is called in the transaction that settles a message, and returns what is to
be said.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.buttons import topics_button
from bot.conversations.models import Conversation, ConversationState, InboxMessage
from bot.dialogue.texts import topic_buttons
from bot.handover import newcomer, routing
from bot.handover import texts as phrases
from bot.handover.models import HandoverState, Reason
from bot.handover.moves import open_handover
from bot.i18n.texts import Texts
from bot.messages import OutgoingMessage

#: Commands of buttons that are carried out here, except while a counsellor has the chat.
COMMANDS = frozenset(
    {phrases.WITHDRAW, phrases.LEAVE_MESSAGE, phrases.ASK_FOR_CALL, phrases.WRITE_AGAIN}
)


def bring_in(
    session: Session, message: InboxMessage, *, reason: Reason, texts: Texts, now: datetime
) -> OutgoingMessage:
    """Calls a person: the counsellor of a talk that ended less than a day ago, or any."""
    taken_up = newcomer.return_to_counsellor(session, message.conversation, now=now)
    if taken_up is not None:
        newcomer.newcomer_wrote(session, message, now=now)
        presence = routing.presence_of(session, taken_up, now=now)
        return phrases.back_with_counsellor(texts, presence)
    opened = newcomer.request(session, message.conversation, reason=reason, urgent=False, now=now)
    presence = routing.presence_of(session, opened, now=now)
    if not presence.is_open:
        opened.reassured_at = now
    return phrases.requested(texts, presence)


def take_up_talk(
    session: Session, message: InboxMessage, *, texts: Texts, now: datetime
) -> OutgoingMessage | None:
    """Gives what the bot did not understand to the counsellor the person spoke to just before.

    None when no talk ended less than a day ago.
    """
    if newcomer.may_return(session, message.conversation_id, now=now) is None:
        return None
    return bring_in(session, message, reason=Reason.NOT_UNDERSTOOD, texts=texts, now=now)


def with_way_back(
    session: Session,
    conversation: Conversation,
    reply: OutgoingMessage,
    *,
    texts: Texts,
    now: datetime,
) -> OutgoingMessage:
    """The bot's first answer after a talk; below it stands the way back to the counsellor."""
    if newcomer.may_return(session, conversation.id, now=now) is None:
        return reply
    return replace(reply, buttons=(*reply.buttons, phrases.write_again_button(texts)))


def for_counsellors(
    session: Session, message: InboxMessage, *, texts: Texts, now: datetime
) -> OutgoingMessage | None:
    """Gives a message to the counsellors; the first one left while nobody is there is answered."""
    waiting = open_handover(session, message.conversation_id)
    first = waiting is not None and not newcomer.has_words(session, waiting)
    handover = newcomer.newcomer_wrote(session, message, now=now)
    if handover is None or handover.state != HandoverState.WAITING or not first:
        return None
    presence = routing.presence_of(session, handover, now=now)
    return None if presence.is_open else phrases.message_kept(texts, presence)


def press(
    session: Session, message: InboxMessage, *, command: str, texts: Texts, now: datetime
) -> OutgoingMessage:
    """Carries out one of ``COMMANDS``."""
    conversation = message.conversation
    if command == phrases.WITHDRAW:
        stays = newcomer.withdraw(session, conversation, now=now)
        return OutgoingMessage(
            text=phrases.withdrawn(texts, stays=stays),
            buttons=(*topic_buttons(texts), topics_button(texts)),
            language=texts.language,
        )
    if command == phrases.WRITE_AGAIN:
        return bring_in(session, message, reason=Reason.ASKED, texts=texts, now=now)
    if conversation.state == ConversationState.BOT:
        # An old button: the request it belonged to may be closed.
        newcomer.request(session, conversation, reason=Reason.ASKED, urgent=False, now=now)
    if command == phrases.ASK_FOR_CALL:
        newcomer.want_call(session, conversation, now=now)
        return phrases.write_number(texts)
    return phrases.write_message(texts)


def rate(
    session: Session,
    message: InboxMessage,
    *,
    payload: dict[str, Any],
    texts: Texts,
    now: datetime,
) -> OutgoingMessage | None:
    """Keeps a thumb up or down; None when the button belongs to no talk of this person."""
    rating = payload.get("rating", 0)
    kept = newcomer.rate(
        session,
        message.conversation,
        handover_id=payload.get("handover", 0),
        rating=rating,
        now=now,
    )
    return phrases.thanks_for_rating(texts, rating=rating) if kept else None
