"""The loop both workers share: lease what is due, handle each in a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from datetime import timedelta

import structlog

from bot.pulse import Pulse

log = structlog.get_logger(__name__)

# A worker that died is replaced after this; a living one prolongs its leases.
LEASE = timedelta(seconds=15)
PROLONG_SECONDS = 5.0
# Other processes and retries are noticed by looking; our own news come by `wake`.
LOOK_SECONDS = 0.5
# What is in hand when the product stops may take this long to end well.
STOP_SECONDS = 2.0


class Pool(ABC):
    """Handles conversations concurrently, each by one task at a time.

    ``wake`` tells the pool that there may be something to do. ``run`` goes on until
    it is cancelled; it then lets the conversations in hand finish what they are
    doing for a moment and gives their leases back.
    """

    def __init__(self, *, name: str, limit: int, vital: bool = False) -> None:
        self.name = name
        self._limit = limit
        self._awake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.pulse = Pulse(vital=vital)

    def wake(self) -> None:
        """Something may be due. Cheap; may be called from the event loop only."""
        self._awake.set()

    async def run(self) -> None:
        """Handles what is due until cancelled. Errors of the database are waited out."""
        try:
            while True:
                self._awake.clear()
                try:
                    await self._start_due()
                    self.pulse.beat()
                except Exception as error:
                    log.error(f"{self.name}.claim_failed", error=type(error).__name__)
                # Not `wait_for`: before Python 3.12 it forgets being cancelled in the
                # moment in which the event is set, and the pool would never stop.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._awake.wait()
        finally:
            await self._stop()

    async def _start_due(self) -> None:
        free = self._limit - len(self._tasks)
        if free <= 0:
            return
        for conversation_id in await asyncio.to_thread(self._claim, free):
            if conversation_id not in self._tasks:
                self._tasks[conversation_id] = asyncio.create_task(self._handle(conversation_id))

    async def _handle(self, conversation_id: str) -> None:
        prolonging = asyncio.create_task(self._keep(conversation_id))
        try:
            while await self._step(conversation_id):
                pass
        except Exception as error:
            log.error(f"{self.name}.failed", error=type(error).__name__)
            # Without a pause a lasting fault would be met again at once, for ever.
            await asyncio.sleep(LOOK_SECONDS)
        finally:
            prolonging.cancel()
            with contextlib.suppress(Exception):
                await asyncio.to_thread(self._release, conversation_id)
            self._tasks.pop(conversation_id, None)
            # Something may have arrived between the last step and the release.
            self.wake()

    async def _keep(self, conversation_id: str) -> None:
        while True:
            await asyncio.sleep(PROLONG_SECONDS)
            with contextlib.suppress(Exception):
                await asyncio.to_thread(self._prolong, conversation_id)

    async def _stop(self) -> None:
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @abstractmethod
    def _claim(self, limit: int) -> list[str]:
        """Leases conversations with something due and returns their ids."""

    @abstractmethod
    async def _step(self, conversation_id: str) -> bool:
        """Does one thing for a leased conversation; False when nothing is due any more."""

    @abstractmethod
    def _prolong(self, conversation_id: str) -> None:
        """Prolongs the lease of a conversation in hand."""

    @abstractmethod
    def _release(self, conversation_id: str) -> None:
        """Gives the lease back."""
