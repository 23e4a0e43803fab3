"""The Bot API through python-telegram-bot; the only module that imports it.

Errors of sending leave as ``DeliveryError``, told apart by whether the request was
certainly not, perhaps, or certainly processed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
)
from telegram import Message as SentMessage
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.channels.telegram.rendering import Keyboard
from bot.channels.telegram.updates import ALLOWED_UPDATES
from bot.errors import (
    AddressChangedError,
    ConfigurationError,
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    LotseError,
    RecipientGoneError,
    RetryLaterError,
)
from bot.handover.desks.desk import ThreadGoneError
from bot.handover.desks.telegram import TopicClosedError
from bot.messages import Document

TELEGRAM_API_URL = "https://api.telegram.org"

UNREACHABLE_RETRY_SECONDS = 5.0
REFUSED_TOKEN_RETRY_SECONDS = 60.0

#: Failures before the first byte of a request was written.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_QUOTED = re.compile('".*"')
_TOPIC_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
_GONE = ("chat not found", "user not found", "peer_id_invalid", "bot was kicked")


class MarkupRefusedError(DeliveryRefusedError):
    """Telegram could not read the message's HTML."""


class BotApiError(LotseError):
    """A call other than sending failed; the text says why, without personal data.

    ``seconds`` is how long to wait at least, ``hint`` what the operator can do.
    """

    def __init__(self, reason: str, *, seconds: float = 0.0, hint: str = "") -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds to wait for a connection, for each read or write, and for typing signs."""

    connect: float = 5.0
    transfer: float = 10.0
    typing: float = 3.0


class TelegramApi:
    """One bot at one Bot API server. Makes no request before it is asked to.

    Raises ``ConfigurationError`` for a token or an address that cannot be right.
    """

    def __init__(
        self, token: str, *, base_url: str = TELEGRAM_API_URL, timeouts: Timeouts | None = None
    ) -> None:
        if not re.fullmatch(r"\d+:[\w-]+", token):
            raise ConfigurationError(
                "TELEGRAM_TOKEN does not look like 123456:ABC…; copy it from @BotFather"
            )
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ConfigurationError("TELEGRAM_API_URL must begin with http:// or https://")
        self._timeouts = timeouts or Timeouts()
        self._base = f"{base_url.rstrip('/')}/bot"
        self._token = token
        self._closed = False
        self._request = HTTPXRequest(
            connection_pool_size=64,
            connect_timeout=self._timeouts.connect,
            read_timeout=self._timeouts.transfer,
            write_timeout=self._timeouts.transfer,
            pool_timeout=self._timeouts.transfer,
            httpx_kwargs={"verify": httpx.create_ssl_context()},
        )
        # One pool serves both: the updates are fetched by ``get_updates`` below.
        self._bot = Bot(
            token, base_url=self._base, request=self._request, get_updates_request=self._request
        )

    async def close(self) -> None:
        """Closes the connections; messages sent afterwards are to be sent later."""
        self._closed = True
        await self._request.shutdown()

    async def send_message(self, chat_id: int, text: str, keyboard: Keyboard, *, html: bool) -> str:
        """Sends one message and returns its id; raises a ``DeliveryError``."""
        return await self._sent(
            lambda: self._bot.send_message(
                chat_id,
                text,
                parse_mode=ParseMode.HTML if html else None,
                reply_markup=_inline_keyboard(keyboard),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        )

    async def send_document(self, chat_id: int, document: Document) -> str:
        """Sends a file and returns the message's id; raises a ``DeliveryError``."""
        return await self._sent(
            lambda: self._bot.send_document(
                chat_id, document.content.encode(), filename=document.name
            )
        )

    async def edit_message(self, chat_id: int, message_id: int, html: str) -> None:
        """Changes the words of a message; raises a ``DeliveryError``."""
        with self._as_delivery_error():
            await self._bot.edit_message_text(
                html,
                chat_id,
                message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )

    async def create_topic(self, chat_id: int, name: str) -> int:
        """Makes a topic in a forum and returns its thread id; raises a ``DeliveryError``."""
        with self._as_delivery_error():
            topic = await self._bot.create_forum_topic(chat_id, name)
        return topic.message_thread_id

    async def delete_topic(self, chat_id: int, thread_id: int) -> None:
        """Deletes a topic with all its messages; raises a ``DeliveryError``."""
        with self._as_delivery_error():
            await self._bot.delete_forum_topic(chat_id, thread_id)

    async def reopen_topic(self, chat_id: int, thread_id: int) -> None:
        """Opens a closed topic; raises a ``DeliveryError``."""
        with self._as_delivery_error():
            await self._bot.reopen_forum_topic(chat_id, thread_id)

    async def write_in_topic(self, chat_id: int, html: str, *, thread_id: int | None) -> None:
        """Writes in a topic, or in the general one; raises a ``DeliveryError``."""
        with self._as_delivery_error():
            await self._bot.send_message(
                chat_id,
                html,
                parse_mode=ParseMode.HTML,
                message_thread_id=thread_id,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )

    async def _sent(self, send: Callable[[], Awaitable[SentMessage]]) -> str:
        with self._as_delivery_error():
            return str((await send()).message_id)

    @contextmanager
    def _as_delivery_error(self) -> Iterator[None]:
        if self._closed:
            raise RetryLaterError(UNREACHABLE_RETRY_SECONDS)
        try:
            yield
        except TelegramError as error:
            # The original may quote addresses and answers; it ends here.
            raise delivery_error(error) from None
        except Exception:
            # The library could not read the answer: the message may well be there.
            raise DeliveryUncertainError("the Bot API server's answer cannot be read") from None

    async def send_typing(self, chat_id: int) -> None:
        """Shows "typing…" for some seconds; raises ``BotApiError``."""
        seconds = self._timeouts.typing
        with _as_bot_api_error():
            await self._bot.send_chat_action(
                chat_id,
                ChatAction.TYPING,
                connect_timeout=seconds,
                read_timeout=seconds,
                write_timeout=seconds,
                pool_timeout=seconds,
            )

    async def answer_press(self, callback_query_id: str) -> None:
        """Ends the waiting sign on a pressed button; raises ``BotApiError``."""
        with _as_bot_api_error():
            await self._bot.answer_callback_query(callback_query_id)

    async def fetch_file(self, file_id: str, *, limit: int) -> bytes:
        """The content of a file that somebody sent.

        Raises ``DeliveryRefusedError`` when it is gone or larger than ``limit`` bytes, and
        ``BotApiError`` when it may be there at another time.
        """
        try:
            file = await self._bot.get_file(file_id)
            if (file.file_size or 0) > limit:
                raise DeliveryRefusedError("the file is too large")
            return bytes(await file.download_as_bytearray())
        except BadRequest as error:
            raise _refusal(str(error)) from None
        except TelegramError as error:
            raise _bot_api_error(error) from None

    async def get_updates(
        self, *, offset: int | None, seconds: int, limit: int = 100
    ) -> list[object]:
        """Raw updates from ``offset`` on, waiting up to ``seconds`` for the first.

        Telegram drops what stands before ``offset``. Raises ``BotApiError``.
        """
        query = {"timeout": seconds, "limit": limit, "allowed_updates": _json(ALLOWED_UPDATES)}
        if offset is not None:
            query["offset"] = offset
        address = f"{self._base}{self._token}/getUpdates?{urlencode(query)}"
        with _as_bot_api_error():
            # Not Bot.get_updates: it fails as a whole when one update is unknown to it.
            payload = await self._request.retrieve(
                address, read_timeout=seconds + self._timeouts.transfer
            )
            answer = self._request.parse_json_payload(payload)
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, list):
            raise BotApiError("the Bot API server gave no list of updates")
        return result

    async def delete_webhook(self) -> None:
        """Makes polling possible; undelivered updates stay. Raises ``BotApiError``."""
        with _as_bot_api_error():
            await self._bot.delete_webhook()

    async def set_webhook(self, url: str, *, secret: str, connections: int) -> None:
        """Has updates posted to ``url`` with ``secret``. Raises ``BotApiError``."""
        with _as_bot_api_error():
            await self._bot.set_webhook(
                url,
                secret_token=secret,
                max_connections=connections,
                allowed_updates=ALLOWED_UPDATES,
            )

    async def replace_commands(
        self, commands: Sequence[tuple[str, str]], *, language: str | None
    ) -> bool:
        """Sets the command menu of a language unless it is so already; tells which.

        None is the menu for all other languages. Raises ``BotApiError``.
        """
        wanted = [BotCommand(name, description) for name, description in commands]
        with _as_bot_api_error():
            if list(await self._bot.get_my_commands(language_code=language)) == wanted:
                return False
            await self._bot.set_my_commands(wanted, language_code=language)
            return True


