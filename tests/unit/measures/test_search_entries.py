"""What searches read: kept as the measures are, found in cells, comparable across languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from bot.db.session import Database
from bot.measures import neutral
from bot.measures.models import Measure, MeasureText, Status
from bot.measures.search import MeasureSearch, Near, Wishes, refresh
from bot.measures.search.candidates import frequencies, frequent_terms
from bot.measures.search.codes import Matrix, Vector, pack, similarities, unpack
from bot.measures.search.entries import make_vectors
from bot.measures.search.models import SearchEntry
from bot.measures.search.terms import fold, words
from bot.measures.topics import Topic
from bot.workers.search import SearchUpkeep
from tests.support.fakes import DIMENSIONS, FakeMeanings, encode
from tests.support.measures import NOW, make_findable, new_measure


class Counting(FakeMeanings):
    """Remembers which passages it was asked for."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.asked: list[str] = []

    def passages(self, texts: Sequence[str]) -> Matrix:
        self.asked += texts
        return super().passages(texts)


class Alike(FakeMeanings):
    """Texts with the word "alike" are like any question, others are not."""

    def query(self, text: str) -> Vector:
        return np.eye(DIMENSIONS, dtype=np.float32)[0]

    def passages(self, texts: Sequence[str]) -> Matrix:
        return np.eye(DIMENSIONS, dtype=np.float32)[["alike" not in text for text in texts]]


