"""Which times are free. Reads counsellors' hours and what is in their way, and decides nothing.

Whether a time that is free here can still be had is decided by the database when it is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.clocktime import (
    DAY_MINUTES,
    instant,
    local_day,
    minute_after,
    minute_of,
    moment_of,
)
from bot.booking.diary import Diary, in_calendars, monday_of
from bot.booking.hours import Hours, Stretch, public_holidays
from bot.booking.intervals import touches
from bot.booking.models import (
    CounsellingService,
    CounsellorCalendar,
    Way,
    WeeklyTime,
    calendar_service,
)


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

# How far around a wanted time others are looked for before all days are.
NEAR = timedelta(days=4)
ONE_DAY = timedelta(days=1)


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
    in that week is named. Times that have begun, or are nearer than the service's notice or
    beyond its horizon, are left out.
    ``limit`` keeps the first ones; then little more of the calendars is read than they need.
    ``ignoring`` names an appointment that does not count as taken: the one to be moved.
    """
    if wishes.way is not None and wishes.way.value not in service.ways:
        return []
    # What begins this very minute has begun, and nothing that has begun can be booked.
    earliest = max(minute_after(now + timedelta(minutes=service.notice)), minute_of(now) + 1)
    days = _days(service, wishes, now=now, earliest=earliest)
    hours = _hours(session, service, wishes) if days else {}
    if not hours:
        return []

    def found() -> Iterator[Slot]:
        for part in [days] if limit is None else _parts(days):
            diary = Diary(
                session,
                service,
                part,
                now=now,
                calendar_id=wishes.calendar_id,
                ignoring=ignoring,
            )
            for monday, week in groupby(part, monday_of):
                open_then = _least_busy_first(diary, hours, monday)
                for day in week:
                    yield from _on_day(service, open_then, diary, day, wishes, earliest=earliest)

    return list(islice(found(), limit))


def nearest(slots: Sequence[Slot], wanted: datetime, *, limit: int) -> list[Slot]:
    """The ``limit`` times closest to a wanted one, in the order of the calendar."""
    closest = sorted(slots, key=lambda slot: (abs(slot.starts_at - wanted), slot.starts_at))
    return sorted(closest[:limit])


def nearest_free(
    session: Session,
    service: CounsellingService,
    wanted: datetime,
    *,
    now: datetime,
    limit: int,
    wishes: Wishes = ANYTHING,
    ignoring: str | None = None,
) -> list[Slot]:
    """The ``limit`` free times closest to a wanted one; see ``free_slots``.

    Looks around the wanted day first, and at all other days only when too few are near.
    """
    day = wanted.astimezone(ZoneInfo(service.zone)).date()
    around = replace(
        wishes,
        from_day=max(filter(None, (wishes.from_day, day - NEAR))),
        until_day=min(filter(None, (wishes.until_day, day + NEAR))),
    )
    for looked_at in (around, wishes):
        free = free_slots(session, service, now=now, wishes=looked_at, ignoring=ignoring)
        near = nearest(free, wanted, limit=limit)
        # Nothing on other days is as near as this, even when clocks change.
        close = [slot for slot in near if abs(slot.starts_at - wanted) < NEAR - ONE_DAY]
        if len(close) == limit:
            break
    return near


def is_open(session: Session, service: CounsellingService, slot: Slot, *, now: datetime) -> bool:
    """Whether a counsellor's hours, breaks, absences and holidays leave room for a time.

    Other appointments, the notice and the horizon do not matter here.
    """
    calendar = session.get(CounsellorCalendar, slot.calendar_id)
    if calendar is None:
        return False
    zone = ZoneInfo(service.zone)
    day = slot.starts_at.astimezone(zone).date()
    if day in public_holidays(service.holiday_region, day.year):
        return False
    diary = Diary(session, service, [day], now=now, calendar_id=calendar.id)
    start, end = minute_of(slot.starts_at), minute_after(slot.ends_at)
    hours = Hours(map(Stretch.of, calendar.weekly_times), service)
    return any(opens <= start and end <= closes for opens, closes in hours.windows(day)) and not (
        touches(hours.breaks(day), start, end) or touches(diary.away(calendar.id), start, end)
    )


