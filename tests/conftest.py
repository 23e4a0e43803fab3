"""Fixtures shared by all tests: databases of both kinds, a clock that stands still."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import text

from bot.db import migrate
from bot.db.base import Base
from bot.db.session import Database

POSTGRES_URL = os.environ.get(
    "LOTSE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test"
)

# Whoever runs the tests by hand tries new examples each time. Where a change is judged,
# the same examples are tried every time, so that luck decides nothing. Neither is timed: on a
# busy machine that would tell of the machine.
settings.register_profile("tried", deadline=None)
settings.register_profile("judged", derandomize=True, deadline=None)
settings.load_profile("judged" if os.environ.get("CI") == "true" else "tried")


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "lotse.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.dispose()
    return path


# One engine for all tests: a new one would compile every statement anew, which
# takes longer than most tests.
@pytest.fixture(scope="session")
def sqlite_database(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("database") / "lotse.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def sqlite(sqlite_database: Database) -> Iterator[Database]:
    """The SQLite database, migrated and empty."""
    yield sqlite_database
    with sqlite_database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


def _listens(url: str) -> bool:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    address = (str(parts.get("host", "127.0.0.1")), int(parts.get("port", 5432)))
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh PostgreSQL database; skips, with the reason, where no server answers."""
    if not _listens(POSTGRES_URL):
        pytest.skip(f"no PostgreSQL answers at {POSTGRES_URL.rpartition('@')[2]}")
    name = f"lotse_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = f"{POSTGRES_URL.rpartition('/')[0]}/{name}"
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()
    yield url
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


@pytest.fixture
def postgres(postgres_database: Database) -> Iterator[Database]:
    """The PostgreSQL database, migrated and empty."""
    yield postgres_database
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with postgres_database.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both kinds of database."""
    found: Database = request.getfixturevalue(request.param)
    return found
