"""What editors do with measures: save, translate, check, archive, undo; all of it is kept.

Every change names who made it, is written down field by field, and marks the field as
written by hand, so that imports leave it alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bot.db.base import new_id
from bot.errors import IllegalMoveError, LotseError, NotFoundError
from bot.measures import fields as measure_fields
from bot.measures.fields import Fields, as_text, differences, table_of
from bot.measures.models import (
    Change,
    Correction,
    CorrectionState,
    Kind,
    Measure,
    Status,
    TextState,
)

CREATED, EDITED, UNDONE = "create", "update", "undo"


class ChangedMeanwhileError(LotseError):
    """Somebody else saved the row first; ``names`` are the fields that now differ."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("somebody else saved this row meanwhile")
        self.names = tuple(names)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Changes that were made together."""

    batch: str
    action: str
    at: datetime
    by: str
    changes: Sequence[Change]
    can_undo: bool


def fields_of(session: Session, measure_id: str) -> Fields:
    """The fields of a measure; raises ``NotFoundError``."""
    found = measure_fields.read(session, [measure_id])
    if measure_id not in found:
        raise NotFoundError("There is no such measure.")
    return found[measure_id]


def create(
    session: Session, values: Fields, *, organization_id: str | None, by: str, now: datetime
) -> str:
    """Adds a draft; returns its id."""
    key = new_id()
    complete: Fields = {
        "kind": Kind.OFFER.value,
        "confidence": "high",
        "scope": "",
        **values,
        "organization": organization_id,
        "status": Status.DRAFT.value,
    }
    own = {
        "id": key,
        "external_id": f"console:{key}",
        "updated_at": now,
        "hand_written": sorted(values),
    }
    measure_fields.add(session, [(own, complete)])
    title = next((value for name, value in values.items() if name.endswith(".title")), "")
    _log(session, key, {"measure": title}, {}, action=CREATED, by=by, now=now)
    return key


def save(
    session: Session, measure_id: str, values: Fields, *, revision: int, by: str, now: datetime
) -> bool:
    """Writes what differs; returns whether anything did.

    ``revision`` is that of the row when the editor opened it. When somebody saved the row
    since, raises ``ChangedMeanwhileError`` and writes nothing, unless both wrote the same.
    """
    old = fields_of(session, measure_id)
    changed = differences(old, values)
    if changed:
        _write(session, measure_id, old, changed, action=EDITED, by=by, now=now, revision=revision)
    return bool(changed)


def mark_checked(session: Session, measure_id: str, *, today: date, by: str, now: datetime) -> None:
    """Notes that the facts were checked today."""
    old = fields_of(session, measure_id)
    _write(
        session, measure_id, old, {"assured_date": today.isoformat()}, action=EDITED, by=by, now=now
    )


def set_status(
    session: Session, measure_id: str, status: Status, *, by: str, now: datetime
) -> None:
    """Publishes, archives or takes back a measure.

    Raises ``IllegalMoveError`` when a row without a title or source is to be published.
    """
    old = fields_of(session, measure_id)
    titled = any(value for name, value in old.items() if name.endswith(".title"))
    if status is Status.PUBLISHED and not (titled and old["source_url"]):
        raise IllegalMoveError("A measure needs a title and a source before it is published.")
    if old["status"] != status:
        _write(session, measure_id, old, {"status": status.value}, action=EDITED, by=by, now=now)


def history(session: Session, measure_id: str, *, limit: int = 100) -> list[Step]:
    """The latest changes, those made together in one step, newest first."""
    rows = session.scalars(
        select(Change)
        .where(Change.measure_id == measure_id)
        .order_by(Change.id.desc())
        .limit(limit)
    ).all()
    present = fields_of(session, measure_id)
    steps: dict[str, list[Change]] = {}
    for row in rows:
        steps.setdefault(row.batch, []).append(row)
    return [
        Step(
            batch=batch,
            action=changes[0].last_action_type,
            at=changes[0].last_action_date,
            by=changes[0].updated_by,
            changes=sorted(changes, key=lambda change: change.field_name),
            can_undo=_can_undo(present, changes),
        )
        for batch, changes in steps.items()
    ]


def undo(session: Session, measure_id: str, batch: str, *, by: str, now: datetime) -> None:
    """Takes back one step; undoing that step again brings it back.

    Raises ``IllegalMoveError`` when one of its fields was changed again since.
    """
    changes = session.scalars(
        select(Change).where(Change.measure_id == measure_id, Change.batch == batch)
    ).all()
    old = fields_of(session, measure_id)
    if not changes:
        raise NotFoundError("There is no such change.")
    if not _can_undo(old, changes):
        raise IllegalMoveError("This was changed again since; undo the later change first.")
    values = {
        change.field_name: _value(change.previous_value, old.get(change.field_name))
        for change in changes
    }
    _write(session, measure_id, old, values, action=UNDONE, by=by, now=now)


def close_correction(
    session: Session, correction_id: int, state: CorrectionState, *, by: str, now: datetime
) -> None:
    """Notes what became of a hint. Raises ``IllegalMoveError`` when it is closed already."""
    done = session.execute(
        update(Correction)
        .where(Correction.id == correction_id, Correction.state == CorrectionState.OPEN.value)
        .values(state=state.value, handled_by=by, handled_at=now)
    )
    if not getattr(done, "rowcount", 0):
        raise IllegalMoveError("This hint was closed already.")


def _write(
    session: Session,
    measure_id: str,
    old: Fields,
    changed: Fields,
    *,
    action: str,
    by: str,
    now: datetime,
    revision: int | None = None,
) -> None:
    changed = {**changed, **_outdated(old, changed)}
    if "last_modified" in old["extra"] or "status" in old["extra"]:
        # What a source said of its row's age and state no longer holds.
        kept = {name: old["extra"][name] for name in old["extra"].keys() - _OF_THE_SOURCE}
        changed.setdefault("extra", kept)
    measures = table_of(Measure)
    marks = session.scalar(select(measures.c.hand_written).where(measures.c.id == measure_id))
    marked = sorted({*(marks or []), *(changed.keys() - {"extra"})})
    statement = update(measures).where(measures.c.id == measure_id)
    if revision is not None:
        # The database decides who was first, also between two processes.
        statement = statement.where(measures.c.revision == revision)
    written = session.execute(
        statement.values(revision=measures.c.revision + 1, updated_at=now, hand_written=marked)
    )
    if not getattr(written, "rowcount", 0):
        raise ChangedMeanwhileError(sorted(changed))
    measure_fields.change(session, measure_id, changed)
    _log(session, measure_id, changed, old, action=action, by=by, now=now)
    session.expire_all()


_OF_THE_SOURCE = frozenset({"last_modified", "status"})


def _outdated(old: Fields, changed: Fields) -> Fields:
    """Translations that a changed original leaves behind."""
    originals = {
        name.split(".")[1]
        for name, value in old.items()
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
        and name not in changed
        and value in (TextState.REVIEWED, TextState.DRAFT)
    }


def _log(
    session: Session,
    measure_id: str,
    changed: Fields,
    old: Fields,
    *,
    action: str,
    by: str,
    now: datetime,
) -> None:
    batch = new_id()
    session.execute(
        insert(table_of(Change)),
        [
            {
                "measure_id": measure_id,
                "batch": batch,
                "last_action_date": now,
                "last_action_type": action,
                "field_name": name[:60],
                "previous_value": as_text(old.get(name)),
                "replacement_value": as_text(value),
                "updated_by": by[:120],
            }
            for name, value in changed.items()
        ],
    )


def _can_undo(present: Fields, changes: Sequence[Change]) -> bool:
    return all(
        change.last_action_type != CREATED
        and _known(as_text(present.get(change.field_name))) == _known(change.replacement_value)
        for change in changes
    )


def _known(written: str) -> str:
    """A value of the history; everything empty is the same."""
    return "" if written in ("null", "[]", "{}") else written


def _value(written: str, like: object) -> object:
    """A value from the history; texts stand there as they are, the rest as JSON."""
    if isinstance(like, str):
        return "" if written == "null" else written
    try:
        return json.loads(written)
    except ValueError:
        return written
