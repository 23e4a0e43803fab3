"""Secret addresses of a booking: whoever has the token may see, move and cancel it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.models import Appointment, AppointmentLink

# 256 bits; the database keeps the hash only, so that reading it opens no appointment.
TOKEN_BYTES = 32
MAXIMUM_TOKEN = 100


def new_token(session: Session, booking_id: str, *, now: datetime) -> str:
    """A new token of a booking; earlier ones stay good, because they stand in messages."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(AppointmentLink(token_hash=hashed(token), booking_id=booking_id, created_at=now))
    return token


def appointment_by_token(session: Session, token: str) -> Appointment | None:
    """The present appointment of the booking that a token opens; None for any other token."""
    if len(token) > MAXIMUM_TOKEN:
        return None
    link = session.get(AppointmentLink, hashed(token))
    if link is None:
        return None
    return current(session, link.booking_id)


def current(session: Session, booking_id: str) -> Appointment | None:
    """The row of a booking that counts now: the last one that its moves led to."""
    return session.scalar(
        select(Appointment)
        .where(Appointment.booking_id == booking_id, Appointment.booked_at.is_not(None))
        .order_by(Appointment.sequence.desc())
        .limit(1)
    )


def hashed(token: str) -> str:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
