"""How far each desk was told; the database's side of ``bot/workers/desks.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.hold import hold
from bot.conversations.leases import Lease
from bot.conversations.models import ButtonKey, Conversation, InboxMessage, OutboxMessage
from bot.handover.desks.desk import Case, Line
from bot.handover.desks.models import DeskThread
from bot.handover.models import EventKind, Handover, HandoverEvent, HandoverState
from bot.messages import Kind, OutgoingMessage

LEASE = Lease(key=DeskThread.id, owner=DeskThread.lease_owner, until=DeskThread.lease_until)
#: So many lines are told at once at most, and so much of what was said before.
LINES_AT_ONCE = 30
ENTRIES_BEFORE = 12
_LONGEST_WAIT = 300.0


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is to be told in one thread now; without ``case`` it is to be deleted."""

    thread_id: int
    external_id: str | None
    case: Case | None
    lines: Sequence[Line] = field(repr=False)


def open_threads(session: Session, desk: str, *, now: datetime) -> int:
    """Makes a row for each open handover that a desk does not know yet; returns how many.

    A person keeps their thread, so each has one row a desk; the unique key and the hold on
    the conversation see to it that two processes do not make two.
    """
    known = select(DeskThread.id).where(
        DeskThread.desk == desk, DeskThread.conversation_id == Handover.conversation_id
    )
    unknown = session.execute(
        select(Handover.id, Handover.conversation_id).where(
            Handover.state != HandoverState.CLOSED.value, ~known.exists()
        )
    ).all()
    made = 0
    for handover_id, conversation_id in unknown:
        hold(session, conversation_id)
        again = select(DeskThread.id).where(
            DeskThread.desk == desk, DeskThread.conversation_id == conversation_id
        )
        if session.scalar(again) is not None:
            continue
        first, last = session.execute(
            select(func.min(HandoverEvent.id), func.max(HandoverEvent.id)).where(
                HandoverEvent.handover_id == handover_id
            )
        ).one()
        session.add(
            DeskThread(
                desk=desk,
                conversation_id=conversation_id,
                position=(first or 1) - 1,
                latest=last or 0,
                next_attempt_at=now,
            )
        )
        session.flush()
        made += 1
    return made


def claim(
    session: Session, desk: str, *, owner: str, now: datetime, lease: timedelta, limit: int
) -> list[int]:
    """Leases up to ``limit`` threads in which something is to be told, oldest news first."""
    due = (
        select(DeskThread.id)
        .where(
            DeskThread.desk == desk,
            or_(DeskThread.position < DeskThread.latest, DeskThread.conversation_id.is_(None)),
            DeskThread.next_attempt_at <= now,
            LEASE.free(now),
        )
        .order_by(DeskThread.position)
        .limit(limit)
    )
    return [
        thread_id
        for thread_id in session.scalars(due).all()
        if LEASE.take(session, thread_id, owner=owner, now=now, until=now + lease)
    ]


def batch(session: Session, thread_id: int) -> Batch | None:
    """What is to be told in a leased thread; None when there is nothing any more."""
    thread = session.get(DeskThread, thread_id)
    if thread is None:
        return None
    if thread.conversation_id is None:
        return Batch(thread_id=thread_id, external_id=thread.external_id, case=None, lines=())
    events = session.scalars(
        select(HandoverEvent)
        .where(
            HandoverEvent.conversation_id == thread.conversation_id,
            HandoverEvent.id > thread.position,
        )
        .order_by(HandoverEvent.id)
        .limit(LINES_AT_ONCE)
    ).all()
    if not events:
        return None
    handover = session.get_one(Handover, events[-1].handover_id)
    requested = [event for event in events if event.kind == EventKind.REQUESTED.value]
    return Batch(
        thread_id=thread_id,
        external_id=thread.external_id,
        case=_case(
            session, handover, with_before=bool(requested), fresh=thread.external_id is None
        ),
        lines=[_line(session, event) for event in events],
    )


