"""Whose calendar a page shows: a counsellor's own, or the one that an admin chose."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.booking import calendars
from bot.booking import service as booking
from bot.booking.models import Appointment, CounsellorCalendar
from bot.counsellors.models import Account, Role
from bot.errors import NotFoundError


def choices(session: Session, account: Account) -> list[CounsellorCalendar]:
    """The calendars that an account may open; an admin's own comes first."""
    own = calendars.calendar_of(session, account.id)
    if account.role is not Role.ADMIN:
        return [own] if own else []
    others = [row for row in calendars.all_calendars(session) if row is not own]
    return [own, *others] if own else others


def chosen(
    session: Session, account: Account, calendar_id: int | None
) -> CounsellorCalendar | None:
    """The calendar asked for, or the account's first one; None when it has none at all.

    Raises ``NotFoundError`` for one that is not the account's to see.
    """
    possible = choices(session, account)
    if calendar_id is None:
        return possible[0] if possible else None
    for calendar in possible:
        if calendar.id == calendar_id:
            return calendar
    raise NotFoundError("There is no such calendar.")


def required(session: Session, account: Account, calendar_id: int | None) -> CounsellorCalendar:
    """Like ``chosen``, but raises ``NotFoundError`` when there is none."""
    calendar = chosen(session, account, calendar_id)
    if calendar is None:
        raise NotFoundError("There is no calendar.")
    return calendar


def appointment(session: Session, account: Account, appointment_id: str) -> Appointment:
    """An appointment in a calendar of the account; raises ``NotFoundError`` for any other."""
    row = booking.get(session, appointment_id)
    chosen(session, account, row.calendar_id)
    return row
