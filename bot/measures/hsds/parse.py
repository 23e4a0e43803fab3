"""HSDS documents into records: strict about structure, losing nothing of the content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.measures.fields import Fields, Json
from bot.measures.hsds import derive, names
from bot.measures.hsds.attributes import Attributes, schedule_facts
from bot.measures.hsds.values import Document, ProblemError, check_texts, split
from bot.measures.importers.records import Record, Rejected, Shared, stable_id, uuid_of
from bot.measures.models import Kind, Status, TextState


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What a document does not say: the language of its texts, and a topic for the rest."""

    language: str = "de"
    topic: str = ""


def read(document: Json, where: str, assume: Assumptions) -> list[Record | Shared | Rejected]:
    """The records of one HSDS object of whatever kind; what is wrong becomes ``Rejected``."""
    try:
        check_texts(document, where)
        if not isinstance(document, dict):
            raise ProblemError(f"{where}: is not an object")
        return list(_read(document, where, assume))
    except ProblemError as problem:
        return [Rejected([str(problem)])]


def _read(document: Document, where: str, assume: Assumptions) -> list[Record | Shared | Rejected]:
    if "status" in document:
        return [_service(document, where, assume)]
    if "service" in document and "location" in document:
        return [_service(_turned(document, where), where, assume)]
    if "location_type" in document:
        found = Shared()
        _Reader(found, where).location(document, where, None)
        return [found]
    if "taxonomy" in document or "taxonomy_detail" in document or "parent_id" in document:
        found = Shared()
        _Reader(found, where).term(document, where)
        return [found]
    if "services" in document or document.keys() & _ONLY_ORGANIZATIONS:
        return _organization(document, where, assume)
    if "name" in document and document.keys() <= {"id", "name", "description", "uri", "version"}:
        found = Shared()
        _Reader(found, where).taxonomy(document, where)
        return [found]
    raise ProblemError(f"{where}: is no HSDS service, organization, location or term (no status?)")


# What is closed for the time being is shown to nobody, and goes out as it came in.
STATUSES = {
    "active": Status.PUBLISHED,
    "inactive": Status.DRAFT,
    "defunct": Status.ARCHIVED,
}
_ONLY_ORGANIZATIONS = {
    *("website", "legal_status", "tax_status", "year_incorporated", "logo", "locations"),
    *("organization_identifiers", "programs", "parent_organization_id"),
}


def _organization(
    document: Document, where: str, assume: Assumptions
) -> list[Record | Shared | Rejected]:
    found = Shared()
    own = {name: value for name, value in document.items() if name != "services"}
    _Reader(found, where).organization(own, where)
    records: list[Record | Shared | Rejected] = [found]
    for number, service in enumerate(_list(document, "services", where)):
        place = f"{where}, services[{number}]"
        try:
            nested = {**_object(service, place), "organization": own}
            records.append(_service(nested, place, assume))
        except ProblemError as problem:
            records.append(Rejected([str(problem)]))
    return records


def _turned(document: Document, where: str) -> Document:
    """A service_at_location as the service that it belongs to."""
    service = dict(_object(document["service"], f"{where}, service"))
    link = {name: value for name, value in document.items() if name != "service"}
    return {**service, "service_at_locations": [link]}