def _case(session: Session, handover: Handover, *, with_before: bool, fresh: bool) -> Case:
    before: list[transcript.Entry] = []
    if with_before:
        before = [
            entry
            for entry in transcript.entries(session, handover.conversation_id, limit=ENTRIES_BEFORE)
            if entry.at <= handover.requested_at
        ]
    return Case(
        handover_id=handover.id,
        conversation_id=handover.conversation_id,
        channel=handover.conversation.identity.channel,
        language=handover.conversation.language or handover.language or "en",
        topic=handover.topic or "",
        reason=handover.reason,
        urgent=handover.urgent,
        claimed_by=handover.claimed_by or "",
        before=before,
        fresh=fresh,
    )


def _line(session: Session, event: HandoverEvent) -> Line:
    text, language = event.text, ""
    kind: Kind | None = None
    edited = False
    if event.kind == EventKind.MESSAGE.value and event.inbox_message_id is not None:
        message = session.get_one(InboxMessage, event.inbox_message_id)
        text, language = message.text, message.language or ""
        kind, edited = Kind(message.kind), message.edited
        if not text and message.button_key:
            button = session.get(ButtonKey, message.button_key)
            text = button.title if button else ""
    elif event.kind != EventKind.TO_TRANSLATE.value and event.outbox_message_id is not None:
        outgoing = OutgoingMessage.from_data(
            session.get_one(OutboxMessage, event.outbox_message_id).content
        )
        text = "\n".join([outgoing.text, *(card.title for card in outgoing.cards)]).strip()
        language = outgoing.language
    return Line(
        id=event.id,
        kind=EventKind(event.kind),
        at=event.at,
        actor=event.actor,
        done_at_desk=event.desk,
        text=text,
        language=language,
        message_kind=kind,
        edited=edited,
        details=event.details,
    )


def keep_thread(session: Session, thread_id: int, external_id: str) -> None:
    """Notes the thread's id at the desk."""
    _change(session, thread_id, external_id=external_id)


def begin_anew(session: Session, thread_id: int) -> None:
    """Has a thread that was lost at the desk made again, from the newest handover's start."""
    thread = session.get(DeskThread, thread_id)
    if thread is None or thread.conversation_id is None:
        return
    newest = (
        select(func.max(Handover.id))
        .where(Handover.conversation_id == thread.conversation_id)
        .scalar_subquery()
    )
    first = session.scalar(
        select(func.min(HandoverEvent.id)).where(HandoverEvent.handover_id == newest)
    )
    position = min(thread.position, (first or 1) - 1)
    _change(session, thread_id, external_id=None, position=position)


def advance(session: Session, thread_id: int, *, position: int, now: datetime) -> None:
    """Notes that the desk was told everything up to a line."""
    _change(session, thread_id, position=position, attempts=0, next_attempt_at=now)


def postpone(session: Session, thread_id: int, *, seconds: float, now: datetime) -> None:
    """Has a thread tried again after ``seconds``, and at growing distances."""
    thread = session.get(DeskThread, thread_id)
    if thread is None:
        return
    wait = max(seconds, min(seconds * 2**thread.attempts, _LONGEST_WAIT))
    _change(
        session,
        thread_id,
        attempts=thread.attempts + 1,
        next_attempt_at=now + timedelta(seconds=wait),
    )


def remove(session: Session, thread_id: int) -> None:
    """Drops the row of a thread that was deleted at the desk."""
    thread = session.get(DeskThread, thread_id)
    if thread is not None:
        session.delete(thread)


def forget(session: Session, conversation: Conversation) -> None:
    """Has everything deleted that other desks hold of a person."""
    session.execute(
        update(DeskThread)
        .where(DeskThread.conversation_id == conversation.id)
        .values(conversation_id=None, attempts=0)
        .execution_options(synchronize_session=False)
    )


def _change(session: Session, thread_id: int, **values: object) -> None:
    session.execute(
        update(DeskThread)
        .where(DeskThread.id == thread_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )
