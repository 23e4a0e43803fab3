"""Imports HSDS 3 tables: a directory, or a zip file, of ``services.csv`` and its fellows.

The tables are joined to the documents that they were made of; the rest is that of JSON.
Services are read row by row, the other tables are held in memory.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from bot.errors import ImportRejectedError
from bot.measures.hsds import parse
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers import tables
from bot.measures.importers.records import Record, Rejected, Shared
from bot.measures.importers.store import KEPT_PROBLEMS

MAXIMUM_UNPACKED = 2_000_000_000
MAXIMUM_FILES = 200
# Columns that name another row; they are what nesting says.
KEYS = (
    *("service_id", "organization_id", "location_id", "service_at_location_id", "contact_id"),
    *("phone_id", "program_id", "link_id", "taxonomy_term_id", "taxonomy_id"),
)
NUMBERS = frozenset(
    {
        *("minimum_age", "maximum_age", "latitude", "longitude", "amount", "count", "interval"),
        *("timezone", "year_incorporated", "extension"),
    }
)
# Nested lists of each kind of object: name of the list, its table, and the column that refers.
_NESTED: dict[str, tuple[tuple[str, str], ...]] = {
    "service": (
        *(("phones", "phones"), ("schedules", "schedules"), ("service_areas", "service_areas")),
        *(("languages", "languages"), ("funding", "funding"), ("cost_options", "cost_options")),
        *(("required_documents", "required_documents"), ("contacts", "contacts")),
    ),
    "organization": (
        *(("funding", "funding"), ("contacts", "contacts"), ("phones", "phones")),
        *(("programs", "programs"), ("organization_identifiers", "organization_identifiers")),
        ("locations", "locations"),
    ),
    "location": (
        *(("languages", "languages"), ("addresses", "addresses"), ("contacts", "contacts")),
        *(("accessibility", "accessibility"), ("phones", "phones"), ("schedules", "schedules")),
    ),
    "service_at_location": (
        *(("contacts", "contacts"), ("phones", "phones"), ("schedules", "schedules")),
    ),
    "contact": (("phones", "phones"),),
    "phone": (("languages", "languages"),),
}
_KINDS = {"contacts": "contact", "phones": "phone", "locations": "location"}

Rows = dict[str, list[dict[str, Any]]]


def records(directory: Path, assume: Assumptions) -> Iterator[Record | Shared | Rejected]:
    """The records of the tables in a directory. Raises ``ImportRejectedError``."""
    services = directory / "services.csv"
    if not services.exists():
        raise ImportRejectedError(["there is no services.csv"])
    joined = _Joined(directory)
    for line, row, cells in tables.rows(services, ("id", "name", "status"), strip=False):
        if cells != len(row):
            problem = (
                f"services.csv, line {line}: has {cells} cells, but there are {len(row)} columns"
            )
            yield Rejected([problem])
            continue
        document, problem = _typed(row, f"services.csv, line {line}")
        if problem:
            yield Rejected([problem])
        else:
            yield from parse.read(joined.service(document), f"services.csv, line {line}", assume)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The directory of a path: itself, or a zip file unpacked for a while, bounded."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as name:
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, Path(name))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise ImportRejectedError(["neither a directory nor a zip file of tables"]) from error
        except OSError as error:
            raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error
        yield Path(name)


def _unpack(archive: zipfile.ZipFile, directory: Path) -> None:
    members = [entry for entry in archive.infolist() if entry.filename.endswith(".csv")]
    if len(members) > MAXIMUM_FILES:
        raise ImportRejectedError([f"the zip file holds more than {MAXIMUM_FILES} tables"])
    room = MAXIMUM_UNPACKED
    for member in members:
        # Only the last part of a name: none can lead out of the directory.
        target = directory / PurePosixPath(member.filename.replace("\\", "/")).name
        # What a zip file says of its own size may be a lie: what comes out is counted.
        with archive.open(member) as source, target.open("wb") as file:
            while chunk := source.read(1 << 20):
                room -= len(chunk)
                if room < 0:
                    raise ImportRejectedError(
                        [f"the zip file unpacks to more than {MAXIMUM_UNPACKED} bytes"]
                    )
                file.write(chunk)


class _Joined:
    """The tables beside the services, by the rows that they refer to."""

    def __init__(self, directory: Path) -> None:
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._referring: dict[tuple[str, str], Rows] = {}
        problems: list[str] = []
        for path in sorted(directory.glob("*.csv")):
            if path.stem == "services":
                continue
            rows = []
            for line, row, cells in tables.rows(path, ("id",), strip=False):
                where = f"{path.name}, line {line}"
                typed, problem = _typed(row, where)
                if cells != len(row):
                    problem = f"{where}: has {cells} cells, but there are {len(row)} columns"
                if problem:
                    problems.append(problem)
                    if len(problems) >= KEPT_PROBLEMS:
                        raise ImportRejectedError(problems)
                rows.append(typed)
            self._tables[path.stem] = rows
        if problems:
            raise ImportRejectedError(problems)
        self._by_id = {
            name: {row["id"]: row for row in rows if "id" in row}
            for name, rows in self._tables.items()
        }

    def service(self, row: dict[str, Any]) -> dict[str, Any]:
        document = self._with_lists("service", row)
        if organization := self._by_id.get("organizations", {}).get(row.get("organization_id")):
            document["organization"] = self._with_lists("organization", organization)
        elif "organization_id" in row:
            document["organization_id"] = row["organization_id"]
        if program := self._by_id.get("programs", {}).get(row.get("program_id")):
            document["program"] = _without_keys(program)
        links = self._refer("service_at_location", "service_id", row["id"])
        if links:
            document["service_at_locations"] = [self._link(link) for link in links]
        # A service of tables is whole: what no table says of it is not so.
        document.setdefault("phones", [])
        return document

    def _link(self, row: dict[str, Any]) -> dict[str, Any]:
        document = self._with_lists("service_at_location", row)
        if location := self._by_id.get("locations", {}).get(row.get("location_id")):
            document["location"] = self._with_lists("location", location)
        else:
            document["location_id"] = row.get("location_id")
        return document

    def _attribute(self, row: dict[str, Any]) -> dict[str, Any]:
        document = _without_keys(row)
        key = row.get("taxonomy_term_id")
        term = self._by_id.get("taxonomy_terms", {}).get(key)
        if term is None:
            return {**document, "taxonomy_term_id": key} if key else document
        document["taxonomy_term"] = _without_keys(term)
        taxonomy = term.get("taxonomy_id")
        if detail := self._by_id.get("taxonomies", {}).get(taxonomy):
            document["taxonomy_term"]["taxonomy_detail"] = dict(detail)
        elif taxonomy:
            document["taxonomy_term"]["taxonomy_id"] = taxonomy
        return document

    def _with_lists(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        """A row with the rows that refer to it, which have theirs."""
        document = _without_keys(row)
        for name, table in _NESTED.get(kind, ()):
            if entries := self._refer(table, f"{kind}_id", row.get("id")):
                inner = _KINDS.get(table, "")
                document[name] = [self._with_lists(inner, entry) for entry in entries]
        if attributes := self._refer("attributes", "link_id", row.get("id")):
            document["attributes"] = [self._attribute(attribute) for attribute in attributes]
        if metadata := self._refer("metadata", "resource_id", row.get("id")):
            document["metadata"] = [
                {name: value for name, value in entry.items() if name != "resource_id"}
                for entry in metadata
            ]
        return document

    def _refer(self, table: str, column: str, key: Any) -> list[dict[str, Any]]:
        index = self._referring.get((table, column))
        if index is None:
            index = defaultdict(list)
            for row in self._tables.get(table, ()):
                if column in row:
                    index[row[column]].append(row)
            self._referring[(table, column)] = index
        return index.get(key, [])


def _without_keys(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in KEYS}


def _typed(row: tables.Row, where: str) -> tuple[dict[str, Any], str]:
    """A row without its empty cells, numbers as numbers; and what is wrong with it."""
    typed: dict[str, Any] = {}
    for name, value in row.items():
        if value == "":
            continue
        if name not in NUMBERS:
            typed[name] = value
            continue
        try:
            number = float(value)
        except ValueError:
            return typed, f"{where}, {name}: {value[:40]!r} is not a number"
        typed[name] = int(number) if number.is_integer() and "." not in value else number
    return typed, ""