class Interrupted(Counting):
    """While it reads, something else happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    def passages(self, texts: Sequence[str]) -> Matrix:
        self._happens()
        return super().passages(texts)


def entries(database: Database) -> list[SearchEntry]:
    with database.reading() as session:
        return list(session.scalars(select(SearchEntry).order_by(SearchEntry.number)))


def ids(database: Database, text: str = "", limit: int = 500) -> tuple[str, ...]:
    searcher = MeasureSearch(meanings=FakeMeanings())
    with database.reading() as session:
        return searcher.find(
            session,
            topic=Topic.LANGUAGE_COURSE,
            wishes=Wishes(),
            text=text,
            first=3,
            now=NOW,
            limit=limit,
        ).ids


def test_a_change_nobody_told_of_is_caught_up_with(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session, title="Old words")
    with database.transaction() as session:
        session.execute(update(MeasureText).values(title="New words"))
        session.execute(update(Measure).values(updated_at=NOW + timedelta(days=1)))
    SearchUpkeep(database=database, meanings=FakeMeanings()).catch_up()
    [entry] = entries(database)
    assert " new " in entry.terms
    assert " old " not in entry.terms
    assert ids(database, "New words. ".strip()) == (measure.id,)


def test_vectors_are_made_again_only_for_new_words(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        measure = new_measure(session, title="Course")
        counting = Counting()
        measure.childcare = True
        make_findable(session, [measure], counting)
        assert counting.asked == []
        measure.texts[0].description = "Now with a description."
        make_findable(session, [measure], counting)
        assert len(counting.asked) == len(measure.texts)


def test_another_model_makes_all_vectors_anew(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        for _ in range(7):
            new_measure(session)
    other = Counting("another")
    SearchUpkeep(database=sqlite, meanings=other).catch_up()
    assert {entry.model for entry in entries(sqlite)} == {"another"}
    assert len(other.asked) == 14
    SearchUpkeep(database=sqlite, meanings=other).catch_up()
    assert len(other.asked) == 14


def test_vectors_of_another_model_are_not_compared(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        new_measure(session, title="evening")
        session.execute(update(SearchEntry).values(model="older"))
    searcher = MeasureSearch(meanings=FakeMeanings())
    with sqlite.reading() as session:
        found = searcher.find(
            session,
            topic=None,
            wishes=Wishes(),
            text="evening (en).",
            first=3,
            now=NOW,
        )
    assert found.nearness == (0.0,)


@pytest.mark.parametrize(("read", "first"), [(0, "word"), (2, "word"), (3, "alike")])
def test_words_alone_decide_until_half_of_the_offers_were_read(
    database: Database, read: int, first: str
) -> None:
    with database.transaction() as session:
        measures = {
            new_measure(session, title=title).id: title.split()[0]
            for title in ("alike one", "alike two", "alike three", "unlike", "word treffam")
        }
        make_findable(session, list(session.scalars(select(Measure)).unique()), Alike())
        session.execute(
            update(SearchEntry)
            .where(SearchEntry.measure_id.not_in(list(measures)[:read]))
            .values(model="", vectors=b"")
        )
    searcher = MeasureSearch(meanings=Alike())
    with database.reading() as session:
        found = searcher.find(
            session, topic=None, wishes=Wishes(), text="treffam", first=1, now=NOW
        )
    assert measures[found.ids[0]] == first
    assert len(found.ids) == 5


def test_texts_that_change_while_they_are_read_are_read_again(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session, title="Old words")
        session.execute(update(SearchEntry).values(model="", vectors=b""))

    def rewrite() -> None:
        with database.transaction() as session:
            rewritten = session.get_one(Measure, measure.id)
            rewritten.texts[0].title = rewritten.texts[1].title = "New words"
            refresh(session, [rewritten])

    assert make_vectors(database, meanings=Interrupted(rewrite), limit=5) == 1
    [entry] = entries(database)
    assert (entry.model, entry.vectors) == ("", b"")
    again = Counting()
    assert make_vectors(database, meanings=again, limit=5) == 1
    assert set(again.asked) == {"New words."}
    [entry] = entries(database)
    assert entry.vectors == pack(FakeMeanings().passages(again.asked))
    assert make_vectors(database, meanings=again, limit=5) == 0


def test_facts_that_change_while_texts_are_read_are_kept(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session)
        session.execute(update(SearchEntry).values(model="", vectors=b""))

    def change() -> None:
        with database.transaction() as session:
            changed = session.get_one(Measure, measure.id)
            changed.childcare = True
            refresh(session, [changed])

    make_vectors(database, meanings=Interrupted(change), limit=5)
    [entry] = entries(database)
    assert "childcare_yes" in entry.terms
    assert entry.model == "fake"


def test_an_offer_taken_back_while_it_is_read_stays_away(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session)
        session.execute(update(SearchEntry).values(model="", vectors=b""))

    def take_back() -> None:
        with database.transaction() as session:
            session.delete(session.get_one(Measure, measure.id))

    make_vectors(database, meanings=Interrupted(take_back), limit=5)
    assert entries(database) == []


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ARCHIVED])
def test_what_is_taken_back_is_not_found_even_before_anybody_noticed(
    database: Database, status: Status
) -> None:
    with database.transaction() as session:
        new_measure(session)
        session.execute(update(Measure).values(status=status.value))
    assert ids(database) == ()
    SearchUpkeep(database=database, meanings=FakeMeanings()).catch_up()
    assert entries(database) == []


def test_a_deleted_measure_leaves_no_entry(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session)
        session.delete(measure)
    assert entries(database) == []
    assert ids(database) == ()


def test_rare_words_are_counted_in_either_database(database: Database) -> None:
    with database.transaction() as session:
        for _ in range(30):
            new_measure(session)
        new_measure(session, title="Treffam Übersetzungshilfe")
    with database.reading() as session:
        asked = words("Offer treffam ubersetzungshilfen unheard")
        counts = frequencies(session, asked, 31, frequent_terms(session))
    assert list(counts.values()) == [30, 1, 1, 0]


def test_common_words_rank_higher(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # The vectors here know no meaning, so words alone are to decide.
    monkeypatch.setattr("bot.measures.search.ranking.COMMON_WORDS", 100.0)
    with database.transaction() as session:
        others = {new_measure(session).id for _ in range(10)}
        named = new_measure(session, title="Treffam Übersetzungshilfe").id
    found = ids(database, "treffam ubersetzungshilfen")
    assert found[0] == named
    assert set(found) == {named, *others}


def test_hostile_words_are_only_words(database: Database) -> None:
    with database.transaction() as session:
        new_measure(session, title="O'Brien \" OR * NEAR(a b) -- 'x' & | ! :* \\")
    for text in ['" OR *', "' & !", "a:*b", "\\", "\x00", "topic_job", "NEAR(", "😀", "ß" * 5000]:
        assert len(ids(database, text)) == 1


def test_codes_keep_what_ranking_needs() -> None:
    vectors = np.array([encode(str(number)) for number in range(50)])
    again = unpack(pack(vectors), DIMENSIONS)
    assert np.abs(again - vectors).max() < 0.01
    query = encode("a question")
    found = similarities([pack(vectors[:2]), b"", pack(vectors[2:3])], query)
    assert found == pytest.approx(
        [max(vectors[0] @ query, vectors[1] @ query), 0.0, vectors[2] @ query], abs=0.02
    )


def test_neutral_vectors_do_not_tell_their_language() -> None:
    random = np.random.default_rng(0)
    table = np.load(neutral._FILE)
    vectors = random.normal(size=(20, table.shape[1])).astype(np.float32)
    plain = neutral.neutral(vectors)
    assert np.linalg.norm(plain, axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    # More of a language's direction changes nothing.
    shifted = neutral.neutral(vectors + 3 * table[1] - 2 * table[5])
    assert shifted == pytest.approx(plain, abs=1e-4)


def test_words_are_folded_and_cut() -> None:
    assert words("Die Straßen, STRASSE; Kurses") == ["die", "strass", "strass", "kurse"]
    assert words("ab _c_ 12 B1") == []
    assert fold("Übergänge") == "ubergange"


def test_wishes_are_kept_as_plain_data() -> None:
    near = Near(latitude=48.7, longitude=9.1, kilometres=2)
    wishes = Wishes(child_age_months=0, time_of_day=("evening",), near=near, open_now=True)
    assert Wishes.of(wishes.data()) == wishes
    assert wishes.data()["near"] == {"latitude": 48.7, "longitude": 9.1, "kilometres": 2}
    assert wishes.without("near", "open_now") == Wishes(
        child_age_months=0, time_of_day=("evening",)
    )


def test_where_somebody_is_stays_out_of_logs() -> None:
    assert "48" not in repr(Wishes(near=Near(latitude=48.7, longitude=9.1)))


@pytest.mark.parametrize(
    "place", [(91, 0, 1), (0, 181, 1), (0, 0, 0), (0, 0, 26), (float("nan"), 0, 1)]
)
def test_impossible_places_are_refused(place: tuple[float, float, float]) -> None:
    latitude, longitude, kilometres = place
    with pytest.raises(ValueError, match=r"place on Earth|distance"):
        Near(latitude=latitude, longitude=longitude, kilometres=kilometres)
