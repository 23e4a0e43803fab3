"""Finding offers, compared with a plain reading of the rules over every offer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.db.session import Database
from bot.measures.models import Measure, Status
from bot.measures.search import Found, Wishes, search
from bot.measures.topics import Topic
from tests.support.fakes import encode
from tests.support.measures import all_measures, import_starter_measures, new_measure

FIRST = 3

# For every wish: values that some starter measure confirms, and some that exclude one.
WISHES: dict[str, list[Any]] = {
    "german_level": ["A1", "B1", "C1"],
    "district": ["Feuerbach", "Stuttgart-Mitte", "Nowhere"],
    "child_age_months": [0, 5, 35, 36, 80, 200],
    "time_of_day": [("evening",), ("morning", "weekend")],
    "format": ["online", "in_person"],
    "language": ["tr", "de", "sw"],
    "audience": ["women", "youth", "students"],
    "childcare": [True],
    "free_of_charge": [True],
}


# The rules, read plainly


def verdict(measure: Measure, name: str, wish: Any) -> bool | None:
    """True: the row confirms the wish; False: it excludes it; None: it does not say."""
    if name in ("childcare", "free_of_charge"):
        return getattr(measure, name)
    if name in ("language", "audience"):
        named = measure.languages if name == "language" else measure.audience
        return True if wish in named else None
    if name == "district":
        return True if wish in measure.district else None
    if name == "child_age_months":
        if measure.age_of != "child":
            return None
        youngest = measure.minimum_age if measure.minimum_age is not None else 0
        oldest = measure.maximum_age if measure.maximum_age is not None else 200
        return youngest <= wish // 12 <= oldest
    column = {"german_level": "levels", "time_of_day": "times", "format": "formats"}[name]
    known = getattr(measure, column)
    if not known:
        return None
    return any(one in known for one in (wish if isinstance(wish, tuple) else (wish,)))


def expected(measures: list[Measure], topic: Topic, wishes: dict[str, Any], text: str) -> Found:
    """What the search should find, by going through every offer."""
    scored = []
    for measure in measures:
        places = [entry.position for entry in measure.topics if entry.topic == topic]
        verdicts = [verdict(measure, name, wish) for name, wish in wishes.items()]
        if not places or measure.status != Status.PUBLISHED or False in verdicts:
            continue
        score = 0.2 * verdicts.count(True)
        score -= 0.04 if places[0] else 0
        score -= 0 if measure.source_date else 0.01
        if text.strip():
            score += float(vector(measure) @ encode(text))
        scored.append((round(-score, 5), measure.external_id, measure))
    ranked = [measure for _, _, measure in sorted(scored, key=lambda item: item[:2])]
    top: list[Measure] = []
    for measure in ranked:
        taken = {one.organization_id for one in top if one.organization_id}
        if len(top) < FIRST and measure.organization_id not in taken:
            top.append(measure)
    ordered = top + [measure for measure in ranked if measure not in top]
    shown = ordered[:FIRST]
    return Found(
        ids=tuple(measure.id for measure in ordered),
        unconfirmed=tuple(
            name
            for name, wish in wishes.items()
            if shown and all(verdict(measure, name, wish) is not True for measure in shown)
        ),
    )


def vector(measure: Measure) -> Any:
    return np.frombuffer(measure.embedding or b"", dtype="<f4")


def find(
    database: Database, topic: Topic = Topic.LANGUAGE_COURSE, text: str = "", **wishes: Any
) -> Found:
    with database.reading() as session:
        return search(
            session,
            topic=topic,
            wishes=Wishes(**wishes),
            text=text,
            encode=encode,
            first=FIRST,
        )


@pytest.fixture
def starter(sqlite: Database) -> tuple[Database, list[Measure]]:
    import_starter_measures(sqlite)
    return sqlite, all_measures(sqlite)


def in_order(wishes: dict[str, Any]) -> dict[str, Any]:
    return {name: wishes[name] for name in WISHES if name in wishes}


def alone_and_in_pairs() -> Iterator[dict[str, Any]]:
    yield {}
    for name, values in WISHES.items():
        for value in values:
            yield {name: value}
    for one, other in itertools.combinations(WISHES, 2):
        for pair in itertools.product(WISHES[one], WISHES[other]):
            yield dict(zip((one, other), pair, strict=True))


# Against the oracle


def test_every_filter_alone_and_in_pairs(starter: tuple[Database, list[Measure]]) -> None:
    database, measures = starter
    with database.reading() as session:
        for wishes in alone_and_in_pairs():
            for topic in (Topic.LANGUAGE_COURSE, Topic.CHILDCARE):
                found = search(
                    session,
                    topic=topic,
                    wishes=Wishes(**wishes),
                    text="",
                    encode=encode,
                    first=FIRST,
                )
                assert found == expected(measures, topic, wishes, ""), (topic, wishes)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    topic=st.sampled_from(Topic),
    wishes=st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in WISHES.items()}
    ),
    text=st.sampled_from(["", "  ", "German course in the evening", "Wohnung", "كيف"]),
)
def test_any_wishes_and_words(
    starter: tuple[Database, list[Measure]], topic: Topic, wishes: dict[str, Any], text: str
) -> None:
    database, measures = starter
    wishes = in_order(wishes)
    assert find(database, topic, text, **wishes) == expected(measures, topic, wishes, text)


# The rules one by one


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
    assert bool(find(sqlite, child_age_months=months).ids) is fits


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


def test_no_starter_draft_appears_anywhere(starter: tuple[Database, list[Measure]]) -> None:
    database, measures = starter
    drafts = {measure.id for measure in measures if measure.status == Status.DRAFT}
    found = {id_ for topic in Topic for id_ in find(database, topic).ids}
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
        unlike = new_measure(session, embedding=(-encode("evening")).tobytes()).id
        bare = new_measure(session, embedding=None).id
        alike = new_measure(session, embedding=encode("evening").tobytes()).id
    assert find(sqlite, text="evening").ids == (alike, bare, unlike)


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
