"""The booking room as actions and answers use it, and counselling to book in tests."""

from __future__ import annotations

from typing import Any

from actions import Booking
from bot.booking.answers import BookingAnswers
from bot.booking.appointments import Appointments
from bot.booking.draft import Draft, Pressed, Question, Said
from bot.booking.form import BookingForm
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.clock import Clock
from bot.db.session import Database
from bot.i18n.texts import Catalogues
from tests.conftest import Clock as TestClock
from tests.support.booking import new_person


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


class Person:
    """Somebody who fills in a form; ``notes`` are what was said before the next question."""

    def __init__(self, database: Database, form: BookingForm) -> None:
        with database.transaction() as session:
            self.conversation = new_person(session, now=TestClock().now).id
        self._form = form
        self._number = 0
        self.notes: list[str] = []
        self.draft = self.begin()

    def begin(self, **said: Any) -> Draft:
        draft = self._form.begin(self.conversation, Said(message_id=self._next(), **said))
        assert draft is not None
        self.draft = draft
        return draft

    def says(self, question: Question, text: str = "", **more: Any) -> Draft | None:
        said = Said(message_id=self._next(), text=text, **more)
        outcome = self._form.answer(self.conversation, self.draft, question, said)
        self.notes = [str(note["name"]) for note in outcome.notes]
        if outcome.draft is not None:
            self.draft = outcome.draft
        return outcome.draft

    def presses(self, question: Question, value: str, *, form: str = "") -> Draft | None:
        pressed = Pressed(form=form or self.draft.form, question=question, value=value)
        return self.says(question, pressed=pressed)

    def times(self) -> list[str]:
        slots: list[str] = self._form.question(self.draft, Question.TIME)["slots"]
        return slots

    def up_to_the_times(self, way: str = "place") -> None:
        self.presses(Question.SUBJECT, "work")
        self.presses(Question.CHILD, "expecting")
        self.presses(Question.LANGUAGE, "de")
        self.presses(Question.WAY, way)

    def open(self) -> list[Question]:
        """The questions without an answer."""
        return [question for question in Question if self.draft.answer(question) is None]

    def _next(self) -> str:
        self._number += 1
        return str(self._number)
