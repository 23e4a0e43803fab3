"""The booking room as actions and answers use it, and counselling to book in tests."""

from __future__ import annotations

from actions import Booking
from bot.booking.answers import BookingAnswers
from bot.booking.appointments import Appointments
from bot.booking.form import BookingForm
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.clock import Clock
from bot.db.session import Database
from bot.i18n.texts import Catalogues


def booking_of(database: Database, clock: Clock) -> Booking:
    """What the actions get."""
    return Booking(
        form=BookingForm(database=database, clock=clock),
        appointments=Appointments(database=database, clock=clock),
    )


def booking_answers(database: Database, clock: Clock, catalogues: Catalogues) -> BookingAnswers:
    """What puts appointments into words."""
    teller = Teller(catalogues=catalogues, site=Site("https://lotse.test"))
    return BookingAnswers(database=database, teller=teller, clock=clock)
