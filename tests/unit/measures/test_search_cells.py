"""Searching among many: cells that find what a full comparison finds, whatever changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from bot.db.session import Database
from bot.measures.models import Measure, Status
from bot.measures.search import Found, MeasureSearch, Wishes, cells, likeliest, sketches
from bot.measures.search.cells import read_ready
from bot.measures.search.models import SearchCell, SearchEntry, Unsorted
from bot.measures.search.sorting import are_due, rebuild, sort_changed
from bot.measures.search.terms import clauses, facts
from bot.measures.topics import Topic
from bot.workers.search import SearchUpkeep
from tests.support.fakes import DIMENSIONS, FakeMeanings
from tests.support.measures import NOW, import_starter_measures, make_findable, new_measure
from tests.unit.measures.test_search_filters import (
    Oracle,
    alone_and_in_pairs,
    given_places_and_hours,
    in_order,
)


@pytest.fixture
def small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are worth it for ten offers, and a search reads the nearest two at first."""
    monkeypatch.setattr(cells, "WORTH_IT", 10)
    monkeypatch.setattr(cells, "VECTORS_PER_CELL", 10)
    monkeypatch.setattr(likeliest, "_STEPS", ((2, 10), (4, 0)))


def find(
    database: Database,
    said: str = "",
    *,
    topic: Topic | None = Topic.LANGUAGE_COURSE,
    limit: int = 5,
    searcher: MeasureSearch | None = None,
    **wishes: Any,
) -> Found:
    searcher = searcher or MeasureSearch(meanings=FakeMeanings())
    with database.reading() as session:
        return searcher.find(
            session,
            topic=topic,
            wishes=Wishes(**wishes),
            text=said,
            first=3,
            now=NOW,
            limit=limit,
        )


def offers(database: Database, count: int, **facts: Any) -> list[Measure]:
    with database.transaction() as session:
        return [new_measure(session, title=f"offer number {n}", **facts) for n in range(count)]


def sort_all(database: Database) -> None:
    SearchUpkeep(database=database, meanings=FakeMeanings()).catch_up()


def members(session: Session) -> dict[int, list[int]]:
    """Numbers of the entries of which each cell has a sketch."""
    rows = session.execute(select(SearchCell.number, SearchCell.members))
    return {row.number: cell_numbers(row.members) for row in rows}


def cell_numbers(stored: bytes) -> list[int]:
    found: list[int] = sketches.read([stored], DIMENSIONS)["number"].tolist()
    return found


def everywhere(database: Database) -> list[int]:
    """Numbers of entries in any cell, once for each sketch."""
    with database.reading() as session:
        return sorted(number for some in members(session).values() for number in some)


@pytest.mark.usefixtures("small_cells")
def test_cells_find_what_a_full_comparison_finds(database: Database) -> None:
    made = offers(database, 60)
    expected = [find(database, f"{one.texts[0].title}.").ids[0] for one in made]
    sort_all(database)
    with database.reading() as session:
        assert len(members(session)) == 12
    assert len(everywhere(database)) == 120
    assert [find(database, f"{one.texts[0].title}.").ids[0] for one in made] == expected
    assert expected == [one.id for one in made]
    # Without words, what fits is still found.
    assert len(find(database).ids) == 5


@pytest.fixture
def starter(sqlite: Database, small_cells: None) -> tuple[Database, Oracle]:
    import_starter_measures(sqlite)
    measures = given_places_and_hours(sqlite)
    sort_all(sqlite)
    return sqlite, Oracle(measures)


def test_every_filter_alone_and_in_pairs(starter: tuple[Database, Oracle]) -> None:
    database, oracle = starter
    searcher = MeasureSearch(meanings=FakeMeanings())
    for wishes in alone_and_in_pairs():
        for topic in (Topic.LANGUAGE_COURSE, Topic.CHILDCARE):
            found = find(database, topic=topic, limit=500, searcher=searcher, **wishes)
            oracle.check(found, topic, in_order(wishes), "")


def test_sketches_leave_out_nothing_that_fits(starter: tuple[Database, Oracle]) -> None:
    _, oracle = starter
    wanted = [
        [*clause.confirming, *([clause.silent] if clause.silent else [])]
        for wishes in alone_and_in_pairs()
        if len(wishes) == 1
        for clause in clauses(Wishes(**wishes), NOW).values()
    ]
    for measure in oracle.published:
        terms = facts(measure)
        sketch = sketches.sketches(1, terms, np.ones((1, DIMENSIONS), dtype=np.float32))
        for group in filter(sketches.can_tell, wanted):
            assert sketches.meeting(sketch, group).all() or terms.isdisjoint(group)


def test_sketches_tell_apart_what_excludes() -> None:
    vectors = np.ones((1, DIMENSIONS), dtype=np.float32)
    some = np.concatenate(
        [
            sketches.sketches(number, [f"level_{level}", "word"], vectors)
            for number, level in enumerate(("a1", "b1", "unknown"))
        ]
    )
    assert sketches.meeting(some, ["level_b1", "level_unknown"]).tolist() == [False, True, True]
    assert not sketches.meeting(some, ["topic_job"]).any()
    # Places and hours are too many for sketches, which must not pretend to know them.
    assert not sketches.can_tell(["level_b1", "place_100_1_2"])


def test_sketches_rank_nearly_as_vectors_do() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(500, 390)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vectors[0]
    vectors[1:50] += query * np.linspace(0.1, 1, 49)[:, None]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = sketches.nearness(sketches.sketches(1, [], vectors), query)
    assert np.abs(found - vectors @ query).max() < 0.25
    assert set(np.argsort(-(vectors @ query))[:10]) <= set(np.argsort(-found)[:30])


