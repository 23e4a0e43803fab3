"""Every filter, alone, in pairs and with words, against a plain reading of all offers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.db.session import Database
from bot.measures.models import Measure, Status
from bot.measures.opening import WITH_SCHEDULES
from bot.measures.places import Location, Schedule, ServiceAtLocation
from bot.measures.presentation import checked_on, is_stale
from bot.measures.search import Found, MeasureSearch, Near, Wishes, ranking
from bot.measures.search.entries import passages
from bot.measures.search.terms import words
from bot.measures.search.wishes import LEAST_IMPORTANT_FIRST
from bot.measures.topics import Topic
from tests.support.fakes import FakeMeanings, encode
from tests.support.measures import import_starter_measures, make_findable

FIRST = 3
LIMIT = 500
# A Monday morning in the city, 10:00.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HERE = Near(latitude=48.776, longitude=9.178, kilometres=2.0)
SEARCH = MeasureSearch(meanings=FakeMeanings())

# For every wish: values that some offer confirms, and some that exclude one.
WISHES: dict[str, list[Any]] = {
    "german_level": ["A1", "B1", "C1"],
    "district": ["Feuerbach", "Bad Cannstatt", "Nowhere"],
    "near": [HERE, Near(latitude=48.8, longitude=9.25, kilometres=8.0)],
    "child_age_months": [0, 5, 35, 36, 80, 200],
    "time_of_day": [("evening",), ("morning", "weekend")],
    "weekday": [("mo",), ("sa", "su")],
    "open_now": [True],
    "format": ["online", "in_person"],
    "language": ["tr", "de", "sw"],
    "audience": ["women", "youth", "students"],
    "childcare": [True],
    "free_of_charge": [True],
}
# Schedules that some offers get: (days, opens, closes).
HOURS = [
    ("MO,TU,WE", time(9), time(12)),
    ("MO,TH", time(17), time(20)),
    ("SA", time(10), time(16)),
    ("SU,MO", time(22), time(2)),
]
PLACES = [(48.776, 9.178), (48.781, 9.19), (48.80, 9.22), (48.87, 9.3)]


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
    if name == "near":
        return kilometres(wish, measure) <= wish.kilometres if is_located(measure) else None
    if name == "weekday":
        days = {day.lower() for hours in measure.schedules for day in hours.byday.split(",")}
        return bool(days & set(wish)) if days else None
    if name == "open_now":
        return any(is_open_now(hours) for hours in measure.schedules) if measure.schedules else None
    if name == "child_age_months":
        if measure.age_of != "child":
            return None
        youngest = measure.minimum_age if measure.minimum_age is not None else 0
        oldest = measure.maximum_age if measure.maximum_age is not None else 200
        return youngest <= wish // 12 <= oldest
    if name == "time_of_day":
        known = {*measure.times, *(part for hours in measure.schedules for part in parts(hours))}
    else:
        known = set({"german_level": measure.levels, "format": measure.formats}[name])
    if not known:
        return None
    return not known.isdisjoint(wish if isinstance(wish, tuple) else (wish,))


def is_located(measure: Measure) -> bool:
    return any(place.location.latitude is not None for place in measure.places)


def kilometres(near: Near, measure: Measure) -> float:
    """The way to the nearest place, as if the Earth were flat there."""
    wide = math.cos(math.radians(near.latitude))
    return min(
        111.19
        * math.hypot(
            place.location.latitude - near.latitude,
            wide * (place.location.longitude - near.longitude),
        )
        for place in measure.places
        if place.location.latitude is not None
    )


def is_open_now(hours: Schedule) -> bool:
    """On Monday at 10:00."""
    past_midnight = hours.closes_at <= hours.opens_at
    began_today = hours.opens_at <= time(10) and (past_midnight or time(10) < hours.closes_at)
    began_yesterday = past_midnight and time(10) < hours.closes_at
    return ("MO" in hours.byday and began_today) or ("SU" in hours.byday and began_yesterday)


def parts(hours: Schedule) -> Iterator[str]:
    if "SA" in hours.byday or "SU" in hours.byday:
        yield "weekend"
    end = hours.closes_at if hours.closes_at > hours.opens_at else time.max
    if hours.opens_at < time(12):
        yield "morning"
    if hours.opens_at < time(18) and end > time(12):
        yield "afternoon"
    if end > time(18):
        yield "evening"


class Oracle:
    """Finds by going through every offer."""

    def __init__(self, measures: list[Measure]) -> None:
        self.published = [one for one in measures if one.status == Status.PUBLISHED]
        self._said = {measure.id: said(measure) for measure in self.published}
        self._by_id = {measure.id: measure for measure in self.published}

    def check(self, found: Found, topic: Topic, wishes: dict[str, Any], text: str) -> None:
        """That a search found all that fits, nothing else, the best first, and said so."""
        dropped, scores = self._expected(topic, wishes, text)
        kept = {name: wish for name, wish in wishes.items() if name not in dropped}
        assert found.dropped == dropped
        assert set(found.ids) == set(scores)
        # Vectors are stored in bytes, so scores that nearly agree may change places.
        order = [scores[measure_id] for measure_id in found.ids]
        assert all(one >= other - 0.02 for one, other in itertools.pairwise(order[FIRST:]))
        assert not order or order[0] >= max(order) - 0.02
        shown = [self._by_id[measure_id] for measure_id in found.ids[:FIRST]]
        assert found.unconfirmed == tuple(
            name
            for name, wish in kept.items()
            if shown and all(verdict(measure, name, wish) is not True for measure in shown)
        )

    def _expected(
        self, topic: Topic, wishes: dict[str, Any], text: str
    ) -> tuple[tuple[str, ...], dict[str, float]]:
        names = [name for name in LEAST_IMPORTANT_FIRST if name in wishes]
        tries = [(), *((name,) for name in names)]
        tries += [tuple(names[:count]) for count in range(2, len(names) + 1)]
        for dropped in tries:
            kept = {name: wish for name, wish in wishes.items() if name not in dropped}
            scores = self._scores(topic, kept, text)
            if scores:
                return dropped, scores
        return (), {}

    def _scores(self, topic: Topic, wishes: dict[str, Any], text: str) -> dict[str, float]:
        weights = self._weights(text)
        scores = {}
        for measure in self.published:
            places = [entry.position for entry in measure.topics if entry.topic == topic]
            verdicts = {name: verdict(measure, name, wish) for name, wish in wishes.items()}
            if not places or False in verdicts.values():
                continue
            score = ranking.CONFIRMED_WISH * list(verdicts.values()).count(True)
            score -= (ranking.SIDE_TOPIC_PENALTY if places[0] else 0) + age_penalty(measure)
            if verdicts.get("near"):
                way = kilometres(wishes["near"], measure)
                score += ranking.NEARBY * (1 - way / wishes["near"].kilometres)
            if text.strip():
                score += nearness(measure, text)
            if weights:
                said = self._said[measure.id]
                common = sum(weight for word, weight in weights.items() if word in said)
                score += ranking.COMMON_WORDS * common / sum(weights.values())
            # What is open now goes before what may be closed.
            scores[measure.id] = score + (100 if verdicts.get("open_now") else 0)
        return scores

    def _weights(self, text: str) -> dict[str, float]:
        weights = {}
        for word in set(words(text)):
            count = sum(word in said for said in self._said.values())
            total = len(self.published)
            weights[word] = math.log(1 + (total - count + 0.5) / (count + 0.5))
        return weights


def age_penalty(measure: Measure) -> float:
    if checked_on(measure) is None:
        return ranking.UNDATED_PENALTY
    return ranking.STALE_PENALTY if is_stale(measure, NOW.date()) else 0.0


def said(measure: Measure) -> set[str]:
    texts = [measure.organization.name if measure.organization else ""]
    texts += [part for t in measure.texts for part in (t.title, t.description, t.target_group)]
    return {word for part in texts for word in words(part)}


def nearness(measure: Measure, text: str) -> float:
    said = [part for one in measure.texts for part in passages(one)]
    return max(float(encode(part) @ encode(text)) for part in said)


def find(
    database: Database, topic: Topic = Topic.LANGUAGE_COURSE, text: str = "", **wishes: Any
) -> Found:
    with database.reading() as session:
        return SEARCH.find(
            session,
            topic=topic,
            wishes=Wishes(**wishes),
            text=text,
            first=FIRST,
            now=NOW,
            limit=LIMIT,
        )


def given_places_and_hours(database: Database) -> list[Measure]:
    """The starter offers, of which some now have a place or hours."""
    with database.transaction() as session:
        measures = session.scalars(select(Measure).order_by(Measure.external_id)).unique().all()
        for number, measure in enumerate(measures):
            if number % 3 == 0:
                latitude, longitude = PLACES[number // 3 % len(PLACES)]
                place = Location(latitude=latitude, longitude=longitude)
                measure.places.append(ServiceAtLocation(location=place))
            if number % 4 == 0:
                days, opens, closes = HOURS[number // 4 % len(HOURS)]
                hours = Schedule(freq="WEEKLY", byday=days, opens_at=opens, closes_at=closes)
                hours.zone, hours.except_dates = "Europe/Berlin", []
                measure.schedules.append(hours)
        make_findable(session, measures)
    with database.reading() as session:
        return list(session.scalars(select(Measure).options(*WITH_SCHEDULES)).unique())


@pytest.fixture
def starter(sqlite: Database) -> tuple[Database, Oracle]:
    import_starter_measures(sqlite)
    return sqlite, Oracle(given_places_and_hours(sqlite))


def in_order(wishes: dict[str, Any]) -> dict[str, Any]:
    return {name: wishes[name] for name in Wishes.__dataclass_fields__ if name in wishes}


def alone_and_in_pairs() -> Iterator[dict[str, Any]]:
    yield {}
    for name, values in WISHES.items():
        for value in values:
            yield {name: value}
    for one, other in itertools.combinations(WISHES, 2):
        for pair in itertools.product(WISHES[one], WISHES[other]):
            yield dict(zip((one, other), pair, strict=True))


def test_every_filter_alone_and_in_pairs(starter: tuple[Database, Oracle]) -> None:
    database, oracle = starter
    with database.reading() as session:
        for wishes in alone_and_in_pairs():
            for topic in (Topic.LANGUAGE_COURSE, Topic.CHILDCARE):
                found = SEARCH.find(
                    session,
                    topic=topic,
                    wishes=Wishes(**wishes),
                    text="",
                    first=FIRST,
                    now=NOW,
                    limit=LIMIT,
                )
                oracle.check(found, topic, in_order(wishes), "")


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
    starter: tuple[Database, Oracle], topic: Topic, wishes: dict[str, Any], text: str
) -> None:
    database, oracle = starter
    wishes = in_order(wishes)
    oracle.check(find(database, topic, text, **wishes), topic, wishes, text)
