"""What searches read is kept while the product runs: words at once, meaning when there is time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import delete, func, select

from bot.db.session import Database
from bot.measures.search.codes import Matrix
from bot.measures.search.models import SearchEntry
from bot.workers import search
from bot.workers.search import SearchUpkeep
from tests.support.fakes import WAIT_SECONDS, FakeMeanings
from tests.support.measures import new_measure

OFFERS = 2 * search.VECTORS_AT_ONCE + 1


class Reading(FakeMeanings):
    """Counts what it reads, and breaks off before it reads more than ``most`` batches."""

    def __init__(self, *, most: int = 100) -> None:
        self.read: list[str] = []
        self._left = most

    def passages(self, texts: Sequence[str]) -> Matrix:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        self.read += texts
        return super().passages(texts)


@pytest.fixture
def unread(database: Database) -> Database:
    """Offers of which searches know nothing yet, as after an import."""
    with database.transaction() as session:
        for _ in range(OFFERS):
            new_measure(session)
        session.execute(delete(SearchEntry))
    return database


def counts(database: Database) -> tuple[int, int]:
    """How many offers are found by words, and how many of these by meaning as well."""
    with database.reading() as session:
        model = func.count(func.nullif(SearchEntry.model, ""))
        words, meaning = session.execute(select(func.count(), model).select_from(SearchEntry)).one()
    return words, meaning


class Running:
    """An upkeep that runs until ``offers`` are found by meaning.

    ``ready`` gives the ``answers`` first and then always yes; ``states`` are what it found.
    ``after_a_batch`` happens once the first meanings were read.
    """

    def __init__(
        self,
        database: Database,
        *answers: bool,
        offers: int = OFFERS,
        after_a_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self.meanings = Reading()
        self.states: list[tuple[int, int]] = []
        self._done = asyncio.Event()
        self._database = database
        self._answers = list(answers)
        self._offers = offers
        self._after_a_batch = after_a_batch
        self._upkeep = SearchUpkeep(database=database, meanings=self.meanings)

    async def ready(self) -> bool:
        self.states.append(counts(self._database))
        if self.states[-1] == (self._offers, self._offers):
            self._done.set()
        if len(self.states) == 2:
            self._after_a_batch()
        return self._answers.pop(0) if self._answers else True

    async def until_done(self) -> None:
        """Runs until all offers are found by meaning."""
        task = asyncio.create_task(self._upkeep.run(ready=self.ready))
        try:
            await asyncio.wait_for(self._done.wait(), WAIT_SECONDS)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_words_are_noted_at_once_and_meanings_when_messages_are_answered(
    unread: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ENGINE_SECONDS", 0)
    running = Running(unread, False, False)
    await running.until_done()
    assert running.states[:3] == [(OFFERS, 0)] * 3
    assert len(running.meanings.read) == 2 * OFFERS


async def test_meanings_wait_while_the_engine_is_away_again(
    unread: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ENGINE_SECONDS", 0)
    running = Running(unread, True, False, False)
    await running.until_done()
    read = search.VECTORS_AT_ONCE
    assert running.states[:4] == [(OFFERS, 0)] + [(OFFERS, read)] * 3


async def test_new_words_do_not_wait_until_all_meanings_are_read(unread: Database) -> None:
    def add() -> None:
        with unread.transaction() as session:
            added = new_measure(session)
            session.execute(delete(SearchEntry).where(SearchEntry.measure_id == added.id))

    running = Running(unread, offers=OFFERS + 1, after_a_batch=add)
    await running.until_done()
    assert running.states[1:3] == [
        (OFFERS, search.VECTORS_AT_ONCE),
        (OFFERS + 1, 2 * search.VECTORS_AT_ONCE),
    ]


def test_what_was_read_before_a_kill_is_not_read_again(unread: Database) -> None:
    killed = Reading(most=1)
    with pytest.raises(KeyboardInterrupt):
        SearchUpkeep(database=unread, meanings=killed).catch_up()
    assert counts(unread) == (OFFERS, search.VECTORS_AT_ONCE)
    later = Reading()
    SearchUpkeep(database=unread, meanings=later).catch_up()
    assert counts(unread) == (OFFERS, OFFERS)
    assert len(killed.read) + len(later.read) == 2 * OFFERS
    assert not set(killed.read) & set(later.read)
