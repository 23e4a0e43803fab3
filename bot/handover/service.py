"""The counsellors' moves, one function each; illegal ones raise ``IllegalMoveError``.

Every move writes a line into the handover's journal (``bot/handover/journal.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.conversations.models import (
    Author,
    ConversationState,
    OutboxMessage,
    OutboxState,
)
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover import texts as phrases
from bot.handover.journal import LOTSE, Actor, record
from bot.handover.models import (
    WITH_COUNSELLOR,
    EventKind,
    Handover,
    HandoverEvent,
    HandoverLabel,
    HandoverState,
    Outcome,
    Queue,
)
from bot.handover.moves import (
    NOBODY,
    OPEN,
    claimant,
    held,
    move,
    open_handover,
    take,
    take_up_again,
    tell,
    texts_for,
)
from bot.i18n.texts import Catalogues
from bot.messages import OutgoingMessage

MAXIMUM_NOTE = 10_000
LABEL_LENGTH = 40


def claim(
    session: Session, handover_id: int, *, by: Actor, catalogues: Catalogues, now: datetime
) -> Handover:
    """Takes a waiting handover; the newcomer is told that somebody is there.

    Claiming again what one has changes nothing. Raises ``IllegalMoveError`` when it is
    closed or somebody else has it.
    """
    handover = held(session, handover_id)
    if HandoverState(handover.state).with_counsellor and by.has(handover):
        return handover
    take(session, handover, by=by, now=now)
    record(session, handover, EventKind.CLAIMED, by=by, now=now)
    tell(session, handover, phrases.somebody_is_here(texts_for(handover, catalogues)), now=now)
    return handover


def assign(
    session: Session,
    handover_id: int,
    *,
    to: Actor,
    by: Actor,
    catalogues: Catalogues,
    now: datetime,
) -> Handover:
    """Gives an open handover to a counsellor, whoever has it now; ``to`` may be ``by``."""
    handover = held(session, handover_id)
    waited = handover.state == HandoverState.WAITING
    state = HandoverState.CLAIMED if waited else HandoverState(handover.state)
    move(session, handover, allowed=OPEN, state=state, **claimant(to), next_alert_at=None)
    handover.claimed_at = now
    handover.conversation.state = ConversationState.WITH_HUMAN
    record(session, handover, EventKind.ASSIGNED, by=by, now=now, to=to.name, to_id=to.id or "")
    if waited:
        tell(session, handover, phrases.somebody_is_here(texts_for(handover, catalogues)), now=now)
    return handover


def transfer(
    session: Session,
    handover_id: int,
    *,
    queue_id: int | None,
    by: Actor,
    catalogues: Catalogues,
    now: datetime,
) -> Handover:
    """Lets an open handover wait in a queue, for everybody when that is None.

    Raises ``NotFoundError`` for a queue that does not exist.
    """
    queue = session.get(Queue, queue_id) if queue_id is not None else None
    if queue_id is not None and queue is None:
        raise NotFoundError(f"There is no queue {queue_id}.")
    handover = held(session, handover_id)
    had_counsellor = HandoverState(handover.state).with_counsellor
    move(
        session,
        handover,
        allowed=OPEN,
        state=HandoverState.WAITING,
        queue_id=queue_id,
        **NOBODY,
        snoozed_until=None,
        waiting_since=handover.waiting_since or now,
        next_alert_at=now if handover.urgent else None,
    )
    record(
        session, handover, EventKind.TRANSFERRED, by=by, now=now, queue=queue.name if queue else ""
    )
    if had_counsellor:
        handover.conversation.state = ConversationState.WAITING
        tell(session, handover, phrases.passed_on(texts_for(handover, catalogues)), now=now)
    return handover


def reply(
    session: Session,
    handover_id: int,
    *,
    by: Actor,
    now: datetime,
    text: str = "",
    message: OutgoingMessage | None = None,
) -> OutboxMessage:
    """Sends a counsellor's words to the person and claims the handover if nobody has.

    ``message`` is for more than words, such as the card of an offer. Raises
    ``IllegalMoveError`` when the handover is closed or nothing is said,
    ``NotFoundError`` when there is no such handover.
    """
    handover = held(session, handover_id)
    if handover.state == HandoverState.CLOSED:
        raise IllegalMoveError(f"Handover {handover_id} is closed; the bot answers again.")
    outgoing = message or OutgoingMessage(
        text=text, language=handover.conversation.language or "en"
    )
    if not (outgoing.text.strip() or outgoing.cards):
        raise IllegalMoveError("An empty reply cannot be sent.")
    if handover.state == HandoverState.WAITING:
        take(session, handover, by=by, now=now)
        record(session, handover, EventKind.CLAIMED, by=by, now=now)
    move(
        session,
        handover,
        allowed=WITH_COUNSELLOR,
        state=HandoverState.FOR_NEWCOMER,
        first_reply_at=handover.first_reply_at or now,
        waiting_since=None,
        snoozed_until=None,
    )
    row = tell(session, handover, outgoing, author=Author.COUNSELLOR, now=now)
    record(session, handover, EventKind.REPLY, by=by, now=now, reply=row)
    return row


def correct(
    session: Session,
    original: OutboxMessage,
    *,
    text: str,
    by: Actor,
    catalogues: Catalogues,
    now: datetime,
) -> OutboxMessage:
    """Changes the words of a reply: in its place where that is possible, else by another one.

    A reply that has not left yet is changed itself. Raises ``IllegalMoveError`` when the
    talk is closed or nothing is said.
    """
    handover = open_handover(session, original.conversation_id)
    if handover is None:
        raise IllegalMoveError("The talk is closed; what was said stands.")
    handover = held(session, handover.id)
    if not text.strip():
        raise IllegalMoveError("An empty reply cannot be sent.")
    session.refresh(original, with_for_update={"of": OutboxMessage})
    message = replace(OutgoingMessage.from_data(original.content), text=text)
    row = original
    if original.state == OutboxState.PENDING:
        original.content = message.to_data()
    else:
        row = tell(
            session,
            handover,
            phrases.correction(message, texts_for(handover, catalogues), of=original.external_ids),
            author=Author.COUNSELLOR,
            now=now,
        )
    record(session, handover, EventKind.CORRECTED, by=by, now=now, reply=row)
    return row


def refuse(
    session: Session, handover_id: int, *, text: str, by: Actor, now: datetime
) -> HandoverEvent:
    """Answers a counsellor at another desk whose wish could not be carried out."""
    return record(session, held(session, handover_id), EventKind.REFUSED, by=by, now=now, text=text)


def not_delivered(session: Session, reply: OutboxMessage, *, now: datetime) -> None:
    """Tells the counsellors that a reply of theirs did not arrive, or perhaps did not."""
    handover = open_handover(session, reply.conversation_id)
    if reply.author == Author.COUNSELLOR and handover is not None:
        handover = held(session, handover.id)
        record(
            session,
            handover,
            EventKind.UNDELIVERED,
            by=LOTSE,
            now=now,
            reply=reply,
            state=reply.state.value,
        )


def note(
    session: Session, handover_id: int, *, text: str, by: Actor, now: datetime
) -> HandoverEvent:
    """Adds a note that only counsellors see, also to a closed handover.

    Raises ``IllegalMoveError`` when it is empty.
    """
    handover = held(session, handover_id)
    if not text.strip():
        raise IllegalMoveError("An empty note cannot be kept.")
    words = text.strip()[:MAXIMUM_NOTE]
    return record(session, handover, EventKind.NOTE, by=by, now=now, text=words)


def label(
    session: Session, handover_id: int, *, names: Iterable[str], by: Actor, now: datetime
) -> list[str]:
    """Replaces the labels of a handover and returns them, sorted, without empty ones."""
    handover = held(session, handover_id)
    wanted = sorted({name.strip()[:LABEL_LENGTH] for name in names if name.strip()})
    if wanted == labels(session, handover_id):
        return wanted
    session.execute(delete(HandoverLabel).where(HandoverLabel.handover_id == handover_id))
    session.add_all(HandoverLabel(handover_id=handover_id, name=name) for name in wanted)
    record(session, handover, EventKind.LABELLED, by=by, now=now, labels=wanted)
    return wanted


def labels(session: Session, handover_id: int) -> list[str]:
    """The labels of a handover, sorted."""
    rows = session.scalars(
        select(HandoverLabel.name)
        .where(HandoverLabel.handover_id == handover_id)
        .order_by(HandoverLabel.name)
    )
    return list(rows)


def snooze(
    session: Session, handover_id: int, *, until: datetime, by: Actor, now: datetime
) -> Handover:
    """Puts an open handover aside until a time, or until the newcomer writes.

    Raises ``IllegalMoveError`` when it is closed or the time is past.
    """
    handover = held(session, handover_id)
    if until <= now:
        raise IllegalMoveError("A handover can be put aside until a later time only.")
    state = HandoverState(handover.state)
    move(session, handover, allowed=OPEN, state=state, snoozed_until=until)
    record(session, handover, EventKind.SNOOZED, by=by, now=now, until=until.isoformat())
    return handover


def close(
    session: Session,
    handover_id: int,
    *,
    by: Actor,
    catalogues: Catalogues,
    now: datetime,
    outcome: Outcome = Outcome.RESOLVED,
) -> Handover:
    """Gives the conversation back to the bot; the person is told, and asked how it was.

    The engine leaves what it was in the middle of when the next message comes. Raises
    ``IllegalMoveError`` when the handover is closed already, so that the closing
    words are never sent twice.
    """
    handover = held(session, handover_id)
    if handover.state == HandoverState.CLOSED:
        raise IllegalMoveError(f"Handover {handover_id} is closed already.")
    move(
        session,
        handover,
        allowed=OPEN,
        state=HandoverState.CLOSED,
        outcome=outcome.value,
        closed_at=now,
        waiting_since=None,
        snoozed_until=None,
        next_alert_at=None,
    )
    conversation = handover.conversation
    conversation.state = ConversationState.BOT
    conversation.failures = 0
    conversation.engine_reset_due = True
    record(session, handover, EventKind.CLOSED, by=by, now=now, outcome=outcome.value)
    texts = texts_for(handover, catalogues)
    spoken = handover.first_reply_at is not None
    words = (
        phrases.talk_ended(texts, handover_id=handover.id)
        if spoken
        else phrases.request_closed(texts)
    )
    tell(session, handover, words, now=now)
    return handover


def reopen(session: Session, handover_id: int, *, by: Actor, now: datetime) -> Handover:
    """Takes up a closed handover again; it is ``by``'s then and the bot is silent.

    Raises ``IllegalMoveError`` when it is not closed or the conversation has a newer one.
    """
    handover = held(session, handover_id)
    if handover.is_open:
        raise IllegalMoveError(f"Handover {handover_id} is open.")
    if newer := open_handover(session, handover.conversation_id):
        raise IllegalMoveError(f"Handover {newer.id} of the same person is open.")
    take_up_again(session, handover, by=by, now=now, **claimant(by))
    return handover