@pytest.mark.usefixtures("small_cells")
def test_what_changes_is_found_before_and_after_it_is_sorted(database: Database) -> None:
    made = offers(database, 30)
    sort_all(database)
    with database.transaction() as session:
        late = new_measure(session, title="a latecomer")
        changed = session.get_one(Measure, made[7].id)
        changed.texts[0].title = changed.texts[1].title = "something else"
        changed.levels = ["C1"]
        make_findable(session, [changed])
    for _ in range(2):
        assert find(database, "a latecomer (en).").ids[0] == late.id
        assert find(database, "something else.", german_level="C1").ids[0] == changed.id
        assert changed.id not in find(database, german_level="B1", limit=100).ids
        sort_all(database)
    with database.reading() as session:
        assert session.scalars(select(Unsorted)).all() == []


@pytest.mark.usefixtures("small_cells")
def test_cells_forget_where_an_entry_was(database: Database) -> None:
    [first, *_] = offers(database, 30)
    sort_all(database)
    with database.transaction() as session:
        measure = session.get_one(Measure, first.id)
        for number, text_ in enumerate(measure.texts):
            text_.title = f"quite another title {number}"
        make_findable(session, [measure])
        # Changed again before anybody sorted it.
        measure.texts[0].title = "and yet another"
        make_findable(session, [measure])
    sort_all(database)
    with database.reading() as session:
        entry = session.scalars(select(SearchEntry).where(SearchEntry.measure_id == first.id)).one()
        ready = read_ready(session, "fake")
        expected = sorted(ready.of(FakeMeanings().passages(passages_of(measure))).tolist())
        held = members(session)
        assert sorted(c for c in held for number in held[c] if number == entry.number) == expected
    assert len(everywhere(database)) == 60


def passages_of(measure: Measure) -> list[str]:
    return [f"{one.title}." for one in measure.texts]


@pytest.mark.usefixtures("small_cells")
def test_what_was_sorted_before_it_was_read_is_sorted_again(database: Database) -> None:
    offers(database, 30)
    sort_all(database)
    with database.transaction() as session:
        late = new_measure(session)
        unread = update(SearchEntry).where(SearchEntry.measure_id == late.id)
        session.execute(unread.values(model="", vectors=b""))
    assert sort_changed(database, "fake", limit=100) == 1
    assert len(everywhere(database)) == 60
    sort_all(database)
    assert len(everywhere(database)) == 62


@pytest.mark.parametrize("unnoticed", [True, False])
@pytest.mark.usefixtures("small_cells")
def test_cells_forget_what_is_taken_back(database: Database, unnoticed: bool) -> None:
    [first, *_] = offers(database, 30)
    sort_all(database)
    with database.transaction() as session:
        if unnoticed:
            session.execute(
                update(Measure).where(Measure.id == first.id).values(status=Status.ARCHIVED.value)
            )
        else:
            measure = session.get_one(Measure, first.id)
            measure.status = Status.ARCHIVED.value
            make_findable(session, [measure])
    assert first.id not in find(database, f"{first.texts[0].title}.", limit=100).ids
    sort_all(database)
    assert len(everywhere(database)) == 58


@pytest.mark.usefixtures("small_cells")
def test_cells_are_not_made_again_for_nothing(sqlite: Database) -> None:
    offers(sqlite, 20)
    sort_all(sqlite)
    with sqlite.reading() as session:
        before = set(members(session))
        assert not are_due(session, "fake")
    sort_all(sqlite)
    with sqlite.reading() as session:
        assert set(members(session)) == before != set()


def test_few_offers_need_no_cells_and_none_waits_for_them(database: Database) -> None:
    offers(database, 3)
    sort_all(database)
    with database.reading() as session:
        assert members(session) == {}
        assert session.scalars(select(Unsorted)).all() == []


@pytest.mark.usefixtures("small_cells")
def test_cells_half_made_are_not_read_and_are_made_again(database: Database) -> None:
    made = offers(database, 30)
    with database.transaction() as session:
        session.add(SearchCell(model=cells.cells_model("fake"), centre=b"\0" * 32, ready=False))
    assert find(database, f"{made[3].texts[0].title}.").ids[0] == made[3].id
    sort_all(database)
    with database.reading() as session:
        assert {cell.ready for cell in session.scalars(select(SearchCell))} == {True}
    assert len(everywhere(database)) == 60


@pytest.mark.usefixtures("small_cells")
def test_one_process_at_a_time_sorts(postgres: Database) -> None:
    offers(postgres, 30)
    sort_all(postgres)
    offers(postgres, 1)
    other = Database(postgres.url.render_as_string(hide_password=False))
    with other.transaction() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(4118012)"))
        assert sort_changed(postgres, "fake", limit=10) == 0
        assert rebuild(postgres, "fake", DIMENSIONS) == 0
    other.dispose()
    assert len(everywhere(postgres)) == 60
    assert sort_changed(postgres, "fake", limit=10) == 1
    assert len(everywhere(postgres)) == 62


@pytest.mark.usefixtures("small_cells")
def test_another_models_cells_are_not_read(sqlite: Database) -> None:
    made = offers(sqlite, 30)
    sort_all(sqlite)
    other = FakeMeanings()
    other.name = "another"
    SearchUpkeep(database=sqlite, meanings=other).catch_up()
    with sqlite.reading() as session:
        models = set(session.scalars(select(SearchCell.model)))
    assert models == {cells.cells_model("another")}
    searcher = MeasureSearch(meanings=other)
    with sqlite.reading() as session:
        found = searcher.find(
            session,
            topic=None,
            wishes=Wishes(),
            text=f"{made[2].texts[0].title}.",
            first=3,
            now=NOW,
            limit=5,
        )
    assert found.ids[0] == made[2].id
