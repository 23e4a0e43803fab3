"""Builds counselling services, counsellors' calendars and people to book for."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking import service as booking
from bot.booking.availability import Slot
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Way,
    WeeklyTime,
)
from bot.conversations import inbox
from bot.conversations.models import Conversation
from tests.support.builders import incoming

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, TUESDAY, SUNDAY = 0, 1, 6

_numbers = itertools.count(1)


def berlin(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time as clocks in Stuttgart show it, as an instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def new_service(session: Session, **changes: Any) -> CounsellingService:
    """Half an hour of career advice, bookable at once and for four weeks."""
    values: dict[str, Any] = {
        "key": f"service-{next(_numbers)}",
        "title": {"de": "Berufsberatung", "en": "Career advice"},
        "duration": 30,
        "step": 30,
        "ways": [Way.PLACE.value, Way.PHONE.value],
        "notice": 0,
        "horizon_days": 28,
        "open_per_contact": 1,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    row = CounsellingService(**{**values, **changes})
    session.add(row)
    session.flush()
    return row


def new_calendar(
    session: Session,
    *services: CounsellingService,
    hours: tuple[tuple[int, int, int], ...] = tuple((day, 9 * 60, 12 * 60) for day in range(5)),
    **changes: Any,
) -> CounsellorCalendar:
    """A counsellor open from nine to twelve on working days; ``hours`` in minutes."""
    values: dict[str, Any] = {"name": "Miriam", "languages": ["de", "en", "ar"]}
    row = CounsellorCalendar(**{**values, **changes}, services=list(services))
    row.weekly_times = [
        WeeklyTime(weekday=weekday, starts=starts, ends=ends) for weekday, starts, ends in hours
    ]
    session.add(row)
    session.flush()
    return row


def new_person(session: Session, *, now: datetime, language: str = "en") -> Conversation:
    """Somebody who wrote to the bot and agreed."""
    address = f"person-{next(_numbers)}"
    inbox.record(session, [incoming(address=address)], now=now)
    conversation = inbox.find_conversation(session, channel="web", address=address)
    assert conversation is not None
    conversation.language = language
    conversation.identity.contact.consented_at = now
    session.flush()
    return conversation


def hold(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    person: Conversation,
    *,
    now: datetime,
    **changes: Any,
) -> Appointment:
    """Holds a time for a person who meets in person and speaks English."""
    values: dict[str, Any] = {
        "way": Way.PLACE,
        "language": "en",
        "contact_id": person.identity.contact_id,
        "conversation_id": person.id,
        "now": now,
    }
    return booking.hold(session, service, slot, **{**values, **changes})


def book(
    session: Session,
    service: CounsellingService,
    slot: Slot,
    person: Conversation,
    *,
    now: datetime,
    **details: Any,
) -> Appointment:
    """Holds a time and books it."""
    held = hold(session, service, slot, person, now=now)
    return booking.book(
        session,
        held.id,
        details=booking.Details(**details),
        contact_id=person.identity.contact_id,
        now=now,
    ).appointment


def slot_at(moment: datetime, calendar: CounsellorCalendar, *, minutes: int = 30) -> Slot:
    """The slot that begins at a moment."""
    return Slot(moment, moment + timedelta(minutes=minutes), calendar.id)


def blocking(session: Session) -> list[Appointment]:
    """All appointments that keep a time from others."""
    states = (AppointmentState.HELD, AppointmentState.BOOKED)
    return list(session.scalars(select(Appointment).where(Appointment.state.in_(states))))
