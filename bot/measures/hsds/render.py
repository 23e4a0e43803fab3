"""HSDS documents from the database, valid against the official compiled schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Table, exists, or_, select
from sqlalchemy.orm import Session

from bot.measures import shared_rows
from bot.measures.fields import COLUMNS, TEXT_FIELDS, Fields, Json, read, same, table_of
from bot.measures.hsds import derive, names, parse
from bot.measures.hsds.attributes import SCHEDULE_FACTS
from bot.measures.importers.records import Record, stable_id
from bot.measures.models import Measure, Status, TextState
from bot.measures.places import Location, ServiceAtLocation
from bot.measures.taxonomies import FACTS, LISTS, Vocabulary

Document = dict[str, Any]
# Fields that travel as attributes with a value where the rest of the document does not say them.
FACT_FIELDS = tuple(code for code in FACTS.terms if code in COLUMNS)
STATUSES = {status: name for name, status in parse.STATUSES.items()}
LANGUAGES = ("de", "en")
OWN_SCHEDULE_FACTS = ("in_school_holidays", "on_public_holidays", "except_dates", "zone")


def services(session: Session, ids: Sequence[str], *, full: bool = True) -> list[Document]:
    """The services with these ids, in this order; ``full`` with all that belongs to them."""
    pool = _Pool(session, ids)
    return [pool.service(measure_id, full=full) for measure_id in ids if measure_id in pool.fields]


def organizations(session: Session, ids: Sequence[str], *, full: bool = True) -> list[Document]:
    """The organizations with these ids, in this order, without their services."""
    rows = shared_rows.read(session, shared_rows.ORGANIZATIONS, ids)
    locations = _locations_of(session, ids) if full else {}
    return [
        _organization(rows[key], locations.get(key, []), full=full) for key in ids if key in rows
    ]


def at_locations(
    session: Session, links: Sequence[tuple[str, str]], *, full: bool = True
) -> list[Document]:
    """Services at locations, given as pairs of measure id and the link's own id."""
    pool = _Pool(session, list(dict.fromkeys(measure for measure, _ in links)))
    found = []
    for measure_id, link_id in links:
        for place in pool.fields[measure_id]["places"]:
            if place["hsds_id"] == link_id:
                document = pool.place(place, full=full)
                service = pool.service(measure_id, full=full)
                service.pop("service_at_locations", None)
                found.append({**document, "service": service})
    return found


def term(row: Fields) -> Document:
    """A taxonomy term as it is read by ``shared_rows``."""
    document = _document(row, names.TERM, row["id"])
    if row.get("parent_id"):
        document.setdefault("parent_id", row["parent_id"])
    return {"name": "", "description": "", **document}


def taxonomy(row: Fields) -> Document:
    """A taxonomy as it is read by ``shared_rows``."""
    return {"name": "", "description": "", **_document(row, names.TAXONOMY, row["id"])}


