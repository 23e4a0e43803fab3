"""Ends the waiting sign on pressed buttons, beside the way of the messages."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.channels.telegram.api import BotApiError, TelegramApi

CLOSING_SECONDS = 2.0
_MAXIMUM_AT_ONCE = 100


class PressAnswers:
    """Answers callback queries in the background, best effort."""

    def __init__(self, api: TelegramApi) -> None:
        self._api = api
        self._running: set[asyncio.Task[None]] = set()

    def answer(self, callback_query_id: str) -> None:
        """Begins to answer and returns at once."""
        if len(self._running) < _MAXIMUM_AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._answer(callback_query_id))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, callback_query_id: str) -> None:
        # An unanswered press only leaves a spinner that ends by itself.
        with suppress(BotApiError):
            await self._api.answer_press(callback_query_id)

    async def close(self) -> None:
        """Gives those under way a moment to end."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()
