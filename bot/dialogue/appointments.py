"""What the buttons below messages about appointments do: reminders off, a waiting list's offer.

They work whoever answers the conversation, because they concern the person alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.booking import presentation, waiting
from bot.booking import service as booking
from bot.booking.errors import (
    AppointmentClosedError,
    AppointmentNotFoundError,
    BookingError,
)
from bot.booking.telling import Teller
from bot.i18n.texts import Texts
from bot.messages import OutgoingMessage

COMMANDS = frozenset(
    {presentation.REMINDERS_OFF, presentation.ACCEPT_OFFER, presentation.DECLINE_OFFER}
)


def press(
    session: Session,
    payload: dict[str, Any],
    texts: Texts,
    *,
    contact_id: str,
    teller: Teller,
    now: datetime,
) -> OutgoingMessage | None:
    """Does what a button means and returns the answer; None when it no longer means anything.

    Pressing a button again, or one of an appointment that is over, changes nothing.
    """
    try:
        match payload["command"]:
            case presentation.REMINDERS_OFF:
                row = booking.get(session, payload["appointment"])
                if row.contact_id != contact_id:
                    return None
                booking.set_reminders(session, row, wanted=False, now=now)
                return presentation.reminders_off(texts)
            case presentation.ACCEPT_OFFER:
                booked = waiting.accept(session, payload["entry"], contact_id=contact_id, now=now)
                return teller.confirmation(booked, texts, now=now)
            case presentation.DECLINE_OFFER:
                waiting.decline(session, payload["entry"], contact_id=contact_id, now=now)
                return presentation.offer_declined(texts)
    except BookingError:
        return presentation.offer_gone(texts)
    except (AppointmentNotFoundError, AppointmentClosedError):
        return None
    return None
