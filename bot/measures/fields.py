"""A measure as plain fields: what editors change, imports compare and the history keeps.

A field is a column (``phone``), ``organization`` (an id), ``topics``, one text
(``text.de.title``, ``text.de.state``) or a list of rows that belong to the measure
(``schedules``, ``places`` …). Values are plain JSON: days and times are ISO texts,
amounts numbers, and what a row does not know is left out of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import JSON, Column, Table, delete, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from bot.db.base import Base, new_id
from bot.db.rows import insert_numbered, insert_rows
from bot.measures.facts import (
    Attribute,
    CostOption,
    OfferedLanguage,
    Phone,
    RequiredDocument,
    ServiceContact,
)
from bot.measures.models import Measure, MeasureText, MeasureTopic
from bot.measures.places import Schedule, ServiceAtLocation

Json = Any
Fields = dict[str, Json]

NOT_FIELDS = frozenset(
    {
        *("id", "external_id", "organization_id"),
        *("updated_at", "revision", "hand_written", "origin"),
    }
)
COLUMNS: dict[str, Column[Any]] = {
    column.key: column
    for column in cast("Table", Measure.__table__).columns
    if column.key not in NOT_FIELDS
}
TEXT_FIELDS = (
    "title",
    "description",
    "target_group",
    "cost",
    "eligibility",
    "opening_hours",
    "registration",
)
# Rows that belong to one measure, by the name of the field that holds them.
ROWS: dict[str, type[Base]] = {
    "schedules": Schedule,
    "phones": Phone,
    "contacts": ServiceContact,
    "cost_options": CostOption,
    "offered_languages": OfferedLanguage,
    "required_documents": RequiredDocument,
    "attributes": Attribute,
}
PLACES = "places"
BELONGINGS: dict[str, type[Base]] = {"topics": MeasureTopic, PLACES: ServiceAtLocation, **ROWS}
OWNERS = frozenset({"id", "measure_id", "organization_id", "location_id", "service_at_location_id"})
EMPTY: tuple[Json, ...] = (None, "", [], {})


def table_of(model: type[Base]) -> Table:
    """A model's table."""
    return cast("Table", model.__table__)


def plain(value: Any) -> Json:
    """A column's value as JSON."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def typed(column: Column[Any], value: Json) -> Any:
    """A JSON value as the column wants it; nothing becomes the column's empty value."""
    if value is None or value == "":
        return empty(column)
    return CONVERTERS.get(column.type.python_type, _as_it_is)(value)


def _as_it_is(value: Json) -> Any:
    return value


CONVERTERS: dict[type, Callable[[Json], Any]] = {
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: lambda value: Decimal(str(value)),
}


def empty(column: Column[Any]) -> Any:
    """What a column holds when nothing is known."""
    if column.key == "hsds_id":
        return new_id()
    if isinstance(column.default, ScalarElementColumnDefault):
        return column.default.arg
    if column.nullable:
        return None
    if isinstance(column.type, JSON):
        return {} if column.key == "extra" else []
    return False if column.type.python_type is bool else ""


def plain_row(row: Mapping[str, Any], *, without: Iterable[str] = OWNERS) -> dict[str, Json]:
    """A row as JSON, without its keys and without what is empty or usual."""
    return {
        name: plain(value)
        for name, value in row.items()
        if name not in without and value not in EMPTY and (name, value) != ("zone", "Europe/Berlin")
    }


@cache
def _columns(model: type[Base]) -> tuple[tuple[str, Column[Any], Callable[[Json], Any]], ...]:
    return tuple(
        (column.key, column, CONVERTERS.get(column.type.python_type, _as_it_is))
        for column in table_of(model).columns
        if not (column.key == "id" and column.type.python_type is int)
    )


def full_row(model: type[Base], values: Mapping[str, Json], **owner: Any) -> dict[str, Any]:
    """A row for an insert: every column but the number that the database gives."""
    row: dict[str, Any] = {}
    for name, column, convert in _columns(model):
        if name in owner:
            row[name] = owner[name]
        elif (value := values.get(name)) is None or value == "":
            row[name] = empty(column)
        else:
            row[name] = convert(value)
    return row


# Reading


def read(session: Session, ids: Sequence[str]) -> dict[str, Fields]:
    """The fields of measures by their id; those that do not exist are left out."""
    found: dict[str, Fields] = {}
    measures = table_of(Measure)
    for row in session.execute(select(measures).where(measures.c.id.in_(ids))).mappings():
        found[row["id"]] = {
            **{name: plain(row[name]) for name in COLUMNS},
            "organization": row["organization_id"],
            "topics": [],
            PLACES: [],
            **{name: [] for name in ROWS},
        }
    _read_topics_and_texts(session, ids, found)
    for name, model in ROWS.items():
        table = table_of(model)
        rows = select(table).where(table.c.measure_id.in_(ids)).order_by(table.c.id)
        for row in session.execute(rows).mappings():
            found[row["measure_id"]][name].append(plain_row(dict(row)))
    _read_places(session, ids, found)
    return found


def _read_topics_and_texts(session: Session, ids: Sequence[str], found: dict[str, Fields]) -> None:
    topics = table_of(MeasureTopic)
    for row in session.execute(
        select(topics).where(topics.c.measure_id.in_(ids)).order_by(topics.c.position)
    ).mappings():
        found[row["measure_id"]]["topics"].append(row["topic"])
    texts = table_of(MeasureText)
    for row in session.execute(select(texts).where(texts.c.measure_id.in_(ids))).mappings():
        for name in ("state", *TEXT_FIELDS):
            found[row["measure_id"]][f"text.{row['language']}.{name}"] = row[name]


