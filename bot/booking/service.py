"""The moves of an appointment: hold, book, move, cancel, attended, missed.

A time is taken by writing it: the database refuses an overlapping row, whoever wrote first. What
is checked before only spares people an error. Every function works in the caller's transaction
and leaves it usable when it raises one of ``bot.booking.errors``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.booking import availability, links, reminders, taking
from bot.booking.availability import ANYTHING, Slot, Wishes
from bot.booking.errors import (
    AlreadyBookedError,
    AppointmentClosedError,
    AppointmentNotFoundError,
)
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    Way,
)
from bot.booking.taking import PERSON, SYSTEM, expire_holds

HOLD = timedelta(minutes=10)

MAXIMUM_NAME = 120
MAXIMUM_REACH = 200
MAXIMUM_SUBJECT = 500

_OPEN = (AppointmentState.HELD, AppointmentState.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the person says about themselves; all of it may be left out.

    ``reach`` is a telephone number or address for calling back. Longer texts are cut.
    """

    name: str = field(default="", repr=False)
    reach: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    reminders: bool = True


@dataclass(frozen=True)
class Booked:
    """A booked appointment and the secret token of the page that shows it."""

    appointment: Appointment
    token: str = field(repr=False)


def hold(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    *,
    way: Way,
    language: str,
    contact_id: str | None,
    conversation_id: str | None,
    now: datetime,
    wishes: Wishes = ANYTHING,
    for_long: timedelta = HOLD,
) -> Appointment:
    """Keeps a time free for ten minutes while the person decides, and returns it as ``HELD``.

    What the person held of this service before is let go; the same time again prolongs it.
    Raises ``SlotTakenError`` or ``SlotNotOfferedError`` with the nearest times that suit
    ``wishes``, and ``ValueError`` when the service is not given in this way.
    """
    if way.value not in service.ways:
        raise ValueError("the service is not given in this way")
    taking.lock(session, contact_id)
    kept = taking.held_by(session, service, contact_id)
    if kept or service.weekly_limit is not None:
        # What is counted or changed has to be read after whoever came first is done.
        taking.lock(session, None, slot.calendar_id)
        expire_holds(session, now=now, calendar_id=slot.calendar_id)
        kept = taking.held_by(session, service, contact_id)
    for row in kept:
        if row.calendar_id == slot.calendar_id and row.starts_at == slot.starts_at:
            row.held_until, row.way, row.language = now + for_long, way, language
            return row
        taking.become(session, row, AppointmentState.EXPIRED, actor=PERSON, now=now)
    session.flush()
    if not taking.is_free(session, service, slot, way=way, now=now):
        raise taking.refusal(session, service, slot, wishes, now=now, ignoring=None)
    # Only the writing queues: many people are offered the counsellor with the most free time.
    taking.lock(session, None, slot.calendar_id)
    expire_holds(session, now=now, calendar_id=slot.calendar_id)
    row = taking.new_row(
        service,
        slot,
        state=AppointmentState.HELD,
        way=way,
        language=language,
        contact_id=contact_id,
        conversation_id=conversation_id,
        now=now,
    )
    row.held_until = now + for_long
    taking.write(session, row, actor=PERSON if contact_id else SYSTEM, now=now, wishes=wishes)
    return row


def book(
    session: Session,
    appointment_id: str,
    *,
    details: Details,
    now: datetime,
    contact_id: str | None = None,
    wishes: Wishes = ANYTHING,
) -> Booked:
    """Books a held time for good, and plans its reminders.

    A hold that has expired is booked all the same while nobody else has the time; otherwise
    ``SlotTakenError`` carries the nearest ones. Booking the same hold again changes nothing and
    returns a fresh token. Raises ``AppointmentNotFoundError`` when it is not this contact's,
    ``AlreadyBookedError``, and ``AppointmentClosedError`` when it was cancelled or moved.
    """
    row = own(session, appointment_id, contact_id)
    taking.lock(session, row.contact_id)
    ahead = _ahead(session, row.service, row.contact_id, now=now)
    taking.lock(session, None, row.calendar_id)
    session.refresh(row)
    if row.state == AppointmentState.BOOKED:
        return Booked(row, links.new_token(session, row.booking_id, now=now))
    if row.state not in _OPEN:
        raise AppointmentClosedError("This appointment can no longer be booked.")
    if row.starts_at <= now:
        raise taking.refusal(
            session, row.service, taking.slot_of(row), wishes, now=now, ignoring=None
        )
    if len(ahead) >= row.service.open_per_contact:
        raise AlreadyBookedError([appointment.id for appointment in ahead])
    expire_holds(session, now=now, calendar_id=row.calendar_id, except_for=row.id)
    _describe(row, details)
    taking.take(session, row, actor=PERSON, now=now, wishes=wishes)
    return Booked(row, links.new_token(session, row.booking_id, now=now))


