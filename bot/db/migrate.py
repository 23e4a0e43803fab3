"""Bringing a database to the present schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.db.session import READING, Database
from bot.errors import ConfigurationError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs the migrations that are missing. Idempotent."""
    with _altering(database) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Takes migrations back, down to ``revision`` (``base`` for all)."""
    with _altering(database) as connection:
        command.downgrade(_config(connection), revision)


def check(database: Database) -> None:
    """Raises when the models hold something that no migration makes."""
    with database.engine.connect() as connection:
        command.check(_config(connection))


def is_current(database: Database) -> bool:
    """Whether all migrations have been run. Waits for no writer and keeps none waiting."""
    with database.engine.connect().execution_options(**{READING: True}) as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == _newest()


@cache
def _newest() -> str | None:
    """The last migration; the files do not change while a process runs."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


@contextmanager
def _altering(database: Database) -> Iterator[Connection]:
    """A connection in a transaction: all migrations are run, or none.

    SQLite alters a table by making it anew and dropping the old one. Foreign keys, which
    would delete the rows that belong to the dropped table, are off meanwhile and are
    checked before the commit.
    """
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if database.is_sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                if database.is_sqlite:
                    _check_foreign_keys(connection)
        finally:
            if database.is_sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise ConfigurationError(f"A migration would leave rows without owner in {tables}.")


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
