"""What all moves of a handover share: finding it, holding it, changing its state, telling.

Every move holds the conversation and changes the state by one UPDATE that names the
states it may start from. So of any number of counsellors who claim at once exactly one
succeeds, and a message of the newcomer belongs either to the bot or to the counsellors.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.conversations import outbox
from bot.conversations.hold import hold
from bot.conversations.models import Author, ConversationState, OutboxMessage
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover.journal import NAME_LENGTH, Actor, record
from bot.handover.models import EventKind, Handover, HandoverState
from bot.i18n.texts import Catalogues, Texts
from bot.messages import OutgoingMessage

#: The columns of a handover that nobody has.
NOBODY: dict[str, Any] = {"claimed_by": None, "claimed_on": None, "claimant": None}
OPEN = tuple(state for state in HandoverState if state != HandoverState.CLOSED)


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


def held(session: Session, handover_id: int) -> Handover:
    """The handover as it is now; it does not move until the transaction ends."""
    handover = get(session, handover_id)
    hold(session, handover.conversation_id)
    session.refresh(handover)
    return handover


def move(
    session: Session,
    handover: Handover,
    *,
    allowed: Sequence[HandoverState],
    state: HandoverState,
    **values: Any,
) -> None:
    """Changes the state by one UPDATE that names the states allowed before it."""
    session.flush()
    moved = session.scalar(
        update(Handover)
        .where(Handover.id == handover.id, Handover.state.in_([one.value for one in allowed]))
        .values(state=state.value, **values)
        .returning(Handover.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(handover)
    if moved is None:
        raise IllegalMoveError(_why_not(handover))


def _why_not(handover: Handover) -> str:
    if handover.state == HandoverState.CLOSED:
        return f"Handover {handover.id} is closed."
    if handover.claimed_by:
        return f"Handover {handover.id} is with {handover.claimed_by}."
    return f"Handover {handover.id} cannot do this while it is {handover.state}."


def take(session: Session, handover: Handover, *, by: Actor, now: datetime) -> None:
    """Makes a waiting handover ``by``'s; raises ``IllegalMoveError`` when it does not wait."""
    move(
        session,
        handover,
        allowed=[HandoverState.WAITING],
        state=HandoverState.CLAIMED,
        claimed_at=now,
        next_alert_at=None,
        snoozed_until=None,
        **claimant(by),
    )
    handover.conversation.state = ConversationState.WITH_HUMAN


def take_up_again(
    session: Session,
    handover: Handover,
    *,
    by: Actor,
    now: datetime,
    state: HandoverState = HandoverState.FOR_COUNSELLOR,
    **values: Any,
) -> None:
    """Opens a closed handover; it is the counsellor's turn who had it, or has it by ``values``."""
    move(
        session,
        handover,
        allowed=[HandoverState.CLOSED],
        state=state,
        closed_at=None,
        outcome=None,
        rating=None,
        waiting_since=now,
        **values,
    )
    handover.conversation.state = (
        ConversationState.WITH_HUMAN if state.with_counsellor else ConversationState.WAITING
    )
    record(session, handover, EventKind.REOPENED, by=by, now=now)


def claimant(actor: Actor) -> dict[str, Any]:
    """The columns that say who has a handover."""
    return {
        "claimed_by": actor.name[:NAME_LENGTH],
        "claimed_on": actor.desk,
        "claimant": actor.id,
    }


def texts_for(handover: Handover, catalogues: Catalogues) -> Texts:
    """The newcomer's texts."""
    return catalogues.get(handover.conversation.language)


def tell(
    session: Session,
    handover: Handover,
    message: OutgoingMessage,
    *,
    now: datetime,
    author: Author = Author.BOT,
) -> OutboxMessage:
    """Queues a message to the newcomer."""
    [row] = outbox.add(
        session,
        conversation=handover.conversation,
        messages=[message],
        now=now,
        author=author,
    )
    return row
