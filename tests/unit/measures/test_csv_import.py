"""Importing offers: all of a file or nothing, and the same file twice changes nothing."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.config import PROJECT
from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures.fields import TEXT_FIELDS
from bot.measures.importers import csv as csv_import
from bot.measures.importers.records import Rejected
from bot.measures.importers.store import ImportReport, store
from bot.measures.models import Measure, MeasureText, MeasureTopic, Organization, Status, TextState
from tests.conftest import Clock
from tests.support.measures import starter_rows, starter_words

GOOD = {
    "id": "course-1",
    "topics": "language_course;community",
    "title_de": "Deutschkurs",
    "title_en": "German course",
    "description_facts": "A course.",
    "provider": "School",
    "confidence": "high",
    "source_url": "https://example.org/course",
    "source_title": "Course page",
    "page_date_if_known": "2026-02",
    "checked_on": "2026-02-09",
    "childcare": "yes",
    "free_of_charge": "",
    "levels": "A1;A2",
    "audience": "women;mothers",
    "times": "morning",
    "formats": "online",
    "minimum_age": "3",
    "maximum_age": "6",
    "age_of": "child",
    "languages_offered": "de;en",
    "harm_if_stale": "yes",
    "target_group": "everybody",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows, each the good one with changes, as a CSV file."""

    def write(*rows: dict[str, str | None], encoding: str = "utf-8", name: str = "m.csv") -> Path:
        complete = [{**GOOD, **row} for row in rows]
        names = [key for key in GOOD if any(row[key] is not None for row in complete)]
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(complete)
        path = tmp_path / name
        path.write_bytes(buffer.getvalue().encode(encoding))
        return path

    return write


def load(database: Database, clock: Clock, path: Path, texts: Path | None = None) -> ImportReport:
    with csv_import.opened(path, texts=texts) as records, database.transaction() as session:
        return store(session, records, source="import:csv", now=clock())


def problems(path: Path, texts: Path | None = None) -> list[str]:
    """Everything that is wrong with a file."""
    with csv_import.opened(path, texts=texts) as records:
        rejected = [each for each in records if isinstance(each, Rejected)]
    assert rejected
    return [problem for each in rejected for problem in each.problems]


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def measure(database: Database, external_id: str = "course-1") -> Measure:
    with database.reading() as session:
        return session.scalars(select(Measure).where(Measure.external_id == external_id)).one()


# Good files


def test_a_row_becomes_a_measure(database: Database, clock: Clock, write: Write) -> None:
    report = load(database, clock, write({}))
    assert (report.added, report.changed, report.unchanged, report.drafts) == (1, 0, 0, 0)
    stored = measure(database)
    assert stored.organization is not None
    assert (stored.organization.name, stored.status) == ("School", Status.PUBLISHED)
    assert [(entry.topic, entry.position) for entry in stored.topics] == [
        ("language_course", 0),
        ("community", 1),
    ]
    assert (stored.levels, stored.times, stored.formats) == (["A1", "A2"], ["morning"], ["online"])
    assert (stored.minimum_age, stored.maximum_age, stored.age_of) == (3, 6, "child")
    assert (stored.childcare, stored.free_of_charge, stored.harm_if_stale) == (True, None, True)
    assert (stored.source_date, str(stored.assured_date)) == ("2026-02", "2026-02-09")
    assert stored.languages == ["de", "en"]
    english, german = stored.text("en"), stored.text("de")
    assert english is not None
    assert german is not None
    assert (english.title, english.description, english.target_group, english.state) == (
        "German course",
        "A course.",
        "everybody",
        TextState.ORIGINAL,
    )
    assert (german.title, german.description) == ("Deutschkurs", "")


def test_the_same_file_again_changes_nothing(
    database: Database, clock: Clock, write: Write
) -> None:
    path = write({}, {"id": "course-2", "confidence": "low"})
    load(database, clock, path)
    before = measure(database).updated_at
    clock.advance(60)
    report = load(database, clock, path)
    assert (report.added, report.changed, report.unchanged, report.drafts) == (0, 0, 2, 1)
    assert measure(database).updated_at == before
    assert [count(database, model) for model in (Measure, MeasureTopic, Organization)] == [2, 4, 1]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"title_en": "New name"}, lambda m: m.text("en").title == "New name"),
        (
            {"topics": "community;job"},
            lambda m: [t.topic for t in m.topics] == ["community", "job"],
        ),
        ({"provider": "Other"}, lambda m: m.organization.name == "Other"),
        ({"provider": ""}, lambda m: m.organization is None),
        ({"childcare": ""}, lambda m: m.childcare is None),
        ({"free_of_charge": "no"}, lambda m: m.free_of_charge is False),
        ({"confidence": "low"}, lambda m: m.status == Status.DRAFT),
        ({"minimum_age": "0"}, lambda m: m.minimum_age == 0),
        ({"checked_on": ""}, lambda m: m.assured_date is None),
    ],
)
def test_a_changed_row_changes_its_measure(
    sqlite: Database,
    clock: Clock,
    write: Write,
    change: dict[str, str],
    read: Callable[[Measure], bool],
) -> None:
    load(sqlite, clock, write({}))
    before = measure(sqlite)
    clock.advance(60)
    report = load(sqlite, clock, write(change))
    assert (report.added, report.changed, report.unchanged) == (0, 1, 0)
    after = measure(sqlite)
    assert read(after)
    assert (after.id, after.updated_at) == (before.id, clock())


