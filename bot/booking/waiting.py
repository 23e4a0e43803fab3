"""The waiting list: a time that becomes free is offered to one person after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.booking import service as booking
from bot.booking.availability import ANYTHING, Slot, Wishes, free_slots
from bot.booking.errors import AppointmentNotFoundError, BookingError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    WaitingEntry,
    WaitingState,
    Way,
)
from bot.booking.reminders import NIGHT_BEGINS, NIGHT_ENDS

# How long a time is kept for somebody who may be at the playground with their children.
OFFER = timedelta(hours=2)
# Nobody is asked who would have less time to answer.
SHORTEST = timedelta(minutes=5)
_OPEN = (WaitingState.WAITING, WaitingState.OFFERED)


def join(
    session: Session,
    service: CounsellingService,
    *,
    contact_id: str,
    conversation_id: str,
    way: Way,
    language: str,
    now: datetime,
    wishes: Wishes = ANYTHING,
) -> WaitingEntry:
    """Puts a person on the waiting list of a service, once; again, it renews their wishes."""
    entry = session.scalar(
        select(WaitingEntry).where(
            WaitingEntry.contact_id == contact_id,
            WaitingEntry.service_id == service.id,
            WaitingEntry.state.in_(_OPEN),
        )
    )
    if entry is None:
        entry = WaitingEntry(
            service=service,
            contact_id=contact_id,
            conversation_id=conversation_id,
            way=way,
            language=language,
            state=WaitingState.WAITING,
            passed=[],
            created_at=now,
        )
        session.add(entry)
    entry.way, entry.language, entry.wishes = way, language, wishes.to_data()
    session.flush()
    return entry


def leave(session: Session, entry_id: int, *, contact_id: str, now: datetime) -> WaitingEntry:
    """Takes a person off the list and frees the time kept for them; again, it changes nothing.

    Raises ``AppointmentNotFoundError`` when it is not this person's place.
    """
    entry = _own(session, entry_id, contact_id)
    if entry.state in _OPEN:
        _let_go(session, entry, now=now)
        entry.state = WaitingState.WITHDRAWN
    return entry


def join_again(session: Session, entry_id: int, *, contact_id: str, now: datetime) -> WaitingEntry:
    """Puts a person who left back on the list with the same wishes, behind all who wait.

    Whoever waits already keeps their place. Raises ``AppointmentNotFoundError`` when it was not
    this person's place, or the service is no longer given.
    """
    left = _own(session, entry_id, contact_id)
    if not left.service.active:
        raise AppointmentNotFoundError("This service is no longer given.")
    waits = next(
        (one for one in of(session, contact_id) if one.service_id == left.service_id), None
    )
    return waits or join(
        session,
        left.service,
        contact_id=contact_id,
        conversation_id=left.conversation_id,
        way=left.way,
        language=left.language,
        now=now,
        wishes=Wishes.from_data(left.wishes),
    )


def of(session: Session, contact_id: str) -> list[WaitingEntry]:
    """The places that a person has on waiting lists, the oldest first."""
    return _places(session, WaitingEntry.contact_id == contact_id)


def still_there(session: Session, entry_ids: Sequence[int]) -> list[WaitingEntry]:
    """Those of these places that nobody has left or been booked from, the oldest first."""
    return _places(session, WaitingEntry.id.in_(entry_ids)) if entry_ids else []


def _places(session: Session, which: ColumnElement[bool]) -> list[WaitingEntry]:
    return list(
        session.scalars(
            select(WaitingEntry)
            .where(which, WaitingEntry.state.in_(_OPEN))
            .order_by(WaitingEntry.id)
        )
    )


def offered_time(session: Session, entry: WaitingEntry, *, now: datetime) -> Appointment | None:
    """The time that is kept for somebody who has still to answer; None when there is none."""
    if entry.offered_id is None or entry.offered_until is None or entry.offered_until <= now:
        return None
    return session.get(Appointment, entry.offered_id)


def offer_free_times(
    session: Session, *, now: datetime, limit: int = 20
) -> list[tuple[WaitingEntry, Appointment]]:
    """Ends offers that were not taken up, and offers what is free to who waits longest.

    Each time offered is held until ``offered_until``; a time that a person let pass is not
    offered to them again. Nobody is asked at night. Returns the offers made; telling the people
    is the caller's, in the same transaction.
    """
    over = session.scalars(
        select(WaitingEntry)
        .where(WaitingEntry.state == WaitingState.OFFERED, WaitingEntry.offered_until <= now)
        .limit(limit)
        .with_for_update(skip_locked=True, of=WaitingEntry)
    )
    for entry in over:
        _let_go(session, entry, now=now)
    session.flush()
    made = []
    waiting = session.scalars(
        select(WaitingEntry)
        .where(WaitingEntry.state == WaitingState.WAITING)
        .order_by(WaitingEntry.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=WaitingEntry)
    )
    for entry in waiting:
        local = now.astimezone(ZoneInfo(entry.service.zone)).time()
        if not _asks_at(local) or not entry.service.active:
            continue
        held = _hold_for(session, entry, now=now)
        if held is not None:
            made.append((entry, held))
    return made


def accept(session: Session, entry_id: int, *, contact_id: str, now: datetime) -> booking.Booked:
    """Books the time that was offered.

    Raises ``BookingError`` when it is gone; the person then waits on. Raises
    ``AppointmentNotFoundError`` when nothing was offered to this person.
    """
    entry = _own(session, entry_id, contact_id)
    if entry.offered_id is None or entry.state not in _OPEN:
        raise AppointmentNotFoundError("No time is offered.")
    try:
        booked = booking.book(
            session,
            entry.offered_id,
            details=booking.Details(),
            contact_id=contact_id,
            now=now,
        )
    except BookingError:
        _let_go(session, entry, now=now)
        raise
    entry.state, entry.offered_until = WaitingState.TAKEN, None
    return booked


def decline(session: Session, entry_id: int, *, contact_id: str, now: datetime) -> WaitingEntry:
    """Lets an offered time go; the person keeps waiting for another one."""
    entry = _own(session, entry_id, contact_id)
    if entry.state == WaitingState.OFFERED:
        _let_go(session, entry, now=now)
    return entry


def _asks_at(local: time) -> bool:
    return NIGHT_ENDS <= local < NIGHT_BEGINS


def _own(session: Session, entry_id: int, contact_id: str) -> WaitingEntry:
    # Whoever offers a time at this moment is waited for: it has to be seen to be let go.
    entry = session.scalar(
        select(WaitingEntry)
        .where(WaitingEntry.id == entry_id)
        .with_for_update(of=WaitingEntry)
        .execution_options(populate_existing=True)
    )
    if entry is None or entry.contact_id != contact_id:
        raise AppointmentNotFoundError("There is no such entry on the waiting list.")
    return entry


def _hold_for(session: Session, entry: WaitingEntry, *, now: datetime) -> Appointment | None:
    service = entry.service
    wishes = Wishes.from_data({**entry.wishes, "way": entry.way, "language": entry.language})
    slots = free_slots(session, service, now=now, wishes=wishes)
    # The time must still be bookable when the offer ends.
    notice = timedelta(minutes=service.notice)
    slot = next(
        (
            slot
            for slot in slots
            if _name(slot) not in entry.passed and slot.starts_at - notice - now >= SHORTEST
        ),
        None,
    )
    if slot is None:
        return None
    until = min(now + OFFER, slot.starts_at - notice)
    try:
        held = booking.hold(
            session,
            service,
            slot,
            way=entry.way,
            language=entry.language,
            contact_id=entry.contact_id,
            conversation_id=entry.conversation_id,
            now=now,
            for_long=until - now,
        )
    except BookingError:
        # Somebody was quicker; the next look offers another time.
        return None
    entry.state, entry.offered_id, entry.offered_until = WaitingState.OFFERED, held.id, until
    session.flush()
    return held


def _let_go(session: Session, entry: WaitingEntry, *, now: datetime) -> None:
    row = session.get(Appointment, entry.offered_id) if entry.offered_id else None
    if row is not None:
        slot = Slot(row.starts_at, row.ends_at, row.calendar_id)
        entry.passed = [*entry.passed, _name(slot)]
        if row.state == AppointmentState.HELD:
            booking.release(session, row.id, contact_id=entry.contact_id, now=now)
    entry.state, entry.offered_id, entry.offered_until = WaitingState.WAITING, None, None


def _name(slot: Slot) -> str:
    return f"{slot.starts_at:%Y%m%dT%H%MZ}/{slot.calendar_id}"