def _service(document: Document, where: str, assume: Assumptions) -> Record:
    original = _identifier(document, where)
    title = document.get("name")
    if not isinstance(title, str) or not title.strip():
        raise ProblemError(f"{where}, name: is missing")
    if document["status"] not in names.STATUSES:
        legal = ", ".join(names.STATUSES)
        raise ProblemError(f"{where}, status: {document['status']!r} is not one of {legal}")
    shared = Shared()
    reader = _Reader(shared, where)
    key = uuid_of("measure", original)
    values, extra = split(document, names.SERVICE, where)
    known = {"id", "name", "status", "organization", "organization_id", "attributes"}
    known |= {"service_at_locations", *names.SERVICE_TEXTS, *names.SERVICE_ROWS}
    empty_texts = {name for name in names.SERVICE_TEXTS if not document.get(name)}
    extra = {name: value for name, value in extra.items() if name not in known - empty_texts}
    status = STATUSES.get(document["status"], Status.ARCHIVED)
    if document["status"] not in STATUSES:
        extra["status"] = document["status"]
    full = any(isinstance(value, list) for value in document.values())
    organization = reader.organization_of(document)
    fields: Fields = {
        "kind": Kind.OFFER.value,
        "status": status.value,
        "age_of": "person" if "minimum_age" in values or "maximum_age" in values else "",
        **values,
        "organization": organization,
    }
    if full:
        fields.update({field: [] for field, _ in names.SERVICE_ROWS.values()})
        fields.update({"places": [], "attributes": []})
    for name, (field, columns) in names.SERVICE_ROWS.items():
        if name in document:
            fields[field] = reader.rows(document, name, columns, key)
    if "service_at_locations" in document:
        fields["places"] = reader.places(document, key)
    fields["extra"] = extra
    attributes = Attributes(assume.language)
    for number, entry in enumerate(_list(document, "attributes", where)):
        place = f"{where}, attributes[{number}]"
        attributes.read(_object(entry, place), reader, key, place)
    texts = {part: _text(document, name, where) for name, part in names.SERVICE_TEXTS.items()}
    fields.update({f"text.{attributes.language}.{part}": value for part, value in texts.items()})
    fields[f"text.{attributes.language}.state"] = TextState.ORIGINAL.value
    if full or attributes.found:
        fields.update(derive.derived(fields, shared.locations, shared.organizations))
        fields.update(attributes.fields(where))
        fields["topics"] = attributes.topics or ([assume.topic] if assume.topic else [])
    return Record(
        where=where,
        external_id=original[:120],
        id=key,
        fields=fields,
        partial=not full,
        organizations=shared.organizations,
        locations=shared.locations,
        taxonomies=shared.taxonomies,
        terms=shared.terms,
    )


