"""Keeps what searches read as the measures are, whoever changed them."""

from __future__ import annotations

import asyncio

import structlog

from bot.db.session import Database
from bot.measures.search import Meanings
from bot.measures.search.entries import catch_up, forget_other_models, make_vectors
from bot.measures.search.sorting import are_due, rebuild, sort_changed
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
# Facts are quick; vectors take some 20 ms each, and a transaction that makes them keeps
# other writers of SQLite waiting.
FACTS_AT_ONCE, VECTORS_AT_ONCE, SORTED_AT_ONCE = 500, 5, 200


class SearchUpkeep:
    """Catches up with changes, first with facts and words, then with vectors and cells."""

    def __init__(self, *, database: Database, meanings: Meanings) -> None:
        self._database = database
        self._meanings = meanings
        # Cells for a million entries are made in one step, which takes minutes.
        self.pulse = Pulse(patience=1800)

    async def run(self) -> None:
        """Looks every few seconds until cancelled. Errors of the database are waited out."""
        while True:
            try:
                while await asyncio.to_thread(self.step):
                    self.pulse.beat()
                self.pulse.beat()
            except Exception as error:
                log.error("search.upkeep_failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def step(self) -> bool:
        """Does a little of what is to be done; whether there may be more."""
        with self._database.transaction() as session:
            if catch_up(session, limit=FACTS_AT_ONCE):
                return True
            if make_vectors(session, meanings=self._meanings, limit=VECTORS_AT_ONCE):
                return True
            forget_other_models(session, self._meanings)
            if make_vectors(session, meanings=self._meanings, limit=VECTORS_AT_ONCE):
                return True
        with self._database.reading() as session:
            due = are_due(session, self._meanings.name)
        if due:
            dimensions = len(self._meanings.query(""))
            count = rebuild(self._database, self._meanings.name, dimensions)
            log.info("search.cells_made", cells=count)
        return sort_changed(self._database, self._meanings.name, limit=SORTED_AT_ONCE) > 0

    def catch_up(self) -> None:
        """Does all that is to be done."""
        while self.step():
            pass