def book_by_hand(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    *,
    way: Way,
    language: str,
    details: Details,
    actor: str,
    now: datetime,
    outside_hours: bool = False,
) -> Booked:
    """A counsellor books for somebody who called; the notice and limits do not bind them.

    Raises ``SlotNotOfferedError`` for a past time, and for one outside the hours unless
    ``outside_hours``; ``SlotTakenError`` always when another appointment is in the way.
    """
    taking.lock(session, None, slot.calendar_id)
    expire_holds(session, now=now, calendar_id=slot.calendar_id)
    open_then = outside_hours or availability.is_open(session, service, slot, now=now)
    if slot.starts_at <= now or not open_then:
        raise taking.refusal(
            session, service, slot, ANYTHING, now=now, ignoring=None, offered=False
        )
    row = taking.new_row(
        service,
        slot,
        state=AppointmentState.BOOKED,
        way=way,
        language=language,
        contact_id=None,
        conversation_id=None,
        now=now,
    )
    row.booked_at = now
    _describe(row, details)
    taking.write(session, row, actor=actor, now=now, wishes=ANYTHING)
    return Booked(row, links.new_token(session, row.booking_id, now=now))


def move(
    session: Session,
    appointment_id: str,
    slot: Slot,
    *,
    now: datetime,
    contact_id: str | None = None,
    actor: str = PERSON,
    outside_hours: bool = False,
    wishes: Wishes = ANYTHING,
) -> Appointment:
    """Moves a booked appointment to another time; links and calendar files go on with it.

    The new time is taken and the old one given back in one step: when ``SlotTakenError`` or
    ``SlotNotOfferedError`` is raised, the old appointment stands as before. A counsellor
    (``actor`` is their account) is bound by hours unless ``outside_hours``, and by no notice.
    Raises ``AppointmentClosedError`` when the appointment is not booked or has begun.
    """
    old = own(session, appointment_id, contact_id)
    taking.lock(session, old.contact_id, old.calendar_id, slot.calendar_id)
    session.refresh(old)
    _must_be_ahead(old, now)
    if slot.starts_at == old.starts_at and slot.calendar_id == old.calendar_id:
        return old
    service = old.service
    expire_holds(session, now=now, calendar_id=slot.calendar_id)
    for row in taking.held_by(session, service, old.contact_id):
        taking.become(session, row, AppointmentState.EXPIRED, actor=actor, now=now)
    session.flush()
    if actor == PERSON:
        allowed = taking.is_free(session, service, slot, way=old.way, now=now, ignoring=old.id)
    else:
        allowed = slot.starts_at > now and (
            outside_hours or availability.is_open(session, service, slot, now=now)
        )
    if not allowed:
        raise taking.refusal(session, service, slot, wishes, now=now, ignoring=old.id)
    new = taking.new_row(
        service,
        slot,
        state=AppointmentState.BOOKED,
        way=old.way,
        language=old.language,
        contact_id=old.contact_id,
        conversation_id=old.conversation_id,
        now=now,
    )
    new.booking_id, new.sequence = old.booking_id, old.sequence + 1
    new.name, new.reach, new.subject, new.notes = old.name, old.reach, old.subject, old.notes
    new.reminders_wanted, new.booked_at = old.reminders_wanted, now
    try:
        with session.begin_nested():
            taking.become(session, old, AppointmentState.MOVED, actor=actor, now=now)
            session.flush()
            taking.insert(session, new, actor=actor, now=now)
    except IntegrityError as error:
        taking.must_be_overlap(error)
        session.refresh(old)
        raise taking.taken(session, new, wishes, now=now, ignoring=old.id) from None
    reminders.drop(session, old)
    reminders.plan(session, new, now=now)
    return new


