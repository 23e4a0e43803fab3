"""Migrations keep what a running city has in its database, up and down, on both kinds."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bot.db import migrate
from bot.db.session import Database
from bot.errors import ConfigurationError
from tests.conftest import POSTGRES_URL

MEASURE = {
    "id": "m-1",
    "external_id": "row-1",
    "organization_id": "o-1",
    "status": "published",
    "confidence": "high",
    "scope": "stuttgart",
    **dict.fromkeys(("levels", "audience", "formats", "times", "languages"), "[]"),
    **dict.fromkeys(("age_of", "address", "district", "postal_code", "city", "phone"), ""),
    **dict.fromkeys(("email", "website", "source_url", "source_title", "source_date"), ""),
    "harm_if_stale": False,
    "note": "",
    "embedding_model": "",
    "updated_at": "2026-11-23 09:00:00",
}


@pytest.fixture(params=["sqlite", "postgres"])
def unmigrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'city.db'}")
        yield database
        database.dispose()
        return
    request.getfixturevalue("postgres_url")
    name = f"lotse_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    database = Database(f"{POSTGRES_URL.rpartition('/')[0]}/{name}")
    yield database
    database.dispose()
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def insert(database: Database, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    with database.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def count(database: Database, table: str) -> int:
    with database.reading() as session:
        return session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_offers_with_their_texts_survive_up_and_down(unmigrated: Database) -> None:
    migrate.upgrade(unmigrated, "0001")
    insert(unmigrated, "organization", id="o-1", name="School")
    insert(unmigrated, "measure", **MEASURE)
    insert(unmigrated, "measure_topic", measure_id="m-1", topic="job", position=0)
    words = dict.fromkeys(
        ("description", "target_group", "cost", "eligibility", "opening_hours", "registration"), ""
    )
    insert(
        unmigrated,
        "measure_text",
        **{"measure_id": "m-1", "language": "de", "state": "original", "title": "Kurs", **words},
    )
    for revision in ("head", "0001", "head"):
        if revision == "0001":
            migrate.downgrade(unmigrated, revision)
        else:
            migrate.upgrade(unmigrated)
        for table in ("organization", "measure", "measure_topic", "measure_text"):
            assert count(unmigrated, table) == 1


def test_going_down_keeps_two_organizations_of_one_name_apart(unmigrated: Database) -> None:
    migrate.upgrade(unmigrated)
    for key in ("o-1", "o-2"):
        insert(
            unmigrated,
            "organization",
            **{"id": key, "name": "AWO", "description": "", "email": "", "website": ""},
            extra="{}",
        )
    migrate.downgrade(unmigrated, "0001")
    with unmigrated.reading() as session:
        names = session.execute(text("SELECT name FROM organization ORDER BY id")).scalars().all()
    assert names == ["AWO", "AWO o-2"]


def test_a_migration_that_orphans_rows_changes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'city.db'}")
    migrate.upgrade(database, "0001")
    raw = database.engine.raw_connection()
    raw.driver_connection.execute("PRAGMA foreign_keys=OFF")
    raw.driver_connection.execute(
        "INSERT INTO measure_topic (measure_id, topic, position) VALUES ('gone', 'job', 0)"
    )
    raw.close()
    with pytest.raises(ConfigurationError, match="measure_topic"):
        migrate.upgrade(database)
    assert not migrate.is_current(database)
    database.dispose()
