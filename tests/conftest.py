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
from bot.db import migrate
from bot.db.base import Base
from bot.db.session import Database
from sqlalchemy import text

POSTGRES_URL = os.environ.get(
    "LOTSE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test"
)


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


@pytest.fixture
def sqlite(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """An empty, migrated SQLite database."""
    shutil.copy(migrated_file, tmp_path / "lotse.db")
    database = Database(f"sqlite:///{tmp_path / 'lotse.db'}")
    yield database
    database.dispose()


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


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """The PostgreSQL database, migrated and empty."""
    database = Database(postgres_url)
    yield database
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with database.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    database.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both kinds of database."""
    found: Database = request.getfixturevalue(request.param)
    return found
