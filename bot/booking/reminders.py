"""When a person is reminded: a day and two hours before, and never at night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.booking.models import Appointment, AppointmentState, Reminder, ReminderState

HOURS_BEFORE = (24, 2)
# Nothing is sent between these times of the service's clock.
NIGHT_BEGINS = time(21, 0)
NIGHT_ENDS = time(8, 0)
EVENING = time(20, 0)
# A reminder moved into the morning must leave time to set out.
SHORTEST = timedelta(hours=1)


@dataclass(frozen=True)
class Planned:
    """When a reminder is due; ``shifted`` when the night moved it."""

    hours_before: int
    due_at: datetime
    shifted: bool


def due_times(starts_at: datetime, zone: ZoneInfo) -> list[Planned]:
    """When to remind of an appointment. Instants in the zone of ``starts_at``.

    Due at night, a reminder goes out when the night ends if that leaves an hour, and otherwise
    in the evening before.
    """
    planned = []
    for hours in HOURS_BEFORE:
        exact = starts_at - timedelta(hours=hours)
        due = _by_day(exact, starts_at, zone)
        planned.append(Planned(hours, due, shifted=due != exact))
    return planned


def _by_day(exact: datetime, starts_at: datetime, zone: ZoneInfo) -> datetime:
    local = exact.astimezone(zone)
    if NIGHT_ENDS <= local.time() < NIGHT_BEGINS:
        return exact
    evening = local.date() if local.time() >= NIGHT_BEGINS else local.date() - timedelta(days=1)
    morning = evening + timedelta(days=1)
    at_morning = datetime.combine(morning, NIGHT_ENDS, zone).astimezone(exact.tzinfo)
    if starts_at - at_morning >= SHORTEST and local.time() < NIGHT_ENDS:
        return at_morning
    return datetime.combine(evening, EVENING, zone).astimezone(exact.tzinfo)


def plan(session: Session, row: Appointment, *, now: datetime) -> list[Planned]:
    """Writes down the reminders of a booked appointment that still lie ahead.

    None for whoever wants none or cannot be written to.
    """
    planned = ahead(row, now=now)
    session.add_all(
        Reminder(appointment_id=row.id, hours_before=reminder.hours_before, due_at=reminder.due_at)
        for reminder in planned
    )
    session.flush()
    return planned


def ahead(row: Appointment, *, now: datetime) -> list[Planned]:
    """The reminders of a booked appointment that are still to come, soonest first."""
    if not row.reminders_wanted or row.conversation_id is None:
        return []
    times = due_times(row.starts_at, ZoneInfo(row.service.zone))
    return [reminder for reminder in times if reminder.due_at > now]


def drop(session: Session, row: Appointment) -> None:
    """Takes back the reminders that were not sent yet."""
    session.execute(
        delete(Reminder)
        .where(Reminder.appointment_id == row.id, Reminder.state == ReminderState.PLANNED)
        .execution_options(synchronize_session=False)
    )


def take_due(session: Session, *, now: datetime, limit: int) -> list[Reminder]:
    """Marks reminders as sent and returns them; the caller queues them in this transaction.

    Each is given to one caller only, whatever crashes: the mark and the message are committed
    together or not at all. One that comes too late to help is skipped.
    """
    due = session.scalars(
        select(Reminder)
        .where(Reminder.state == ReminderState.PLANNED, Reminder.due_at <= now)
        .order_by(Reminder.due_at, Reminder.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Reminder)
    ).all()
    taken = []
    for reminder in due:
        row = reminder.appointment
        overtaken = any(
            other.appointment_id == row.id and other.hours_before < reminder.hours_before
            for other in due
        )
        useful = row.state == AppointmentState.BOOKED and row.starts_at > now and not overtaken
        reminder.state = ReminderState.SENT if useful else ReminderState.SKIPPED
        if useful:
            taken.append(reminder)
    return taken
