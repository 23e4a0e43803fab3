"""Many attempts on the same time at once: what each process of the race does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier

from sqlalchemy.exc import DBAPIError

from bot.booking import service as booking
from bot.booking.availability import Slot
from bot.booking.errors import BookingError
from bot.booking.models import Appointment, AppointmentState, CounsellingService, Way
from bot.db.session import Database

THREADS = 10
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Attempt:
    """One person's wish for a time of a service."""

    service_id: str
    contact_id: str
    conversation_id: str
    starts_at: datetime
    minutes: int
    calendar_id: int

    @property
    def slot(self) -> Slot:
        """The time wished for."""
        ends_at = self.starts_at + timedelta(minutes=self.minutes)
        return Slot(self.starts_at, ends_at, self.calendar_id)


def book_all(
    url: str, attempts: list[Attempt], now: datetime, start: Barrier
) -> list[tuple[str, int]]:
    """Holds and books as the form does; for each attempt its end and the number of other times."""
    database = Database(url)

    def one(attempt: Attempt) -> tuple[str, int]:
        try:
            with database.transaction() as session:
                service = session.get_one(CounsellingService, attempt.service_id)
                held = booking.hold(
                    session,
                    service,
                    attempt.slot,
                    way=Way.PLACE,
                    language="en",
                    contact_id=attempt.contact_id,
                    conversation_id=attempt.conversation_id,
                    now=now,
                )
            with database.transaction() as session:
                booking.book(
                    session,
                    held.id,
                    details=booking.Details(),
                    contact_id=attempt.contact_id,
                    now=now,
                )
        except BookingError as error:
            return type(error).__name__, len(error.alternatives)
        return "booked", 0

    return _at_once(database, attempts, one, start)


def write_all(
    url: str, attempts: list[Attempt], now: datetime, start: Barrier
) -> list[tuple[str, int]]:
    """Writes the rows without looking first: only the database stands in the way."""
    database = Database(url)

    def one(attempt: Attempt) -> tuple[str, int]:
        try:
            with database.transaction() as session:
                session.add(
                    Appointment(
                        service_id=attempt.service_id,
                        calendar_id=attempt.calendar_id,
                        state=AppointmentState.BOOKED,
                        starts_at=attempt.starts_at,
                        ends_at=attempt.slot.ends_at,
                        blocked_from=attempt.starts_at,
                        blocked_until=attempt.slot.ends_at,
                        way=Way.PLACE,
                        language="en",
                        created_at=now,
                        changed_at=now,
                    )
                )
        except DBAPIError:
            return "refused", 0
        return "booked", 0

    return _at_once(database, attempts, one, start)


def _at_once(
    database: Database, attempts: list[Attempt], one: object, start: Barrier
) -> list[tuple[str, int]]:
    with ThreadPoolExecutor(THREADS) as pool:
        start.wait(WAIT_SECONDS)
        ended = list(pool.map(one, attempts))  # type: ignore[call-overload]
    database.dispose()
    return ended
