"""Telegram's sending limits, kept on our side.

Sources: the Bot API's frequently asked questions, "My bot is hitting limits":
about one message per second to a chat with short bursts, about 30 per second to
all, 20 per minute to a group.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.errors import RetryLaterError

_MANY_CHATS = 5_000


@dataclass(frozen=True, kw_only=True)
class SendLimits:
    """How much may be sent: intervals and windows in seconds."""

    chat_interval: float = 1.0
    chat_burst: int = 3
    overall_per_second: int = 30
    group_per_minute: int = 20
    #: A message that would wait longer than this is given back instead.
    patience: float = 15.0


@dataclass
class _Chat:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: When the chat's allowance is full again.
    full_at: float = 0.0
    paused_until: float = 0.0
    recent: deque[float] = field(default_factory=deque)


class SendLimiter:
    """Makes senders wait for their turn; first come, first served within a chat.

    One event loop only. ``clock`` counts seconds, ``sleep`` waits for some.
    """

    def __init__(
        self,
        limits: SendLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits or SendLimits()
        self._clock = clock
        self._sleep = sleep
        self._chats: dict[int, _Chat] = {}
        self._overall_turn = asyncio.Lock()
        self._under_way = 0
        self._ended: deque[float] = deque()
        self._one_ended = asyncio.Event()

    @asynccontextmanager
    async def turn(self, chat_id: int) -> AsyncIterator[None]:
        """Waits until a message to this chat may be sent; it is sent inside.

        Raises ``RetryLaterError`` at once when that would take too long.
        """
        await self._wait_for_turn(chat_id)
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended.append(self._clock())
            self._one_ended.set()

    async def wait_until_free(self, chat_id: int) -> None:
        """Waits, for as long as ``turn`` would at most, without taking the turn."""
        delay = self._chat_delay(self._chat(chat_id), chat_id)
        if delay > 0:
            await self._sleep(min(delay, self._limits.patience))

    async def _wait_for_turn(self, chat_id: int) -> None:
        chat = self._chat(chat_id)
        async with chat.turn:
            while (delay := self._chat_delay(chat, chat_id)) > 0:
                if delay > self._limits.patience:
                    raise RetryLaterError(delay)
                await self._sleep(delay)
            async with self._overall_turn:
                await self._wait_for_room()
                self._under_way += 1
            # Counted only now: turns taken while waiting for the others would all
            # be used at once.
            self._count(chat, chat_id)

    def pause(self, chat_id: int, seconds: float) -> None:
        """Telegram asked to leave this chat alone; the others go on."""
        chat = self._chat(chat_id)
        chat.paused_until = max(chat.paused_until, self._clock() + seconds)

    def _chat(self, chat_id: int) -> _Chat:
        if len(self._chats) > _MANY_CHATS:
            self._forget_idle_chats()
        return self._chats.setdefault(chat_id, _Chat())

    def _chat_delay(self, chat: _Chat, chat_id: int) -> float:
        now = self._clock()
        allowance = (self._limits.chat_burst - 1) * self._limits.chat_interval
        delay = max(chat.paused_until - now, chat.full_at - allowance - now)
        if chat_id < 0 and len(chat.recent) >= self._limits.group_per_minute:
            delay = max(delay, chat.recent[0] + 60 - now)
        return delay

    def _count(self, chat: _Chat, chat_id: int) -> None:
        now = self._clock()
        chat.full_at = max(chat.full_at, now) + self._limits.chat_interval
        if chat_id < 0:
            chat.recent.append(now)
            if len(chat.recent) > self._limits.group_per_minute:
                chat.recent.popleft()

    async def _wait_for_room(self) -> None:
        """Waits until fewer than the limit are under way or ended in the last second.

        A message counts until one second after its end: whenever the platform
        took it in between, it never sees more than the limit in any second.
        """
        while True:
            now = self._clock()
            while self._ended and self._ended[0] <= now - 1:
                self._ended.popleft()
            if self._under_way + len(self._ended) < self._limits.overall_per_second:
                return
            if self._ended:
                await self._sleep(self._ended[0] + 1 - now)
            else:
                self._one_ended.clear()
                await self._one_ended.wait()

    def _forget_idle_chats(self) -> None:
        now = self._clock()
        self._chats = {
            chat_id: chat
            for chat_id, chat in self._chats.items()
            if chat.turn.locked()
            or max(chat.full_at, chat.paused_until) > now
            or (chat.recent and chat.recent[-1] > now - 60)
        }
