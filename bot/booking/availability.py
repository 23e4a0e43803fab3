"""Which times are free. Reads a calendar's hours and what is in its way, and decides nothing.

Whether a time that is free here can still be had is decided by the database when it is taken.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import null, or_, select
from sqlalchemy.orm import Session

from bot.booking.clocktime import (
    DAY_MINUTES,
    instant,
    local_day,
    minute_after,
    minute_of,
    moment_of,
)
from bot.booking.models import (
    Appointment,
    AppointmentState,
    BusyTime,
    CounsellingService,
    CounsellorCalendar,
    Span,
    Way,
    WeeklyTime,
    calendar_service,
)

Interval = tuple[int, int]

# How many days are looked at together where only the next few free times are wanted.
PART_DAYS = 7


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A time that can be taken in one counsellor's calendar; moments are in UTC."""

    starts_at: datetime
    ends_at: datetime
    calendar_id: int


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person asked for; nothing given means that anything suits.

    ``language`` is one the counsellor must speak. ``weekdays`` count from Monday = 0.
    ``earliest`` and ``latest`` are minutes after midnight by the service's clock between which
    the appointment must begin, ``latest`` excluded. Both days belong to the span of days.
    """

    language: str | None = None
    way: Way | None = None
    weekdays: tuple[int, ...] = ()
    earliest: int = 0
    latest: int = DAY_MINUTES
    from_day: date | None = None
    until_day: date | None = None
    calendar_id: int | None = None

    def to_data(self) -> dict[str, Any]:
        """Plain data that ``from_data`` turns back into equal wishes."""
        data = asdict(self)
        for name in ("from_day", "until_day"):
            data[name] = data[name].isoformat() if data[name] else None
        return {**data, "weekdays": list(self.weekdays)}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Wishes:
        """The wishes stored by ``to_data``; what is missing was not wished."""
        known = {name: value for name, value in data.items() if value is not None}
        for name in ("from_day", "until_day"):
            if name in known:
                known[name] = date.fromisoformat(known[name])
        if "way" in known:
            known["way"] = Way(known["way"])
        return cls(**{**known, "weekdays": tuple(known.get("weekdays", ()))})


ANYTHING = Wishes()


def free_slots(
    session: Session,
    service: CounsellingService,
    *,
    now: datetime,
    wishes: Wishes = ANYTHING,
    limit: int | None = None,
    ignoring: str | None = None,
) -> list[Slot]:
    """The free times of a service, earliest first, one for each beginning.

    Where several counsellors are free at the same time, the one with the fewest appointments
    ahead is named. Times that have begun, or are nearer than the service's notice or beyond its
    horizon, are left out.
    ``ignoring`` names an appointment that does not count as taken: the one to be moved.
    """
    if wishes.way is not None and wishes.way.value not in service.ways:
        return []
    calendars = _calendars(session, service, wishes)
    zone = ZoneInfo(service.zone)
    # What begins this very minute has begun, and nothing that has begun can be booked.
    earliest = max(minute_after(now + timedelta(minutes=service.notice)), minute_of(now) + 1)
    span = _days(service, wishes, zone, now=now, earliest=earliest)
    if not calendars or not span:
        return []
    hours = {key: _Hours(times, zone) for key, times in calendars.items()}
    by_start: dict[int, int] = {}
    for days in _parts(span, whole=limit is None):
        taken = _Taken(session, calendars, days, zone, now=now, service=service, ignoring=ignoring)
        # Least busy first, so that the first calendar to name a beginning keeps it.
        order = sorted(calendars, key=lambda key: (taken.load(key), key))
        for day in days:
            opens = max(earliest, instant(day, wishes.earliest, zone))
            closes = instant(day, wishes.latest, zone)
            week = day.isocalendar()[:2]
            for calendar_id in order:
                if week in taken.full_weeks(calendar_id):
                    continue
                for start in _starts(service, hours[calendar_id], taken, calendar_id, day):
                    if opens <= start < closes and start not in by_start:
                        by_start[start] = calendar_id
        if limit is not None and len(by_start) >= limit:
            break
    length = timedelta(minutes=service.duration)
    return [
        Slot(begins := moment_of(start), begins + length, by_start[start])
        for start in sorted(by_start)[:limit]
    ]


def _parts(span: list[date], *, whole: bool) -> Iterator[list[date]]:
    """The days in the order in which to look: where a few times are enough, week by week."""
    size = len(span) if whole else PART_DAYS
    for first in range(0, len(span), size):
        yield span[first : first + size]


def nearest(slots: Sequence[Slot], wanted: datetime, *, limit: int) -> list[Slot]:
    """The ``limit`` times closest to a wanted one, in the order of the calendar."""
    closest = sorted(slots, key=lambda slot: (abs(slot.starts_at - wanted), slot.starts_at))
    return sorted(closest[:limit])


def is_open(session: Session, service: CounsellingService, slot: Slot, *, now: datetime) -> bool:
    """Whether a counsellor's hours, breaks, absences and holidays leave room for a time.

    Other appointments, the notice and the horizon do not matter here.
    """
    calendar = session.get(CounsellorCalendar, slot.calendar_id)
    if calendar is None:
        return False
    zone = ZoneInfo(service.zone)
    day = slot.starts_at.astimezone(zone).date()
    if day in _holidays(service.holiday_region, day.year):
        return False
    busy = _Taken(session, [calendar.id], [day], zone, now=now, service=service)
    start, end = minute_of(slot.starts_at), minute_after(slot.ends_at)
    hours = _Hours(calendar.weekly_times, zone)
    away = [*hours.breaks(day), *busy.away(slot.calendar_id)]
    return any(a <= start and end <= b for a, b in _joined(hours.windows(day))) and not any(
        a < end and start < b for a, b in away
    )


def _calendars(
    session: Session, service: CounsellingService, wishes: Wishes
) -> dict[int, list[WeeklyTime]]:
    """The weekly times of the counsellors who give a service and speak the language wished."""
    found = session.scalars(
        select(CounsellorCalendar)
        .join(calendar_service)
        .where(calendar_service.c.service_id == service.id, CounsellorCalendar.active)
    )
    suiting = [
        calendar.id
        for calendar in found
        if (wishes.language is None or wishes.language in calendar.languages)
        and wishes.calendar_id in (None, calendar.id)
    ]
    times: dict[int, list[WeeklyTime]] = {calendar_id: [] for calendar_id in suiting}
    for row in session.scalars(select(WeeklyTime).where(WeeklyTime.calendar_id.in_(suiting))):
        times[row.calendar_id].append(row)
    return times


def _days(
    service: CounsellingService,
    wishes: Wishes,
    zone: ZoneInfo,
    *,
    now: datetime,
    earliest: int,
) -> list[date]:
    """The days on which the service can be booked, without holidays."""
    first = local_day(earliest, zone)
    last = now.astimezone(zone).date() + timedelta(days=service.horizon_days)
    first = max(first, wishes.from_day) if wishes.from_day else first
    last = min(last, wishes.until_day) if wishes.until_day else last
    days = (first + timedelta(days=count) for count in range((last - first).days + 1))
    return [
        day
        for day in days
        if day not in _holidays(service.holiday_region, day.year)
        and (not wishes.weekdays or day.weekday() in wishes.weekdays)
    ]


@lru_cache(maxsize=64)
def _holidays(region: str, year: int) -> frozenset[date]:
    """The public holidays of a German state (``BW``); none where no region is given."""
    if not region:
        return frozenset()
    return frozenset(holidays.country_holidays("DE", subdiv=region, years=year))


def holiday_names(region: str, days: Iterable[date]) -> dict[date, str]:
    """The public holidays among some days, with their German names."""
    if not region:
        return {}
    named = holidays.country_holidays("DE", subdiv=region, language="de")
    return {day: str(named[day]) for day in days if day in named}


class _Hours:
    """A counsellor's weekly times on real days, as instants."""

    def __init__(self, times: Iterable[WeeklyTime], zone: ZoneInfo) -> None:
        self._zone = zone
        self._times: dict[tuple[Span, int], list[WeeklyTime]] = defaultdict(list)
        for time in times:
            self._times[time.span, time.weekday].append(time)

    def windows(self, day: date) -> list[Interval]:
        """The hours in which to book."""
        return self._on(Span.OPEN, day)

    def breaks(self, day: date) -> list[Interval]:
        """The breaks in them."""
        return self._on(Span.BREAK, day)

    def _on(self, span: Span, day: date) -> list[Interval]:
        return [
            (instant(day, time.starts, self._zone), instant(day, time.ends, self._zone))
            for time in self._times.get((span, day.weekday()), ())
            if (time.valid_from is None or time.valid_from <= day)
            and (time.valid_until is None or day <= time.valid_until)
        ]


