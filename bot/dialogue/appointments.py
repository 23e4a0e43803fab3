"""What the buttons below messages about appointments do: reminders off, all about waiting lists.

They work whoever answers the conversation, because they concern the person alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.booking import presentation, waiting, waiting_words
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
    {
        presentation.REMINDERS_OFF,
        waiting_words.ACCEPT_OFFER,
        waiting_words.DECLINE_OFFER,
        waiting_words.LEAVE_LIST,
        waiting_words.JOIN_AGAIN,
    }
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
            case waiting_words.ACCEPT_OFFER:
                booked = waiting.accept(session, payload["entry"], contact_id=contact_id, now=now)
                return teller.confirmation(booked, texts, now=now)
            case waiting_words.DECLINE_OFFER:
                entry = waiting.decline(session, payload["entry"], contact_id=contact_id, now=now)
                return waiting_words.offer_declined(entry, texts)
            case waiting_words.LEAVE_LIST:
                entry = waiting.leave(session, payload["entry"], contact_id=contact_id, now=now)
                return waiting_words.left(entry, texts)
            case waiting_words.JOIN_AGAIN:
                entry = waiting.join_again(
                    session, payload["entry"], contact_id=contact_id, now=now
                )
                return waiting_words.joined([entry], texts)
    except BookingError:
        return waiting_words.offer_gone(texts)
    except (AppointmentNotFoundError, AppointmentClosedError):
        return None
    return None
