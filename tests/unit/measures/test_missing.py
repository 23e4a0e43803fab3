"""Offers that a file listed before and lists no more: told, archived on demand, given back."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures import editing
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers.csv import REQUIRED
from bot.measures.importers.run import Choices, Format, Limits, origin_of, run
from bot.measures.importers.store import Difference, ImportReport
from bot.measures.models import Measure, Status
from tests.support.measures import NOW

ASSUME = Assumptions()
LIMITS = Limits(maximum_bytes=1_000_000, seconds=10, private_addresses=False)
ARCHIVE = Choices(archive_missing=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file of the offers stands."""
    return tmp_path / "offers.csv"


def write(path: Path, keys: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*REQUIRED, "confidence"])
        for key in keys:
            writer.writerow([key, "job", f"Kurs {key}", "C", "D", "https://example.org", "high"])


def take(
    database: Database, path: Path, keys: Sequence[str], choices: Choices = ARCHIVE, **options: Any
) -> ImportReport:
    """Imports a file of the offers with these ids."""
    write(path, keys)
    values = {"file_format": Format.CSV, "now": NOW, "limits": LIMITS, "assume": ASSUME, **options}
    return run(database, str(path), choices=choices, **values)


def states(database: Database) -> dict[str, str]:
    with database.reading() as session:
        rows = session.execute(select(Measure.external_id, Measure.status))
        return {row.external_id: row.status for row in rows}


def id_of(database: Database, external_id: str) -> str:
    with database.reading() as session:
        return session.scalars(select(Measure.id).where(Measure.external_id == external_id)).one()


def test_what_the_file_lists_no_more_stays_and_is_told(database: Database, path: Path) -> None:
    take(database, path, "abc", Choices())
    report = take(database, path, "ab", Choices())
    assert (report.archived, report.missing, report.unchanged) == (0, 1, 2)
    assert states(database) == dict.fromkeys("abc", Status.PUBLISHED)


def test_what_the_file_lists_no_more_is_archived_on_demand(database: Database, path: Path) -> None:
    take(database, path, "abc")
    report = take(database, path, "b")
    assert (report.archived, report.missing, report.unchanged) == (2, 0, 1)
    assert states(database) == {
        "a": Status.ARCHIVED,
        "b": Status.PUBLISHED,
        "c": Status.ARCHIVED,
    }
    again = take(database, path, "b")
    assert (again.archived, again.missing, again.changed) == (0, 0, 0)


def test_a_trial_shows_what_would_be_archived(database: Database, path: Path) -> None:
    take(database, path, "ab")
    report = take(database, path, "b", dry_run=True)
    assert report.archived == 1
    assert report.differences == [Difference("a", "status", "published", "archived")]
    assert states(database)["a"] == Status.PUBLISHED


def test_what_comes_back_in_the_file_is_shown_again(database: Database, path: Path) -> None:
    take(database, path, "ab")
    take(database, path, "b")
    assert take(database, path, "ab").changed == 1
    assert states(database)["a"] == Status.PUBLISHED


def test_an_archived_offer_is_given_back_by_its_history(database: Database, path: Path) -> None:
    take(database, path, "ab")
    take(database, path, "b", now=NOW + timedelta(days=1))
    key = id_of(database, "a")
    with database.transaction() as session:
        latest = editing.history(session, key)[0]
        assert (latest.by, latest.at, latest.can_undo) == (
            "import:csv",
            NOW + timedelta(days=1),
            True,
        )
        editing.undo(session, key, latest.batch, by="editor", now=NOW)
    assert states(database)["a"] == Status.PUBLISHED
    # Who gave it back wants to keep it.
    assert take(database, path, "b").missing == 1
    assert states(database)["a"] == Status.PUBLISHED


def test_what_an_editor_wrote_or_changed_stays(database: Database, path: Path) -> None:
    take(database, path, "ab")
    with database.transaction() as session:
        own = editing.create(
            session, {"text.de.title": "Eigenes"}, organization_id=None, by="editor", now=NOW
        )
        editing.save(
            session, id_of(database, "a"), {"phone": "1"}, revision=1, by="editor", now=NOW
        )
    report = take(database, path, "b")
    assert (report.archived, report.missing) == (0, 1)
    assert states(database)["a"] == Status.PUBLISHED
    forced = take(database, path, "b", Choices(archive_missing=True, force=True))
    assert (forced.archived, forced.missing) == (1, 0)
    assert states(database)["a"] == Status.ARCHIVED
    assert states(database)[f"console:{own}"] == Status.DRAFT


def test_other_files_keep_their_offers(database: Database, path: Path, tmp_path: Path) -> None:
    take(database, path, "ab")
    take(database, tmp_path / "guides.csv", "cd")
    assert take(database, path, "a").archived == 1
    # An offer belongs to the file that listed it last.
    take(database, tmp_path / "guides.csv", "acd")
    assert take(database, path, "x").archived == 0
    assert [key for key, state in states(database).items() if state == Status.ARCHIVED] == ["b"]


def test_a_name_joins_files_that_are_called_differently(
    database: Database, path: Path, tmp_path: Path
) -> None:
    named = Choices(origin="courses", archive_missing=True)
    take(database, path, "ab", named)
    assert take(database, tmp_path / "2027.csv", "b", named).archived == 1
    assert states(database) == {"a": Status.ARCHIVED, "b": Status.PUBLISHED}


def test_nothing_is_archived_by_a_file_that_is_refused(database: Database, path: Path) -> None:
    take(database, path, "ab")
    with pytest.raises(ImportRejectedError):
        take(database, path, ["b", ""])
    assert states(database)["a"] == Status.PUBLISHED


def test_offers_known_by_another_id_are_not_missing(database: Database, path: Path) -> None:
    take(database, path, "ab")
    document = [
        {"id": id_of(database, key), "name": f"Kurs {key}", "status": "active"} for key in "ab"
    ]
    exported = path.with_name("services.json")
    exported.write_text(json.dumps(document), "utf-8")
    choices = Choices(origin=path.name, archive_missing=True)
    report = run(
        database,
        str(exported),
        file_format=Format.HSDS_JSON,
        now=NOW,
        limits=LIMITS,
        assume=ASSUME,
        choices=choices,
    )
    assert (report.archived, report.missing, report.added) == (0, 0, 0)


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("data/measures.csv", "measures.csv"),
        ("/srv/tables/", "tables"),
        ("https://u:secret@example.org/api/services?token=x", "https://example.org/api/services"),
        (f"{'x' * 300}.csv", "x" * 200),
    ],
)
def test_a_file_is_known_by_its_name(source: str, origin: str) -> None:
    assert origin_of(source) == origin
