"""What stands in calendars: appointments, and the times in which counsellors are away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, cast, extract, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.booking.clocktime import instant, moment_of
from bot.booking.intervals import Interval, joined, number_between
from bot.booking.models import (
    Appointment,
    AppointmentState,
    BusyTime,
    CounsellingService,
    calendar_service,
)

_DAY = timedelta(days=1)


@dataclass
class _Calendar:
    """What stands in one calendar, in the order of time."""

    appointments: list[Interval] = field(default_factory=list)
    away: list[Interval] = field(default_factory=list)
    given: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))


class Diary:
    """Appointments and times away in the calendars of a service, or in one of them.

    Holds the whole calendar weeks (from Monday) of the days it is read for, and a day on both
    sides, because buffers may reach over midnight.
    ``ignoring`` names an appointment that does not count.
    """

    def __init__(
        self,
        session: Session,
        service: CounsellingService,
        days: Sequence[date],
        *,
        now: datetime,
        calendar_id: int | None = None,
        ignoring: str | None = None,
    ) -> None:
        self._zone = ZoneInfo(service.zone)
        self._limit = service.weekly_limit
        self._calendars: dict[int, _Calendar] = defaultdict(_Calendar)
        since = moment_of(instant(monday_of(days[0]) - _DAY, 0, self._zone))
        until = moment_of(instant(monday_of(days[-1]) + 8 * _DAY, 0, self._zone))
        standing = (
            in_calendars(Appointment.calendar_id, service, calendar_id),
            Appointment.blocked_until > since,
            Appointment.blocked_from < until,
            or_(
                Appointment.state == AppointmentState.BOOKED,
                (Appointment.state == AppointmentState.HELD) & (Appointment.held_until > now),
            ),
            Appointment.id != (ignoring or ""),
        )
        away = (
            in_calendars(BusyTime.calendar_id, service, calendar_id),
            BusyTime.ends_at > since,
            BusyTime.starts_at < until,
        )
        self._read_appointments(session, *standing)
        self._read_away(session, *away)
        if self._limit is not None:
            self._count_given(session, *standing, Appointment.service_id == service.id)

    def _read_appointments(self, session: Session, *which: ColumnElement[bool]) -> None:
        rows = session.execute(
            select(
                Appointment.calendar_id,
                _seconds(Appointment.blocked_from),
                _seconds(Appointment.blocked_until),
            )
            .where(*which)
            .order_by(Appointment.blocked_from)
        )
        for calendar_id, since, until in rows:
            self._calendars[calendar_id].appointments.append(_minutes(since, until))

    def _read_away(self, session: Session, *which: ColumnElement[bool]) -> None:
        rows = session.execute(
            select(
                BusyTime.calendar_id, _seconds(BusyTime.starts_at), _seconds(BusyTime.ends_at)
            ).where(*which)
        )
        for calendar_id, since, until in rows:
            self._calendars[calendar_id].away.append(_minutes(since, until))
        for calendar in self._calendars.values():
            calendar.away = joined(calendar.away)

    def _count_given(self, session: Session, *which: ColumnElement[bool]) -> None:
        rows = session.execute(select(Appointment.calendar_id, Appointment.starts_at).where(*which))
        for calendar_id, starts_at in rows:
            week = week_of(starts_at.astimezone(self._zone).date())
            self._calendars[calendar_id].given[week] += 1

    def load(self, calendar_id: int, day: date) -> int:
        """How many appointments a calendar holds in the week of a day."""
        monday = monday_of(day)
        return number_between(
            self._calendars[calendar_id].appointments,
            instant(monday, 0, self._zone),
            instant(monday + 7 * _DAY, 0, self._zone),
        )

    def is_full(self, calendar_id: int, day: date) -> bool:
        """Whether the counsellor gives the service as often as allowed in the week of a day."""
        if self._limit is None:
            return False
        return self._calendars[calendar_id].given[week_of(day)] >= self._limit

    def away(self, calendar_id: int) -> list[Interval]:
        """Absences and other appointments of the counsellor, in order; none overlap."""
        return self._calendars[calendar_id].away

    def appointments(self, calendar_id: int) -> list[Interval]:
        """Appointments with their buffers, in order; none overlap."""
        return self._calendars[calendar_id].appointments


def in_calendars(
    column: InstrumentedAttribute[int], service: CounsellingService, calendar_id: int | None
) -> ColumnElement[bool]:
    """That a column names one of the calendars in which a service is given, or this one."""
    if calendar_id is not None:
        return column == calendar_id
    # A long list of numbers would be written and read anew with each query.
    return column.in_(
        select(calendar_service.c.calendar_id).where(calendar_service.c.service_id == service.id)
    )


def _seconds(column: InstrumentedAttribute[datetime]) -> ColumnElement[int]:
    """A moment in whole seconds since 1970: thousands of numbers are read sooner than moments."""
    return cast(extract("epoch", column), BigInteger)


def _minutes(since: int, until: int) -> Interval:
    """The whole minutes that a stretch between two seconds touches."""
    return since // 60, -(-until // 60)


def week_of(day: date) -> tuple[int, int]:
    """Year and number of the calendar week (ISO 8601) in which a day lies."""
    return day.isocalendar()[:2]


def monday_of(day: date) -> date:
    """The first day of the calendar week in which a day lies."""
    return day - timedelta(days=day.weekday())
