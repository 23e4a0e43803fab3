"""What changed lately, told to the open pages.

One task of the process looks for new lines of the handovers' journal, and for replies that got
on, a few times a second and only while somebody is looking. Whoever listens is told what changed,
not what was said: the pages fetch that themselves, by the same rules as ever. A page that was slow
or away misses nothing, because it loads the present state when it comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from bot.conversations.models import FileState, OutboxMessage, OutboxState, StoredFile
from bot.db.session import Database
from bot.handover.inbox import DESK, NEWS, Viewer
from bot.handover.models import EventKind, Handover, HandoverEvent, HandoverState

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 0.2
AFTER_ERROR_SECONDS = 3.0
# Two transactions may commit in another order than that of their ids.
LOOK_BACK = 100
LINES_AT_ONCE = 500
STREAMS_AT_MOST = 500
STREAMS_PER_ACCOUNT = 6
# An emergency that nobody takes calls again and again.
CALLING = (*NEWS, EventKind.ALERTED.value)
Progress = tuple[int, int]
"""The newest reply of a conversation, and how many replies and files are on their way."""
ON_THEIR_WAY = (OutboxState.PENDING, OutboxState.SENDING)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of the journal, as far as the pages need to know."""

    event_id: int
    handover: Handover = field(repr=False)
    kind: str
    actor_id: str | None

    def calls(self, viewer: Viewer) -> bool:
        """Whether the account should be called by sound and notification."""
        if self.kind not in CALLING or self.actor_id == viewer.account_id:
            return False
        mine = self.handover.claimed_on == DESK and self.handover.claimant == viewer.account_id
        return mine or self.handover.state == HandoverState.WAITING


@dataclass(kw_only=True)
class News:
    """What a page is told at once."""

    handovers: set[int] = field(default_factory=set)
    calling: set[int] = field(default_factory=set)
    urgent: bool = False
    typing: str = ""

    def __bool__(self) -> bool:
        return bool(self.handovers or self.typing)


