"""Sending to Telegram: ordered, within the limits, never twice."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from bot.channels.telegram.api import BotApiError, MarkupRefusedError, TelegramApi
from bot.channels.telegram.limiter import SendLimiter
from bot.channels.telegram.rendering import Part, render
from bot.channels.telegram.updates import CHANNEL
from bot.errors import DeliveryRefusedError, RetryLaterError
from bot.messages import OutgoingMessage

log = structlog.get_logger(__name__)

#: How long one call of ``send`` may spend on getting the rest of a message through.
RESUME_SECONDS = 30.0
_REMEMBERED_CHATS = 1_000


class TelegramChannel:
    """``Channel`` for private Telegram chats; an address is a chat id.

    A long message goes out in parts. When a later part must wait, ``send`` retries
    it itself for up to ``RESUME_SECONDS``; if that is not enough it raises
    ``RetryLaterError`` and remembers the parts sent: sending the same message to
    the same address again, from the same process, goes on where it stopped and
    returns the ids of all parts. Any other error after the first part leaves the
    message as it is.
    """

    name = CHANNEL

    def __init__(
        self,
        api: TelegramApi,
        *,
        limiter: SendLimiter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._limiter = limiter or SendLimiter(clock=clock, sleep=sleep)
        self._clock = clock
        self._sleep = sleep
        self._unfinished: OrderedDict[str, tuple[list[Part], list[str]]] = OrderedDict()

    async def wait_until_free(self, *, address: str) -> None:
        """Returns when the limits of this chat leave room, after a while in any case."""
        with suppress(DeliveryRefusedError):
            await self._limiter.wait_until_free(_chat_id(address))

    async def send(self, *, address: str, message: OutgoingMessage) -> list[str]:
        """Delivers a message and returns the Telegram ids of its parts.

        Raises a ``DeliveryError``; see the class about ``RetryLaterError``.
        """
        chat_id = _chat_id(address)
        if message.replaces and await self._edit(chat_id, message):
            return list(message.replaces)
        parts = render(message)
        sent = self._sent_before(address, parts)
        deadline = self._clock() + RESUME_SECONDS
        for part in parts[len(sent) :]:
            try:
                sent.append(await self._send_part(chat_id, part, deadline if sent else None))
            except RetryLaterError:
                self._remember(address, parts, sent)
                raise
        return sent

    async def _edit(self, chat_id: int, message: OutgoingMessage) -> bool:
        """Changes the message that this one replaces; False where Telegram lets nobody."""
        parts = render(OutgoingMessage(text=message.replacement, language=message.language))
        if len(parts) != 1 or len(message.replaces) != 1:
            return False
        try:
            async with self._limiter.turn(chat_id):
                await self._api.edit_message(chat_id, int(message.replaces[0]), parts[0].html)
        except RetryLaterError as error:
            self._limiter.pause(chat_id, error.seconds)
            raise
        except DeliveryRefusedError:
            return False
        return True

    def _sent_before(self, address: str, parts: list[Part]) -> list[str]:
        known_parts, sent = self._unfinished.pop(address, ([], []))
        return sent if known_parts == parts else []

    def _remember(self, address: str, parts: list[Part], sent: list[str]) -> None:
        if sent:
            self._unfinished[address] = (parts, sent)
        if len(self._unfinished) > _REMEMBERED_CHATS:
            self._unfinished.popitem(last=False)

    async def _send_part(self, chat_id: int, part: Part, deadline: float | None) -> str:
        """Sends one part, again and again until ``deadline`` where one is given."""
        while True:
            try:
                return await self._try_part(chat_id, part)
            except RetryLaterError as error:
                if deadline is None or self._clock() + error.seconds > deadline:
                    raise
                await self._sleep(error.seconds)

    async def _try_part(self, chat_id: int, part: Part) -> str:
        try:
            async with self._limiter.turn(chat_id):
                return await self._deliver(chat_id, part)
        except RetryLaterError as error:
            self._limiter.pause(chat_id, error.seconds)
            raise

    async def _deliver(self, chat_id: int, part: Part) -> str:
        if part.document:
            return await self._api.send_document(chat_id, part.document)
        try:
            return await self._api.send_message(chat_id, part.html, part.keyboard, html=True)
        except MarkupRefusedError:
            log.error("telegram.markup_refused")
            return await self._api.send_message(chat_id, part.plain, part.keyboard, html=False)

    async def show_typing(self, *, address: str) -> None:
        """Shows "typing…"; never raises and waits a few seconds at most."""
        with suppress(BotApiError, DeliveryRefusedError):
            await self._api.send_typing(_chat_id(address))

    async def set_commands(
        self,
        commands: Mapping[str, Sequence[tuple[str, str]]],
        *,
        default_language: str = "en",
    ) -> None:
        """Offers (name, description) commands in each two-letter language's menu.

        Readers of other languages get those of ``default_language``. Menus that are
        right already are left alone; a menu that cannot be set is logged, for it
        must not keep the bot from starting.
        """
        menus = [(None, commands[default_language]), *commands.items()]
        for language, menu in menus:
            try:
                await self._api.replace_commands(menu, language=language)
            except BotApiError as error:
                log.warning(
                    "telegram.commands_not_set",
                    language=language or "default",
                    reason=str(error),
                )


def _chat_id(address: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", address):
        raise DeliveryRefusedError("the address is not a Telegram chat")
    return int(address)
