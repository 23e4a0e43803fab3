"""A value that is not older than a few seconds, read once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Reads at most one at a time, so that probes cannot pile up before a slow database.

    ``lasts`` and ``patience`` are seconds: for how long a value is given again, and for how long
    anybody waits for a new one. A reading that is given up goes on, and is joined by the next
    who ask. Belongs to one event loop.
    """

    def __init__(
        self, read: Callable[[], Awaitable[T]], *, lasts: float, patience: float = 5.0
    ) -> None:
        self._read = read
        self._lasts = lasts
        self._patience = patience
        self._reading: asyncio.Task[T] | None = None
        self._ended = 0.0

    async def get(self) -> T:
        """The value; raises ``TimeoutError`` after ``patience``, or what reading raised."""
        reading = self._reading
        if reading is None or (reading.done() and time.monotonic() - self._ended > self._lasts):
            reading = self._reading = asyncio.create_task(self._new())
        async with asyncio.timeout(self._patience):
            return await asyncio.shield(reading)

    async def _new(self) -> T:
        try:
            return await self._read()
        finally:
            self._ended = time.monotonic()
