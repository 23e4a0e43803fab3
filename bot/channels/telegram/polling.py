"""Fetches updates and acknowledges them only once they are stored."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import structlog

from bot.channels.telegram.api import BotApiError, TelegramApi
from bot.channels.telegram.presses import PressAnswers
from bot.channels.telegram.updates import DeskIntake, Intake, Receive, update_id

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 30.0


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, spread at random."""
    ceiling = min(LONGEST_PAUSE, 2.0 ** min(failures, 10) / 2)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - not for secrets


class Polling:
    """Own ``getUpdates`` loop: at least once, in order.

    Telegram keeps an update until a later request asks for a higher number, which
    happens only after ``receive`` returned. A crash in between brings the same
    updates again, with the same ``external_id``.
    """

    def __init__(
        self,
        api: TelegramApi,
        receive: Receive,
        *,
        desk: DeskIntake | None = None,
        poll_seconds: int = 25,
        pause: Callable[[int], float] = backoff,
    ) -> None:
        self._api = api
        self._presses = PressAnswers(api)
        self.intake = Intake(receive, self._presses.answer, desk=desk)
        self._poll_seconds = poll_seconds
        self._pause = pause
        self._offset: int | None = None
        self._webhook_deleted = False
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Receives until ``stop`` is called; survives every outage."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._round()
            except BotApiError as error:
                failures += 1
                log.warning("telegram.no_updates", reason=str(error), hint=error.hint)
                await self._rest(max(error.seconds, self._pause(failures)))
            except Exception as error:
                # Storing failed: Telegram still has the updates and gives them again.
                failures += 1
                log.error("telegram.updates_not_stored", reason=type(error).__name__)
                await self._rest(self._pause(failures))
            else:
                failures = 0
        await self._confirm()
        await self._presses.close()

    def stop(self) -> None:
        """Ends ``run`` as soon as what was fetched is stored; from the same loop."""
        self._stopping.set()

    async def _round(self) -> None:
        if not self._webhook_deleted:
            await self._api.delete_webhook()
            self._webhook_deleted = True
        updates = await self._fetch()
        if updates:
            await self.intake.take(updates)
            numbers = [number for update in updates if (number := update_id(update)) is not None]
            self._offset = max(numbers, default=(self._offset or 1) - 1) + 1

    async def _fetch(self) -> list[object]:
        """A long poll that is given up when the loop is to stop."""
        fetching = asyncio.ensure_future(
            self._api.get_updates(offset=self._offset, seconds=self._poll_seconds)
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else []
        finally:
            fetching.cancel()
            stopping.cancel()
            await asyncio.gather(fetching, stopping, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _confirm(self) -> None:
        """Tells Telegram what is stored, so that the next start gets nothing twice."""
        if self._offset is not None:
            with suppress(BotApiError):
                await self._api.get_updates(offset=self._offset, seconds=0, limit=1)