def cancel(
    session: Session,
    appointment_id: str,
    *,
    now: datetime,
    contact_id: str | None = None,
    actor: str = PERSON,
) -> Appointment:
    """Cancels a booked appointment and frees its time; again, it changes nothing.

    Raises ``AppointmentClosedError`` when it has begun or was moved.
    """
    row = own(session, appointment_id, contact_id)
    taking.lock(session, row.contact_id, row.calendar_id)
    session.refresh(row)
    if row.state == AppointmentState.CANCELLED:
        return row
    _must_be_ahead(row, now)
    taking.become(session, row, AppointmentState.CANCELLED, actor=actor, now=now)
    row.sequence += 1
    reminders.drop(session, row)
    session.flush()
    return row


def release(session: Session, appointment_id: str, *, now: datetime, contact_id: str) -> None:
    """Lets a held time go because the form was left; anything but a hold stays as it is."""
    row = session.get(Appointment, appointment_id)
    if row is not None and row.contact_id == contact_id and row.state == AppointmentState.HELD:
        taking.become(session, row, AppointmentState.EXPIRED, actor=PERSON, now=now)


def note_outcome(
    session: Session, appointment_id: str, *, attended: bool, actor: str, now: datetime
) -> Appointment:
    """Notes whether the person came; a counsellor may correct it later.

    Raises ``AppointmentClosedError`` before the appointment begins, and when it was cancelled or
    moved.
    """
    row = get(session, appointment_id)
    outcomes = (AppointmentState.BOOKED, AppointmentState.ATTENDED, AppointmentState.MISSED)
    if row.state not in outcomes or row.starts_at > now:
        raise AppointmentClosedError("Only an appointment that has begun has an outcome.")
    state = AppointmentState.ATTENDED if attended else AppointmentState.MISSED
    if row.state != state:
        taking.become(session, row, state, actor=actor, now=now)
    return row


def set_reminders(session: Session, row: Appointment, *, wanted: bool, now: datetime) -> None:
    """Turns the reminders of a booked appointment on or off."""
    row.reminders_wanted = wanted
    reminders.drop(session, row)
    if row.state == AppointmentState.BOOKED:
        reminders.plan(session, row, now=now)


def get(session: Session, appointment_id: str) -> Appointment:
    """The appointment with this id; raises ``AppointmentNotFoundError``."""
    row = session.get(Appointment, appointment_id)
    if row is None:
        raise AppointmentNotFoundError("There is no such appointment.")
    return row


def appointments_of(session: Session, contact_id: str, *, now: datetime) -> list[Appointment]:
    """The booked appointments that a person still has before them, soonest first."""
    return list(
        session.scalars(
            select(Appointment)
            .where(
                Appointment.contact_id == contact_id,
                Appointment.state == AppointmentState.BOOKED,
                Appointment.ends_at > now,
            )
            .order_by(Appointment.starts_at)
        )
    )


def _ahead(
    session: Session, service: CounsellingService, contact_id: str | None, *, now: datetime
) -> list[Appointment]:
    if contact_id is None:
        return []
    ahead = appointments_of(session, contact_id, now=now)
    return [row for row in ahead if row.service_id == service.id]


def own(session: Session, appointment_id: str, contact_id: str | None) -> Appointment:
    """The appointment of a person; raises ``AppointmentNotFoundError`` for anybody else's."""
    row = get(session, appointment_id)
    if contact_id is not None and row.contact_id != contact_id:
        # To whom it does not belong, it does not exist.
        raise AppointmentNotFoundError("There is no such appointment.")
    return row


def _must_be_ahead(row: Appointment, now: datetime) -> None:
    if row.state != AppointmentState.BOOKED or row.starts_at <= now:
        raise AppointmentClosedError("This appointment can no longer be changed.")


def _describe(row: Appointment, details: Details) -> None:
    row.name = details.name.strip()[:MAXIMUM_NAME]
    row.reach = details.reach.strip()[:MAXIMUM_REACH]
    row.subject = details.subject.strip()[:MAXIMUM_SUBJECT]
    row.reminders_wanted = details.reminders
