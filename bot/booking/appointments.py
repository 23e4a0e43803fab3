"""A person's own appointments and places on waiting lists, from where they write."""

from __future__ import annotations

from bot.booking import service as booking
from bot.booking import waiting
from bot.clock import Clock
from bot.conversations.models import Conversation
from bot.db.session import Database


class Appointments:
    """Finds and cancels appointments of whoever writes. Threads may share it."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of(self, conversation_id: str) -> list[str]:
        """The ids of the appointments that the person has before them, soonest first."""
        with self._database.reading() as session:
            contact_id = session.get_one(Conversation, conversation_id).identity.contact_id
            rows = booking.appointments_of(session, contact_id, now=self._clock())
            return [row.id for row in rows]

    def waiting(self, conversation_id: str) -> list[int]:
        """The ids of the person's places on waiting lists, the oldest first."""
        with self._database.reading() as session:
            contact_id = session.get_one(Conversation, conversation_id).identity.contact_id
            return [entry.id for entry in waiting.of(session, contact_id)]

    def cancel(self, conversation_id: str, appointment_id: str) -> None:
        """Cancels one of them; again, it changes nothing.

        Raises ``AppointmentNotFoundError`` when it is not theirs, ``AppointmentClosedError`` when
        it has begun or was moved.
        """
        with self._database.transaction() as session:
            contact_id = session.get_one(Conversation, conversation_id).identity.contact_id
            booking.cancel(session, appointment_id, now=self._clock(), contact_id=contact_id)
