"""Offers for tests: made by hand, or the real starter measures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.config import PROJECT
from bot.db.session import Database
from bot.measures.importers import csv as csv_import
from bot.measures.importers import tables
from bot.measures.importers.store import store
from bot.measures.models import Measure, MeasureText, MeasureTopic, Organization, Status
from bot.measures.search import Meanings, refresh
from bot.measures.search.entries import (
    keep_vectors,
    lacking,
    vectors_of,
)
from bot.measures.search.models import SearchEntry
from bot.workers.search import SearchUpkeep
from tests.support.fakes import FakeMeanings

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def new_measure(
    session: Session,
    *,
    topics: tuple[str, ...] = ("language_course",),
    provider: str = "",
    title: str = "",
    **changes: Any,
) -> Measure:
    """Adds a published offer that knows nothing but what is given."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "external_id": f"offer-{number:05}",
        "status": Status.PUBLISHED.value,
        "confidence": "high",
        "scope": "stuttgart",
        "levels": [],
        "audience": [],
        "formats": [],
        "times": [],
        "languages": [],
        "source_url": "https://example.org/",
        "source_title": "Example",
        "source_date": "2026-02",
        "updated_at": NOW,
    }
    measure = Measure(**{**values, **changes})
    if provider:
        measure.organization = session.scalar(
            select(Organization).where(Organization.name == provider)
        ) or Organization(name=provider)
    measure.topics = [
        MeasureTopic(topic=topic, position=position) for position, topic in enumerate(topics)
    ]
    name = title or f"Offer {number}"
    measure.texts = [
        MeasureText(language=language, state="original", title=f"{name} ({language})")
        for language in ("en", "de")
    ]
    session.add(measure)
    make_findable(session, [measure])
    return measure


def make_findable(
    session: Session, measures: Sequence[Measure], meanings: Meanings | None = None
) -> None:
    """Makes their entries with vectors at once, in the caller's transaction."""
    meanings = meanings or FakeMeanings()
    refresh(session, measures)
    theirs = SearchEntry.measure_id.in_([measure.id for measure in measures])
    of_others = SearchEntry.model != meanings.name
    session.execute(update(SearchEntry).where(theirs, of_others).values(model="", vectors=b""))
    numbers = set(session.scalars(select(SearchEntry.number).where(theirs)))
    some = [each for each in lacking(session, limit=10_000) if each.number in numbers]
    keep_vectors(session, some, vectors_of(some, meanings), model=meanings.name)


def import_starter_measures(database: Database) -> None:
    """The real offers with their real texts; only the vectors are made up."""
    with (
        csv_import.opened(PROJECT / "data" / "measures.csv") as records,
        database.transaction() as session,
    ):
        store(session, records, source="import:csv", now=NOW)
    SearchUpkeep(database=database, meanings=FakeMeanings()).catch_up()


def starter_rows(name: str = "measures.csv") -> list[tables.Row]:
    """The rows of a starter file, as they stand there."""
    return [row for _, row, _ in tables.rows(PROJECT / "data" / name, ())]


def starter_words() -> dict[str, dict[str, tables.Row]]:
    """The words of the starter files by language and id."""
    paths = sorted((PROJECT / "data" / "measure_texts").glob("*.csv"))
    return {
        path.stem: {row["id"]: row for row in starter_rows(f"measure_texts/{path.name}")}
        for path in paths
    }


def all_measures(database: Database) -> list[Measure]:
    """All offers, drafts too, by their external id."""
    with database.reading() as session:
        return list(session.scalars(select(Measure).order_by(Measure.external_id)).unique())
