"""What counsellors see: lists of handovers with filters, what is unread, search in past talks.

Everything here takes a ``Viewer`` and gives only what that account may see: a partner sees
the handovers of the own organization, everybody else sees all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session, lazyload

from bot.conversations.models import InboxMessage
from bot.counsellors.models import Account, Role
from bot.errors import NotFoundError
from bot.handover.models import (
    EventKind,
    Handover,
    HandoverEvent,
    HandoverLabel,
    HandoverRead,
    HandoverState,
    Queue,
)
from bot.handover.moves import OPEN

T = TypeVar("T")

DESK = "console"
PAGE_SIZE = 50
PREVIEW_LENGTH = 120

#: What counts as unread: something of the newcomer, or a handover that came to one.
NEWS = tuple(
    kind.value
    for kind in (
        EventKind.REQUESTED,
        EventKind.MADE_URGENT,
        EventKind.MESSAGE,
        EventKind.CALL_WANTED,
        EventKind.REOPENED,
        EventKind.ASSIGNED,
    )
)


class View(StrEnum):
    """A tab of the inbox."""

    WAITING = "waiting"
    MINE = "mine"
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Whose eyes: an account, and the organization that bounds what a partner sees."""

    account_id: str
    organization_id: str | None
    bounded: bool

    @classmethod
    def of(cls, account: Account) -> Viewer:
        """The viewer that an account is."""
        return cls(
            account_id=account.id,
            organization_id=account.organization_id,
            bounded=account.role is Role.PARTNER,
        )

    def may_see(self, handover: Handover) -> bool:
        """Whether the handover is among what the account sees."""
        queue = handover.queue.organization_id if handover.queue else None
        return not self.bounded or (
            self.organization_id is not None
            and self.organization_id in (handover.organization_id, queue)
        )

    def bound(self) -> ColumnElement[bool] | None:
        """The condition on handovers, None when there is none."""
        if not self.bounded:
            return None
        # Nothing equals None: a partner whose organization is gone sees nothing.
        queues = select(Queue.id).where(Queue.organization_id == (self.organization_id or ""))
        own = Handover.organization_id == (self.organization_id or "")
        return or_(own, Handover.queue_id.in_(queues))


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What of the list is wanted; empty means everything."""

    view: View = View.WAITING
    language: str = ""
    topic: str = ""
    queue_id: int | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the list."""

    handover: Handover
    unread: int
    last_words: str = field(repr=False)
    labels: tuple[str, ...]


def visible(session: Session, handover_id: int, viewer: Viewer) -> Handover:
    """The handover; raises ``NotFoundError`` also when the viewer may not see it."""
    handover = session.get(Handover, handover_id)
    if handover is None or not viewer.may_see(handover):
        raise NotFoundError("There is no such conversation.")
    return handover


def rows(
    session: Session,
    viewer: Viewer,
    wanted: Filter,
    *,
    now: datetime,
    before: int | None = None,
) -> list[Row]:
    """A page of at most ``PAGE_SIZE`` lines and one more if others follow.

    Open ones are sorted urgent first, then by how long the newcomer waits; closed ones by
    when they began, newest first, ``before`` an id for the page that follows.
    """
    # A line shows nothing of the conversation but its last words.
    lines = select(Handover).options(lazyload(Handover.conversation))
    query = _conditions(lines, viewer, wanted, now=now)
    if wanted.view is View.CLOSED:
        query = query.order_by(Handover.id.desc())
        if before is not None:
            query = query.where(Handover.id < before)
    else:
        began = func.coalesce(Handover.waiting_since, Handover.claimed_at, Handover.requested_at)
        query = query.order_by(Handover.urgent.desc(), began, Handover.id)
    found = session.scalars(query.limit(PAGE_SIZE + 1)).all()
    ids = [handover.id for handover in found]
    unread = unread_counts(session, viewer, handover_ids=ids)
    words = _last_words(session, [handover.conversation_id for handover in found])
    labels = _labels(session, ids)
    return [
        Row(
            handover=handover,
            unread=unread.get(handover.id, 0),
            last_words=words.get(handover.conversation_id, ""),
            labels=tuple(labels.get(handover.id, ())),
        )
        for handover in found
    ]


def counts(session: Session, viewer: Viewer, *, now: datetime) -> dict[View, int]:
    """How many open handovers each tab holds; the closed ones are not counted."""
    views = [view for view in View if view is not View.CLOSED]
    sums = [func.sum(case((_belongs(view, viewer, now=now), 1), else_=0)) for view in views]
    query = select(*sums).where(Handover.state.in_(_values(OPEN)))
    if (bound := viewer.bound()) is not None:
        query = query.where(bound)
    return {view: int(n or 0) for view, n in zip(views, session.execute(query).one(), strict=True)}


def _belongs(view: View, viewer: Viewer, *, now: datetime) -> ColumnElement[bool]:
    """The condition on handovers that makes a tab."""
    if view is View.CLOSED:
        return Handover.state == HandoverState.CLOSED.value
    aside = Handover.snoozed_until.is_not(None) & (Handover.snoozed_until > now)
    is_open = Handover.state.in_(_values(OPEN))
    match view:
        case View.WAITING:
            return (Handover.state == HandoverState.WAITING.value) & ~aside
        case View.MINE:
            mine = (Handover.claimed_on == DESK) & (Handover.claimant == viewer.account_id)
            return is_open & mine & ~aside
        case View.SNOOZED:
            return is_open & aside
        case _:
            return is_open & ~aside


