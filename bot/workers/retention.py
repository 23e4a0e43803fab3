"""Deletes by age: conversations with their people, past appointments, leftovers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.db.session import Database
from bot.dialogue.engine import Engine
from bot.errors import EngineError, EngineUnavailableError, MessageNotProcessedError
from bot.privacy import retention
from bot.privacy.retention import Terms
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3600.0
# The engine needs some seconds to start; where it is away, its turn comes soon again.
ENGINE_SECONDS = 60.0
# So much in one look-up or transaction: others write in between.
BATCH = 50

Step = Callable[..., int]


@dataclass(kw_only=True)
class Deleted:
    """What one look deleted; ``left`` are conversations that could not be deleted this time."""

    conversations: int = 0
    appointments: int = 0
    leftovers: int = 0
    left: int = 0


class RetentionWorker:
    """Looks every hour; several of them, in any processes, do not disturb each other.

    The engine forgets a conversation first, then the database does, in one transaction. A crash
    in between leaves the conversation due, and the next look does both again.
    """

    def __init__(self, *, database: Database, engine: Engine, terms: Terms, clock: Clock) -> None:
        self._database = database
        self._engine = engine
        self._terms = terms
        self._clock = clock
        self.pulse = Pulse(patience=3 * LOOK_SECONDS)
        self._owner = f"retention-{uuid.uuid4().hex[:20]}"

    async def run(self) -> None:
        """Goes on until cancelled; errors of the database are waited out."""
        while True:
            wait = LOOK_SECONDS
            try:
                await self.look()
                self.pulse.beat()
            except EngineUnavailableError:
                wait = ENGINE_SECONDS
            except Exception as error:
                log.error("retention.failed", error=type(error).__name__)
            await asyncio.sleep(wait)

    async def look(self) -> Deleted:
        """Deletes all that is due. Logs numbers only.

        Raises ``EngineUnavailableError`` when conversations wait for the engine; what does not
        need it is deleted before.
        """
        deleted = Deleted()
        try:
            deleted.appointments = await self._batches(retention.clear_appointments)
            deleted.leftovers = await self._batches(retention.sweep)
            await self._conversations(deleted)
        finally:
            if deleted != Deleted():
                log.info("retention.deleted", **vars(deleted))
        return deleted

    async def _batches(self, step: Step) -> int:
        def once() -> int:
            with self._database.transaction() as session:
                return step(session, self._terms, now=self._clock(), limit=BATCH)

        total = 0
        while done := await asyncio.to_thread(once):
            total += done
        return total

    async def _conversations(self, deleted: Deleted) -> None:
        after = ""
        while batch := await asyncio.to_thread(self._due, after):
            for conversation_id in batch:
                try:
                    deleted.conversations += await self._delete(conversation_id)
                except (MessageNotProcessedError, SQLAlchemyError) as error:
                    log.warning("retention.not_deleted", error=type(error).__name__)
                    deleted.left += 1
            after = batch[-1]
            self.pulse.beat()

    def _due(self, after: str) -> list[str]:
        with self._database.reading() as session:
            return retention.due(session, self._terms, after=after, now=self._clock(), limit=BATCH)

    async def _delete(self, conversation_id: str) -> bool:
        if not await asyncio.to_thread(self._claim, conversation_id):
            return False
        try:
            await self._engine.forget(conversation_id)
        except EngineError:
            # Whoever writes now need not wait for the claim to end by itself.
            await asyncio.to_thread(self._release, conversation_id)
            raise
        return await asyncio.to_thread(self._delete_claimed, conversation_id)

    def _claim(self, conversation_id: str) -> bool:
        with self._database.transaction() as session:
            return retention.claim(
                session, conversation_id, self._terms, owner=self._owner, now=self._clock()
            )

    def _delete_claimed(self, conversation_id: str) -> bool:
        with self._database.transaction() as session:
            return retention.delete_claimed(
                session, conversation_id, self._terms, owner=self._owner, now=self._clock()
            )

    def _release(self, conversation_id: str) -> None:
        with self._database.transaction() as session:
            retention.release(session, conversation_id, owner=self._owner)
