"""Importing and exporting as a whole: files, tables, calendars, trials, the web."""

from __future__ import annotations

import csv
import gzip
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures import fields
from bot.measures.exporters import csv as csv_export
from bot.measures.exporters import hsds as hsds_export
from bot.measures.exporters import ical
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers import hsds_csv, readings
from bot.measures.importers.csv import REQUIRED
from bot.measures.importers.run import Format, Limits, run
from bot.measures.importers.store import ImportReport
from bot.measures.importers.tables import plain, safe
from bot.measures.models import Measure
from tests.support.hsds import HSDS, example, load
from tests.support.measures import NOW, import_starter_measures, new_measure

LIMITS = Limits(maximum_bytes=1_000_000, seconds=10, private_addresses=True)


def take(
    database: Database, source: Path | str, file_format: Format, **options: Any
) -> ImportReport:
    values = {"limits": LIMITS, "assume": Assumptions(language="en"), **options}
    return run(database, str(source), file_format=file_format, now=NOW, **values)


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Measure)) or 0


def everything(database: Database) -> dict[str, fields.Fields]:
    with database.reading() as session:
        return fields.read(session, list(session.scalars(select(Measure.id))))


# Tables


def test_the_official_tables_are_read(database: Database) -> None:
    report = take(database, HSDS / "examples" / "csv", Format.HSDS_CSV)
    assert report.added == 1
    [service] = everything(database).values()
    assert service["text.en.title"] == "Community Counselling"
    assert [entry["amount"] for entry in service["cost_options"]] == [35]
    assert service["places"][0]["schedules"][0]["byday"] == "TH,FR"
    assert take(database, HSDS / "examples" / "csv", Format.HSDS_CSV).unchanged == 1


def test_tables_that_are_written_are_read_again_without_loss(
    database: Database, tmp_path: Path
) -> None:
    import_starter_measures(database)
    load(database, example("service_full"))
    path = tmp_path / "tables.zip"
    with database.reading() as session, path.open("wb") as file:
        written = hsds_export.write_tables(session, file, drafts=True)
    report = take(database, path, Format.HSDS_CSV)
    assert (written, report.changed, report.unchanged) == (145, 0, 145), report.differences[:3]