def delivery_error(error: TelegramError) -> DeliveryError:
    """What an error of the library means for the message that was being sent."""
    match error:
        case Forbidden():
            return RecipientGoneError("the chat is closed to the bot")
        case ChatMigrated():
            return AddressChangedError(str(error.new_chat_id))
        case RetryAfter():
            return RetryLaterError(_seconds(error))
        case InvalidToken() | Conflict():
            return RetryLaterError(REFUSED_TOKEN_RETRY_SECONDS)
        case BadRequest():
            return _refusal(str(error))
    if isinstance(error.__cause__, _NEVER_SENT):
        return RetryLaterError(UNREACHABLE_RETRY_SECONDS)
    return DeliveryUncertainError("the Bot API server's answer was never seen")


def _refusal(reason: str) -> DeliveryError:
    lowered = reason.lower()
    if "can't parse entities" in lowered:
        return MarkupRefusedError("Telegram could not read the markup")
    if any(text in lowered for text in _TOPIC_GONE):
        return ThreadGoneError("the topic does not exist any more")
    if "topic_closed" in lowered:
        return TopicClosedError("the topic is closed")
    if any(text in lowered for text in _GONE):
        return RecipientGoneError("the chat does not exist any more")
    # What stands in quotes may come from the message.
    return DeliveryRefusedError("Telegram: " + _QUOTED.sub("…", reason))


@contextmanager
def _as_bot_api_error() -> Iterator[None]:
    try:
        yield
    except TelegramError as error:
        raise _bot_api_error(error) from None


def _bot_api_error(error: TelegramError) -> BotApiError:
    match error:
        case InvalidToken():
            return BotApiError(
                "Telegram refuses the token",
                seconds=REFUSED_TOKEN_RETRY_SECONDS,
                hint="check TELEGRAM_TOKEN and TELEGRAM_API_URL",
            )
        case Conflict():
            return BotApiError(
                "another program receives this bot's messages",
                hint="stop the other program that uses this token, or delete its webhook",
            )
        case RetryAfter():
            return BotApiError("Telegram asks to wait", seconds=_seconds(error))
    return BotApiError(type(error.__cause__ or error).__name__)


def _seconds(error: RetryAfter) -> float:
    with warnings.catch_warnings():
        # The library announces that this number will become a timedelta.
        warnings.simplefilter("ignore")
        wait: Any = error.retry_after
    return float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait)


def _inline_keyboard(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(title, callback_data=key) for title, key in row] for row in keyboard]
    )


def _json(names: Sequence[str]) -> str:
    return "[" + ",".join(f'"{name}"' for name in names) + "]"
