"""When counsellors are there: weekly hours, absences, and holidays of Baden-Württemberg.

Hours are kept by the clock in Stuttgart, so they do not shift with summer time. Moments
that go in and come out carry their zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.db.base import Base

ZONE = ZoneInfo("Europe/Berlin")
#: Nobody is told of an opening later than this.
HORIZON = timedelta(days=60)


class OfficeHours(Base):
    """One stretch of a weekday (Monday = 0) on which somebody is there, while it is valid.

    With ``account_id`` those of a counsellor, with ``queue_id`` those of a queue, with
    neither those of the whole house. ``valid_until`` is the last day.
    """

    __tablename__ = "office_hours"
    __table_args__ = (
        CheckConstraint("opens < closes", name="opens_before_it_closes"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("account_id IS NULL OR queue_id IS NULL", name="one_owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    queue_id: Mapped[int | None] = mapped_column(
        ForeignKey("handover_queue.id", ondelete="CASCADE"), index=True
    )
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]


class Absence(Base):
    """Days, both included, on which a counsellor, or without ``account_id`` nobody, is there."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    starts_on: Mapped[date]
    ends_on: Mapped[date]


@dataclass(frozen=True)
class Timetable:
    """The hours of one owner with the absences that cut into them.

    Without any hours nothing is known about when they are there.
    """

    hours: Sequence[OfficeHours]
    absences: Sequence[Absence] = ()

    def may_be_there(self, moment: datetime) -> bool:
        """Whether somebody is there, or may be for all that is known."""
        if self.hours:
            return self.is_open(moment)
        return not self._is_away(moment.astimezone(ZONE).date())

    def is_open(self, moment: datetime) -> bool:
        """Whether somebody is there at a moment; at the closing minute no more."""
        day = moment.astimezone(ZONE).date()
        return any(opens <= moment < closes for opens, closes in self.on(day))

    def next_opening(self, moment: datetime) -> datetime | None:
        """When somebody is there next: ``moment`` itself when it is so now; None for not soon."""
        if self.is_open(moment):
            return moment
        first = moment.astimezone(ZONE).date()
        for number in range(HORIZON.days):
            for opens, _ in self.on(first + timedelta(days=number)):
                if opens >= moment:
                    return opens
        return None

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The stretches of a day, earliest first."""
        if is_holiday(day) or self._is_away(day):
            return []
        return sorted(
            (
                datetime.combine(day, one.opens, ZONE),
                datetime.combine(day, one.closes, ZONE),
            )
            for one in self.hours
            if one.weekday == day.weekday()
            and (one.valid_from is None or one.valid_from <= day)
            and (one.valid_until is None or day <= one.valid_until)
        )

    def _is_away(self, day: date) -> bool:
        return any(one.starts_on <= day <= one.ends_on for one in self.absences)


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday in Baden-Württemberg."""
    return day in _holidays(day.year)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("DE", subdiv="BW", years=year))


def of_house(session: Session) -> Timetable:
    """The hours of the whole house."""
    hours = session.scalars(
        select(OfficeHours).where(OfficeHours.account_id.is_(None), OfficeHours.queue_id.is_(None))
    ).all()
    return Timetable(hours, _absences(session, ()))


def of_queue(session: Session, queue_id: int) -> Timetable:
    """The hours of a queue; without any those of the house."""
    hours = session.scalars(select(OfficeHours).where(OfficeHours.queue_id == queue_id)).all()
    return Timetable(hours, _absences(session, ())) if hours else of_house(session)


def of_accounts(
    session: Session, account_ids: Sequence[str], *, otherwise: Timetable
) -> dict[str, Timetable]:
    """Each counsellor's own hours, or those of ``otherwise``, with their absences."""
    hours: dict[str, list[OfficeHours]] = {}
    for row in session.scalars(select(OfficeHours).where(OfficeHours.account_id.in_(account_ids))):
        hours.setdefault(row.account_id or "", []).append(row)
    absences = _absences(session, account_ids)
    return {
        account_id: Timetable(
            hours.get(account_id, otherwise.hours),
            [one for one in absences if one.account_id in (None, account_id)],
        )
        for account_id in account_ids
    }


def _absences(session: Session, account_ids: Iterable[str]) -> Sequence[Absence]:
    """The absences of counsellors and those of the whole house."""
    return session.scalars(
        select(Absence).where(
            Absence.account_id.is_(None) | Absence.account_id.in_(list(account_ids))
        )
    ).all()
