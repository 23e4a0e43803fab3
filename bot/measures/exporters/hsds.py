"""Exports HSDS 3: a JSON list of services, or a zip file of tables."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from bot.measures.exporters.select import portions
from bot.measures.hsds import render
from bot.measures.importers.hsds_csv import KEYS
from bot.measures.importers.tables import safe

Document = dict[str, Any]
# Tables of nested lists and objects, and the kind of object whose key their rows carry.
TABLES = {
    "services": ("services", "service"),
    "organization": ("organizations", "organization"),
    "program": ("programs", "program"),
    "programs": ("programs", "program"),
    "service_at_locations": ("service_at_location", "service_at_location"),
    "location": ("locations", "location"),
    "locations": ("locations", "location"),
    "phones": ("phones", "phone"),
    "contacts": ("contacts", "contact"),
    "languages": ("languages", "language"),
    "addresses": ("addresses", "address"),
    "schedules": ("schedules", "schedule"),
    "service_areas": ("service_areas", "service_area"),
    "funding": ("funding", "funding"),
    "cost_options": ("cost_options", "cost_option"),
    "required_documents": ("required_documents", "required_document"),
    "accessibility": ("accessibility", "accessibility"),
    "attributes": ("attributes", "attribute"),
    "taxonomy_term": ("taxonomy_terms", "taxonomy_term"),
    "taxonomy_detail": ("taxonomies", "taxonomy"),
    "organization_identifiers": ("organization_identifiers", "organization_identifier"),
    "metadata": ("metadata", "metadata"),
}
# Objects named by a key in the row that holds them; the rows of lists name their owner.
REFERRED = {
    "organization": "organization_id",
    "program": "program_id",
    "location": "location_id",
    "taxonomy_term": "taxonomy_term_id",
    "taxonomy_detail": "taxonomy_id",
}


def documents(session: Session, *, drafts: bool = False) -> Iterator[Document]:
    """All services with all that belongs to them."""
    for ids in portions(session, drafts=drafts):
        yield from render.services(session, ids)


def write_json(session: Session, file: BinaryIO, *, drafts: bool = False) -> int:
    """Writes a JSON list, one service a line; returns how many."""
    count = 0
    file.write(b"[")
    for document in documents(session, drafts=drafts):
        file.write(b",\n" if count else b"\n")
        file.write(json.dumps(document, ensure_ascii=False).encode())
        count += 1
    file.write(b"\n]\n")
    return count


def write_tables(session: Session, file: BinaryIO, *, drafts: bool = False) -> int:
    """Writes a zip file of HSDS tables, one row for each object; returns how many services."""
    tables: dict[str, dict[str, Document]] = {}
    count = 0
    for document in documents(session, drafts=drafts):
        _flatten(document, "services", {}, tables)
        count += 1
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in sorted(tables.items()):
            archive.writestr(f"{name}.csv", _table(list(rows.values())))
    return count


def _flatten(
    document: Document, name: str, owner: Document, tables: dict[str, dict[str, Document]]
) -> None:
    table, kind = TABLES[name]
    row: Document = dict(owner)
    for key, value in document.items():
        if key in REFERRED and isinstance(value, dict):
            row[REFERRED[key]] = value.get("id")
            _flatten(value, key, {}, tables)
        elif key in TABLES and isinstance(value, list):
            column = {"attributes": "link_id", "metadata": "resource_id"}.get(key, f"{kind}_id")
            for entry in value:
                _flatten(entry, key, {column: document.get("id")}, tables)
        elif not isinstance(value, dict | list):
            row[key] = value
    # The same object nested in several places is one row that names all of them.
    known = tables.setdefault(table, {}).setdefault(str(document.get("id")), {})
    known.update(
        {key: value for key, value in row.items() if key not in known or known[key] is None}
    )


def _table(rows: list[Document]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns.sort(key=lambda name: (name != "id", name not in KEYS))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe(_cell(row.get(name))) for name in columns])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
