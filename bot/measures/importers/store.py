"""Stores the records of any importer: all of a file, or nothing of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from bot.db.base import new_id
from bot.db.rows import insert_rows
from bot.errors import ImportRejectedError
from bot.measures import fields as measure_fields
from bot.measures import own_places, shared_rows
from bot.measures.fields import Fields, as_text, table_of
from bot.measures.importers import missing
from bot.measures.importers.records import Record, Rejected, Shared, stable_id
from bot.measures.models import Change, Measure, Organization, Status, TextState

BATCH = 500
# So many problems, and so many differences, are kept; no person reads more.
KEPT_PROBLEMS = 1_000
KEPT_DIFFERENCES = 2_000
# Shared rows that need not be compared again; forgotten when there are more.
REMEMBERED = 20_000
CREATED, CHANGED = "create", "update"


@dataclass(frozen=True)
class Difference:
    """One field that an import changes; of a new measure only its title."""

    external_id: str
    field_name: str
    before: str
    after: str


@dataclass(kw_only=True)
class ImportReport:
    """What an import did, or would do. ``kept`` counts fields that an editor wrote.

    ``archived`` counts measures that the file listed once and lists no more, ``missing``
    those of them that stayed as they were.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    drafts: int = 0
    kept: int = 0
    archived: int = 0
    missing: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """How many measures the file holds."""
        return self.added + self.changed + self.unchanged