def test_a_byte_order_mark_is_no_part_of_the_file(write: Write) -> None:
    with csv_import.opened(write({}, encoding="utf-8-sig")) as records:
        assert [record.external_id for record in records] == ["course-1"]


def test_spaces_around_cells_and_repeated_list_entries_are_dropped(
    sqlite: Database, clock: Clock, write: Write
) -> None:
    load(sqlite, clock, write({"topics": " job ; job;; community ", "title_en": " Name "}))
    stored = measure(sqlite)
    assert [entry.topic for entry in stored.topics] == ["job", "community"]
    assert stored.text("en").title == "Name"  # type: ignore[union-attr]


def test_columns_that_are_not_needed_may_be_absent_and_others_are_ignored(
    sqlite: Database, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "id,topics,title_de,title_en,description_facts,source_url,mood\n"
        "x,job,T,T,D,https://example.org,happy\n\n",
        "utf-8",
    )
    load(sqlite, clock, path)
    stored = measure(sqlite, "x")
    assert (stored.status, stored.organization, stored.levels) == (Status.DRAFT, None, [])


# Bad files


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": ""}, "line 3, id: is empty"),
        ({"topics": " ; "}, "line 3, topics: is empty"),
        ({"title_de": ""}, "line 3, title_de: is empty"),
        ({"title_en": " "}, "line 3, title_en: is empty"),
        ({"description_facts": ""}, "line 3, description_facts: is empty"),
        ({"source_url": ""}, "line 3, source_url: is empty"),
        ({"source_url": "example.org"}, "line 3, source_url: not a web address"),
        ({"source_url": "javascript:alert(1)"}, "line 3, source_url: not a web address"),
        ({"source_url": "https://"}, "line 3, source_url: not a web address"),
        ({"source_url": "http://[oops"}, "line 3, source_url: not a web address"),
        ({"topics": "job;knitting"}, "line 3, topics: 'knitting' is not one of "),
        ({"levels": "A1;D9"}, "line 3, levels: 'D9' is not one of A1, A2, B1, B2, C1, C2"),
        ({"audience": "women;wizards"}, "line 3, audience: 'wizards' is not one of adults, "),
        ({"times": "noon"}, "line 3, times: 'noon' is not one of "),
        ({"formats": "by post"}, "line 3, formats: 'by post' is not one of "),
        ({"childcare": "perhaps"}, "line 3, childcare: 'perhaps' is not one of no, yes"),
        ({"free_of_charge": "0"}, "line 3, free_of_charge: '0' is not one of no, yes"),
        ({"harm_if_stale": "true"}, "line 3, harm_if_stale: 'true' is not one of no, yes"),
        ({"age_of": "dog"}, "line 3, age_of: 'dog' is not one of child, person"),
        ({"confidence": "sure"}, "line 3, confidence: 'sure' is not high, medium or low"),
        ({"confidence": ""}, "line 3, confidence: '' is not high, medium or low"),
        ({"checked_on": "9.2.2026"}, "line 3, checked_on: '9.2.2026' is not a date like"),
        ({"checked_on": "2026-02-30"}, "line 3, checked_on: '2026-02-30' is not a date like"),
        ({"minimum_age": "three"}, "line 3, minimum_age: 'three' is not an age"),
        ({"minimum_age": "-1"}, "line 3, minimum_age: '-1' is not an age"),
        ({"minimum_age": "²"}, "line 3, minimum_age: '²' is not an age"),
        ({"maximum_age": "99999"}, "line 3, maximum_age: '99999' is not an age"),
        ({"minimum_age": "7"}, "line 3, maximum_age: 6 is less than minimum_age"),
        ({"title_en": "a\x00b"}, "line 3, title_en: holds a NUL character"),
        ({"description_facts": "x" * 20_001}, "line 3, description_facts: longer than 20000"),
        ({"id": "x" * 121}, "line 3, id: longer than 120 characters"),
        ({"provider": "x" * 301}, "line 3, provider: longer than 300 characters"),
        ({"page_date_if_known": "x" * 21}, "line 3, page_date_if_known: longer than 20"),
        ({"id": "first"}, "line 3, id: first stands in line 2 too"),
    ],
)
def test_a_bad_row_is_named_with_line_and_field(
    write: Write, change: dict[str, str], problem: str
) -> None:
    [found] = problems(write({"id": "first"}, {"id": "second", **change}))
    assert found.startswith(problem)