@dataclass
class _Calendar:
    """What stands in one calendar, in the order of time."""

    appointments: list[Interval] = field(default_factory=list)
    away: list[Interval] = field(default_factory=list)
    weeks: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))


class _Taken:
    """Appointments and times away in the calendars and days looked at."""

    def __init__(
        self,
        session: Session,
        calendars: Iterable[int],
        days: Sequence[date],
        zone: ZoneInfo,
        *,
        now: datetime,
        service: CounsellingService,
        ignoring: str | None = None,
    ) -> None:
        self._limit = service.weekly_limit
        self._calendars: dict[int, _Calendar] = defaultdict(_Calendar)
        # A whole week on both sides: weekly limits count what lies before the first day too,
        # and the buffers of a neighbouring day may reach over midnight.
        since = moment_of(instant(days[0] - timedelta(days=7), 0, zone))
        until = moment_of(instant(days[-1] + timedelta(days=7), 0, zone))
        ids = list(calendars)
        rows = session.execute(
            select(
                Appointment.calendar_id,
                Appointment.blocked_from,
                Appointment.blocked_until,
                # Reading it costs as much as the two before; only limits need it.
                Appointment.starts_at if service.weekly_limit is not None else null(),
                Appointment.service_id,
            )
            .where(
                Appointment.calendar_id.in_(ids),
                Appointment.blocked_until > since,
                Appointment.blocked_from < until,
                or_(
                    Appointment.state == AppointmentState.BOOKED,
                    (Appointment.state == AppointmentState.HELD) & (Appointment.held_until > now),
                ),
                Appointment.id != (ignoring or ""),
            )
            .order_by(Appointment.blocked_from)
        )
        for calendar_id, blocked_from, blocked_until, starts_at, service_id in rows:
            calendar = self._calendars[calendar_id]
            calendar.appointments.append((minute_of(blocked_from), minute_after(blocked_until)))
            if starts_at is not None and service_id == service.id:
                year, week, _ = starts_at.astimezone(zone).isocalendar()
                calendar.weeks[year, week] += 1
        busy = session.execute(
            select(BusyTime.calendar_id, BusyTime.starts_at, BusyTime.ends_at)
            .where(
                BusyTime.calendar_id.in_(ids),
                BusyTime.ends_at > since,
                BusyTime.starts_at < until,
            )
            .order_by(BusyTime.starts_at)
        )
        for calendar_id, starts_at, ends_at in busy:
            self._calendars[calendar_id].away.append((minute_of(starts_at), minute_after(ends_at)))
        for calendar in self._calendars.values():
            calendar.away = list(_joined(calendar.away))

    def load(self, calendar_id: int) -> int:
        """How many appointments a calendar holds."""
        return len(self._calendars[calendar_id].appointments)

    def away(self, calendar_id: int) -> list[Interval]:
        """Absences and other appointments of the counsellor; none overlap."""
        return self._calendars[calendar_id].away

    def appointments(self, calendar_id: int) -> list[Interval]:
        """Appointments with their buffers; none overlap."""
        return self._calendars[calendar_id].appointments

    def full_weeks(self, calendar_id: int) -> Collection[tuple[int, int]]:
        """The ISO weeks in which a counsellor gives the service as often as allowed."""
        limit = self._limit
        if limit is None:
            return ()
        weeks = self._calendars[calendar_id].weeks
        return [week for week, number in weeks.items() if number >= limit]


