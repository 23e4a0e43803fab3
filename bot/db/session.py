"""Opening the database: engine, connection settings, transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

SQLITE_BUSY_MILLISECONDS = 15_000
READING = "lotse_reading"


class Database:
    """One database for the life of the process. Thread-safe; sessions are not."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() == "postgresql":
            # psycopg 3 is the driver installed; a bare postgresql:// means it too.
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.engine = _engine(self.url)
        #: Makes the sessions; to be listened to by whoever wants to know what is committed.
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, which one process may use at a time."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end and rolls back when anything is raised."""
        with self.sessions() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries only: it waits for no writer and keeps none waiting."""
        with self.sessions() as session, session.begin():
            session.connection(execution_options={READING: True})
            yield session

    def dispose(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True
        )
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # Errors would otherwise quote the parameters, which are what people wrote.
    engine = create_engine(url, connect_args={"check_same_thread": False}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_on_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # Python's driver would begin transactions late and by itself; here they
    # begin when SQLAlchemy says so.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers go on while one writes. FULL makes a committed message survive a
    # power cut, which an acknowledged update must.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MILLISECONDS}")
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    # SQLite cannot upgrade a read transaction while another one writes; taking
    # the write lock at the start makes writers queue instead of fail.
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
