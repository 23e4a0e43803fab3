"""The counselling services that can be booked, and for whom they are meant."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.errors import AppointmentNotFoundError
from bot.booking.models import CounsellingService


def services(session: Session) -> list[CounsellingService]:
    """The services that can be booked now, in the order of their keys."""
    return list(
        session.scalars(
            select(CounsellingService)
            .where(CounsellingService.active)
            .order_by(CounsellingService.key)
        )
    )


def by_key(session: Session, key: str) -> CounsellingService:
    """The service with this key; raises ``AppointmentNotFoundError``."""
    found = session.scalar(select(CounsellingService).where(CounsellingService.key == key))
    if found is None:
        raise AppointmentNotFoundError(f"There is no counselling service {key!r}.")
    return found


def languages_of(session: Session, service: CounsellingService) -> list[str]:
    """The languages that at least one counsellor of a service speaks, sorted by code."""
    return sorted(
        {code for calendar in service.calendars if calendar.active for code in calendar.languages}
    )


def accepts_child(service: CounsellingService, age_months: int) -> bool:
    """Whether the youngest child is young enough; an unborn one (0) always is.

    Raises ``ValueError`` for an age that nobody has.
    """
    if not 0 <= age_months <= 130 * 12:
        raise ValueError("no child is this old")
    limit = service.maximum_child_age_months
    return limit is None or age_months <= limit
