"""Keeps what searches read as the measures are, whoever changed them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.db.session import Database
from bot.measures.search import Meanings
from bot.measures.search.entries import catch_up, forget_other_models, make_vectors
from bot.measures.search.sorting import are_due, rebuild, sort_changed
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
ENGINE_SECONDS = 3.0
# Facts are quick. A measure in fourteen languages takes some 300 ms to read for its meaning,
# and what was read of a batch is lost when the process is killed before its end.
FACTS_AT_ONCE, VECTORS_AT_ONCE, SORTED_AT_ONCE = 500, 5, 200


class SearchUpkeep:
    """Catches up with changes, first with facts and words, then with vectors and cells.

    All that is left to do stands in the database: a process that is killed meanwhile leaves
    the rest to the next one.
    """

    def __init__(self, *, database: Database, meanings: Meanings) -> None:
        self._database = database
        self._meanings = meanings
        # Cells for a million entries are made in one step, which takes minutes.
        self.pulse = Pulse(patience=1800)

    async def run(self, *, ready: Callable[[], Awaitable[bool]]) -> None:
        """Looks every few seconds until cancelled. Errors of the database are waited out.

        ``ready`` tells whether messages are answered. Vectors and cells are made only then: an
        engine that starts needs the processors, and nobody searches before it has started.
        """
        while True:
            pause = LOOK_SECONDS
            try:
                pause = await self._look(ready)
                self.pulse.beat()
            except Exception as error:
                log.error("search.upkeep_failed", error=type(error).__name__)
            await asyncio.sleep(pause)

    async def _look(self, ready: Callable[[], Awaitable[bool]]) -> float:
        """Does all that may be done now; returns the seconds until it is worth looking again."""
        while True:
            if not await asyncio.to_thread(self._facts):
                if not await ready():
                    return ENGINE_SECONDS
                if not await asyncio.to_thread(self._vectors_and_cells):
                    return LOOK_SECONDS
            self.pulse.beat()

    def catch_up(self) -> None:
        """Does all that is to be done."""
        while self._facts() or self._vectors_and_cells():
            pass

    def catch_up_facts(self) -> None:
        """Does what makes measures be found by facts and words; needs no model of meaning."""
        while self._facts():
            pass

    def _facts(self) -> bool:
        """Notes facts and words of some measures; whether there may be more."""
        with self._database.transaction() as session:
            return catch_up(session, limit=FACTS_AT_ONCE) > 0

    def _vectors_and_cells(self) -> bool:
        """Makes some vectors or sorts some into cells; whether there may be more."""
        if self._vectors():
            return True
        with self._database.transaction() as session:
            forget_other_models(session, self._meanings)
        if self._vectors():
            return True
        with self._database.reading() as session:
            due = are_due(session, self._meanings.name)
        if due:
            dimensions = len(self._meanings.query(""))
            count = rebuild(self._database, self._meanings.name, dimensions)
            log.info("search.cells_made", cells=count)
        return sort_changed(self._database, self._meanings.name, limit=SORTED_AT_ONCE) > 0

    def _vectors(self) -> bool:
        made = make_vectors(self._database, meanings=self._meanings, limit=VECTORS_AT_ONCE)
        return made > 0