class _Pool:
    """Measures and what they share, read with one query a table."""

    def __init__(self, session: Session, ids: Sequence[str]) -> None:
        self.fields = read(session, ids)
        measures = table_of(Measure)
        self._updated: dict[str, datetime] = {
            row.id: row.updated_at
            for row in session.execute(
                select(measures.c.id, measures.c.updated_at).where(measures.c.id.in_(ids))
            )
        }
        providers = _unique(fields["organization"] for fields in self.fields.values())
        self._organizations = shared_rows.read(session, shared_rows.ORGANIZATIONS, providers)
        self._own_locations = _locations_of(session, providers)
        self._locations = shared_rows.read(
            session,
            shared_rows.LOCATIONS,
            _unique(
                place["location_id"]
                for fields in self.fields.values()
                for place in fields["places"]
            ),
        )
        self._terms = shared_rows.read(
            session,
            shared_rows.TERMS,
            _unique(
                attribute.get("taxonomy_term_id")
                for fields in self.fields.values()
                for attribute in fields["attributes"]
            ),
        )
        self._taxonomies = shared_rows.read(
            session,
            shared_rows.TAXONOMIES,
            _unique(row["taxonomy_id"] for row in self._terms.values()),
        )

    def service(self, measure_id: str, *, full: bool) -> Document:
        fields = self.fields[measure_id]
        language = main_language(fields)
        document = self._plain_service(measure_id, fields, language, full=full)
        if full:
            own = self._own_attributes(measure_id, fields, language, document)
            if attributes := [*document.pop("attributes", []), *own]:
                document["attributes"] = attributes
        return document

    def _plain_service(
        self, measure_id: str, fields: Fields, language: str, *, full: bool
    ) -> Document:
        document: Document = {"id": measure_id}
        for name, part in names.SERVICE_TEXTS.items():
            if text := fields.get(f"text.{language}.{part}"):
                document[name] = text
        for name, column in names.SERVICE.columns.items():
            if fields[column] not in (None, ""):
                document[name] = fields[column]
        document.update(_valid_addresses(document))
        document["status"] = STATUSES[Status(fields["status"])]
        document["last_modified"] = self._updated[measure_id].astimezone(UTC).isoformat()
        document.update(
            {
                name: value
                for name, value in fields["extra"].items()
                if full or not isinstance(value, list)
            }
        )
        if provider := self._organizations.get(fields["organization"] or ""):
            document["organization"] = _organization(
                provider, self._own_locations.get(provider["id"], []) if full else [], full=full
            )
        if not full:
            return document
        for name, (field, columns) in names.SERVICE_ROWS.items():
            if fields[field]:
                document[name] = [_document(row, columns) for row in fields[field]]
        if fields["places"]:
            document["service_at_locations"] = [
                self.place(place, full=True) for place in fields["places"]
            ]
        if fields["attributes"]:
            document["attributes"] = [self._attribute(row) for row in fields["attributes"]]
        return document

    def place(self, place: Fields, *, full: bool) -> Document:
        document = _document(place, names.AT_LOCATION)
        if full and place.get("schedules"):
            document["schedules"] = [_document(row, names.SCHEDULE) for row in place["schedules"]]
        location = self._locations[place["location_id"]]
        if not full:
            document = {
                name: value for name, value in document.items() if not isinstance(value, list)
            }
        return {**document, "location": _location(location, full=full)}

    def _attribute(self, row: Fields) -> Document:
        document: Document = {"id": row["hsds_id"]}
        document.update(
            {name: row[name] for name in ("link_type", "link_entity", "value") if name in row}
        )
        if key := row.get("taxonomy_term_id"):
            stored = self._terms[key]
            document["taxonomy_term"] = term(stored)
            if detail := self._taxonomies.get(stored["taxonomy_id"] or ""):
                document["taxonomy_term"]["taxonomy_detail"] = taxonomy(detail)
        return {**document, **row.get("extra", {})}

    def _own_attributes(
        self, measure_id: str, fields: Fields, language: str, document: Document
    ) -> list[Document]:
        """Attributes for what a reader of the document could not tell from the rest of it."""
        whole = {"attributes": [], **document}
        [record] = parse.read(whole, "", parse.Assumptions(language=language))
        if not isinstance(record, Record):
            raise TypeError("a document made here is read as a service")
        told = record.fields
        found: list[Document] = []

        def say(vocabulary: Vocabulary, code: str, value: str = "") -> None:
            found.append(_own_attribute(measure_id, vocabulary, code, value))

        unknown: list[str] = []
        for vocabulary in LISTS:
            values = fields[vocabulary.field]
            if same(told.get(vocabulary.field), values):
                continue
            if not values and vocabulary.field != "topics":
                unknown.append(vocabulary.field)
            for code in values:
                say(vocabulary, code)
        for code in (*FACT_FIELDS, "languages"):
            value = fields[code]
            if same(told.get(code), value):
                continue
            if value in (None, "", []):
                unknown.append(code)
            elif code != "languages":
                say(FACTS, code, value if isinstance(value, str) else json.dumps(value))
        if unknown:
            say(FACTS, "unknown", ",".join(unknown))
        self._say_texts(fields, language, say, foreign=not found)
        return found

    def _say_texts(self, fields: Fields, language: str, say: Any, *, foreign: bool) -> None:
        for part in ("target_group", "opening_hours"):
            if text := fields.get(f"text.{language}.{part}"):
                say(FACTS, part, text)
        others = sorted(
            {name.split(".")[1] for name in fields if name.startswith("text.")} - {language}
        )
        if others or not foreign:
            say(FACTS, "text_language", language)
        state = fields.get(f"text.{language}.state", "")
        if state and state != TextState.ORIGINAL:
            say(FACTS, "text_state", state)
        for other in others:
            parts = {
                part: value
                for part in ("state", *TEXT_FIELDS)
                if (value := fields.get(f"text.{other}.{part}"))
            }
            say(
                FACTS,
                "translation",
                json.dumps({"language": other, **parts}, ensure_ascii=False),
            )