def test_all_problems_are_named_at_once(write: Write) -> None:
    path = write({"id": "a", "levels": "X"}, {"id": "b"}, {"id": "c", "times": "Y", "topics": "Z"})
    assert [problem.partition(":")[0] for problem in problems(path)] == [
        "line 2, levels",
        "line 4, topics",
        "line 4, times",
    ]


def test_the_line_named_is_the_one_where_the_row_begins(write: Write) -> None:
    path = write({"id": "a", "description_facts": "two\nlines"}, {"id": "b", "levels": "X"})
    assert [problem.partition(",")[0] for problem in problems(path)] == ["line 4"]


def test_nothing_of_a_bad_file_is_imported(sqlite: Database, clock: Clock, write: Write) -> None:
    with pytest.raises(ImportRejectedError, match="1 problems in the file; nothing was imported"):
        load(sqlite, clock, write({"id": "a"}, {"id": "b", "levels": "X"}))
    assert count(sqlite, Measure) == 0


@pytest.mark.parametrize(
    ("last_line", "cells"), [("x,job,T,T,D", 5), ("x,job,T,T,D, E,https://example.org", 7)]
)
def test_a_row_with_missing_or_surplus_cells_is_refused(
    tmp_path: Path, last_line: str, cells: int
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        f"id,topics,title_de,title_en,description_facts,source_url\n{last_line}\n", "utf-8"
    )
    assert problems(path) == [f"line 2: has {cells} cells, but there are 6 columns"]