def _read_places(session: Session, ids: Sequence[str], found: dict[str, Fields]) -> None:
    places, schedules = table_of(ServiceAtLocation), table_of(Schedule)
    rows = session.execute(
        select(places).where(places.c.measure_id.in_(ids)).order_by(places.c.id)
    ).mappings()
    by_number: dict[int, dict[str, Json]] = {}
    for row in rows:
        place = plain_row(dict(row))
        place["location_id"] = row["location_id"]
        by_number[row["id"]] = place
        found[row["measure_id"]][PLACES].append(place)
    if not by_number:
        return
    for row in session.execute(
        select(schedules)
        .where(schedules.c.service_at_location_id.in_(by_number))
        .order_by(schedules.c.id)
    ).mappings():
        place = by_number[row["service_at_location_id"]]
        place.setdefault("schedules", []).append(plain_row(dict(row)))


# Writing


def add(session: Session, measures: Sequence[tuple[dict[str, Any], Fields]]) -> None:
    """Inserts measures with all that belongs to them.

    Each comes as the values of its own row beyond the fields (``id``, ``external_id``,
    ``updated_at`` …) and its fields.
    """
    if not measures:
        return
    rows = []
    for own, fields in measures:
        row = full_row(Measure, {**fields, **own})
        row.update(own)
        row["organization_id"] = fields.get("organization")
        row["revision"] = 1
        rows.append(row)
    insert_rows(session, table_of(Measure), rows)
    _insert_belongings(session, [(own["id"], fields) for own, fields in measures])


def change(session: Session, measure_id: str, changed: Fields) -> None:
    """Writes changed fields of one measure; its revision is the caller's to raise."""
    columns = {
        name: typed(column, changed[name]) for name, column in COLUMNS.items() if name in changed
    }
    if "organization" in changed:
        columns["organization_id"] = changed["organization"]
    measures = table_of(Measure)
    if columns:
        session.execute(update(measures).where(measures.c.id == measure_id).values(columns))
    for name, model in BELONGINGS.items():
        if name in changed:
            table = table_of(model)
            session.execute(delete(table).where(table.c.measure_id == measure_id))
    _change_texts(session, measure_id, changed)
    rows = {name: value for name, value in changed.items() if not name.startswith("text.")}
    _insert_belongings(session, [(measure_id, rows)])


def _change_texts(session: Session, measure_id: str, changed: Fields) -> None:
    texts = table_of(MeasureText)
    by_language: dict[str, dict[str, str]] = defaultdict(dict)
    for name, value in changed.items():
        if name.startswith("text."):
            _, language, part = name.split(".")
            by_language[language][part] = value
    for language, parts in by_language.items():
        where = (texts.c.measure_id == measure_id, texts.c.language == language)
        present = session.execute(select(texts).where(*where)).mappings().one_or_none()
        parts = {name: value or "" for name, value in parts.items()}
        if present is None:
            row = full_row(MeasureText, parts, measure_id=measure_id, language=language)
            if row["title"]:
                session.execute(insert(texts), [{**row, "state": row["state"] or "draft"}])
        elif not parts.get("title", present["title"]):
            # A text without a title is none.
            session.execute(delete(texts).where(*where))
        else:
            session.execute(update(texts).where(*where).values(parts))


def _insert_belongings(session: Session, measures: Sequence[tuple[str, Fields]]) -> None:
    pending: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
    places: list[tuple[dict[str, Any], list[dict[str, Json]]]] = []
    for measure_id, fields in measures:
        for position, topic in enumerate(fields.get("topics", ())):
            pending[MeasureTopic].append(
                {"measure_id": measure_id, "topic": topic, "position": position}
            )
        pending[MeasureText] += _text_rows(measure_id, fields)
        for name, model in ROWS.items():
            for values in fields.get(name, ()):
                pending[model].append(full_row(model, values, measure_id=measure_id))
        for place in fields.get(PLACES, ()):
            row = full_row(ServiceAtLocation, place, measure_id=measure_id)
            places.append((row, place.get("schedules", [])))
    _insert_places(session, places, pending)
    for model, rows in pending.items():
        insert_rows(session, table_of(model), rows)


def _text_rows(measure_id: str, fields: Fields) -> list[dict[str, Any]]:
    languages = dict.fromkeys(name.split(".")[1] for name in fields if name.startswith("text."))
    return [
        full_row(
            MeasureText,
            {part: fields.get(f"text.{language}.{part}") for part in ("state", *TEXT_FIELDS)},
            measure_id=measure_id,
            language=language,
        )
        for language in languages
        if fields.get(f"text.{language}.title")
    ]


def _insert_places(
    session: Session,
    places: Sequence[tuple[dict[str, Any], list[dict[str, Json]]]],
    pending: dict[type[Base], list[dict[str, Any]]],
) -> None:
    if not places:
        return
    table = table_of(ServiceAtLocation)
    rows = [row for row, _ in places]
    if not any(schedules for _, schedules in places):
        insert_rows(session, table, rows)
        return
    numbers = insert_numbered(session, table, rows)
    for number, (_, schedules) in zip(numbers, places, strict=True):
        pending[Schedule] += [
            full_row(Schedule, values, service_at_location_id=number) for values in schedules
        ]


# Comparing


def differences(before: Fields, after: Fields) -> Fields:
    """The fields of ``after`` that differ from ``before``; missing ones do not count."""
    return {name: value for name, value in after.items() if not same(before.get(name), value)}


def same(one: Json, other: Json) -> bool:
    """Whether two values mean the same; everything empty is the same."""
    return one == other or (one in EMPTY and other in EMPTY)


def as_text(value: Json) -> str:
    """A value for the history and for readers: texts as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
