"""Rows that several measures share: organizations, locations, taxonomies and their terms.

Like measures they come as plain JSON (``bot.measures.fields``), each with its ``id``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.db.base import Base
from bot.db.rows import insert_rows
from bot.measures.facts import Phone, ServiceContact, Taxonomy, TaxonomyTerm
from bot.measures.fields import Fields, differences, full_row, plain, plain_row, table_of
from bot.measures.models import Organization
from bot.measures.places import Address, Location, Schedule


@dataclass(frozen=True)
class _Kind:
    model: type[Base]
    rows: Mapping[str, type[Base]] = field(default_factory=dict)
    owner: str = ""


ORGANIZATIONS = _Kind(
    Organization, {"phones": Phone, "contacts": ServiceContact}, "organization_id"
)
LOCATIONS = _Kind(
    Location,
    {"addresses": Address, "phones": Phone, "contacts": ServiceContact, "schedules": Schedule},
    "location_id",
)
TAXONOMIES = _Kind(Taxonomy)
TERMS = _Kind(TaxonomyTerm)


def read(session: Session, kind: _Kind, ids: Sequence[str]) -> dict[str, Fields]:
    """The rows with these ids, as far as they exist."""
    table = table_of(kind.model)
    found: dict[str, Fields] = {}
    for row in session.execute(select(table).where(table.c.id.in_(ids))).mappings():
        found[row["id"]] = {name: plain(value) for name, value in row.items()}
        found[row["id"]].update({name: [] for name in kind.rows})
    for name, model in kind.rows.items():
        rows = table_of(model)
        owner = rows.c[kind.owner]
        for row in session.execute(
            select(rows).where(owner.in_(ids)).order_by(rows.c.id)
        ).mappings():
            found[row[kind.owner]][name].append(plain_row(dict(row)))
    return found


def write(
    session: Session, kind: _Kind, documents: Sequence[Fields], *, sparing: str | None = None
) -> int:
    """Adds the rows that are missing, changes those that differ; returns how many.

    What a document does not say stays as it is, and so does a row whose external id begins
    with ``sparing``.
    """
    wanted: dict[str, Fields] = {}
    for document in documents:
        known = wanted.setdefault(document["id"], {})
        known.update({**document, **_joined_extra(known, document)})
    present = read(session, kind, list(wanted))
    new = [document for key, document in wanted.items() if key not in present]
    insert_rows(
        session,
        table_of(kind.model),
        [full_row(kind.model, document, id=document["id"]) for document in new],
    )
    _write_rows(session, kind, {document["id"]: document for document in new})
    changed = 0
    for key, before in present.items():
        if sparing and (before.get("external_id") or "").startswith(sparing):
            continue
        document = {**wanted[key], **_joined_extra(before, wanted[key])}
        if different := differences(before, document):
            _change(session, kind, key, different)
            changed += 1
    return len(new) + changed


def _joined_extra(before: Fields, document: Fields) -> Fields:
    if "extra" not in document:
        return {}
    # What had no room in a column before, and has now, must not stand beside it.
    old = {key: value for key, value in before.get("extra", {}).items() if key not in document}
    return {"extra": {**old, **document["extra"]}}


def _change(session: Session, kind: _Kind, key: str, changed: Fields) -> None:
    table = table_of(kind.model)
    columns = {name: value for name, value in changed.items() if name in table.columns}
    if columns:
        complete = full_row(kind.model, columns, id=key)
        session.execute(
            update(table)
            .where(table.c.id == key)
            .values({name: complete[name] for name in columns})
        )
    for name, model in kind.rows.items():
        if name in changed:
            rows = table_of(model)
            session.execute(delete(rows).where(rows.c[kind.owner] == key))
    _write_rows(session, kind, {key: changed})


def _write_rows(session: Session, kind: _Kind, documents: Mapping[str, Fields]) -> None:
    for name, model in kind.rows.items():
        rows = [
            full_row(model, values, **{kind.owner: key})
            for key, document in documents.items()
            for values in document.get(name, ())
        ]
        insert_rows(session, table_of(model), rows)
