"""What booking does by the clock: holds end, reminders go out, free times are offered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.booking import desk_notices, reminders, waiting
from bot.booking.busy_fetch import Fetcher
from bot.booking.busy_times import read_due
from bot.booking.taking import drop_expired, expire_holds
from bot.booking.telling import Teller
from bot.clock import Clock
from bot.db.session import Database
from bot.errors import DeliveryError
from bot.i18n.texts import Texts
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 15.0
# So many reminders or offers in one transaction; what is left is taken at the next look.
BATCH = 50

Announce = Callable[[str], Awaitable[None]]


class BookingWorker:
    """Looks every quarter of a minute; several of them, in any processes, do not disturb.

    What is due is claimed, turned into messages and committed in one transaction, so that a
    crash leaves it due and no reminder is sent twice.
    """

    def __init__(
        self,
        *,
        database: Database,
        teller: Teller,
        clock: Clock,
        told: Callable[[], None],
        fetcher: Fetcher | None = None,
        announce: Sequence[Announce] = (),
        desk_texts: Texts | None = None,
    ) -> None:
        self._database = database
        self._teller = teller
        self._clock = clock
        self._told = told
        self._fetcher = fetcher or Fetcher()
        self._announce = announce
        self._desk_texts = desk_texts
        # Other calendars are read one after the other, each in up to 20 seconds.
        self.pulse = Pulse(patience=300)

    async def run(self) -> None:
        """Goes on until cancelled; errors of the database are waited out."""
        while True:
            try:
                if await asyncio.to_thread(self.look):
                    self._told()
                await self.tell_desk()
                await asyncio.to_thread(self.read_other_calendars)
                self.pulse.beat()
            except Exception as error:
                log.error("booking.look_failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def tell_desk(self) -> int:
        """Tells the desks beside the console what people booked, moved and cancelled.

        A notice is marked before it is sent: what a crash or the platform loses is not said
        twice, and stands in the console all the same.
        """
        texts = self._desk_texts
        if not self._announce or texts is None:
            return 0

        def take() -> list[str]:
            with self._database.transaction() as session:
                return desk_notices.take(session, texts, now=self._clock(), limit=BATCH)

        notices = await asyncio.to_thread(take)
        for announce in self._announce if notices else ():
            try:
                await announce("\n".join(notices))
            except DeliveryError as error:
                log.warning("booking.desk_not_told", error=type(error).__name__)
        return len(notices)

    def read_other_calendars(self) -> int:
        """Reads the busy times of counsellors that are due; returns from how many addresses."""
        return read_due(self._database, self._fetcher, now=self._clock())

    def look(self) -> int:
        """Does what is due now; returns how many people will be told something."""
        now = self._clock()
        with self._database.transaction() as session:
            expire_holds(session, now=now)
            drop_expired(session, now=now)
        told = 0
        with self._database.transaction() as session:
            for reminder in reminders.take_due(session, now=now, limit=BATCH):
                told += self._teller.remind(session, reminder.appointment, now=now)
        with self._database.transaction() as session:
            for entry, held in waiting.offer_free_times(session, now=now, limit=BATCH):
                told += self._teller.offer(session, entry, held, now=now)
        return told
