"""The week as a grid: days side by side, quarters of an hour below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.booking.models import Appointment, BusyTime, Span, WeeklyTime

QUARTER = 15
# Shown at least; earlier and later appointments widen it.
FIRST_HOUR, LAST_HOUR = 8, 17
DAY = 24 * 60


@dataclass(frozen=True)
class Block:
    """Something in a day's column: from which quarter of an hour, for how many."""

    kind: str
    row: int
    height: int
    starts: str
    ends: str
    appointment: Appointment | None = None
    note: str = ""
    conflict: bool = False


@dataclass(frozen=True)
class Column:
    """One day."""

    day: date
    blocks: tuple[Block, ...]
    holiday: str
    today: bool


@dataclass(frozen=True)
class Grid:
    """The days shown, and the full hours beside them, each with its row."""

    columns: tuple[Column, ...]
    hours: tuple[tuple[int, str], ...]


def build(
    days: Sequence[date],
    *,
    appointments: Sequence[Appointment],
    away: Sequence[BusyTime],
    hours: Sequence[tuple[date, WeeklyTime]],
    conflicts: set[str],
    holidays: dict[date, str],
    today: date,
    zone: ZoneInfo,
) -> Grid:
    """Places everything that stands in the days."""
    spans: list[tuple[date, int, int, str, Appointment | None, str]] = []
    for day, time in hours:
        kind = "open" if time.span == Span.OPEN else "break"
        spans.append((day, time.starts, time.ends, kind, None, ""))
    for busy in away:
        for day, starts, ends in _by_day(busy.starts_at, busy.ends_at, zone):
            spans.append((day, starts, ends, busy.kind.value, None, busy.note))
    for row in appointments:
        for day, starts, ends in _by_day(row.starts_at, row.ends_at, zone):
            spans.append((day, starts, ends, row.state.value, row, ""))
    shown = set(days)
    spans = [span for span in spans if span[0] in shown]
    bounded = [span for span in spans if span[3] not in ("absence", "external")]
    first = min([FIRST_HOUR, *(span[1] // 60 for span in bounded)])
    last = max([LAST_HOUR, *(-(-span[2] // 60) for span in bounded)])
    columns = tuple(
        Column(
            day=day,
            blocks=tuple(_block(span, first, last, conflicts) for span in spans if span[0] == day),
            holiday=holidays.get(day, ""),
            today=day == today,
        )
        for day in days
    )
    labels = tuple(((hour - first) * 4, f"{hour}:00") for hour in range(first, last))
    return Grid(columns, labels)


def _block(
    span: tuple[date, int, int, str, Appointment | None, str],
    first: int,
    last: int,
    conflicts: set[str],
) -> Block:
    _, starts, ends, kind, appointment, note = span
    top = min(max(starts, first * 60), last * 60 - QUARTER)
    bottom = max(min(ends, last * 60), top + QUARTER)
    row = (top - first * 60) // QUARTER
    return Block(
        kind=kind,
        row=row,
        height=max(1, -(-(bottom - first * 60) // QUARTER) - row),
        starts=f"{starts // 60}:{starts % 60:02}",
        ends=f"{ends // 60}:{ends % 60:02}",
        appointment=appointment,
        note=note,
        conflict=appointment is not None and appointment.id in conflicts,
    )


def _by_day(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[tuple[date, int, int]]:
    """A stretch of time as minutes after midnight on each day that it touches."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    found = []
    day = start.date()
    while day <= end.date():
        begins = start.hour * 60 + start.minute if day == start.date() else 0
        stops = end.hour * 60 + end.minute if day == end.date() else DAY
        if begins < stops:
            found.append((day, begins, stops))
        day += timedelta(days=1)
    return found