def store(
    session: Session,
    records: Iterable[Record | Shared | Rejected],
    *,
    source: str,
    now: datetime,
    origin: str = "",
    archive_missing: bool = False,
    force: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> ImportReport:
    """Adds or updates measures by their external id; the same file again changes nothing.

    ``source`` stands in the history. Fields that an editor wrote stay unless ``force``.
    Measures that an earlier file of the same ``origin`` listed and this one does not are
    counted; with ``archive_missing`` they are archived, unless an editor wrote any of
    them and there is no ``force``.
    Raises ``ImportRejectedError`` after the last record when any was rejected: the
    caller's transaction then takes back what was written. Searches find what was stored
    once ``bot.workers.search.SearchUpkeep`` has seen it, which takes seconds.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Rows are looked up by key alone. Of rows that this transaction wrote the server has
        # no statistics; it would read whole tables, more with every batch.
        session.execute(text("SET LOCAL enable_seqscan = off"))
    keeper = _Keeper(session, source=source, origin=origin, now=now, force=force)
    problems: list[str] = []
    seen: set[str] = set()
    remaining = iter(records)
    count = 0
    while batch := list(itertools.islice(remaining, BATCH)):
        good: list[Record] = []
        alone: list[Shared] = []
        for record in batch:
            if isinstance(record, Rejected):
                problems += record.problems
            elif not isinstance(record, Record):
                alone.append(record)
            elif record.external_id in seen:
                problems.append(f"{record.where}, id: {record.external_id} stands there twice")
            else:
                seen.add(record.external_id)
                good.append(record)
        if not problems:
            problems += keeper.keep(good, alone)
        count += len(batch)
        progress(count)
        if len(problems) >= KEPT_PROBLEMS:
            break
    if not count:
        problems.append("the file holds no entries")
    if problems:
        raise ImportRejectedError(problems[:KEPT_PROBLEMS])
    keeper.settle_missing(archive=archive_missing)
    return keeper.report


def described(fields: Fields) -> str:
    """A measure in a few words: German title, then the English facts."""
    words = [fields.get("text.de.title")]
    language = "en" if fields.get("text.en.title") else "de"
    words += [
        fields.get(f"text.{language}.{name}") for name in ("title", "description", "target_group")
    ]
    return ". ".join(dict.fromkeys(word for word in words if word))


class _Keeper:
    def __init__(
        self, session: Session, *, source: str, origin: str, now: datetime, force: bool
    ) -> None:
        self._session = session
        self._source = source
        self._origin = origin
        self._now = now
        self._force = force
        self._batch = new_id()
        self._providers: dict[str, str] = {}
        # Shared rows already written in this import, so that an organization with a
        # thousand services is compared once.
        self._written: dict[str, int] = {}
        self._seen: set[str] = set()
        self.report = ImportReport()

    def keep(self, records: Sequence[Record], alone: Sequence[Shared] = ()) -> list[str]:
        """Writes a batch; returns what is wrong with it."""
        rows = self._present(records)
        if len({row["id"] for row in rows.values()}) < len(rows):
            return [
                f"{record.where}, id: {record.id} stands there twice, under another name"
                for record in records
                if record.external_id in rows
            ]
        self._write_shared([*records, *alone])
        self._adopt(rows.values())
        self._seen.update(
            rows[record.external_id]["id"] if record.external_id in rows else record.id
            for record in records
        )
        before = measure_fields.read(self._session, [row["id"] for row in rows.values()])
        new = [record for record in records if record.external_id not in rows]
        self._add(new)
        log = [self._entry(record.id, CREATED, "measure", "", record.external_id) for record in new]
        for record in records:
            if row := rows.get(record.external_id):
                old = before[row["id"]]
                changed = self._changed(record, row, old)
                if not changed:
                    self.report.unchanged += 1
                    continue
                self._change(record, row, old, changed)
                log += [
                    self._entry(row["id"], CHANGED, name, as_text(old.get(name)), as_text(value))
                    for name, value in changed.items()
                ]
        insert_rows(self._session, table_of(Change), log)
        self.report.drafts += sum(record.fields.get("status") == Status.DRAFT for record in records)
        # What was written past the session's objects is read anew.
        self._session.expire_all()
        return []

    def settle_missing(self, *, archive: bool) -> None:
        """Counts or archives what the origin listed once and did not list this time."""
        if not self._origin:
            return
        for batch in missing.find(self._session, origin=self._origin, seen=self._seen):
            chosen = [each for each in batch if archive and (self._force or not each.by_hand)]
            missing.archive(self._session, chosen, now=self._now)
            log = [
                self._entry(each.id, CHANGED, name, as_text(each.before[name]), as_text(value))
                for each in chosen
                for name, value in each.changed.items()
            ]
            insert_rows(self._session, table_of(Change), log)
            for each in chosen:
                self._note(each.external_id, "status", each.status, Status.ARCHIVED.value)
            self.report.archived += len(chosen)
            self.report.missing += len(batch) - len(chosen)
        self._session.expire_all()

    def _adopt(self, rows: Iterable[dict[str, Any]]) -> None:
        """Notes which file listed the measures last; that changes nothing of them."""
        ids = [row["id"] for row in rows if self._origin and row["origin"] != self._origin]
        if ids:
            table = table_of(Measure)
            self._session.execute(
                update(table).where(table.c.id.in_(ids)).values(origin=self._origin)
            )

    def _present(self, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
        """The measures that the records are about, by the record's external id.

        What this installation exported comes back under its id.
        """
        table = table_of(Measure)
        rows = (
            self._session.execute(
                select(
                    *(table.c.id, table.c.external_id, table.c.origin),
                    *(table.c.revision, table.c.hand_written),
                ).where(
                    table.c.external_id.in_([record.external_id for record in records])
                    | table.c.id.in_([record.id for record in records])
                )
            )
            .mappings()
            .all()
        )
        by_name = {row["external_id"]: dict(row) for row in rows}
        by_id = {row["id"]: dict(row) for row in rows}
        return {
            record.external_id: row
            for record in records
            if (row := by_name.get(record.external_id) or by_id.get(record.id))
        }

    def _write_shared(self, records: Sequence[Shared]) -> None:
        for kind, documents in (
            (shared_rows.TAXONOMIES, _all(record.taxonomies for record in records)),
            (shared_rows.TERMS, _all(record.terms for record in records)),
            (shared_rows.ORGANIZATIONS, _all(record.organizations for record in records)),
            (shared_rows.LOCATIONS, _all(record.locations for record in records)),
        ):
            fresh = [doc for doc in documents if self._written.get(doc["id"]) != hash(str(doc))]
            if fresh:
                if len(self._written) > REMEMBERED:
                    self._written.clear()
                sparing = None if self._force else own_places.BY_HAND
                shared_rows.write(self._session, kind, fresh, sparing=sparing)
                self._written.update({doc["id"]: hash(str(doc)) for doc in fresh})
        self._find_providers({each.provider for each in records if isinstance(each, Record)} - {""})

    def _find_providers(self, names: set[str]) -> None:
        unknown = names - self._providers.keys()
        if not unknown:
            return
        rows = self._session.execute(
            select(Organization.name, Organization.id).where(Organization.name.in_(unknown))
        )
        self._providers.update({row.name: row.id for row in rows})
        missing = sorted(unknown - self._providers.keys())
        for name in missing:
            self._providers[name] = stable_id("organization", name)
        shared_rows.write(
            self._session,
            shared_rows.ORGANIZATIONS,
            [{"id": self._providers[name], "name": name} for name in missing],
        )

    def _fields(self, record: Record) -> Fields:
        if not record.provider:
            return record.fields
        return {**record.fields, "organization": self._providers[record.provider]}

    def _add(self, records: Sequence[Record]) -> None:
        measure_fields.add(
            self._session,
            [
                (
                    {
                        "id": record.id,
                        "external_id": record.external_id,
                        "updated_at": self._now,
                        "hand_written": [],
                        "origin": self._origin,
                    },
                    {**record.defaults, **self._fields(record)},
                )
                for record in records
            ],
        )
        self.report.added += len(records)
        for record in records:
            self._note(record.external_id, "+", "", described(record.fields)[:200])

    def _changed(self, record: Record, row: dict[str, Any], old: Fields) -> Fields:
        stated = self._fields(record)
        if record.partial and "extra" in stated:
            stated = {**stated, "extra": {**old["extra"], **stated["extra"]}}
        changed = measure_fields.differences(old, stated)
        if changed.keys() == {"extra"} and _undated(old["extra"]) == _undated(stated["extra"]):
            # That a source touched its row without changing it is no change.
            return {}
        if not self._force:
            kept = changed.keys() & set(row["hand_written"])
            self.report.kept += len(kept)
            changed = {name: value for name, value in changed.items() if name not in kept}
        return {**changed, **_outdated(old, record.fields, changed)}

    def _change(self, record: Record, row: dict[str, Any], old: Fields, changed: Fields) -> None:
        table = table_of(Measure)
        hand_written = [name for name in row["hand_written"] if name not in changed]
        self._session.execute(
            update(table)
            .where(table.c.id == row["id"])
            .values(revision=row["revision"] + 1, updated_at=self._now, hand_written=hand_written)
        )
        measure_fields.change(self._session, row["id"], changed)
        self.report.changed += 1
        for name, value in changed.items():
            self._note(record.external_id, name, as_text(old.get(name)), as_text(value))

    def _note(self, external_id: str, name: str, before: str, after: str) -> None:
        if len(self.report.differences) < KEPT_DIFFERENCES:
            self.report.differences.append(Difference(external_id, name, before, after))

    def _entry(
        self, measure_id: str, action: str, name: str, before: str, after: str
    ) -> dict[str, Any]:
        return {
            "measure_id": measure_id,
            "batch": self._batch,
            "last_action_date": self._now,
            "last_action_type": action,
            "field_name": name[:60],
            "previous_value": before,
            "replacement_value": after,
            "updated_by": self._source[:120],
        }


def _undated(extra: Fields) -> Fields:
    return {name: value for name, value in extra.items() if name != "last_modified"}


def _outdated(old: Fields, stated: Fields, changed: Fields) -> Fields:
    """The states of translations that a changed original leaves behind."""
    originals = {
        name.split(".")[1]
        for name, value in {**old, **changed}.items()
        if name.endswith(".state") and value == TextState.ORIGINAL
    }
    touched = any(
        name.startswith("text.") and name.split(".")[1] in originals and old.get(name)
        for name in changed
    )
    if not touched:
        return {}
    return {
        name: TextState.OUTDATED.value
        for name, value in old.items()
        if name.startswith("text.")
        and name.endswith(".state")
        and name not in stated
        and value in (TextState.REVIEWED, TextState.DRAFT)
    }


def _all(documents: Iterable[list[Fields]]) -> Iterator[Fields]:
    return itertools.chain.from_iterable(documents)