def main_language(fields: Fields) -> str:
    """The language whose texts are a measure's own: an original, as full as there is one."""
    languages = {name.split(".")[1] for name in fields if name.startswith("text.")}

    def rank(language: str) -> tuple[bool, bool, int, str]:
        original = fields[f"text.{language}.state"] == TextState.ORIGINAL
        described = bool(fields[f"text.{language}.description"])
        place = LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES)
        return (not original, not described, place, language)

    return min(languages, key=rank, default=LANGUAGES[0])


def _own_attribute(measure_id: str, vocabulary: Vocabulary, code: str, value: str) -> Document:
    document = {
        "id": stable_id("attribute", measure_id, vocabulary.field, code, value[:40]),
        "link_entity": "service",
        "taxonomy_term": vocabulary.term(code),
    }
    return {**document, "value": value} if value else document


def _document(row: Fields, columns: names.Names, key: str | None = None) -> Document:
    document: Document = {"id": key or row["hsds_id"]}
    for name, column in columns.columns.items():
        if row.get(column) not in (None, ""):
            document[name] = row[column]
    document.update(row.get("extra", {}))
    own = {name: row[name] for name in OWN_SCHEDULE_FACTS if name in row}
    if own.get("zone") == derive.zone(document.get("timezone")):
        own.pop("zone", None)
    if columns is names.SCHEDULE and own:
        fact = {
            "id": stable_id("attribute", row["hsds_id"]),
            "link_entity": "schedule",
            "value": json.dumps(own),
            "taxonomy_term": FACTS.term(SCHEDULE_FACTS),
        }
        document["attributes"] = [*document.get("attributes", []), fact]
    if columns is names.ADDRESS:
        for name in ("address_1", "city", "state_province", "postal_code", "country"):
            document.setdefault(name, "")
        document.setdefault("address_type", "physical")
    return document


def _organization(row: Fields, locations: Sequence[Document], *, full: bool) -> Document:
    document = {"description": "", **_document(row, names.ORGANIZATION, row["id"])}
    document.setdefault("name", "")
    if not full:
        return {name: value for name, value in document.items() if not isinstance(value, list)}
    for name, columns in names.ORGANIZATION_ROWS.items():
        if row[name]:
            document[name] = [_document(entry, columns) for entry in row[name]]
    if locations:
        document["locations"] = list(locations)
    return document


def _location(row: Fields, *, full: bool) -> Document:
    document = {"location_type": "physical", **_document(row, names.LOCATION, row["id"])}
    if not full:
        return {name: value for name, value in document.items() if not isinstance(value, list)}
    for name, columns in names.LOCATION_ROWS.items():
        if row[name]:
            document[name] = [_document(entry, columns) for entry in row[name]]
    return document


def _locations_of(session: Session, providers: Sequence[str]) -> dict[str, list[Document]]:
    locations = table_of(Location)
    owners = session.execute(
        select(locations.c.id, locations.c.organization_id)
        .where(locations.c.organization_id.in_(providers), _is_public(locations))
        .order_by(locations.c.id)
    ).all()
    rows = shared_rows.read(session, shared_rows.LOCATIONS, [owner.id for owner in owners])
    found: dict[str, list[Document]] = {}
    for owner in owners:
        found.setdefault(owner.organization_id, []).append(_location(rows[owner.id], full=True))
    return found


def _is_public(locations: Table) -> ColumnElement[bool]:
    """Whether no measure stands at a location, or a published one: drafts give none away."""
    links, measures = table_of(ServiceAtLocation), table_of(Measure)
    here = links.c.location_id == locations.c.id
    published = exists().where(
        here,
        measures.c.id == links.c.measure_id,
        measures.c.status == Status.PUBLISHED.value,
    )
    return or_(~exists().where(here), published)


def _valid_addresses(document: Document) -> Document:
    """The first web and mail address of fields that hold several, or none that is valid."""
    found: Document = {}
    if url := str(document.pop("url", "")):
        first = url.split(";")[0].strip()
        first = first if first.startswith(("http://", "https://")) else f"https://{first}"
        if _is_address(first):
            found["url"] = first
    if email := str(document.pop("email", "")):
        first = email.split(";")[0].strip()
        if first.count("@") == 1 and not any(letter.isspace() for letter in first):
            found["email"] = first
    return found


def _is_address(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname) and not any(letter.isspace() for letter in url)
    except ValueError:
        return False


def _unique(values: Iterable[Json]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
