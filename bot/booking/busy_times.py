"""Busy times from a counsellor's other calendar: only when they are busy, never with what."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from bot.booking.busy_fetch import Fetcher, FetchRefusedError, cleaned
from bot.booking.models import BusyKind, BusySource, BusyTime, CounsellorCalendar
from bot.db.session import Database
from bot.errors import NotFoundError

AHEAD = timedelta(weeks=17)
EVERY = timedelta(hours=1)
MAXIMUM_TIMES = 2_000
MAXIMUM_SOURCES = 5
ZONE = ZoneInfo("Europe/Berlin")

_ENDLESS = re.compile(rb"FREQ\s*=\s*(SECONDLY|MINUTELY)", re.IGNORECASE)


def add_source(session: Session, calendar: CounsellorCalendar, url: str) -> BusySource:
    """Notes an address to read from; it is read soon.

    Raises ``FetchRefusedError`` for what is no https address, or one too many.
    """
    url = cleaned(url)
    found = session.scalars(select(BusySource).where(BusySource.calendar_id == calendar.id)).all()
    for source in found:
        if source.url == url:
            return source
    if len(found) >= MAXIMUM_SOURCES:
        raise FetchRefusedError("many")
    source = BusySource(calendar_id=calendar.id, url=url)
    session.add(source)
    session.flush()
    return source


def remove_source(session: Session, calendar: CounsellorCalendar, source_id: int) -> None:
    """Forgets an address and what was read from it."""
    source = session.get(BusySource, source_id)
    if source is None or source.calendar_id != calendar.id:
        raise NotFoundError("There is no such address.")
    session.delete(source)


def sources_of(session: Session, calendar: CounsellorCalendar) -> list[BusySource]:
    """The addresses that a calendar's busy times are read from."""
    return list(
        session.scalars(
            select(BusySource).where(BusySource.calendar_id == calendar.id).order_by(BusySource.id)
        )
    )


def busy_intervals(content: bytes, *, now: datetime) -> list[tuple[datetime, datetime]]:
    """The times that a calendar file marks as busy from now on, repeated events included.

    Raises ``FetchRefusedError`` when it is no calendar, or repeats without end.
    """
    # Rules of seconds and minutes describe no appointments; working them out could take hours.
    if _ENDLESS.search(content.replace(b"\r\n ", b"").replace(b"\n ", b"")):
        raise FetchRefusedError("too_many")
    try:
        calendar = Calendar.from_ical(content)
        events = list(itertools.islice(_occurrences(calendar, now), MAXIMUM_TIMES + 1))
    except FetchRefusedError:
        raise
    except Exception as error:
        # The libraries raise many kinds of errors on files that others wrote.
        raise FetchRefusedError("no_calendar") from error
    if len(events) > MAXIMUM_TIMES:
        raise FetchRefusedError("too_many")
    return sorted({(start, end) for start, end, busy in events if busy and start < end})


def _occurrences(calendar: Calendar, now: datetime) -> Iterator[tuple[datetime, datetime, bool]]:
    """Beginning and end of each event, and whether one is busy then, week by week.

    Lazily, because a short file can repeat an event very often. An event that reaches into
    another week comes twice.
    """
    query = recurring_ical_events.of(calendar, components=["VEVENT"])
    weeks = [now + timedelta(weeks=number) for number in range(AHEAD // timedelta(weeks=1))]
    found = (event for week in weeks for event in query.between(week, week + timedelta(weeks=1)))
    for event in found:
        starts_at, ends_at = _moment(event.start), _moment(event.end)
        free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
        called_off = str(event.get("STATUS", "")).upper() == "CANCELLED"
        yield starts_at, ends_at, ends_at > now and not (free or called_off)


def _moment(value: date | datetime) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=ZONE)
    # A time without a zone is that of whoever reads it.
    return value if value.tzinfo else value.replace(tzinfo=ZONE)


def read_due(database: Database, fetcher: Fetcher, *, now: datetime) -> int:
    """Reads the sources that were not tried for an hour; returns how many.

    Nothing is locked while others' servers answer. What was read before stays when a source
    cannot be read, and the reason is kept for the counsellor.
    """
    due = _claim(database, now=now)
    for source_id, url in due:
        try:
            times, problem = busy_intervals(fetcher.fetch(url), now=now), ""
        except FetchRefusedError as error:
            times, problem = [], error.reason
        with database.transaction() as session:
            source = session.get(BusySource, source_id)
            if source is None:
                continue
            source.problem = problem
            if not problem:
                source.read_at = now
                _replace(session, source, times)
    return len(due)


def _claim(database: Database, *, now: datetime) -> list[tuple[int, str]]:
    with database.transaction() as session:
        due = session.scalars(
            select(BusySource)
            .where(or_(BusySource.tried_at.is_(None), BusySource.tried_at <= now - EVERY))
            .limit(10)
            .with_for_update(skip_locked=True)
        ).all()
        for source in due:
            source.tried_at = now
        return [(source.id, source.url) for source in due]


def _replace(session: Session, source: BusySource, times: list[tuple[datetime, datetime]]) -> None:
    session.execute(delete(BusyTime).where(BusyTime.source_id == source.id))
    session.add_all(
        BusyTime(
            calendar_id=source.calendar_id,
            kind=BusyKind.EXTERNAL,
            starts_at=starts_at,
            ends_at=ends_at,
            source_id=source.id,
        )
        for starts_at, ends_at in times
    )
