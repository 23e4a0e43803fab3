"""Looks again and again for what must not be overlooked in the handovers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.clock import Clock
from bot.db.session import Database
from bot.handover import attention
from bot.i18n.texts import Catalogues
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0


class AttentionWorker:
    """Announces emergencies, wakes what was put aside, reassures whoever waits for long."""

    def __init__(
        self,
        *,
        database: Database,
        catalogues: Catalogues,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._catalogues = catalogues
        self._clock = clock
        self._changed = changed
        self.pulse = Pulse()

    async def run(self) -> None:
        """Looks until cancelled. Errors of the database are waited out."""
        while True:
            try:
                if await asyncio.to_thread(self.look):
                    self._changed()
                self.pulse.beat()
            except Exception as error:
                log.error("attention.failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> int:
        """Does everything that is due now; returns how much that was."""
        now = self._clock()
        with self._database.transaction() as session:
            return (
                attention.alert_due(session, now=now)
                + attention.wake_due(session, now=now)
                + attention.reassure_due(session, catalogues=self._catalogues, now=now)
            )