def _conditions(query: Select[T], viewer: Viewer, wanted: Filter, *, now: datetime) -> Select[T]:
    query = query.where(_belongs(wanted.view, viewer, now=now))
    if (bound := viewer.bound()) is not None:
        query = query.where(bound)
    if wanted.language:
        query = query.where(Handover.language == wanted.language)
    if wanted.topic:
        query = query.where(Handover.topic == wanted.topic)
    if wanted.queue_id is not None:
        query = query.where(Handover.queue_id == wanted.queue_id)
    if wanted.label:
        labelled = select(HandoverLabel.handover_id).where(HandoverLabel.name == wanted.label)
        query = query.where(Handover.id.in_(labelled))
    return query


def _values(states: Sequence[HandoverState]) -> list[str]:
    return [state.value for state in states]


def unread_counts(
    session: Session, viewer: Viewer, *, handover_ids: Sequence[int] | None = None
) -> dict[int, int]:
    """How much of each handover the account has not read; read ones are left out.

    Without ``handover_ids``: of all open ones that wait or are the account's own.
    """
    query = (
        select(HandoverEvent.handover_id, func.count())
        .outerjoin(
            HandoverRead,
            (HandoverRead.handover_id == HandoverEvent.handover_id)
            & (HandoverRead.account_id == viewer.account_id),
        )
        .where(
            HandoverEvent.kind.in_(NEWS),
            HandoverEvent.id > func.coalesce(HandoverRead.event_id, 0),
            # What one does oneself is no news.
            func.coalesce(HandoverEvent.actor_id, "") != viewer.account_id,
        )
        .group_by(HandoverEvent.handover_id)
    )
    if handover_ids is not None:
        query = query.where(HandoverEvent.handover_id.in_(handover_ids))
    else:
        mine = (Handover.claimed_on == DESK) & (Handover.claimant == viewer.account_id)
        query = query.join(Handover, Handover.id == HandoverEvent.handover_id).where(
            Handover.state.in_(_values(OPEN)),
            (Handover.state == HandoverState.WAITING.value) | mine,
        )
        if (bound := viewer.bound()) is not None:
            query = query.where(bound)
    return {row[0]: row[1] for row in session.execute(query)}


def mark_read(session: Session, viewer: Viewer, handover_id: int) -> None:
    """Notes that the account has seen all that there is; harmless when repeated."""
    newest = session.scalar(
        select(func.max(HandoverEvent.id)).where(HandoverEvent.handover_id == handover_id)
    )
    key = {"account_id": viewer.account_id, "handover_id": handover_id}
    row = session.get(HandoverRead, key)
    if row is None:
        # Two pages of one account at once: whoever comes second writes the same number.
        session.merge(HandoverRead(**key, event_id=newest or 0))
    elif newest is not None and row.event_id < newest:
        row.event_id = newest


def _last_words(session: Session, conversation_ids: Sequence[str]) -> dict[str, str]:
    newest = (
        select(func.max(InboxMessage.id))
        .where(InboxMessage.conversation_id.in_(conversation_ids), InboxMessage.text != "")
        .group_by(InboxMessage.conversation_id)
    )
    found = session.execute(
        select(InboxMessage.conversation_id, InboxMessage.text).where(InboxMessage.id.in_(newest))
    )
    return {conversation_id: text[:PREVIEW_LENGTH] for conversation_id, text in found}


def _labels(session: Session, handover_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for handover_id, name in session.execute(
        select(HandoverLabel.handover_id, HandoverLabel.name)
        .where(HandoverLabel.handover_id.in_(handover_ids))
        .order_by(HandoverLabel.name)
    ):
        found.setdefault(handover_id, []).append(name)
    return found


def known_labels(session: Session, *, limit: int = 100) -> list[str]:
    """The labels in use, most used first."""
    return list(
        session.scalars(
            select(HandoverLabel.name)
            .group_by(HandoverLabel.name)
            .order_by(func.count().desc(), HandoverLabel.name)
            .limit(limit)
        )
    )


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of a conversation that a viewer may read; None is no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether something of this time may be read."""
        return (self.start is None or at > self.start) and (self.end is None or at < self.end)


def window(session: Session, viewer: Viewer, handover: Handover) -> Window:
    """What a viewer may read of the conversation that a visible handover belongs to.

    A partner does not read what the person said to counsellors of others before or
    afterwards; what was said to the bot alone in between can be read.
    """
    if not viewer.bounded:
        return Window()
    others = [
        other
        for other in session.scalars(
            select(Handover).where(Handover.conversation_id == handover.conversation_id)
        )
        if not viewer.may_see(other)
    ]
    ends = [other.closed_at for other in others if other.id < handover.id and other.closed_at]
    starts = [other.requested_at for other in others if other.id > handover.id]
    return Window(start=max(ends, default=None), end=min(starts, default=None))
