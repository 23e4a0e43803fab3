"""The newcomer's moves: asking for a person, writing to them, going on with the bot.

The router carries them out in the transaction that settles a message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.hold import hold
from bot.conversations.models import Conversation, ConversationState, InboxMessage
from bot.errors import IllegalMoveError
from bot.handover import routing
from bot.handover.journal import NEWCOMER, record
from bot.handover.models import (
    EventKind,
    Handover,
    HandoverEvent,
    HandoverState,
    Outcome,
    Reason,
)
from bot.handover.moves import NOBODY, open_handover, take_up_again

#: So long after the end the newcomer gets back to the same counsellor.
REOPEN_WITHIN = timedelta(hours=24)


def request(
    session: Session,
    conversation: Conversation,
    *,
    reason: Reason,
    urgent: bool,
    now: datetime,
    topic: str | None = None,
    organization_id: str | None = None,
) -> Handover:
    """Puts a conversation into ``waiting``, or makes its open handover urgent.

    Without ``topic`` it is the one asked about last. Asking again changes nothing else,
    so a repeated message is harmless.
    """
    hold(session, conversation.id)
    handover = open_handover(session, conversation.id)
    if handover is None:
        topic = topic or routing.topic_of(session, conversation.id)
        handover = Handover(
            conversation=conversation,
            state=HandoverState.WAITING.value,
            reason=reason.value,
            urgent=urgent,
            topic=topic,
            organization_id=organization_id,
            language=conversation.language or "",
            languages=routing.languages_of(session, conversation),
            queue=routing.choose_queue(session, topic=topic, organization_id=organization_id),
            requested_at=now,
            waiting_since=now,
            next_alert_at=now if urgent else None,
        )
        session.add(handover)
        session.flush()
        record(session, handover, EventKind.REQUESTED, by=NEWCOMER, now=now, reason=reason.value)
    elif urgent and not handover.urgent:
        handover.urgent = True
        handover.reason = reason.value
        handover.next_alert_at = now
        record(session, handover, EventKind.MADE_URGENT, by=NEWCOMER, now=now)
    if handover.state == HandoverState.WAITING:
        conversation.state = ConversationState.WAITING
    return handover


def newcomer_wrote(session: Session, message: InboxMessage, *, now: datetime) -> Handover | None:
    """Gives a message of the newcomer to the counsellors; None when no handover is open.

    A snoozed handover wakes, and it is the counsellor's turn.
    """
    hold(session, message.conversation_id)
    handover = open_handover(session, message.conversation_id)
    if handover is None:
        return None
    if handover.state == HandoverState.FOR_NEWCOMER:
        handover.state = HandoverState.FOR_COUNSELLOR.value
    handover.waiting_since = handover.waiting_since or now
    handover.snoozed_until = None
    record(session, handover, EventKind.MESSAGE, by=NEWCOMER, now=now, message=message)
    return handover


def want_call(session: Session, conversation: Conversation, *, now: datetime) -> Handover | None:
    """Notes that the newcomer wants to be called; None when no handover is open."""
    hold(session, conversation.id)
    handover = open_handover(session, conversation.id)
    if handover is not None and not handover.call_wanted:
        handover.call_wanted = True
        record(session, handover, EventKind.CALL_WANTED, by=NEWCOMER, now=now)
    return handover


def withdraw(session: Session, conversation: Conversation, *, now: datetime) -> bool:
    """The person goes on with the bot instead of waiting; True when a request stays open.

    What was left for the counsellors, and an emergency, stays with them while the bot
    answers; a request without any words is closed. No handover open changes nothing.
    Raises ``IllegalMoveError`` when a counsellor has taken over already.
    """
    hold(session, conversation.id)
    handover = open_handover(session, conversation.id)
    stays = False
    if handover is not None:
        if handover.state != HandoverState.WAITING:
            raise IllegalMoveError(f"Handover {handover.id} is with a counsellor.")
        handover.next_alert_at = None
        stays = handover.urgent or handover.call_wanted or has_words(session, handover)
        if stays:
            record(session, handover, EventKind.LEFT_TO_BOT, by=NEWCOMER, now=now)
        else:
            handover.state = HandoverState.CLOSED.value
            handover.outcome = Outcome.WITHDRAWN.value
            handover.closed_at = now
            handover.waiting_since = None
            record(session, handover, EventKind.WITHDRAWN, by=NEWCOMER, now=now)
    conversation.state = ConversationState.BOT
    conversation.failures = 0
    return stays


def has_words(session: Session, handover: Handover) -> bool:
    """Whether the newcomer has written anything for the counsellors since asking for one."""
    said = select(HandoverEvent.id).where(
        HandoverEvent.handover_id == handover.id, HandoverEvent.kind == EventKind.MESSAGE.value
    )
    return session.scalar(said.limit(1)) is not None


def may_return(session: Session, conversation_id: str, *, now: datetime) -> Handover | None:
    """The talk that the newcomer can go back to: the last, ended less than a day ago."""
    handover = session.scalar(
        select(Handover)
        .where(Handover.conversation_id == conversation_id)
        .order_by(Handover.id.desc())
        .limit(1)
    )
    if handover is None or handover.is_open or handover.claimed_by is None:
        return None
    ended = handover.closed_at
    return handover if ended is not None and now - ended <= REOPEN_WITHIN else None


def return_to_counsellor(
    session: Session, conversation: Conversation, *, now: datetime
) -> Handover | None:
    """The newcomer takes up a talk that ended less than a day ago, with the same counsellor.

    Others take it over when that one is not there within a day. None when there is no
    such talk; a new request is to be made then.
    """
    hold(session, conversation.id)
    handover = may_return(session, conversation.id, now=now)
    if handover is None:
        return None
    back_at = routing.claimants_return(session, handover, now=now)
    if back_at is None or back_at - now > REOPEN_WITHIN:
        take_up_again(
            session, handover, by=NEWCOMER, now=now, state=HandoverState.WAITING, **NOBODY
        )
        return handover
    take_up_again(session, handover, by=NEWCOMER, now=now)
    return handover


def rate(
    session: Session, conversation: Conversation, *, handover_id: int, rating: int, now: datetime
) -> bool:
    """Notes how a talk was, 1 for good and -1 for bad; the last word counts.

    False when the handover is not one of this conversation or the rating is neither.
    """
    hold(session, conversation.id)
    handover = session.get(Handover, handover_id)
    if handover is None or handover.conversation_id != conversation.id or rating not in (1, -1):
        return False
    handover.rating = rating
    record(session, handover, EventKind.RATED, by=NEWCOMER, now=now, rating=rating)
    return True
