"""Taking a time in a calendar: what the moves of an appointment have in common.

A time is taken by writing its row; the database refuses one that overlaps another, and the refusal
becomes an error that names the nearest free times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.booking import availability, reminders
from bot.booking.availability import Slot, Wishes
from bot.booking.errors import SlotNotOfferedError, SlotTakenError
from bot.booking.models import (
    OVERLAP,
    Appointment,
    AppointmentEvent,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Way,
)
from bot.conversations.models import Contact

ALTERNATIVES = 3
KEEP_EXPIRED = timedelta(days=1)
PERSON = "person"
SYSTEM = "system"


def expire_holds(
    session: Session,
    *,
    now: datetime,
    calendar_id: int | None = None,
    except_for: str | None = None,
) -> int:
    """Ends the holds whose time is over, so that they block nothing; returns how many."""
    over = update(Appointment).where(
        Appointment.state == AppointmentState.HELD, Appointment.held_until <= now
    )
    if calendar_id is not None:
        over = over.where(Appointment.calendar_id == calendar_id)
    if except_for is not None:
        over = over.where(Appointment.id != except_for)
    ended = session.scalars(
        over.values(state=AppointmentState.EXPIRED, changed_at=now)
        .returning(Appointment.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    session.add_all(
        AppointmentEvent(
            appointment_id=appointment_id, state=AppointmentState.EXPIRED, actor=SYSTEM, at=now
        )
        for appointment_id in ended
    )
    return len(ended)


def drop_expired(session: Session, *, now: datetime) -> int:
    """Deletes the holds that ended a day ago and were not booked; returns how many.

    Nobody decided anything by them, and they know who looked at which time.
    """
    dropped = session.scalars(
        delete(Appointment)
        .where(
            Appointment.state == AppointmentState.EXPIRED,
            Appointment.changed_at <= now - KEEP_EXPIRED,
        )
        .returning(Appointment.id)
        .execution_options(synchronize_session=False)
    )
    return len(dropped.all())


def lock(session: Session, contact_id: str | None, *calendar_ids: int) -> None:
    """Makes writers of one person and one calendar queue, always in the same order.

    The constraint decides without it. But two transactions that both wrote before looking would
    wait for each other until PostgreSQL ends one, and limits that are counted need the queue.
    """
    if contact_id is not None:
        session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    for calendar_id in sorted(set(calendar_ids)):
        session.execute(
            select(CounsellorCalendar.id)
            .where(CounsellorCalendar.id == calendar_id)
            .with_for_update()
        )


def new_row(
    service: CounsellingService,
    slot: Slot,
    *,
    state: AppointmentState,
    way: Way,
    language: str,
    contact_id: str | None,
    conversation_id: str | None,
    now: datetime,
) -> Appointment:
    """An appointment at a time, with the service's buffers around it; not yet written."""
    return Appointment(
        service=service,
        service_id=service.id,
        calendar_id=slot.calendar_id,
        contact_id=contact_id,
        conversation_id=conversation_id,
        state=state,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        blocked_from=slot.starts_at - timedelta(minutes=service.buffer_before),
        blocked_until=slot.ends_at + timedelta(minutes=service.buffer_after),
        way=way,
        language=language,
        created_at=now,
        changed_at=now,
    )


def write(session: Session, row: Appointment, *, actor: str, now: datetime, wishes: Wishes) -> None:
    """Writes a new appointment; raises ``SlotTakenError`` when another one is in the way."""
    try:
        with session.begin_nested():
            insert(session, row, actor=actor, now=now)
    except IntegrityError as error:
        must_be_overlap(error)
        raise taken(session, row, wishes, now=now) from None


def insert(session: Session, row: Appointment, *, actor: str, now: datetime) -> None:
    """Writes a new appointment and its first event; the database may refuse it."""
    session.add(row)
    session.flush()
    session.add(AppointmentEvent(appointment_id=row.id, state=row.state, actor=actor, at=now))
    session.flush()


