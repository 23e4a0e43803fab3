"""The rules of the search one by one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db.session import Database
from bot.measures.models import Status
from bot.measures.search import Found, Wishes
from bot.measures.topics import Topic
from tests.support.measures import all_measures, import_starter_measures, new_measure
from tests.unit.measures.test_search_filters import find

KNOWN: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    # wish: its value, what confirms it, what excludes it
    "german_level": ("B1", {"levels": ["A2", "B1"]}, {"levels": ["C1"]}),
    "time_of_day": (("evening",), {"times": ["evening"]}, {"times": ["morning"]}),
    "format": ("online", {"formats": ["online"]}, {"formats": ["in_person"]}),
    "childcare": (True, {"childcare": True}, {"childcare": False}),
    "free_of_charge": (True, {"free_of_charge": True}, {"free_of_charge": False}),
    "child_age_months": (
        30,
        {"minimum_age": 0, "maximum_age": 2, "age_of": "child"},
        {"minimum_age": 3, "age_of": "child"},
    ),
}
CONFIRM_ONLY: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # wish: its value, what confirms it, what says something else and excludes nothing
    "district": ("Feuerbach", {"district": "Feuerbach"}, {"district": "Vaihingen"}),
    "language": ("tr", {"languages": ["tr"]}, {"languages": ["ru"]}),
    "audience": ("women", {"audience": ["women"]}, {"audience": ["youth"]}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_unknown_facts_rank_lower_and_never_exclude(database: Database, name: str) -> None:
    wish, confirming, excluding = KNOWN[name]
    with database.transaction() as session:
        unknown = new_measure(session).id
        new_measure(session, **excluding)
        confirmed = new_measure(session, **confirming).id
    assert find(database, **{name: wish}).ids == (confirmed, unknown)


@pytest.mark.parametrize("name", CONFIRM_ONLY)
def test_what_names_others_excludes_nobody(sqlite: Database, name: str) -> None:
    wish, confirming, other = CONFIRM_ONLY[name]
    with sqlite.transaction() as session:
        unknown = new_measure(session).id
        different = new_measure(session, **other).id
        confirmed = new_measure(session, **confirming).id
    assert find(sqlite, **{name: wish}).ids == (confirmed, unknown, different)


@pytest.mark.parametrize(
    ("months", "fits"), [(0, True), (35, True), (36, False), (47, False), (420, False)]
)
def test_a_childs_age_counts_in_whole_years(sqlite: Database, months: int, fits: bool) -> None:
    with sqlite.transaction() as session:
        new_measure(session, maximum_age=2, age_of="child")
    found = find(sqlite, child_age_months=months)
    assert found.dropped == (() if fits else ("child_age_months",))


def test_a_newborn_has_an_age(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        new_measure(session, minimum_age=3, age_of="child")
        fits = new_measure(session, minimum_age=0, age_of="child").id
    assert find(sqlite, child_age_months=0).ids == (fits,)


def test_the_age_of_a_participant_is_no_childs_age(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        found = new_measure(session, minimum_age=17, maximum_age=25, age_of="person").id
    assert find(sqlite, child_age_months=24).ids == (found,)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ARCHIVED])
def test_what_is_not_published_never_appears(database: Database, status: Status) -> None:
    with database.transaction() as session:
        new_measure(session, status=status.value, levels=["B1"])
    assert find(database) == find(database, german_level="B1") == Found(ids=())


def test_no_starter_draft_appears_anywhere(sqlite: Database) -> None:
    import_starter_measures(sqlite)
    measures = all_measures(sqlite)
    drafts = {measure.id for measure in measures if measure.status == Status.DRAFT}
    found = {id_ for topic in Topic for id_ in find(sqlite, topic).ids}
    assert len(drafts) == 16
    assert found == {measure.id for measure in measures} - drafts


def test_offers_of_other_topics_never_appear(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        new_measure(session, topics=("job",))
    assert find(sqlite).ids == ()
    assert len(find(sqlite, Topic.JOB).ids) == 1


def test_a_side_topic_ranks_lower(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        aside = new_measure(session, topics=("job", "language_course")).id
        mainly = new_measure(session).id
    assert find(sqlite).ids == (mainly, aside)


def test_an_undated_source_ranks_lower(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        undated = new_measure(session, source_date="").id
        dated = new_measure(session).id
    assert find(sqlite).ids == (dated, undated)


def test_what_is_nearer_in_meaning_ranks_higher(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        others = {new_measure(session).id for _ in range(5)}
        alike = new_measure(session, title="evening").id
    found = find(sqlite, text="evening (en).")
    assert found.ids[0] == alike
    assert set(found.ids) == {alike, *others}
    assert found.nearness[0] == pytest.approx(1.0, abs=0.01)


def test_providers_take_turns_at_the_top(database: Database) -> None:
    with database.transaction() as session:
        big = [new_measure(session, provider="Big", levels=["B1"]).id for _ in range(4)]
        small = new_measure(session, provider="Small").id
        alone = [new_measure(session).id for _ in range(2)]
    assert find(database, german_level="B1").ids == (big[0], small, alone[0], *big[1:], alone[1])


def test_a_single_provider_may_fill_the_top(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        offers = [new_measure(session, provider="Only").id for _ in range(5)]
    assert find(sqlite).ids == tuple(offers)


def test_what_the_first_offers_do_not_say_is_named(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        for _ in range(3):
            new_measure(session, levels=["B1"])
        new_measure(session, levels=["B1"], childcare=None, district="Feuerbach")
    found = find(sqlite, german_level="B1", district="Feuerbach", childcare=True)
    assert found.unconfirmed == ("childcare",)


def test_nothing_is_unconfirmed_where_nothing_is_found(sqlite: Database) -> None:
    assert find(sqlite, german_level="B1", childcare=True) == Found(ids=(), unconfirmed=())


def test_only_expressed_wishes_are_named() -> None:
    assert Wishes().named() == {}
    assert Wishes(child_age_months=0, time_of_day=("evening",), childcare=True).named() == {
        "child_age_months": 0,
        "time_of_day": ("evening",),
        "childcare": True,
    }
