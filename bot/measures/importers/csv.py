"""Imports measures from a CSV file, all of it or nothing.

``measures.csv`` holds one offer a row with its English facts; files
``measure_texts/<language>.csv`` beside it hold the words in other languages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from bot.errors import ImportRejectedError
from bot.measures.fields import TEXT_FIELDS, Fields
from bot.measures.importers import readings
from bot.measures.importers.records import Record, stable_id
from bot.measures.importers.store import KEPT_PROBLEMS, ImportReport
from bot.measures.importers.store import store as store_records
from bot.measures.importers.tables import Row, rows
from bot.measures.models import Kind, Measure, Organization, Status, TextState
from bot.measures.taxonomies import AUDIENCE, FORMATS, LEVELS, TIMES, TOPICS

REQUIRED = ("id", "topics", "title_de", "title_en", "description_facts", "source_url")
YES_OR_NO = frozenset({"yes", "no"})
# The values that a cell may hold; of the first ones several, with semicolons between.
LISTS: dict[str, frozenset[str]] = {
    vocabulary.field: frozenset(vocabulary.terms)
    for vocabulary in (TOPICS, LEVELS, AUDIENCE, TIMES, FORMATS)
}
CHOICES: dict[str, frozenset[str]] = {
    "childcare": YES_OR_NO,
    "free_of_charge": YES_OR_NO,
    "harm_if_stale": YES_OR_NO,
    "age_of": frozenset({"child", "person"}),
    "kind": frozenset(Kind),
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

# Columns that stand in the database under the same name, as they are.
PLAIN = (
    *("confidence", "scope", "age_of", "address", "district", "postal_code", "city", "phone"),
    *("email", "website", "source_url", "source_title", "note"),
)


def read(path: Path) -> list[Row]:
    """The rows of a CSV file, checked.

    Raises ``ImportRejectedError`` naming line, field and reason of every problem.
    """
    read_rows: list[tuple[int, Row]] = []
    problems: list[str] = []
    for line, row, cells in rows(path, REQUIRED):
        if cells != len(row):
            # Which cell is missing or too many cannot be told, so none can be trusted.
            problems.append(f"line {line}: has {cells} cells, but there are {len(row)} columns")
        else:
            problems += _problems(line, row)
        read_rows.append((line, row))
        if len(problems) >= KEPT_PROBLEMS:
            raise ImportRejectedError(problems[:KEPT_PROBLEMS])
    seen: dict[str, int] = {}
    for line, row in read_rows:
        if row["id"] in seen:
            problems.append(f"line {line}, id: {row['id']} stands in line {seen[row['id']]} too")
        seen.setdefault(row["id"], line)
    if not read_rows:
        problems.append("the file holds no rows")
    if problems:
        raise ImportRejectedError(problems)
    return [row for _, row in read_rows]


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
    now: datetime,
    source: str = "import:csv",
    origin: str = "",
    archive_missing: bool = False,
    force: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> ImportReport:
    """Adds or updates the measures of ``rows``; see ``bot.measures.importers.store``.

    ``texts`` maps language → external id → row.
    """
    return store_records(
        session,
        (_record(row, texts) for row in rows),
        source=source,
        now=now,
        origin=origin,
        archive_missing=archive_missing,
        force=force,
        progress=progress,
    )


def _record(row: Row, texts: dict[str, dict[str, Row]]) -> Record:
    key = row["id"]
    words = {language: entry[key] for language, entry in texts.items() if key in entry}
    place = readings.place(
        row.get("address", ""),
        row.get("district", ""),
        row.get("postal_code", ""),
        row.get("city", ""),
        key,
    )
    fields: Fields = {
        "kind": row.get("kind") or Kind.OFFER.value,
        "status": STATUS_BY_CONFIDENCE[row.get("confidence", "low")].value,
        "topics": _list(row["topics"]),
        **{name: row.get(name, "") for name in PLAIN},
        **{name: _list(row.get(name, "")) for name in ("levels", "audience", "formats", "times")},
        "languages": (languages := _list(row.get("languages_offered", ""))),
        **{name: _truth(row.get(name, "")) for name in ("childcare", "free_of_charge")},
        **{name: _number(row.get(name, "")) for name in ("minimum_age", "maximum_age")},
        "source_date": row.get("page_date_if_known", ""),
        "assured_date": row.get("checked_on") or None,
        "harm_if_stale": row.get("harm_if_stale") == "yes",
        "places": [place["link"]] if place else [],
        "phones": readings.phones(row.get("phone", ""), key),
        "offered_languages": [
            {"hsds_id": stable_id("language", key, code), "code": code} for code in languages
        ],
        **_texts(row, words),
    }
    for name, cell, read_cell in (
        ("schedules", row.get("opening_hours", ""), readings.schedules),
        ("cost_options", row.get("cost", ""), readings.cost_options),
    ):
        found = read_cell(cell, key)
        if found or not cell:
            # A cell that is not understood says nothing against what is known.
            fields[name] = found
    if not row.get("provider"):
        fields["organization"] = None
    return Record(
        where=key,
        external_id=key,
        id=stable_id("measure", key),
        fields=fields,
        provider=row.get("provider", ""),
        locations=[place["location"]] if place else [],
    )


def _texts(row: Row, words: dict[str, Row]) -> Fields:
    facts = {name: row.get(name, "") for name in TEXT_FIELDS}
    originals: dict[str, Row] = {
        "en": {**facts, "title": row["title_en"], "description": row["description_facts"]},
        "de": {"title": row["title_de"]},
    }
    found: Fields = {}
    for language in (*originals, *(code for code in words if code not in originals)):
        given = language in words
        values = words[language] if given else originals[language]
        state = values.get("state") or (TextState.DRAFT if given else TextState.ORIGINAL).value
        found[f"text.{language}.state"] = state
        for name in TEXT_FIELDS:
            found[f"text.{language}.{name}"] = values.get(name, "")
    return found


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
    for line, row, cells in rows(path, required=("id", *TEXT_FIELDS)):
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


def _number(value: str) -> int | None:
    return int(value) if value else None


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
