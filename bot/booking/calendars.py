"""Counsellors' calendars: hours, absences, private feed, and what stands in a span of days.

Whoever may change a calendar is decided by the pages; these functions change the one they are
given.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bot.booking import availability, links
from bot.booking.availability import Slot
from bot.booking.clocktime import instant, moment_of
from bot.booking.models import (
    Appointment,
    AppointmentEvent,
    AppointmentState,
    BusyKind,
    BusyTime,
    CounsellingService,
    CounsellorCalendar,
    Span,
    WeeklyTime,
)
from bot.errors import LotseError, NotFoundError

ZONE = ZoneInfo("Europe/Berlin")
LONGEST_ABSENCE = timedelta(days=366)
MAXIMUM_WEEKLY_TIMES = 60
NOTES = 4_000

# What stands in a counsellor's calendar and was not called off.
SHOWN = (
    AppointmentState.HELD,
    AppointmentState.BOOKED,
    AppointmentState.ATTENDED,
    AppointmentState.MISSED,
)


class CalendarRefusedError(LotseError):
    """What was entered makes no sense; ``reason`` is a key for the words that say why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Notice:
    """Something that happened to an appointment without the counsellor's doing."""

    event: AppointmentEvent
    appointment: Appointment


def all_calendars(session: Session) -> list[CounsellorCalendar]:
    """Every calendar, by name."""
    return list(
        session.scalars(
            select(CounsellorCalendar).order_by(CounsellorCalendar.name, CounsellorCalendar.id)
        )
    )


def calendar_of(session: Session, account_id: str) -> CounsellorCalendar | None:
    """The calendar of an account, if it has one."""
    return session.scalar(
        select(CounsellorCalendar).where(CounsellorCalendar.account_id == account_id)
    )


def open_calendar(
    session: Session,
    *,
    account_id: str | None,
    name: str,
    languages: Iterable[str],
    services: Sequence[CounsellingService],
) -> CounsellorCalendar:
    """Makes a calendar, or changes the one that the account has already.

    Raises ``CalendarRefusedError`` without a name or a language.
    """
    name, spoken = name.strip(), sorted(set(languages))
    if not name or len(name) > 80:
        raise CalendarRefusedError("name")
    if not spoken:
        raise CalendarRefusedError("languages")
    calendar = calendar_of(session, account_id) if account_id else None
    if calendar is None:
        calendar = CounsellorCalendar(account_id=account_id, name=name, languages=spoken)
        session.add(calendar)
    calendar.name, calendar.languages, calendar.active = name, spoken, True
    calendar.services = list(services)
    session.flush()
    return calendar