class _Reader:
    """Reads the parts of a document and collects what several measures share."""

    def __init__(self, shared: Shared, where: str) -> None:
        self._shared = shared
        self._where = where

    def organization_of(self, document: Document) -> str | None:
        """The organization of a service, whole or by its id alone."""
        if document.get("organization") is not None:
            return self.organization(document["organization"], f"{self._where}, organization")
        if isinstance(original := document.get("organization_id"), str) and original:
            key = uuid_of("organization", original)
            self._shared.organizations.append({"id": key, "external_id": original})
            return key
        return None

    def organization(self, document: Json, where: str) -> str:
        """Takes an organization with its locations; returns its id."""
        document = _object(document, where)
        original = _identifier(document, where)
        key = uuid_of("organization", original)
        values, extra = split(document, names.ORGANIZATION, where)
        known = {"id", "locations", *names.ORGANIZATION_ROWS}
        row: Fields = {
            "id": key,
            "external_id": original,
            **values,
            "extra": {name: value for name, value in extra.items() if name not in known},
        }
        for name, columns in names.ORGANIZATION_ROWS.items():
            if name in document:
                row[name] = self.rows(document, name, columns, key)
        self._shared.organizations.append(row)
        for number, entry in enumerate(_list(document, "locations", where)):
            self.location(entry, f"{where}, locations[{number}]", key)
        return key

    def location(self, document: Json, where: str, organization: str | None) -> str:
        """Takes a location with its addresses; returns its id."""
        document = _object(document, where)
        original = _identifier(document, where)
        key = uuid_of("location", original)
        values, extra = split(document, names.LOCATION, where)
        known = {"id", *names.LOCATION_ROWS}
        row: Fields = {
            "id": key,
            "external_id": original,
            **values,
            "extra": {name: value for name, value in extra.items() if name not in known},
        }
        if organization:
            row["organization_id"] = organization
        for name, columns in names.LOCATION_ROWS.items():
            if name in document:
                row[name] = self.rows(document, name, columns, key)
        self._shared.locations.append(row)
        return key

    def places(self, document: Document, owner: str) -> list[Json]:
        """The links of a service to its locations."""
        found = []
        for number, entry in enumerate(_list(document, "service_at_locations", self._where)):
            where = f"{self._where}, service_at_locations[{number}]"
            entry = _object(entry, where)
            if entry.get("location") is not None:
                location = self.location(entry["location"], f"{where}, location", None)
            elif isinstance(entry.get("location_id"), str):
                location = uuid_of("location", entry["location_id"])
                self._shared.locations.append({"id": location, "external_id": entry["location_id"]})
            else:
                raise ProblemError(f"{where}, location: is missing")
            values, extra = split(entry, names.AT_LOCATION, where)
            known = {"id", "location", "location_id", "schedules", "service_id"}
            row = {
                "hsds_id": _row_id(entry, where, "service_at_location", owner, number),
                "location_id": location,
                **values,
                "extra": {name: value for name, value in extra.items() if name not in known},
            }
            if "schedules" in entry:
                row["schedules"] = self.rows(entry, "schedules", names.SCHEDULE, owner)
            found.append(_without_empty(row))
        return found

    def rows(self, document: Document, name: str, columns: names.Names, owner: str) -> list[Json]:
        """The entries of a list, as rows."""
        found = []
        for number, entry in enumerate(_list(document, name, self._where)):
            where = f"{self._where}, {name}[{number}]"
            entry = _object(entry, where)
            values, extra = split(entry, columns, where)
            extra.pop("id", None)
            row = {"hsds_id": _row_id(entry, where, name, owner, number), **values}
            if columns is names.SCHEDULE:
                row.update(schedule_facts(entry, extra))
            found.append(_without_empty({**row, "extra": extra}))
        return found

    def term(self, document: Json, where: str) -> str:
        """Takes a taxonomy term and its taxonomy; returns its id."""
        document = _object(document, where)
        key = uuid_of("taxonomy_term", _identifier(document, where))
        values, extra = split(document, names.TERM, where)
        row: Fields = {"id": key, **values}
        if detail := document.get("taxonomy_detail"):
            row["taxonomy_id"] = self.taxonomy(detail, f"{where}, taxonomy_detail")
        elif isinstance(taxonomy := document.get("taxonomy_id"), str):
            row["taxonomy_id"] = uuid_of("taxonomy", taxonomy)
            self._shared.taxonomies.append({"id": row["taxonomy_id"]})
        if isinstance(parent := document.get("parent_id"), str) and parent:
            row["parent_id"] = uuid_of("taxonomy_term", parent)
        known = {"id", "taxonomy_detail", "taxonomy_id", "parent_id"}
        row["extra"] = {name: value for name, value in extra.items() if name not in known}
        self._shared.terms.append(row)
        return key

    def taxonomy(self, document: Json, where: str) -> str:
        """Takes a taxonomy; returns its id."""
        document = _object(document, where)
        key = uuid_of("taxonomy", _identifier(document, where))
        values, extra = split(document, names.TAXONOMY, where)
        extra.pop("id", None)
        self._shared.taxonomies.append({"id": key, **values, "extra": extra})
        return key


def _row_id(entry: Document, where: str, kind: str, owner: str, number: int) -> str:
    given = entry.get("id")
    if given is None:
        return stable_id(kind, owner, str(number))
    return uuid_of(kind, _identifier(entry, where))


def _identifier(document: Document, where: str) -> str:
    value = document.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ProblemError(f"{where}, id: is missing")
    if len(value) > 120:
        raise ProblemError(f"{where}, id: longer than 120 characters")
    return value


def _object(value: Json, where: str) -> Document:
    if not isinstance(value, dict):
        raise ProblemError(f"{where}: is not an object")
    return value


def _text(document: Document, name: str, where: str) -> str:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise ProblemError(f"{where}, {name}: is not text")
    return value or ""


def _list(document: Mapping[str, Json], name: str, where: str) -> list[Json]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProblemError(f"{where}, {name}: is not a list")
    return value


def _without_empty(row: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in row.items() if value not in (None, "", [], {})}
