"""The interface over a database with the starter measures and one foreign service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from bot.api.app import create_app
from bot.db.base import Base
from bot.db.session import Database
from bot.measures import taxonomies
from bot.rates import Rate
from bot.workers.search import SearchUpkeep
from tests.conftest import Clock
from tests.support.fakes import FakeMeanings
from tests.support.hsds import example, load
from tests.support.measures import import_starter_measures

UNLIMITED = Rate(per_minute=10**9, burst=10**9)


# Filled once for all tests that only read: filling takes longer than they do.
@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[Database]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("api") / "lotse.db"
        shutil.copy(migrated_file, path)
        database = Database(f"sqlite:///{path}")
    else:
        database = request.getfixturevalue("postgres_database")
    with database.transaction() as session:
        taxonomies.ensure(session)
    import_starter_measures(database)
    load(database, example("service_full"))
    SearchUpkeep(database=database, meanings=FakeMeanings()).catch_up()
    yield database
    if request.param == "sqlite":
        database.dispose()
        return
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with database.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


@pytest.fixture
def client(filled: Database, clock: Clock) -> TestClient:
    return client_of(filled, clock)


def client_of(database: Database, clock: Clock) -> TestClient:
    return TestClient(
        create_app(database=database, clock=clock, base_url="https://city.example", rate=UNLIMITED)
    )