def test_no_cell_of_an_export_is_a_formula(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.transaction() as session:
        new_measure(session, title='=HYPERLINK("http://evil.example")', phone="+49 711 216-0")
    for name, write in (("m.csv", None), ("t.zip", hsds_export.write_tables)):
        with sqlite.reading() as session:
            if write is None:
                csv_export.write(session, tmp_path / name)
                tables = [(tmp_path / name).read_text("utf-8")]
            else:
                with (tmp_path / name).open("wb") as file:
                    write(session, file)
                with zipfile.ZipFile(tmp_path / name) as archive:
                    tables = [archive.read(entry).decode() for entry in archive.namelist()]
        cells = [cell for table in tables for row in csv.reader(io.StringIO(table)) for cell in row]
        assert any("HYPERLINK" in cell for cell in cells)
        assert not [cell for cell in cells if cell[:1] in "=@" and cell]
        assert [cell for cell in cells if cell.startswith("+")] in ([], ["+49 711 216-0"])


@given(st.text(max_size=20))
def test_a_cell_made_safe_is_read_as_it_was(value: str) -> None:
    assert plain(safe(value)) == value
    assert safe(value)[:1] not in {"=", "@", "\t", "\r"}


def test_a_zip_that_lies_about_its_size_is_refused(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("services.csv", "id,name,status\n" + "0" * 3_000_000)
    monkeypatch.setattr(hsds_csv, "MAXIMUM_UNPACKED", 1_000_000)
    with pytest.raises(ImportRejectedError) as rejected:
        take(sqlite, path, Format.HSDS_CSV)
    assert rejected.value.problems == ["the zip file unpacks to more than 1000000 bytes"]


def test_a_zip_of_too_many_tables_or_with_a_password_is_refused(
    sqlite: Database, tmp_path: Path
) -> None:
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(hsds_csv.MAXIMUM_FILES + 1):
            archive.writestr(f"{number}.csv", "id\n")
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("services.csv", "id,name,status\n1,Advice,active\n")
    # Both headers of the entry, the one in front of it and the one in the directory, say so.
    content = bytearray(locked.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    locked.write_bytes(content)
    for path, problem in (
        (many, "the zip file holds more than 200 tables"),
        (locked, "neither a directory nor a zip file of tables"),
    ):
        with pytest.raises(ImportRejectedError) as rejected:
            take(sqlite, path, Format.HSDS_CSV)
        assert rejected.value.problems == [problem]
    assert count(sqlite) == 0


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize("file_format", list(Format))
def test_a_file_in_another_encoding_is_refused(
    sqlite: Database, tmp_path: Path, file_format: Format, encoding: str
) -> None:
    service = json.dumps([{"id": "1", "name": "Büro", "status": "active"}], ensure_ascii=False)
    table = "id,name,status,topics,title_de,title_en,description_facts,source_url\n1,Büro,active"
    path = tmp_path / "file"
    if file_format is Format.HSDS_CSV:
        path.mkdir()
        (path / "services.csv").write_text(table, encoding)
    else:
        path.write_text(table if file_format is Format.CSV else service, encoding)
    with pytest.raises(ImportRejectedError, match="1 problems"):
        take(sqlite, path, file_format)
    assert count(sqlite) == 0


def test_an_endless_list_of_problems_ends(sqlite: Database, tmp_path: Path) -> None:
    for name, content, file_format in (
        ("m.csv", ",".join(REQUIRED) + "\n" + "x,job\n" * 5_000, Format.CSV),
        ("m.json", '[{"name": 1}' + ',{"name": 1}' * 5_000 + "]", Format.HSDS_JSON),
    ):
        (tmp_path / name).write_text(content, "utf-8")
        with pytest.raises(ImportRejectedError) as rejected:
            take(sqlite, tmp_path / name, file_format)
        assert len(rejected.value.problems) == 1_000


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "there is no services.csv"),
        ({"services.csv": "id,name\n"}, "line 1: column status is missing"),
        (
            {"services.csv": "id,name,status\n1,Advice\n"},
            "services.csv, line 2: has 2 cells, but there are 3 columns",
        ),
        (
            {"services.csv": "id,name,status,minimum_age\n1,Advice,active,young\n"},
            "services.csv, line 2, minimum_age: 'young' is not a number",
        ),
        (
            {
                "services.csv": "id,name,status\n1,Advice,active\n",
                "phones.csv": "id,service_id\n7\n",
            },
            "phones.csv, line 2: has 1 cells, but there are 2 columns",
        ),
        (
            {"services.csv": "id,name,status\n1,Advice,open\n"},
            "services.csv, line 2, status: 'open' is not one of active",
        ),
        ({"../services.csv": "id,name,status\n1,A,active\n", "x": ""}, None),
    ],
)
def test_bad_tables_are_named(
    sqlite: Database, tmp_path: Path, files: dict[str, str], problem: str | None
) -> None:
    path = tmp_path / "tables.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    if problem is None:
        assert take(sqlite, path, Format.HSDS_CSV).added == 1
        assert not (tmp_path.parent / "services.csv").exists()
        return
    with pytest.raises(ImportRejectedError) as rejected:
        take(sqlite, path, Format.HSDS_CSV)
    assert rejected.value.problems[0].startswith(problem)
    assert count(sqlite) == 0


# Our own CSV


def test_our_own_file_is_written_and_read_again_without_loss(
    database: Database, tmp_path: Path
) -> None:
    import_starter_measures(database)
    before = everything(database)
    with database.reading() as session:
        assert csv_export.write(session, tmp_path / "m.csv", drafts=True) == 144
    report = take(database, tmp_path / "m.csv", Format.CSV)
    assert (report.changed, report.unchanged) == (0, 144), report.differences[:3]
    assert everything(database) == before


