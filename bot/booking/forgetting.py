"""Forgetting a person: their appointments stay as times without anybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.booking import reminders
from bot.booking import service as booking
from bot.booking.models import Appointment, AppointmentLink, AppointmentState, WaitingEntry


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
        reminders.drop(session, row)
        session.execute(
            delete(AppointmentLink)
            .where(AppointmentLink.booking_id == row.booking_id)
            .execution_options(synchronize_session=False)
        )
        row.contact_id = row.conversation_id = None
        row.name = row.reach = row.subject = row.notes = ""
    session.flush()
    return cancelled