def take(session: Session, row: Appointment, *, actor: str, now: datetime, wishes: Wishes) -> None:
    """Makes a hold a booking, and plans its reminders; raises ``SlotTakenError``."""
    try:
        with session.begin_nested():
            become(session, row, AppointmentState.BOOKED, actor=actor, now=now)
            row.booked_at, row.held_until = now, None
            session.flush()
    except IntegrityError as error:
        must_be_overlap(error)
        session.refresh(row)
        raise taken(session, row, wishes, now=now) from None
    reminders.plan(session, row, now=now)


def become(
    session: Session, row: Appointment, state: AppointmentState, *, actor: str, now: datetime
) -> None:
    """Changes the state and notes who did it."""
    row.state = state
    row.changed_at = now
    session.add(AppointmentEvent(appointment_id=row.id, state=state, actor=actor, at=now))


def must_be_overlap(error: IntegrityError) -> None:
    """Raises the error again unless it is the refusal of an overlapping appointment."""
    if OVERLAP not in str(error.orig):
        raise error


def taken(
    session: Session,
    row: Appointment,
    wishes: Wishes,
    *,
    now: datetime,
    ignoring: str | None = None,
) -> SlotTakenError:
    """The error for a time that somebody else has, with the nearest others."""
    near = _others(session, row.service, row.starts_at, wishes, now=now, ignoring=ignoring)
    return SlotTakenError("somebody else has this time", near)


def refusal(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    wishes: Wishes,
    *,
    now: datetime,
    ignoring: str | None,
    offered: bool | None = None,
) -> SlotTakenError | SlotNotOfferedError:
    """Why a time is not among the free ones: taken meanwhile, or never offered."""
    near = _others(session, service, slot.starts_at, wishes, now=now, ignoring=ignoring)
    if offered is None:
        offered = slot.starts_at > now and availability.is_open(session, service, slot, now=now)
    if offered and _overlapping(session, service, slot, ignoring=ignoring, now=now):
        return SlotTakenError("somebody else has this time", near)
    return SlotNotOfferedError("the service is not given at this time", near)


def _others(
    session: Session,
    service: CounsellingService,
    wanted: datetime,
    wishes: Wishes,
    *,
    now: datetime,
    ignoring: str | None,
) -> list[Slot]:
    """The nearest free times to offer instead of one that cannot be had."""
    return availability.nearest_free(
        session, service, wanted, now=now, wishes=wishes, limit=ALTERNATIVES, ignoring=ignoring
    )


def is_free(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    *,
    way: Way,
    now: datetime,
    ignoring: str | None = None,
) -> bool:
    """Whether this very time is among the free ones of its day."""
    day = slot.starts_at.astimezone(ZoneInfo(service.zone)).date()
    wishes = Wishes(calendar_id=slot.calendar_id, way=way, from_day=day, until_day=day)
    return slot in availability.free_slots(
        session, service, now=now, wishes=wishes, ignoring=ignoring
    )


def _overlapping(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    *,
    ignoring: str | None,
    now: datetime,
) -> bool:
    start = slot.starts_at - timedelta(minutes=service.buffer_before)
    end = slot.ends_at + timedelta(minutes=service.buffer_after)
    found = session.scalar(
        select(Appointment.id)
        .where(
            Appointment.calendar_id == slot.calendar_id,
            Appointment.state.in_((AppointmentState.HELD, AppointmentState.BOOKED)),
            Appointment.blocked_from < end,
            Appointment.blocked_until > start,
            Appointment.id != (ignoring or ""),
        )
        .limit(1)
    )
    return found is not None


def held_by(
    session: Session, service: CounsellingService, contact_id: str | None
) -> Sequence[Appointment]:
    """What a person holds of a service at present."""
    if contact_id is None:
        return ()
    return session.scalars(
        select(Appointment)
        .where(
            Appointment.contact_id == contact_id,
            Appointment.service_id == service.id,
            Appointment.state == AppointmentState.HELD,
        )
        # What was read before the lock may have been changed by another form.
        .execution_options(populate_existing=True)
    ).all()


def slot_of(row: Appointment) -> Slot:
    """The time of an appointment."""
    return Slot(row.starts_at, row.ends_at, row.calendar_id)
