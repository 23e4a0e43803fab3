"""Measures that a file listed once and lists no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.measures.fields import Fields, differences, table_of
from bot.measures.models import Measure, Status

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A measure that its file lists no more; ``by_hand`` when an editor wrote any of it."""

    id: str
    external_id: str
    status: str
    extra: dict[str, Any]
    by_hand: bool

    @property
    def before(self) -> Fields:
        """What archiving changes, as it is."""
        return {"status": self.status, "extra": self.extra}

    @property
    def changed(self) -> Fields:
        """What archiving changes, as it will be."""
        # How old the source called its row says nothing of a row that it dropped.
        extra = {name: value for name, value in self.extra.items() if name != "last_modified"}
        return differences(self.before, {"status": Status.ARCHIVED.value, "extra": extra})


def find(session: Session, *, origin: str, seen: Collection[str]) -> Iterator[list[Missing]]:
    """The measures of ``origin`` whose ids were not ``seen`` and are not archived, in batches."""
    table = table_of(Measure)
    of_origin = (
        select(table.c.id)
        .where(table.c.origin == origin, table.c.status != Status.ARCHIVED.value)
        .order_by(table.c.external_id)
        .execution_options(yield_per=BATCH)
    )
    ids = [key for key in session.scalars(of_origin) if key not in seen]
    for start in range(0, len(ids), BATCH):
        rows = session.execute(
            select(
                *(table.c.id, table.c.external_id, table.c.status),
                *(table.c.extra, table.c.hand_written),
            )
            .where(table.c.id.in_(ids[start : start + BATCH]))
            .order_by(table.c.external_id)
        )
        yield [
            Missing(
                id=row.id,
                external_id=row.external_id,
                status=row.status,
                extra=row.extra,
                by_hand=bool(row.hand_written),
            )
            for row in rows
        ]


def archive(session: Session, measures: Collection[Missing], *, now: datetime) -> None:
    """Archives measures; the caller keeps the history."""
    if not measures:
        return
    table = table_of(Measure)
    statement = (
        update(table)
        .where(table.c.id == bindparam("key"))
        .values(
            status=Status.ARCHIVED.value,
            extra=bindparam("kept"),
            revision=table.c.revision + 1,
            updated_at=now,
        )
    )
    session.execute(
        statement,
        [{"key": each.id, "kept": each.changed.get("extra", each.extra)} for each in measures],
    )
