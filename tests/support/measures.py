"""Offers for tests: made by hand, or the real starter measures."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.config import PROJECT
from bot.db.session import Database
from bot.measures.importers import csv as csv_import
from bot.measures.importers import tables
from bot.measures.importers.store import store
from bot.measures.models import Measure, MeasureText, MeasureTopic, Organization, Status
from bot.measures.search import refresh
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
    refresh(session, [measure], meanings=FakeMeanings())
    return measure


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
