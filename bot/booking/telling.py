"""Telling people about their appointments in the chat they booked from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bot.booking import links, presentation, reminders, waiting_words
from bot.booking.models import Appointment, WaitingEntry
from bot.booking.presentation import Site
from bot.booking.service import Booked
from bot.conversations import outbox
from bot.conversations.models import Conversation
from bot.i18n.texts import Catalogues, Texts
from bot.messages import OutgoingMessage


class Teller:
    """Makes the messages about appointments and queues those that nobody asked for.

    What is queued is committed with the change it tells of. Whoever booked by telephone has no
    chat and is told nothing; each method says whether somebody will be told.
    """

    def __init__(self, *, catalogues: Catalogues, site: Site) -> None:
        self._catalogues = catalogues
        self.site = site

    def confirmation(self, booked: Booked, texts: Texts, *, now: datetime) -> OutgoingMessage:
        """The answer to whoever has just booked."""
        row = booked.appointment
        return presentation.booked(
            row,
            texts,
            token=booked.token,
            site=self.site,
            planned=reminders.ahead(row, now=now),
        )

    def move_confirmation(
        self, session: Session, row: Appointment, texts: Texts, *, now: datetime
    ) -> OutgoingMessage:
        """The answer to whoever has just moved their appointment; ``row`` is the new one."""
        token = links.new_token(session, row.booking_id, now=now)
        return presentation.moved(row, texts, token=token, site=self.site, by_counsellor=False)

    def cancel_confirmation(
        self, row: Appointment, texts: Texts, *, now: datetime
    ) -> OutgoingMessage:
        """The answer to whoever has just cancelled."""
        return presentation.cancelled(row, texts, site=self.site, now=now, by_counsellor=False)

    def moved(
        self, session: Session, row: Appointment, *, now: datetime, by_counsellor: bool
    ) -> bool:
        """Tells of the new time."""
        conversation, texts = self._reader(session, row)
        if conversation is None:
            return False
        token = links.new_token(session, row.booking_id, now=now)
        message = presentation.moved(
            row, texts, token=token, site=self.site, by_counsellor=by_counsellor
        )
        return self._queue(session, conversation, [message], now=now)

    def cancelled(
        self, session: Session, row: Appointment, *, now: datetime, by_counsellor: bool
    ) -> bool:
        """Tells that the appointment does not take place."""
        conversation, texts = self._reader(session, row)
        if conversation is None:
            return False
        message = presentation.cancelled(
            row, texts, site=self.site, now=now, by_counsellor=by_counsellor
        )
        return self._queue(session, conversation, [message], now=now)

    def remind(self, session: Session, row: Appointment, *, now: datetime) -> bool:
        """Reminds of the appointment."""
        conversation, texts = self._reader(session, row)
        if conversation is None:
            return False
        token = links.new_token(session, row.booking_id, now=now)
        message = presentation.reminder(row, texts, token=token, site=self.site)
        return self._queue(session, conversation, [message], now=now)

    def offer(
        self, session: Session, entry: WaitingEntry, held: Appointment, *, now: datetime
    ) -> bool:
        """Asks somebody on the waiting list whether they want a time."""
        conversation, texts = self._reader(session, held)
        if conversation is None or entry.offered_until is None:
            return False
        message = waiting_words.offer(held, texts, entry_id=entry.id, until=entry.offered_until)
        return self._queue(session, conversation, [message], now=now)

    def _reader(self, session: Session, row: Appointment) -> tuple[Conversation | None, Texts]:
        conversation = (
            session.get(Conversation, row.conversation_id) if row.conversation_id else None
        )
        return conversation, self._catalogues.get(conversation.language if conversation else None)

    def _queue(
        self,
        session: Session,
        conversation: Conversation,
        messages: Sequence[OutgoingMessage],
        *,
        now: datetime,
    ) -> bool:
        outbox.add(session, conversation=conversation, messages=messages, now=now)
        return True
