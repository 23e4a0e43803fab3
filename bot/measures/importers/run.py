"""Imports a file or web address in one of the formats, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TypedDict
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy.orm import Session

from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers import csv as csv_import
from bot.measures.importers import hsds_csv, hsds_json, integreat
from bot.measures.importers.fetch import fetched
from bot.measures.importers.store import ImportReport, store

MAXIMUM_ORIGIN = 200


class Format(StrEnum):
    """What an importer reads."""

    CSV = "csv"
    HSDS_JSON = "hsds-json"
    HSDS_CSV = "hsds-csv"
    INTEGREAT = "integreat"

    @classmethod
    def of(cls, source: str) -> Format:
        """The format that a name suggests: .csv is ours, .json HSDS, a zip or directory tables."""
        suffix = Path(source).suffix.lower()
        if suffix == ".csv":
            return cls.CSV
        return cls.HSDS_CSV if suffix == ".zip" or Path(source).is_dir() else cls.HSDS_JSON


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far an import goes to get a file; see the settings of the same names."""

    maximum_bytes: int
    seconds: float
    private_addresses: bool


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How a file is taken; see ``bot.measures.importers.store``.

    ``origin`` is by default what ``origin_of`` says of the file.
    """

    origin: str = ""
    archive_missing: bool = False
    force: bool = False


DEFAULTS = Choices()


def origin_of(source: str) -> str:
    """The name by which a file is known when it comes again: its own, or its web address.

    Of an address neither query nor password is kept.
    """
    if not source.lower().startswith(("http://", "https://")):
        return Path(source).absolute().name[:MAXIMUM_ORIGIN]
    parts = urlsplit(source)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[
        :MAXIMUM_ORIGIN
    ]


class _Undone(Exception):
    """Takes a transaction back after a trial."""


def run(
    database: Database,
    source: str,
    *,
    file_format: Format,
    now: datetime,
    limits: Limits,
    assume: Assumptions,
    choices: Choices = DEFAULTS,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> ImportReport:
    """Imports ``source``; a ``dry_run`` writes nothing and reports what it would have done.

    Raises ``ImportRejectedError`` with every problem found; then nothing was imported.
    """
    report = ImportReport()
    options: _Options = {
        "source": f"import:{file_format}",
        "now": now,
        "origin": choices.origin[:MAXIMUM_ORIGIN] or origin_of(source),
        "archive_missing": choices.archive_missing,
        "force": choices.force,
        "progress": progress,
    }
    try:
        with ExitStack() as stack:
            path = stack.enter_context(_local(source, file_format, limits))
            with database.transaction() as session:
                report = _store(session, path, file_format, assume, options)
                if dry_run:
                    raise _Undone
    except _Undone:
        pass
    return report


class _Options(TypedDict):
    source: str
    now: datetime
    origin: str
    archive_missing: bool
    force: bool
    progress: Callable[[int], None]


def _store(
    session: Session, path: Path, file_format: Format, assume: Assumptions, options: _Options
) -> ImportReport:
    if file_format is Format.CSV:
        with csv_import.opened(path) as found:
            return store(session, found, **options)
    if file_format is Format.HSDS_CSV:
        with hsds_csv.unpacked(path) as directory:
            return store(session, hsds_csv.records(directory, assume), **options)
    with _opened(path) as file:
        records = (
            hsds_json.records(file, assume)
            if file_format is Format.HSDS_JSON
            else integreat.records(file, topic=assume.topic)
        )
        return store(session, records, **options)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error
    with file:
        yield file


@contextmanager
def _local(source: str, file_format: Format, limits: Limits) -> Iterator[Path]:
    """The file itself, or what was fetched into a directory of its own for a while."""
    if not source.lower().startswith(("http://", "https://")):
        path = Path(source)
        if path.is_file() and path.stat().st_size > limits.maximum_bytes:
            raise ImportRejectedError([f"the file is larger than {limits.maximum_bytes} bytes"])
        yield path
        return
    with (
        tempfile.TemporaryDirectory() as directory,
        fetched(
            source,
            maximum_bytes=limits.maximum_bytes,
            seconds=limits.seconds,
            private_addresses=limits.private_addresses,
        ) as answer,
    ):
        suffix = {Format.CSV: ".csv", Format.HSDS_CSV: ".zip"}.get(file_format, ".json")
        path = Path(directory) / f"fetched{suffix}"
        with path.open("wb") as file:
            while chunk := answer.read(1 << 20):
                file.write(chunk)
        yield path
