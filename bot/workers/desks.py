"""Tells another desk what happens: in order, everything, merged where its limits demand it."""

from __future__ import annotations

import asyncio

import structlog

from bot.clock import Clock
from bot.db.session import Database
from bot.errors import DeliveryError, RetryLaterError
from bot.handover.desks import feed
from bot.handover.desks.desk import Desk, ThreadGoneError
from bot.handover.desks.feed import Batch
from bot.workers.pool import LEASE, Pool

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0


class DeskWorker(Pool):
    """Takes each person's journal in order to one desk.

    A line counts as told once the desk took it; after an error it is told again, so it may
    stand there twice but is never missing. Threads are made one at a time.
    """

    def __init__(
        self, *, database: Database, desk: Desk, owner: str, clock: Clock, limit: int = 4
    ) -> None:
        super().__init__(name=f"desk.{desk.name}", limit=limit)
        self._database = database
        self._desk = desk
        self._owner = owner
        self._clock = clock
        self._making = asyncio.Lock()

    def _claim(self, limit: int) -> list[str]:
        with self._database.transaction() as session:
            feed.open_threads(session, self._desk.name, now=self._clock())
            claimed = feed.claim(
                session,
                self._desk.name,
                owner=self._owner,
                now=self._clock(),
                lease=LEASE,
                limit=limit,
            )
            return [str(thread_id) for thread_id in claimed]

    async def _step(self, key: str) -> bool:
        # What happens while the desk's limits are used up is told together.
        await self._desk.wait_until_free()
        batch = await asyncio.to_thread(self._batch, int(key))
        if batch is None:
            return False
        try:
            await self._tell(batch)
        except ThreadGoneError:
            log.info("desk.thread_lost", desk=self._desk.name, thread=batch.thread_id)
            await asyncio.to_thread(self._lost, batch)
            return True
        except DeliveryError as error:
            log.warning("desk.not_told", desk=self._desk.name, error=type(error).__name__)
            seconds = error.seconds if isinstance(error, RetryLaterError) else RETRY_SECONDS
            await asyncio.to_thread(self._postpone, batch, seconds)
            return False
        return batch.case is not None

    async def _tell(self, batch: Batch) -> None:
        if batch.case is None:
            if batch.external_id is not None:
                await self._desk.delete_thread(batch.external_id)
            await asyncio.to_thread(self._removed, batch)
            return
        thread = batch.external_id
        if thread is None:
            async with self._making:
                thread = await self._desk.open_thread(batch.case)
            await asyncio.to_thread(self._made, batch, thread)
        await self._desk.tell(thread, batch.case, batch.lines)
        await asyncio.to_thread(self._told, batch)

    def _batch(self, thread_id: int) -> Batch | None:
        with self._database.reading() as session:
            return feed.batch(session, thread_id)

    def _made(self, batch: Batch, external_id: str) -> None:
        with self._database.transaction() as session:
            feed.keep_thread(session, batch.thread_id, external_id)

    def _told(self, batch: Batch) -> None:
        with self._database.transaction() as session:
            feed.advance(session, batch.thread_id, position=batch.lines[-1].id, now=self._clock())

    def _lost(self, batch: Batch) -> None:
        with self._database.transaction() as session:
            feed.begin_anew(session, batch.thread_id)

    def _removed(self, batch: Batch) -> None:
        with self._database.transaction() as session:
            feed.remove(session, batch.thread_id)

    def _postpone(self, batch: Batch, seconds: float) -> None:
        with self._database.transaction() as session:
            feed.postpone(session, batch.thread_id, seconds=seconds, now=self._clock())

    def _prolong(self, key: str) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            feed.LEASE.take(session, int(key), owner=self._owner, now=now, until=now + LEASE)

    def _release(self, key: str) -> None:
        with self._database.transaction() as session:
            feed.LEASE.release(session, int(key), owner=self._owner)
