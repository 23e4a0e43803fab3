"""What can go wrong with a booking; each error carries what helps the person on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.booking.availability import Slot
from bot.errors import IllegalMoveError, LotseError, NotFoundError


class BookingError(LotseError):
    """A time could not be taken. ``alternatives`` are the nearest free times, maybe none."""

    def __init__(self, message: str, alternatives: Sequence[Slot] = ()) -> None:
        super().__init__(message)
        self.alternatives = list(alternatives)


class SlotTakenError(BookingError):
    """Somebody else has this time, or one that overlaps it."""


class SlotNotOfferedError(BookingError):
    """The service is not given at this time: past, too soon, too far ahead, or not in the hours."""


class AlreadyBookedError(BookingError):
    """The person has as many appointments of this service ahead as one may have."""

    def __init__(self, appointment_ids: Sequence[str]) -> None:
        super().__init__("the person has an appointment of this service already")
        self.appointment_ids = list(appointment_ids)


class AppointmentNotFoundError(NotFoundError):
    """There is no such appointment, or it is not this person's."""


class AppointmentClosedError(IllegalMoveError):
    """The appointment is over, cancelled or moved; nothing can be changed about it."""
