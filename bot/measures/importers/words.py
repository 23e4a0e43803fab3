"""The words of offers in other languages: ``<language>.csv`` files, found by an offer's id.

They may be many times larger than the offers' own file. So they lie in a database of their own
on the disk while an import runs, and memory holds those of one offer at a time.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.errors import ImportRejectedError
from bot.measures.fields import TEXT_FIELDS
from bot.measures.importers.tables import Row, rows
from bot.measures.models import TextState

# So many problems of the words are kept; no person reads more.
KEPT_PROBLEMS = 1_000
STATES = frozenset(state.value for state in TextState)


class Words:
    """The words of every offer, and what is wrong with them.

    ``problems`` name file, line, field and reason; where there are any, nothing may be imported.
    """

    def __init__(self, connection: sqlite3.Connection, problems: list[str]) -> None:
        self._connection = connection
        self.problems = problems

    def of(self, external_id: str) -> dict[str, Row]:
        """The words of one offer by their language."""
        found = self._connection.execute(
            "SELECT language, row FROM words WHERE id = ? ORDER BY language", (external_id,)
        )
        return {language: json.loads(row) for language, row in found}


@contextmanager
def opened(directory: Path) -> Iterator[Words]:
    """The words in a directory, for a while; none where there is no such directory."""
    with (
        tempfile.TemporaryDirectory() as name,
        closing(sqlite3.connect(Path(name) / "words.db", isolation_level=None)) as connection,
    ):
        # What is lost with the power is of no use to anybody.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE words (id TEXT, language TEXT, row TEXT, PRIMARY KEY (id, language))"
        )
        problems: list[str] = []
        connection.execute("BEGIN")
        for path in sorted(directory.glob("*.csv")):
            for problem in _kept(connection, path):
                problems.append(f"{path.name}, {problem}")
                if len(problems) >= KEPT_PROBLEMS:
                    break
        connection.execute("COMMIT")
        yield Words(connection, problems[:KEPT_PROBLEMS])


def _kept(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    """Keeps the rows of a file; yields what is wrong with them."""
    try:
        for line, row, cells in rows(path, required=("id", *TEXT_FIELDS)):
            if cells != len(row):
                yield f"line {line}: has {cells} cells, but there are {len(row)} columns"
            if "\x00" in "".join(row.values()):
                yield f"line {line}: holds a NUL character"
            if row.get("state") and row["state"] not in STATES:
                yield not_one_of(line, "state", row["state"], STATES)
            kept = connection.execute(
                "INSERT OR IGNORE INTO words VALUES (?, ?, ?)",
                (row["id"], path.stem, json.dumps(row, ensure_ascii=False)),
            )
            if not kept.rowcount:
                yield f"line {line}, id: {row['id']} stands there twice"
    except ImportRejectedError as error:
        yield from error.problems


def not_one_of(line: int, name: str, value: str, legal: Collection[str]) -> str:
    """What is wrong with a cell that holds none of the values that it may hold."""
    return f"line {line}, {name}: {value!r} is not one of {', '.join(sorted(legal))}"