@pytest.mark.parametrize("name", csv_import.REQUIRED)
def test_a_missing_column_is_named(write: Write, name: str) -> None:
    assert problems(write({name: None})) == [f"line 1: column {name} is missing"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: column id is missing"),
        ("id,Größe\n".encode("latin-1"), "the file is not UTF-8 (byte 5)"),
        ("id,topics".encode("utf-16"), "the file is not UTF-8 (byte 0)"),
        (b'id,"topics', "line 1: not CSV"),
        (b"id,id,topics,title_de,title_en,description_facts,source_url\n", "line 1: two columns"),
        (
            b"id,topics,title_de,title_en,description_facts,source_url\na," + b"x" * 200_000,
            "line 2: not CSV: field larger",
        ),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    assert problems(path)[0].startswith(problem)


def test_a_file_without_rows_is_refused(sqlite: Database, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(",".join(GOOD) + "\n", "utf-8")
    with pytest.raises(ImportRejectedError) as rejected:
        load(sqlite, clock, tmp_path / "m.csv")
    assert rejected.value.problems == ["the file holds no entries"]


def test_what_was_wrong_before_the_file_broke_is_named_too(write: Write) -> None:
    path = write({"id": "a", "levels": "X"}, {"id": "b"})
    path.write_bytes(path.read_bytes() + b'"c')
    assert [problem.partition(":")[0] for problem in problems(path)] == ["line 2, levels", "line 4"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    [problem] = problems(tmp_path / "missing.csv")
    assert problem == "the file cannot be read: No such file or directory"


# Texts in other languages

TEXT_COLUMNS = ",".join(("id", *TEXT_FIELDS, "state"))


def test_texts_of_other_languages_stand_beside(
    sqlite: Database, clock: Clock, write: Write, tmp_path: Path
) -> None:
    directory = tmp_path / "texts"
    directory.mkdir()
    (directory / "tr.csv").write_text(
        f"{TEXT_COLUMNS}\ncourse-1,Almanca kursu,Bir kurs.,,,,,,reviewed\n", "utf-8-sig"
    )
    (directory / "de.csv").write_text(f"{TEXT_COLUMNS}\ncourse-1,Kurs,Ein Kurs.,,,,,,\n", "utf-8")
    load(sqlite, clock, write({}), directory)
    stored = measure(sqlite)
    found = {text.language: (text.title, text.description, text.state) for text in stored.texts}
    assert found == {
        "en": ("German course", "A course.", TextState.ORIGINAL),
        "de": ("Kurs", "Ein Kurs.", TextState.DRAFT),
        "tr": ("Almanca kursu", "Bir kurs.", TextState.REVIEWED),
    }
    assert load(sqlite, clock, write({}), directory).unchanged == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,title\n", "tr.csv, line 1: column description is missing"),
        (f"{TEXT_COLUMNS}\na,b\n".encode(), "tr.csv, line 2: has 2 cells, but there are 9"),
        (f"{TEXT_COLUMNS}\n{'a,,,,,,,,' + chr(10)}a,,,,,,,,\n".encode(), "tr.csv, line 3, id: a"),
        (f"{TEXT_COLUMNS}\na,T,,,,,,,sure\n".encode(), "tr.csv, line 2, state: 'sure' is not"),
        (f"{TEXT_COLUMNS}\na,T\x00,,,,,,,\n".encode(), "tr.csv, line 2: holds a NUL"),
        ("id,Größe".encode("latin-1"), "tr.csv, the file is not UTF-8"),
    ],
)
def test_bad_texts_are_named_with_their_file_before_bad_rows(
    tmp_path: Path, write: Write, content: bytes, problem: str
) -> None:
    directory = tmp_path / "texts"
    directory.mkdir()
    (directory / "tr.csv").write_bytes(content)
    first, *_, last = problems(write({"levels": "X"}), directory)
    assert first.startswith(problem)
    assert last.startswith("line 2, levels")


def test_one_row_is_held_in_memory_at_a_time(write: Write, tmp_path: Path) -> None:
    rows, length = 400, 15_000
    directory = tmp_path / "texts"
    directory.mkdir()
    lines = (f"course-{number},T,{'x' * length},,,,,,\n" for number in range(rows))
    (directory / "tr.csv").write_text(f"{TEXT_COLUMNS}\n{''.join(lines)}", "utf-8")
    path = write(
        *({"id": f"course-{number}", "description_facts": "y" * length} for number in range(rows))
    )
    tracemalloc.start()
    with csv_import.opened(path, texts=directory) as records:
        lengths = {len(record.fields["text.tr.description"]) for record in records}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lengths == {length}
    assert peak < rows * length / 5


# The starter measures


def test_the_starter_measures_import(sqlite: Database, clock: Clock) -> None:
    texts = starter_words()
    report = load(sqlite, clock, PROJECT / "data" / "measures.csv")
    assert (report.added, report.drafts) == (144, 16)
    with sqlite.reading() as session:
        published = session.scalars(select(Measure).where(Measure.status == Status.PUBLISHED)).all()
    assert len(published) == 128
    for language in texts:
        lacking = [
            stored.external_id
            for stored in published
            if not (text := stored.text(language)) or not text.title or not text.description
        ]
        assert lacking == [], language
    report = load(sqlite, clock, PROJECT / "data" / "measures.csv")
    assert (report.added, report.changed, report.unchanged) == (0, 0, 144)
    assert count(sqlite, MeasureText) >= 128 * len(texts)


def test_every_text_belongs_to_a_starter_measure() -> None:
    files = ("measures.csv", "guides.csv")
    rows = [row for name in files for row in starter_rows(name)]
    known = {row["id"] for row in rows}
    by_id = {row["id"]: row for row in rows}
    for language, entries in starter_words().items():
        assert set(entries) <= known, language
        for external_id, words in entries.items():
            # A translation may leave nothing out that the source says, nor add to it.
            for name in ("target_group", "cost", "eligibility", "opening_hours", "registration"):
                assert bool(words[name]) == bool(by_id[external_id].get(name)), (
                    language,
                    external_id,
                    name,
                )


# Guides


def test_every_starter_guide_repeats_a_dated_row_with_its_source(
    sqlite: Database, clock: Clock
) -> None:
    measures = {row["id"]: row for row in starter_rows()}
    guides = starter_rows("guides.csv")
    texts = starter_words()
    assert len(guides) == 25
    for guide in guides:
        source = measures[guide["note"].removeprefix("Facts of the row ").removesuffix(".")]
        assert guide["page_date_if_known"]
        for name in ("source_url", "source_title", "page_date_if_known", "checked_on"):
            assert guide[name] == source[name]
        # Each number of a guide is one of its row, and no translation leaves one out.
        known = numbers(" ".join(source.values()))
        assert numbers(guide["description_facts"]) <= known | {"112", "116", "117"}
        for language in set(texts) - {"en"}:
            words = texts[language][guide["id"]]
            assert words["state"] == "draft"
            assert numbers(words["description"]) == numbers(guide["description_facts"]), language
            assert numbers(words["title"]) == numbers(guide["title_en"]), language
    load(sqlite, clock, PROJECT / "data" / "guides.csv")
    with sqlite.reading() as session:
        assert {measure.kind for measure in session.scalars(select(Measure))} == {"guide"}


def numbers(text: str) -> set[str]:
    """The numbers of a text, however their thousands and decimals are written."""
    return {re.sub(r"[.,]", "", number) for number in re.findall(r"\d[\d.,]*\d|\d", text)}