def add_weekly_time(
    session: Session,
    calendar: CounsellorCalendar,
    *,
    span: Span,
    weekday: int,
    starts: int,
    ends: int,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> WeeklyTime:
    """Adds hours or a break; times are minutes after midnight.

    Raises ``CalendarRefusedError`` when it ends before it begins.
    """
    if not (0 <= weekday <= 6 and 0 <= starts < ends <= 24 * 60):
        raise CalendarRefusedError("times")
    if valid_from and valid_until and valid_until < valid_from:
        raise CalendarRefusedError("days")
    if len(calendar.weekly_times) >= MAXIMUM_WEEKLY_TIMES:
        raise CalendarRefusedError("many")
    row = WeeklyTime(
        span=span,
        weekday=weekday,
        starts=starts,
        ends=ends,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    calendar.weekly_times.append(row)
    session.flush()
    return row


def remove_weekly_time(session: Session, calendar: CounsellorCalendar, row_id: int) -> None:
    """Takes hours or a break away; raises ``NotFoundError`` when they are not this calendar's."""
    row = session.get(WeeklyTime, row_id)
    if row is None or row.calendar_id != calendar.id:
        raise NotFoundError("There are no such hours.")
    calendar.weekly_times.remove(row)


def add_absence(
    session: Session,
    calendar: CounsellorCalendar,
    *,
    starts_at: datetime,
    ends_at: datetime,
    note: str = "",
) -> BusyTime:
    """Adds a time away; raises ``CalendarRefusedError`` when it is empty or over a year long."""
    if not starts_at < ends_at <= starts_at + LONGEST_ABSENCE:
        raise CalendarRefusedError("times")
    row = BusyTime(
        calendar_id=calendar.id,
        kind=BusyKind.ABSENCE,
        starts_at=starts_at,
        ends_at=ends_at,
        note=note.strip()[:200],
    )
    session.add(row)
    session.flush()
    return row


def remove_absence(session: Session, calendar: CounsellorCalendar, row_id: int) -> None:
    """Takes an absence away; raises ``NotFoundError`` when it is not this calendar's."""
    row = session.get(BusyTime, row_id)
    if row is None or row.calendar_id != calendar.id or row.kind != BusyKind.ABSENCE:
        raise NotFoundError("There is no such absence.")
    session.delete(row)


def new_feed(calendar: CounsellorCalendar) -> str:
    """A new secret for the calendar's private feed; the one before stops working."""
    token = secrets.token_urlsafe(links.TOKEN_BYTES)
    calendar.feed_token_hash = links.hashed(token)
    return token


def close_feed(calendar: CounsellorCalendar) -> None:
    """Ends the private feed."""
    calendar.feed_token_hash = None


def appointments_between(
    session: Session, calendar: CounsellorCalendar, first: date, last: date, *, now: datetime
) -> list[Appointment]:
    """What stands in a calendar on days from ``first`` to ``last``; holds only while they hold."""
    since, until = _span(first, last)
    rows = session.scalars(
        select(Appointment)
        .where(
            Appointment.calendar_id == calendar.id,
            Appointment.state.in_(SHOWN),
            Appointment.ends_at > since,
            Appointment.starts_at < until,
        )
        .order_by(Appointment.starts_at)
    )
    return [
        row
        for row in rows
        if row.state != AppointmentState.HELD or (row.held_until and row.held_until > now)
    ]


def away_between(
    session: Session, calendar: CounsellorCalendar, first: date, last: date
) -> list[BusyTime]:
    """Absences and times busy elsewhere on days from ``first`` to ``last``."""
    since, until = _span(first, last)
    return list(
        session.scalars(
            select(BusyTime)
            .where(
                BusyTime.calendar_id == calendar.id,
                BusyTime.ends_at > since,
                BusyTime.starts_at < until,
            )
            .order_by(BusyTime.starts_at)
        )
    )


def hours_between(
    calendar: CounsellorCalendar, first: date, last: date
) -> list[tuple[date, WeeklyTime]]:
    """The hours and breaks that hold on each day from ``first`` to ``last``."""
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    return [
        (day, time)
        for day in days
        for time in calendar.weekly_times
        if time.weekday == day.weekday()
        and (time.valid_from is None or time.valid_from <= day)
        and (time.valid_until is None or day <= time.valid_until)
    ]


def conflicts(session: Session, rows: Iterable[Appointment], *, now: datetime) -> set[str]:
    """The ids of booked appointments ahead that the calendar has no room for any more.

    They were booked before an absence was entered or hours were changed, or by hand.
    """
    return {
        row.id
        for row in rows
        if row.state == AppointmentState.BOOKED
        and row.ends_at > now
        and not availability.is_open(
            session, row.service, Slot(row.starts_at, row.ends_at, row.calendar_id), now=now
        )
    }


def news(session: Session, calendar: CounsellorCalendar, *, limit: int) -> list[Notice]:
    """What people booked, moved and cancelled since the counsellor last looked, newest first."""
    events = session.scalars(_unseen(calendar).order_by(AppointmentEvent.id.desc()).limit(limit))
    return [Notice(event, event.appointment) for event in events]


def count_news(session: Session, calendar: CounsellorCalendar) -> int:
    """How many notices ``news`` would have without a limit."""
    return session.scalar(select(func.count()).select_from(_unseen(calendar).subquery())) or 0


def mark_seen(calendar: CounsellorCalendar, *, now: datetime) -> None:
    """Notes that the counsellor has seen what happened until ``now``."""
    calendar.events_seen_at = now


def _unseen(calendar: CounsellorCalendar) -> Select[AppointmentEvent]:
    news_states = (AppointmentState.BOOKED, AppointmentState.MOVED, AppointmentState.CANCELLED)
    found = (
        select(AppointmentEvent)
        .join(Appointment)
        .where(
            Appointment.calendar_id == calendar.id,
            AppointmentEvent.actor == "person",
            AppointmentEvent.state.in_(news_states),
        )
    )
    if calendar.events_seen_at is not None:
        found = found.where(AppointmentEvent.at > calendar.events_seen_at)
    return found


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    return moment_of(instant(first, 0, ZONE)), moment_of(instant(last, 24 * 60, ZONE))
