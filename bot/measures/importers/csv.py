"""Imports measures from a CSV file, all of it or nothing.

``measures.csv`` holds one offer a row with its English facts; files
``measure_texts/<language>.csv`` beside it hold the words in other languages.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import ImportRejectedError
from bot.measures.models import (
    Measure,
    MeasureText,
    MeasureTopic,
    Organization,
    Status,
    TextState,
)
from bot.measures.topics import Topic

REQUIRED = ("id", "topics", "title_de", "title_en", "description_facts", "source_url")
TEXT_FIELDS = (
    "title",
    "description",
    "target_group",
    "cost",
    "eligibility",
    "opening_hours",
    "registration",
)
YES_OR_NO = frozenset({"yes", "no"})
# The values that a cell may hold; of the first ones several, with semicolons between.
LISTS: dict[str, frozenset[str]] = {
    "topics": frozenset(Topic),
    "levels": frozenset({"A1", "A2", "B1", "B2", "C1", "C2"}),
    "times": frozenset({"morning", "afternoon", "evening", "weekend"}),
    "formats": frozenset({"in_person", "online", "phone"}),
}
CHOICES: dict[str, frozenset[str]] = {
    "childcare": YES_OR_NO,
    "free_of_charge": YES_OR_NO,
    "harm_if_stale": YES_OR_NO,
    "age_of": frozenset({"child", "person"}),
}
# Rows of low confidence are leads for editors; people are never shown them.
STATUS_BY_CONFIDENCE = {
    "high": Status.PUBLISHED,
    "medium": Status.PUBLISHED,
    "low": Status.DRAFT,
}
MAXIMUM_FIELD = 20_000
# Columns of the file that have another name in the database.
COLUMN_NAMES = {"id": "external_id", "page_date_if_known": "source_date"}

Row = dict[str, str]
Embed = Callable[[Sequence[str]], tuple[str, list[bytes]]]


@dataclass(kw_only=True)
class ImportReport:
    """What an import did."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    drafts: int = 0
    texts: dict[str, int] = field(default_factory=dict)


def read(path: Path) -> list[Row]:
    """The rows of a CSV file, checked.

    Raises ``ImportRejectedError`` naming line, field and reason of every problem.
    """
    rows: list[tuple[int, Row]] = []
    problems: list[str] = []
    for line, row, cells in _rows(path):
        if cells != len(row):
            # Which cell is missing or too many cannot be told, so none can be trusted.
            problems.append(f"line {line}: has {cells} cells, but there are {len(row)} columns")
        else:
            problems += _problems(line, row)
        rows.append((line, row))
    seen: dict[str, int] = {}
    for line, row in rows:
        if row["id"] in seen:
            problems.append(f"line {line}, id: {row['id']} stands in line {seen[row['id']]} too")
        seen.setdefault(row["id"], line)
    if not rows:
        problems.append("the file holds no rows")
    if problems:
        raise ImportRejectedError(problems)
    return [row for _, row in rows]