def _hours(session: Session, service: CounsellingService, wishes: Wishes) -> dict[int, Hours]:
    """The hours of the counsellors who give a service and speak the language wished."""
    found = session.execute(
        select(CounsellorCalendar.id, CounsellorCalendar.languages)
        .join(calendar_service)
        .where(
            calendar_service.c.service_id == service.id,
            CounsellorCalendar.active,
            in_calendars(CounsellorCalendar.id, service, wishes.calendar_id),
        )
    )
    times: dict[int, list[Stretch]] = {
        calendar_id: []
        for calendar_id, languages in found
        if wishes.language is None or wishes.language in languages
    }
    if not times:
        return {}
    rows = session.execute(
        select(WeeklyTime.calendar_id, *Stretch.columns()).where(
            in_calendars(WeeklyTime.calendar_id, service, wishes.calendar_id)
        )
    )
    for calendar_id, *values in rows:
        if calendar_id in times:
            times[calendar_id].append(Stretch(*values))
    alike = {stretches: Hours(stretches, service) for stretches in map(tuple, times.values())}
    return {calendar_id: alike[tuple(stretches)] for calendar_id, stretches in times.items()}


def _days(
    service: CounsellingService, wishes: Wishes, *, now: datetime, earliest: int
) -> list[date]:
    """The days on which the service can be booked, without holidays."""
    zone = ZoneInfo(service.zone)
    first = local_day(earliest, zone)
    last = now.astimezone(zone).date() + timedelta(days=service.horizon_days)
    first = max(first, wishes.from_day) if wishes.from_day else first
    last = min(last, wishes.until_day) if wishes.until_day else last
    days = (first + timedelta(days=count) for count in range((last - first).days + 1))
    return [
        day
        for day in days
        if day not in public_holidays(service.holiday_region, day.year)
        and (not wishes.weekdays or day.weekday() in wishes.weekdays)
    ]


def _parts(days: list[date]) -> Iterator[list[date]]:
    """The days in the order in which to look: one calendar week, then two, then four, …

    Mostly the first week is enough; where it is not, few reads must be enough all the same.
    """
    weeks = [list(week) for _, week in groupby(days, monday_of)]
    size = 1
    while weeks:
        yield [day for week in weeks[:size] for day in week]
        weeks, size = weeks[size:], 2 * size


def _least_busy_first(
    diary: Diary, hours: dict[int, Hours], monday: date
) -> list[tuple[int, Hours]]:
    """Who may still be booked in a week; the first to name a beginning will keep it."""
    may = [calendar_id for calendar_id in hours if not diary.is_full(calendar_id, monday)]
    may.sort(key=lambda calendar_id: (diary.load(calendar_id, monday), calendar_id))
    return [(calendar_id, hours[calendar_id]) for calendar_id in may]


def _on_day(
    service: CounsellingService,
    calendars: list[tuple[int, Hours]],
    diary: Diary,
    day: date,
    wishes: Wishes,
    *,
    earliest: int,
) -> Iterator[Slot]:
    """The free times of one day, earliest first."""
    zone = ZoneInfo(service.zone)
    opens = max(earliest, instant(day, wishes.earliest, zone))
    closes = instant(day, wishes.latest, zone)
    length, before, after = service.duration, service.buffer_before, service.buffer_after
    free: dict[int, int] = {}
    for calendar_id, hours in calendars:
        away, appointments = diary.away(calendar_id), diary.appointments(calendar_id)
        for start in hours.beginnings(day):
            if (
                start not in free
                and opens <= start < closes
                and not touches(away, start, start + length)
                and not touches(appointments, start - before, start + length + after)
            ):
                free[start] = calendar_id
    for start in sorted(free):
        begins = moment_of(start)
        yield Slot(begins, begins + timedelta(minutes=length), free[start])