class Listener:
    """One open page. ``conversation_id`` is that whose replies it follows, if any."""

    def __init__(self, viewer: Viewer, *, handover_id: int | None, conversation_id: str) -> None:
        self.viewer = viewer
        self.handover_id = handover_id
        self.conversation_id = conversation_id
        self.closed = False
        self._news = News()
        self._progress: Progress | None = None
        self._signal = asyncio.Event()

    def tell(self, change: Change) -> None:
        """Adds a change to what the page is told next; what it may not see is left out."""
        if not self.viewer.may_see(change.handover):
            return
        self._news.handovers.add(change.handover.id)
        if change.calls(self.viewer):
            self._news.calling.add(change.handover.id)
            self._news.urgent |= change.handover.urgent
        self._signal.set()

    def note_progress(self, progress: Progress | None) -> None:
        """Has the page fetch its own conversation again when replies or files got on.

        So it does at the first look: something may have got on since the page was loaded.
        """
        if self.handover_id is not None and progress is not None and progress != self._progress:
            self._progress = progress
            self._news.handovers.add(self.handover_id)
            self._signal.set()

    def show_typing(self, name: str) -> None:
        """Tells the page that a colleague is writing in the same conversation."""
        self._news.typing = name
        self._signal.set()

    def close(self) -> None:
        """Ends the stream."""
        self.closed = True
        self._signal.set()

    async def next(self, *, seconds: float) -> News:
        """What is new; empty when nothing happened for ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._signal.wait()
        self._signal.clear()
        news, self._news = self._news, News()
        return news


class Live:
    """The listeners of this process, and the task that looks for changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._seen: deque[int] = deque(maxlen=2 * LINES_AT_ONCE)
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether no further stream can be opened."""
        return len(self._listeners) >= STREAMS_AT_MOST

    @contextlib.asynccontextmanager
    async def listening(
        self, viewer: Viewer, *, handover_id: int | None, conversation_id: str
    ) -> AsyncIterator[Listener]:
        """A listener for as long as the context lasts; the oldest of too many pages ends."""
        listener = Listener(viewer, handover_id=handover_id, conversation_id=conversation_id)
        listener.closed = self._closed
        own = [one for one in self._listeners if one.viewer.account_id == viewer.account_id]
        if len(own) >= STREAMS_PER_ACCOUNT:
            own[0].close()
        self._listeners.append(listener)
        if self._task is None or self._task.done():
            self._last = await run_in_threadpool(self._newest)
            self._task = asyncio.create_task(self._look())
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def typing(self, viewer: Viewer, handover_id: int, name: str) -> None:
        """Tells colleagues who look at a conversation that somebody is writing there."""
        for listener in self._listeners:
            other = listener.viewer.account_id != viewer.account_id
            if other and listener.handover_id == handover_id:
                listener.show_typing(name)

    def close(self) -> None:
        """Ends all streams, and those yet to be opened, for the process is stopping."""
        self._closed = True
        for listener in self._listeners:
            listener.close()

    async def _look(self) -> None:
        while self._listeners:
            try:
                watched = {one.conversation_id for one in self._listeners if one.conversation_id}
                changes, replies = await run_in_threadpool(self._read, sorted(watched))
            except SQLAlchemyError as error:
                # Messages of database errors may quote what people wrote.
                log.warning("console.live_failed", error=type(error).__name__)
                await asyncio.sleep(AFTER_ERROR_SECONDS)
                continue
            self._tell(changes, replies)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _tell(self, changes: Sequence[Change], replies: dict[str, Progress]) -> None:
        for change in changes:
            if change.event_id in self._seen:
                continue
            self._seen.append(change.event_id)
            self._last = max(self._last, change.event_id)
            for listener in self._listeners:
                listener.tell(change)
        for listener in self._listeners:
            listener.note_progress(replies.get(listener.conversation_id))

    def _newest(self) -> int:
        with self._database.reading() as session:
            newest = session.scalar(select(func.max(HandoverEvent.id))) or 0
            recent = session.scalars(
                select(HandoverEvent.id).where(HandoverEvent.id > newest - LOOK_BACK)
            )
            self._seen.extend(recent)
            return newest

    def _read(self, watched: Sequence[str]) -> tuple[list[Change], dict[str, Progress]]:
        with self._database.reading() as session:
            return self._changes(session), _progress(session, watched)

    def _changes(self, session: Session) -> list[Change]:
        found = session.execute(
            select(HandoverEvent.id, HandoverEvent.kind, HandoverEvent.actor_id, Handover)
            .join(Handover, Handover.id == HandoverEvent.handover_id)
            .where(
                HandoverEvent.id > self._last - LOOK_BACK,
                HandoverEvent.id.not_in(list(self._seen)[-2 * LOOK_BACK :]),
            )
            .order_by(HandoverEvent.id)
            .limit(LINES_AT_ONCE)
        )
        return [
            Change(event_id=event_id, kind=kind, actor_id=actor_id, handover=handover)
            for event_id, kind, actor_id, handover in found
        ]


def _progress(session: Session, conversation_ids: Sequence[str]) -> dict[str, Progress]:
    """For each conversation the newest reply, and how many replies and files are on their way."""
    if not conversation_ids:
        return {}
    pending = session.execute(
        select(StoredFile.conversation_id, func.count())
        .where(
            StoredFile.conversation_id.in_(conversation_ids),
            StoredFile.state == FileState.PENDING,
        )
        .group_by(StoredFile.conversation_id)
    )
    files = {row[0]: row[1] for row in pending}
    waiting = func.sum(case((OutboxMessage.state.in_(ON_THEIR_WAY), 1), else_=0))
    found = session.execute(
        select(OutboxMessage.conversation_id, func.max(OutboxMessage.id), waiting)
        .where(OutboxMessage.conversation_id.in_(conversation_ids))
        .group_by(OutboxMessage.conversation_id)
    )
    return {
        conversation_id: (newest, int(open_) + files.get(conversation_id, 0))
        for conversation_id, newest, open_ in found
    }