def _rows(path: Path, required: Collection[str] = REQUIRED) -> Iterator[tuple[int, Row, int]]:
    """The first line of each row, the row itself and how many cells it has in the file."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = next(reader, [])
            if missing := [name for name in required if name not in names]:
                raise ImportRejectedError([f"line 1: column {name} is missing" for name in missing])
            if len(set(names)) < len(names):
                raise ImportRejectedError(["line 1: two columns have the same name"])
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    row = dict.fromkeys(names, "")
                    row.update(zip(names, (cell.strip() for cell in cells), strict=False))
                    yield line, row, len(cells)
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportRejectedError([f"the file is not UTF-8 (byte {error.start})"]) from error
    except csv.Error as error:
        raise ImportRejectedError([f"line {line}: not CSV: {error}"]) from error
    except OSError as error:
        raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error


def _problems(line: int, row: Row) -> Iterator[str]:
    for name in REQUIRED:
        if not (_list(row[name]) if name in LISTS else row[name]):
            yield f"line {line}, {name}: is empty"
    for name, value in row.items():
        if len(value) > (longest := _longest(name)):
            yield f"line {line}, {name}: longer than {longest} characters"
        if "\x00" in value:
            yield f"line {line}, {name}: holds a NUL character"
    for name, legal in LISTS.items():
        for value in _list(row.get(name, "")):
            if value not in legal:
                yield _not_one_of(line, name, value, legal)
    for name, legal in CHOICES.items():
        if row.get(name) and row[name] not in legal:
            yield _not_one_of(line, name, row[name], legal)
    if row["source_url"] and not _is_web_address(row["source_url"]):
        yield f"line {line}, source_url: not a web address"
    ages = [row[name] for name in ("minimum_age", "maximum_age") if row.get(name)]
    for name in ("minimum_age", "maximum_age"):
        if row.get(name) and not _is_age(row[name]):
            yield f"line {line}, {name}: {row[name]!r} is not an age in whole years"
    if len(ages) == 2 and all(map(_is_age, ages)) and int(ages[0]) > int(ages[1]):
        yield f"line {line}, maximum_age: {ages[1]} is less than minimum_age"
    if row.get("confidence", "low") not in STATUS_BY_CONFIDENCE:
        yield f"line {line}, confidence: {row['confidence']!r} is not high, medium or low"
    if row.get("checked_on") and _date(row["checked_on"]) is None:
        yield f"line {line}, checked_on: {row['checked_on']!r} is not a date like 2026-02-09"


def _not_one_of(line: int, name: str, value: str, legal: Collection[str]) -> str:
    return f"line {line}, {name}: {value!r} is not one of {', '.join(sorted(legal))}"


def _longest(name: str) -> int:
    """How many characters the database keeps of a column."""
    table = Organization.__table__ if name == "provider" else Measure.__table__
    column = table.columns.get("name" if name == "provider" else COLUMN_NAMES.get(name, name))
    return getattr(getattr(column, "type", None), "length", None) or MAXIMUM_FIELD


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_age(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 3


def store(
    session: Session,
    rows: Sequence[Row],
    *,
    texts: dict[str, dict[str, Row]],
    embed: Embed,
    now: datetime,
) -> ImportReport:
    """Adds or updates the measures of ``rows`` by their external id.

    ``texts`` maps language → external id → row. Importing the same file again
    changes nothing. ``embed`` makes the vectors of new or changed measures.
    """
    report = ImportReport()
    known = {measure.external_id: measure for measure in session.scalars(select(Measure))}
    organizations = {org.name: org for org in session.scalars(select(Organization))}
    stale: list[Measure] = []
    for row in rows:
        words = {
            language: entry[row["id"]] for language, entry in texts.items() if row["id"] in entry
        }
        measure = known.get(row["id"])
        before = _fingerprint(measure) if measure else None
        if measure is None:
            measure = Measure(external_id=row["id"], updated_at=now)
            session.add(measure)
        name = row.get("provider", "")
        measure.organization = (
            organizations.setdefault(name, Organization(name=name)) if name else None
        )
        _fill(measure, row, words)
        if before == _fingerprint(measure):
            report.unchanged += 1
        else:
            measure.updated_at = now
            stale.append(measure)
            report.added += before is None
            report.changed += before is not None
        report.drafts += measure.status == Status.DRAFT
        for language in words:
            report.texts[language] = report.texts.get(language, 0) + 1
    _embed(stale, embed)
    return report


def _fill(measure: Measure, row: Row, words: dict[str, Row]) -> None:
    measure.status = STATUS_BY_CONFIDENCE[row.get("confidence", "low")].value
    for name in (
        "confidence",
        "scope",
        "age_of",
        "address",
        "district",
        "postal_code",
        "city",
        "phone",
        "email",
        "website",
        "source_url",
        "source_title",
        "note",
    ):
        setattr(measure, name, row.get(name, ""))
    for name in ("levels", "audience", "formats", "times"):
        setattr(measure, name, _list(row.get(name, "")))
    measure.languages = _list(row.get("languages_offered", ""))
    measure.childcare = _truth(row.get("childcare", ""))
    measure.free_of_charge = _truth(row.get("free_of_charge", ""))
    measure.minimum_age = int(row["minimum_age"]) if row.get("minimum_age") else None
    measure.maximum_age = int(row["maximum_age"]) if row.get("maximum_age") else None
    measure.source_date = row.get("page_date_if_known", "")
    measure.assured_date = _date(row.get("checked_on", ""))
    measure.harm_if_stale = row.get("harm_if_stale") == "yes"
    _set_topics(measure, _list(row["topics"]))
    _set_texts(measure, row, words)


def _set_topics(measure: Measure, topics: list[str]) -> None:
    if [entry.topic for entry in measure.topics] != topics:
        measure.topics = [
            MeasureTopic(topic=topic, position=position) for position, topic in enumerate(topics)
        ]


def _set_texts(measure: Measure, row: Row, words: dict[str, Row]) -> None:
    facts = {name: row.get(name, "") for name in TEXT_FIELDS}
    originals = {
        "en": {
            **facts,
            "title": row["title_en"],
            "description": row["description_facts"],
            "state": TextState.ORIGINAL.value,
        },
        "de": {"title": row["title_de"], "state": TextState.ORIGINAL.value},
    }
    for language, values in {**originals, **words}.items():
        text = measure.text(language)
        if text is None:
            text = MeasureText(language=language)
            measure.texts.append(text)
        text.state = values.get("state") or TextState.DRAFT.value
        for name in TEXT_FIELDS:
            setattr(text, name, values.get(name, ""))


def _embed(measures: Sequence[Measure], embed: Embed) -> None:
    if not measures:
        return
    model, vectors = embed([_described(measure) for measure in measures])
    for measure, vector in zip(measures, vectors, strict=True):
        measure.embedding, measure.embedding_model = vector, model


def _described(measure: Measure) -> str:
    english, german = measure.text("en"), measure.text("de")
    parts = [german.title if german else ""]
    if english:
        parts += [english.title, english.description, english.target_group]
    return ". ".join(part for part in parts if part)


def _fingerprint(measure: Measure) -> tuple[object, ...]:
    columns = [
        getattr(measure, column.key)
        for column in Measure.__table__.columns
        if column.key not in {"id", "organization_id", "embedding", "embedding_model", "updated_at"}
    ]
    texts = sorted(
        (text.language, text.state, *(getattr(text, name) for name in TEXT_FIELDS))
        for text in measure.texts
    )
    topics = [entry.topic for entry in measure.topics]
    provider = measure.organization.name if measure.organization else ""
    return (provider, repr(columns), repr(texts), repr(topics))


def read_texts(directory: Path) -> dict[str, dict[str, Row]]:
    """The words of ``<language>.csv`` files in a directory; empty when there is none.

    Raises ``ImportRejectedError`` naming file and line of every problem.
    """
    found: dict[str, dict[str, Row]] = {}
    problems: list[str] = []
    for path in sorted(directory.glob("*.csv")):
        try:
            found[path.stem] = _texts_of(path)
        except ImportRejectedError as error:
            problems += [f"{path.name}, {problem}" for problem in error.problems]
    if problems:
        raise ImportRejectedError(problems)
    return found


def _texts_of(path: Path) -> dict[str, Row]:
    texts: dict[str, Row] = {}
    problems: list[str] = []
    for line, row, cells in _rows(path, required=("id", *TEXT_FIELDS)):
        if cells != len(row):
            problems.append(f"line {line}: has {cells} cells, but there are {len(row)} columns")
        if row["id"] in texts:
            problems.append(f"line {line}, id: {row['id']} stands there twice")
        if "\x00" in "".join(row.values()):
            problems.append(f"line {line}: holds a NUL character")
        if row.get("state") and row["state"] not in set(TextState):
            problems.append(_not_one_of(line, "state", row["state"], list(TextState)))
        texts[row["id"]] = row
    if problems:
        raise ImportRejectedError(problems)
    return texts


def _list(value: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in value.split(";") if part.strip()))


def _truth(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value)


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
