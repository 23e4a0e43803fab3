"""Answers about appointments: the form's questions, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from bot.booking import counselling, links, questions, waiting, waiting_words
from bot.booking import service as booking
from bot.booking.draft import Question, Stop
from bot.booking.models import Appointment, WaitingEntry
from bot.booking.presentation import card, slot_label
from bot.booking.telling import Teller
from bot.buttons import human_button, topics_button
from bot.clock import Clock
from bot.db.session import Database
from bot.i18n.texts import Texts
from bot.messages import Button, OutgoingMessage


class BookingAnswers:
    """Puts what actions describe about appointments into words. Threads may share it."""

    def __init__(self, *, database: Database, teller: Teller, clock: Clock) -> None:
        self._database = database
        self._teller = teller
        self._clock = clock

    def question(self, asked: Mapping[str, Any], texts: Texts) -> OutgoingMessage:
        """The next question of an open form, as ``BookingForm.question`` describes it."""
        with self._database.reading() as session:
            services = counselling.services(session)
            service = next((row for row in services if row.key == asked["service"]), None)
            row_id = asked["moves"] or asked["time"]
            return questions.ask(
                Question(asked["question"]),
                asked,
                texts,
                services=services,
                service=service,
                languages=counselling.languages_of(session, service) if service else (),
                row=session.get(Appointment, row_id) if row_id else None,
            )

    def remark(self, note: Mapping[str, Any], texts: Texts) -> OutgoingMessage:
        """What is said before a question is asked again."""
        return questions.remark(note, texts)

    def settled(self, appointment_id: str, texts: Texts, *, moved: bool) -> OutgoingMessage:
        """The confirmation of a new time, with the calendar file."""
        now = self._clock()
        with self._database.transaction() as session:
            row = booking.get(session, appointment_id)
            if moved:
                return self._teller.move_confirmation(session, row, texts, now=now)
            token = links.new_token(session, row.booking_id, now=now)
            return self._teller.confirmation(booking.Booked(row, token), texts, now=now)

    def cancelled(self, appointment_id: str, texts: Texts) -> OutgoingMessage:
        """The confirmation of a cancellation."""
        with self._database.reading() as session:
            row = booking.get(session, appointment_id)
            return self._teller.cancel_confirmation(row, texts, now=self._clock())

    def stopped(
        self, stop: str, service_key: str | None, texts: Texts, *, places: Sequence[int] = ()
    ) -> OutgoingMessage:
        """Why the form ended without an appointment, and what can be done instead.

        ``places`` are the ids of the person's places on waiting lists.
        """
        if stop == Stop.WAITING:
            with self._database.reading() as session:
                entries = waiting.still_there(session, places)
                here = [entry for entry in entries if entry.service.key == service_key]
                return waiting_words.joined(here, texts)
        if stop == Stop.LEFT:
            return OutgoingMessage(
                text=texts.gettext("All right. Nothing was booked or changed."),
                buttons=(book_button(texts), topics_button(texts)),
                language=texts.language,
            )
        with self._database.reading() as session:
            found = [row for row in counselling.services(session) if row.key == service_key]
            limit = found[0].maximum_child_age_months if found else None
        years = texts.ngettext("{number} year", "{number} years", (limit or 36) // 12)
        text = texts.gettext(
            "This advice is only for women whose youngest child is at most {years} old. "
            "But there are other offers for you:",
            years=years,
        )
        return OutgoingMessage(text=text, language=texts.language)

    def appointments(
        self,
        ids: Sequence[str],
        texts: Texts,
        *,
        purpose: str,
        places: Sequence[int] = (),
    ) -> OutgoingMessage:
        """A person's appointments, to be looked at (``show``), moved or cancelled.

        ``places`` are the ids of their places on waiting lists, which are shown and left here too.
        """
        with self._database.reading() as session:
            rows = [row for name in ids if (row := session.get(Appointment, name)) is not None]
            entries = waiting.still_there(session, places)
            if purpose == "cancel" and entries and not rows:
                return waiting_words.ask_leave(entries, texts)
            if purpose == "show" or not rows:
                return self._shown(session, rows, entries, texts)
            leave = waiting_words.leave_buttons(entries, texts) if purpose == "cancel" else ()
            if purpose == "cancel" and len(rows) == 1:
                return _ask_cancel(rows[0], texts, *leave)
            text = {
                "cancel": texts.gettext("Which appointment do you want to cancel?"),
                "move": texts.gettext("Which appointment do you want to move?"),
            }[purpose]
            intent = {"cancel": "cancel_booking", "move": "change_booking"}[purpose]
            choices = (
                Button(
                    title=slot_label(row.starts_at, row.service.zone, texts),
                    payload={"intent": intent, "entities": {"appointment": row.id}},
                )
                for row in rows
            )
            return OutgoingMessage(text=text, buttons=(*choices, *leave), language=texts.language)

    def _shown(
        self,
        session: Session,
        rows: Sequence[Appointment],
        entries: Sequence[WaitingEntry],
        texts: Texts,
    ) -> OutgoingMessage:
        now = self._clock()
        offered = [(entry, waiting.offered_time(session, entry, now=now)) for entry in entries]
        asked = [entry for entry, held in offered if held is not None]
        text = (
            texts.ngettext(
                "You have {number} appointment:", "You have {number} appointments:", len(rows)
            )
            if rows
            else texts.gettext("You have no appointment.")
        )
        return OutgoingMessage(
            text=text,
            cards=(
                *(card(row, texts) for row in rows),
                *(waiting_words.place(entry, held, texts) for entry, held in offered),
            ),
            buttons=(
                *(_change_buttons(texts) if rows else ()),
                # Where two times are offered, a plain "yes" would not tell which one is meant.
                *(waiting_words.offer_buttons(asked[0].id, texts) if len(asked) == 1 else ()),
                *waiting_words.leave_buttons(entries, texts),
                *(() if rows else (book_button(texts),)),
                topics_button(texts),
            ),
            language=texts.language,
        )

    def gone(self, texts: Texts) -> OutgoingMessage:
        """The appointment a button belongs to is over, moved or cancelled."""
        return OutgoingMessage(
            text=texts.gettext("This appointment is over, or was moved or cancelled."),
            buttons=(
                Button(
                    title=texts.gettext("My appointments"),
                    payload={"intent": "show_bookings"},
                    choosable=False,
                ),
                book_button(texts),
            ),
            language=texts.language,
        )

    def old_button(self, texts: Texts) -> OutgoingMessage:
        """A button of a form that is closed."""
        return OutgoingMessage(
            text=texts.gettext("This button belongs to a question that is closed."),
            buttons=(book_button(texts), topics_button(texts)),
            language=texts.language,
        )

    def unavailable(self, texts: Texts) -> OutgoingMessage:
        """Nothing can be booked in the chat."""
        return OutgoingMessage(
            text=texts.gettext(
                "I cannot make appointments here at the moment. A counsellor can do it for you: "
                "press the button, and a person will write to you here."
            ),
            buttons=(human_button(texts), topics_button(texts)),
            language=texts.language,
        )


def book_button(texts: Texts) -> Button:
    """Begins the form."""
    return Button(
        title=texts.gettext("Book an appointment"),
        payload={"intent": "book_counselling"},
        choosable=False,
    )


def _change_buttons(texts: Texts) -> tuple[Button, ...]:
    return tuple(
        Button(title=title, payload={"intent": intent}, choosable=False)
        for title, intent in (
            (texts.gettext("Move it"), "change_booking"),
            (texts.gettext("Cancel it"), "cancel_booking"),
        )
    )


def _ask_cancel(row: Appointment, texts: Texts, *more: Button) -> OutgoingMessage:
    sure = {"appointment": row.id, "sure": "yes"}
    return OutgoingMessage(
        text=texts.gettext(
            "Shall I cancel your appointment on {time}?",
            time=slot_label(row.starts_at, row.service.zone, texts),
        ),
        buttons=(
            Button(
                title=texts.gettext("Yes, cancel it"),
                payload={"intent": "cancel_booking", "entities": sure},
                means="yes",
            ),
            Button(
                title=texts.gettext("No, keep it"),
                payload={"intent": "deny"},
                means="no",
            ),
            Button(
                title=texts.gettext("Move it"),
                payload={"intent": "change_booking", "entities": {"appointment": row.id}},
            ),
            *more,
        ),
        language=texts.language,
    )
