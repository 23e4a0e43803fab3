"""Counts what is written, when it is committed, without the rooms that write knowing of it.

The rooms keep journals already: inbox and outbox with their states, the lines of handovers, the
events of appointments. Listening to the sessions counts each of them in one place, whichever
worker, page or desk wrote it, and never counts what was rolled back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from bot.booking.models import AppointmentEvent, Reminder, ReminderState
from bot.conversations.models import InboxMessage, InboxState, OutboxMessage
from bot.conversations.models import OutboxState as Out
from bot.db.session import Database
from bot.handover.models import EventKind, HandoverEvent, Reason
from bot.observability.counters import Counters, Delivery

log = structlog.get_logger(__name__)

_NOTED = "lotse_noted"
_NEW = object()
_JOURNALS = (HandoverEvent, AppointmentEvent)
_WITH_STATE = (InboxMessage, OutboxMessage, Reminder)
_ENDED = {
    Out.SENT: Delivery.SENT,
    Out.UNCERTAIN: Delivery.UNCERTAIN,
    Out.REFUSED: Delivery.REFUSED,
    Out.RECIPIENT_GONE: Delivery.RECIPIENT_GONE,
}


class CommitWatch:
    """Counts what is committed to ``database`` by this process, until ``stop``.

    Statements that change many rows at once are not seen: what a crash left in the middle of
    sending becomes uncertain that way, and shows in the queue's own numbers. A fault in
    counting is logged; it never reaches whoever commits.
    """

    def __init__(self, database: Database, counters: Counters) -> None:
        self._counters = counters
        self._listeners = (
            ("after_flush", self._flushed),
            ("after_commit", self._committed),
            ("after_rollback", self._rolled_back),
        )
        self._sessions = database.sessions
        for name, listener in self._listeners:
            event.listen(self._sessions, name, listener)

    def stop(self) -> None:
        """Counts no more."""
        for name, listener in self._listeners:
            event.remove(self._sessions, name, listener)

    def _flushed(self, session: Session, context: object) -> None:
        """Notes which rows are written; their values are read when they are final."""
        noted: dict[Any, Any] = session.info.setdefault(_NOTED, {})
        for row in session.new:
            if isinstance(row, (*_JOURNALS, *_WITH_STATE)):
                noted.setdefault(row, _NEW)
        for row in session.dirty:
            if isinstance(row, _WITH_STATE):
                before = get_history(row, "state", PASSIVE_NO_INITIALIZE).deleted
                if before:
                    noted.setdefault(row, before[0])

    def _committed(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        noted = session.info.pop(_NOTED, {})
        try:
            self._count({row: before for row, before in noted.items() if _is_kept(row)})
        except Exception as error:
            log.error("metrics.not_counted", error=type(error).__name__)

    def _rolled_back(self, session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(_NOTED, None)

    def _count(self, rows: dict[Any, Any]) -> None:
        replied = {
            row.inbox_message_id
            for row, before in rows.items()
            if isinstance(row, OutboxMessage) and before is _NEW
        }
        for row, before in rows.items():
            if isinstance(row, InboxMessage):
                self._count_message(row, before, has_reply=row.id in replied)
            elif isinstance(row, OutboxMessage):
                self._count_delivery(row, before)
            elif isinstance(row, HandoverEvent):
                self._count_handover(row)
            elif isinstance(row, AppointmentEvent):
                self._counters.appointment_moved(row.state)
            elif isinstance(row, Reminder) and row.state == ReminderState.SENT:
                self._counters.reminded()

    def _count_message(self, row: InboxMessage, before: object, *, has_reply: bool) -> None:
        if before is _NEW:
            self._counters.received(row.channel)
        if row.state == InboxState.FAILED:
            self._counters.failed(row.channel)
        elif row.state == InboxState.DONE:
            self._counters.answered(
                row.channel, language=_text(row, "language"), intent=_text(row, "intent")
            )
            if has_reply and row.done_at is not None:
                seconds = (row.done_at - _answerable_since(row)).total_seconds()
                self._counters.replied(row.channel, seconds=seconds)

    def _count_delivery(self, row: OutboxMessage, before: object) -> None:
        if row.state in _ENDED:
            self._counters.delivered(_channel_of(row), _ENDED[row.state])
        elif row.state == Out.PENDING and before == Out.SENDING:
            self._counters.delivered(_channel_of(row), Delivery.RETRIED)

    def _count_handover(self, row: HandoverEvent) -> None:
        self._counters.handover_moved(row.kind)
        is_new_emergency = (
            row.kind == EventKind.REQUESTED and row.details.get("reason") == Reason.EMERGENCY
        )
        if is_new_emergency or row.kind == EventKind.MADE_URGENT:
            self._counters.emergency()


def _is_kept(row: object) -> bool:
    """Whether what was flushed is what was committed.

    A row that a savepoint took back is not in the session any more, one that was only changed
    in it has lost its values.
    """
    state = inspect(row, raiseerr=True)
    return bool(state.persistent) and "id" in state.dict


def _channel_of(row: OutboxMessage) -> str | None:
    return _text(row, "conversation", "identity", "channel")


def _answerable_since(row: InboxMessage) -> datetime:
    """When a message could be answered: as it arrived, or once the person had agreed."""
    consented = _loaded(row, "conversation", "identity", "contact", "consented_at")
    if isinstance(consented, datetime):
        return max(row.received_at, consented)
    return row.received_at


def _loaded(row: object, *path: str) -> object:
    """The value at the end of a path of attributes, None where one of them is not loaded.

    After a commit nothing may be read from the database any more.
    """
    for name in path:
        if row is None:
            return None
        row = inspect(row, raiseerr=True).dict.get(name)
    return row


def _text(row: object, *path: str) -> str | None:
    value = _loaded(row, *path)
    return value if isinstance(value, str) else None