# Trials


def test_a_trial_shows_what_would_change_and_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    load(database, example("service_full"))
    path = tmp_path / "services.json"
    changed = {**example("service_full"), "email": "new@example.org"}
    path.write_text(json.dumps([changed, {"id": "2", "name": "Advice", "status": "active"}]))
    report = take(database, path, Format.HSDS_JSON, dry_run=True)
    assert (report.added, report.changed) == (1, 1)
    assert {(each.external_id, each.field_name, each.after) for each in report.differences} == {
        ("2", "+", "Advice"),
        (changed["id"], "email", "new@example.org"),
    }
    assert count(database) == 1
    assert next(iter(everything(database).values()))["email"] == "email@example.com"


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("a.csv", Format.CSV),
        ("a.json", Format.HSDS_JSON),
        ("a.zip", Format.HSDS_CSV),
        ("https://example.org/services", Format.HSDS_JSON),
    ],
)
def test_a_name_suggests_a_format(name: str, file_format: Format) -> None:
    assert Format.of(name) is file_format


@pytest.mark.parametrize("file_format", list(Format))
@pytest.mark.parametrize("content", [b"", b"\x00" * 1000, b"\xff\xfe\x00", b"PK\x03\x04", b"{}"])
def test_garbage_is_refused_in_every_format(
    sqlite: Database, tmp_path: Path, file_format: Format, content: bytes
) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(content)
    with pytest.raises(ImportRejectedError):
        take(sqlite, path, file_format)
    assert count(sqlite) == 0


@pytest.mark.parametrize("file_format", list(Format))
def test_a_file_that_is_not_there_or_too_large_is_refused(
    sqlite: Database, tmp_path: Path, file_format: Format
) -> None:
    with pytest.raises(ImportRejectedError, match="1 problems"):
        take(sqlite, tmp_path / "missing", file_format)
    path = tmp_path / "large"
    path.write_bytes(b"x" * (LIMITS.maximum_bytes + 1))
    with pytest.raises(ImportRejectedError) as rejected:
        take(sqlite, path, file_format)
    assert rejected.value.problems == ["the file is larger than 1000000 bytes"]


# Readings


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Wed 10:00-14:00", [("WE", "10:00:00", "14:00:00")]),
        (
            "Mon-Fri 09:00-13:00 and 14:00-20:00",
            [
                ("MO,TU,WE,TH,FR", "09:00:00", "13:00:00"),
                ("MO,TU,WE,TH,FR", "14:00:00", "20:00:00"),
            ],
        ),
        ("Tue, Thu 09:00-11:00; closed Wed", [("TU,TH", "09:00:00", "11:00:00")]),
        ("Mon 08:30-13:00, Wed closed (as of 2023-05)", [("MO", "08:30:00", "13:00:00")]),
        ("24 hours", [("MO,TU,WE,TH,FR,SA,SU", "00:00:00", "00:00:00")]),
        ("Mon-Fri 19:00-24:00", [("MO,TU,WE,TH,FR", "19:00:00", "00:00:00")]),
        ("Mon-Fri 09:00-13:00 (by appointment)", []),
        ("Mon-Fri 09:00-13:00, Sat on demand", []),
        ("Mon 14:00-09:00", []),
        ("Mon 25:00-26:00", []),
        ("weekdays 11:00-18:00", []),
        ("", []),
    ],
)
def test_hours_are_read_whole_or_not_at_all(text: str, rules: list[tuple[str, str, str]]) -> None:
    assert [
        (rule["byday"], rule["opens_at"], rule["closes_at"])
        for rule in readings.schedules(text, "x")
    ] == rules


