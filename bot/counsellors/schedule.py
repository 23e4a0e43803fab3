"""Writing down when counsellors are there: weeks as people write them, and absences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from bot.counsellors.hours import Absence, OfficeHours
from bot.errors import LotseError

DAYS = 7
STRETCHES_PER_DAY = 4
ABSENCES_AT_MOST = 100
_STRETCH = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?")


class ScheduleRefusedError(LotseError):
    """Hours or days that make no sense; ``reason`` is ``times``, ``days`` or ``many``."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the schedule is refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose hours: a counsellor's, a queue's, or with neither the whole house's."""

    account_id: str | None = None
    queue_id: int | None = None

    def rows(self) -> ColumnElement[bool]:
        """The condition on ``OfficeHours``."""
        account = OfficeHours.account_id
        queue = OfficeHours.queue_id
        same_account = account.is_(None) if self.account_id is None else account == self.account_id
        same_queue = queue.is_(None) if self.queue_id is None else queue == self.queue_id
        return same_account & same_queue


def read_day(written: str) -> list[tuple[time, time]]:
    """The stretches in "9-12, 13:30-17:00", in order; nothing written means closed.

    Raises ``ScheduleRefusedError`` for anything else, overlapping stretches included.
    """
    stretches = []
    for part in filter(None, (part.strip() for part in written.split(","))):
        match = _STRETCH.fullmatch(part)
        if match is None:
            raise ScheduleRefusedError("times")
        try:
            opens = time(int(match[1]), int(match[2] or 0))
            closes = time(int(match[3]), int(match[4] or 0))
        except ValueError:
            raise ScheduleRefusedError("times") from None
        stretches.append((opens, closes))
    stretches.sort()
    ends = [time.min, *(closes for _, closes in stretches)]
    overlapping = any(
        opens >= closes or opens < end
        for (opens, closes), end in zip(stretches, ends, strict=False)
    )
    if overlapping or len(stretches) > STRETCHES_PER_DAY:
        raise ScheduleRefusedError("times")
    return stretches


def week(session: Session, owner: Owner) -> dict[int, str]:
    """The hours of each weekday (Monday = 0) as ``read_day`` reads them."""
    written: dict[int, list[str]] = {day: [] for day in range(DAYS)}
    rows = session.scalars(
        select(OfficeHours).where(owner.rows()).order_by(OfficeHours.weekday, OfficeHours.opens)
    )
    for row in rows:
        written[row.weekday].append(f"{row.opens:%H:%M}–{row.closes:%H:%M}")
    return {day: ", ".join(parts) for day, parts in written.items()}


def set_week(session: Session, owner: Owner, written: Mapping[int, str]) -> None:
    """Replaces the hours of an owner; raises ``ScheduleRefusedError`` and changes nothing then."""
    rows = [
        OfficeHours(
            account_id=owner.account_id,
            queue_id=owner.queue_id,
            weekday=day,
            opens=opens,
            closes=closes,
        )
        for day in range(DAYS)
        for opens, closes in read_day(written.get(day, ""))
    ]
    session.execute(delete(OfficeHours).where(owner.rows()))
    session.add_all(rows)


def absences(session: Session, account_id: str | None, *, today: date) -> Sequence[Absence]:
    """Present and coming absences of a counsellor, or of the whole house, earliest first."""
    query = select(Absence).where(_absent(account_id), Absence.ends_on >= today)
    return session.scalars(query.order_by(Absence.starts_on)).all()


def add_absence(session: Session, account_id: str | None, first: date, last: date) -> None:
    """Notes days, both included; raises ``ScheduleRefusedError``."""
    if last < first:
        raise ScheduleRefusedError("days")
    known = session.scalars(select(Absence.id).where(_absent(account_id))).all()
    if len(known) >= ABSENCES_AT_MOST:
        raise ScheduleRefusedError("many")
    session.add(Absence(account_id=account_id, starts_on=first, ends_on=last))


def remove_absence(session: Session, account_id: str | None, absence_id: int) -> None:
    """Takes an absence back; one that is not this owner's stays."""
    session.execute(delete(Absence).where(_absent(account_id), Absence.id == absence_id))


def _absent(account_id: str | None) -> ColumnElement[bool]:
    column = Absence.account_id
    return column.is_(None) if account_id is None else column == account_id
