"""Reads our own CSV file of measures, row by row.

``measures.csv`` holds one offer a row with its English facts; files
``measure_texts/<language>.csv`` beside it hold the words in other languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import ImportRejectedError
from bot.measures.fields import TEXT_FIELDS, Fields
from bot.measures.importers import readings, words
from bot.measures.importers.records import Record, Rejected, stable_id
from bot.measures.importers.tables import Row, rows
from bot.measures.importers.words import Words, not_one_of
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


@contextmanager
def opened(path: Path, *, texts: Path | None = None) -> Iterator[Iterator[Record | Rejected]]:
    """The records of a file in its order, with the words of the directory ``texts``.

    That is by default ``measure_texts`` beside the file. What is wrong with a row is yielded as
    ``Rejected``, naming line, field and reason. One row is held in memory at a time, and the ids
    of those before it.
    """
    with words.opened(texts or path.parent / "measure_texts") as found:
        yield _records(path, found)


def _records(path: Path, texts: Words) -> Iterator[Record | Rejected]:
    if texts.problems:
        yield Rejected(texts.problems)
    seen: dict[str, int] = {}
    try:
        for line, row, cells in rows(path, REQUIRED):
            if cells != len(row):
                # Which cell is missing or too many cannot be told, so none can be trusted.
                problems = [f"line {line}: has {cells} cells, but there are {len(row)} columns"]
            else:
                problems = list(_problems(line, row))
            key = row["id"]
            if (first := seen.setdefault(key, line)) != line:
                problems.append(f"line {line}, id: {key} stands in line {first} too")
            yield Rejected(problems) if problems else _record(line, row, texts.of(key))
    except ImportRejectedError as error:
        # Nothing can be read from here on, but what was wrong before is told as well.
        yield Rejected(error.problems)


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
                yield not_one_of(line, name, value, legal)
    for name, legal in CHOICES.items():
        if row.get(name) and row[name] not in legal:
            yield not_one_of(line, name, row[name], legal)
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


def _record(line: int, row: Row, texts: dict[str, Row]) -> Record:
    key = row["id"]
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
        **_texts(row, texts),
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
        where=f"line {line}",
        external_id=key,
        id=stable_id("measure", key),
        fields=fields,
        provider=row.get("provider", ""),
        locations=[place["location"]] if place else [],
    )


def _texts(row: Row, texts: dict[str, Row]) -> Fields:
    facts = {name: row.get(name, "") for name in TEXT_FIELDS}
    originals: dict[str, Row] = {
        "en": {**facts, "title": row["title_en"], "description": row["description_facts"]},
        "de": {"title": row["title_de"]},
    }
    found: Fields = {}
    for language in (*originals, *(code for code in texts if code not in originals)):
        given = language in texts
        values = texts[language] if given else originals[language]
        state = values.get("state") or (TextState.DRAFT if given else TextState.ORIGINAL).value
        found[f"text.{language}.state"] = state
        for name in TEXT_FIELDS:
            found[f"text.{language}.{name}"] = values.get(name, "")
    return found


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