@given(st.text(alphabet="MonTueFri0123456789:-, ;and()", max_size=40))
def test_no_text_breaks_the_reading_of_hours(text: str) -> None:
    for rule in readings.schedules(text, "x"):
        assert rule["opens_at"]
        assert rule["byday"]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("free", [0]),
        ("2.29 EUR per unit", [2.29]),
        ("from 2 EUR", []),
        ("fees apply", []),
        ("", []),
    ],
)
def test_prices_are_read_where_they_leave_no_doubt(text: str, amounts: list[float]) -> None:
    assert [option["amount"] for option in readings.cost_options(text, "x")] == amounts


# Calendars


def test_dates_go_out_as_a_calendar_with_exceptions_and_zone(database: Database) -> None:
    with database.transaction() as session:
        measure = new_measure(session, title="Deutschkurs", address="Ring 1", city="Stuttgart")
        fields.change(
            session,
            measure.id,
            {
                "schedules": [
                    {
                        "hsds_id": "s-1",
                        "freq": "WEEKLY",
                        "byday": "TU,TH",
                        "valid_from": "2026-10-19",
                        "until": "2026-12-18",
                        "opens_at": "18:00:00",
                        "closes_at": "19:30:00",
                        "except_dates": ["2026-10-27"],
                    },
                    {"hsds_id": "s-2", "freq": "WEEKLY", "byday": "MO", "opens_at": "09:00:00"},
                ]
            },
        )
    file = io.BytesIO()
    with database.reading() as session:
        assert ical.write(session, file, now=NOW) == 1
    text = file.getvalue().decode()
    event = vobject.readOne(text).vevent
    # The first Tuesday on or after the 19th, in summer time.
    assert event.dtstart.value.isoformat() == "2026-10-20T18:00:00+02:00"
    assert event.dtend.value.isoformat() == "2026-10-20T19:30:00+02:00"
    assert event.location.value == "Ring 1, Stuttgart"
    days = [moment.isoformat() for moment in event.getrruleset(addRDate=True)]
    assert days[:3] == [
        "2026-10-20T18:00:00+02:00",
        "2026-10-22T18:00:00+02:00",
        "2026-10-29T18:00:00+01:00",
    ]
    assert days[-1] == "2026-12-17T18:00:00+01:00"
    assert "UNTIL=20261218T225959Z" in text


# The web


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, _, rest = self.path.strip("/").partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest if "//" in rest else f"/{rest}")
            self.end_headers()
        elif kind == "services":
            body = json.dumps([{"id": "1", "name": "Advice", "status": "active"}]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)
        elif kind == "endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[" + b" " * 2_000_000)
        elif kind == "bomb":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b"[" + b" " * 20_000_000))
        else:
            self.send_response(404)
            self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_address_is_imported_also_after_a_redirect(sqlite: Database, web: str) -> None:
    assert take(sqlite, f"{web}/services", Format.HSDS_JSON).added == 1
    assert take(sqlite, f"{web}/to/services", Format.HSDS_JSON).unchanged == 1


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/nothing", "the address answered 404"),
        ("/endless", "the answer is larger than 1000000 bytes"),
        ("/bomb", "the answer is larger than 1000000 bytes"),
        ("/to/to/to/to/to/to/to/services", "more than 5 redirects"),
        ("/to/ftp://example.org/", "only addresses with http:// or https:// are fetched"),
        ("/to/file:///etc/passwd", "only addresses with http:// or https:// are fetched"),
    ],
)
def test_an_address_that_gives_no_file_is_refused(
    sqlite: Database, web: str, path: str, problem: str
) -> None:
    with pytest.raises(ImportRejectedError) as rejected:
        take(sqlite, f"{web}{path}", Format.HSDS_JSON)
    assert rejected.value.problems == [problem]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://2130706433/",
    ],
)
def test_the_inside_of_the_network_is_not_fetched(sqlite: Database, url: str) -> None:
    limits = Limits(maximum_bytes=1_000, seconds=5, private_addresses=False)
    with pytest.raises(ImportRejectedError) as rejected:
        take(sqlite, url, Format.HSDS_JSON, limits=limits)
    assert "lies in a private network" in rejected.value.problems[0]