def _starts(
    service: CounsellingService, hours: _Hours, taken: _Taken, calendar_id: int, day: date
) -> Iterator[int]:
    """The beginnings of free times of one counsellor on one day."""
    windows = _joined(hours.windows(day))
    if not windows:
        return
    before, after = service.buffer_before, service.buffer_after
    length, step = service.duration, service.step
    first, last = windows[0][0] - DAY_MINUTES, windows[-1][1] + DAY_MINUTES
    # Each obstacle forbids the beginnings that would make the appointment touch it.
    forbidden = [
        (start - length + 1, end)
        for start, end in (
            *hours.breaks(day),
            *_between(taken.away(calendar_id), first, last),
        )
    ]
    forbidden += [
        (start - length - after + 1, end + before)
        for start, end in _between(taken.appointments(calendar_id), first, last)
    ]
    obstacles = _joined(forbidden)
    for opens, closes in windows:
        start = opens
        for block_start, block_end in (*obstacles, (closes, closes)):
            while start < block_start and start + length <= closes:
                yield start
                start += step
            if start < block_end:
                # The next beginning on the window's own grid after the obstacle.
                start += -((start - block_end) // step) * step


def _between(intervals: Sequence[Interval], first: int, last: int) -> Sequence[Interval]:
    """Those of sorted intervals, none overlapping, that touch a span."""
    low = bisect_right(intervals, first, key=lambda interval: interval[1])
    high = bisect_left(intervals, last, key=lambda interval: interval[0])
    return intervals[low:high]


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The same stretch of time in order, without overlaps; empty ones are dropped."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
