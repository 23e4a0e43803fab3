"""Forgetting a person: their appointments stay as times without anybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from bot.booking import reminders
from bot.booking import service as booking
from bot.booking.models import (
    Appointment,
    AppointmentLink,
    AppointmentState,
    WaitingEntry,
    WaitingState,
)

_AHEAD = (AppointmentState.HELD, AppointmentState.BOOKED)
_STILL_WAITING = (WaitingState.WAITING, WaitingState.OFFERED)


def forget(session: Session, contact_id: str, *, now: datetime) -> int:
    """Cancels what lies ahead and takes the person out of every appointment of theirs.

    What is left, times and outcomes, belongs to nobody. Links stop working and the place on the
    waiting list goes. Returns how many booked appointments were cancelled by this.
    """
    session.execute(
        delete(WaitingEntry)
        .where(WaitingEntry.contact_id == contact_id)
        .execution_options(synchronize_session=False)
    )
    cancelled = 0
    rows = session.scalars(select(Appointment).where(Appointment.contact_id == contact_id)).all()
    for row in rows:
        if row.state == AppointmentState.BOOKED and row.starts_at > now:
            booking.cancel(session, row.id, now=now)
            cancelled += 1
        elif row.state == AppointmentState.HELD:
            booking.release(session, row.id, contact_id=contact_id, now=now)
        _take_out(session, row)
    session.flush()
    return cancelled


def forget_past(session: Session, *, before: datetime, limit: int) -> int:
    """Takes the people out of up to ``limit`` appointments that ended at ``before`` or earlier.

    A booking that was moved counts by its last time. Returns how many appointments it was; fewer
    than ``limit`` means that none is left.
    """
    rows = session.scalars(
        select(Appointment)
        .where(past_and_personal(before))
        .order_by(Appointment.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Appointment)
    ).all()
    for row in rows:
        _take_out(session, row)
    session.flush()
    return len(rows)


def past_and_personal(before: datetime) -> ColumnElement[bool]:
    """Condition: an appointment that says whose it was, of a booking over by ``before``."""
    later = aliased(Appointment)
    return and_(
        Appointment.ends_at <= before,
        or_(
            Appointment.contact_id.is_not(None),
            Appointment.conversation_id.is_not(None),
            *(
                column != ""
                for column in (
                    Appointment.name,
                    Appointment.reach,
                    Appointment.subject,
                    Appointment.notes,
                )
            ),
        ),
        ~exists().where(later.booking_id == Appointment.booking_id, later.ends_at > before),
    )


def has_plans(contact_id: InstrumentedAttribute[str], now: datetime) -> ColumnElement[bool]:
    """Condition: somebody has an appointment before them, or waits for a time to become free."""
    return or_(
        exists().where(
            Appointment.contact_id == contact_id,
            Appointment.state.in_(_AHEAD),
            Appointment.ends_at > now,
        ),
        exists().where(
            WaitingEntry.contact_id == contact_id, WaitingEntry.state.in_(_STILL_WAITING)
        ),
    )


def closed_entries(before: datetime) -> ColumnElement[bool]:
    """Condition: a place on the waiting list that ended, and was taken at ``before`` or earlier."""
    return and_(WaitingEntry.state.not_in(_STILL_WAITING), WaitingEntry.created_at <= before)


def _take_out(session: Session, row: Appointment) -> None:
    reminders.drop(session, row)
    session.execute(
        delete(AppointmentLink)
        .where(AppointmentLink.booking_id == row.booking_id)
        .execution_options(synchronize_session=False)
    )
    row.contact_id = row.conversation_id = None
    row.name = row.reach = row.subject = row.notes = ""
