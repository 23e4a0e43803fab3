"""The endpoint that Telegram posts updates to: stored first, then answered."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.presses import PressAnswers
from bot.channels.telegram.updates import DeskIntake, Intake, Receive
from bot.errors import ConfigurationError

log = structlog.get_logger(__name__)

PATH = "/telegram/webhook"
_HEADER = "x-telegram-bot-api-secret-token"
MAXIMUM_BODY_BYTES = 1_000_000


class Webhook:
    """Receipt by webhook. Telegram repeats an update until it is answered 2xx.

    ``secret`` has 1 to 256 of the characters A-Z, a-z, 0-9, _ and -, else
    ``ConfigurationError`` is raised.
    """

    def __init__(
        self,
        api: TelegramApi,
        receive: Receive,
        *,
        secret: str,
        desk: DeskIntake | None = None,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise ConfigurationError(
                "the webhook's secret must have 1 to 256 of the characters A-Z a-z 0-9 _ -"
            )
        self._api = api
        self._secret = secret
        self._presses = PressAnswers(api)
        self.intake = Intake(receive, self._presses.answer, desk=desk)

    async def register(self, url: str, *, connections: int = 1) -> None:
        """Asks Telegram to post to ``url``; raises ``BotApiError``.

        With one connection updates come one after the other; with more, those of
        one chat may overtake each other.
        """
        await self._api.set_webhook(url, secret=self._secret, connections=connections)

    async def close(self) -> None:
        """Ends what is still under way."""
        await self._presses.close()

    async def receive(self, request: Request) -> Response:
        """One update: 403, 413 or 400 for what Telegram did not send, 503 to be asked again."""
        given = request.headers.get(_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            return Response(status_code=403)
        body = await _limited_body(request)
        if body is None:
            return Response(status_code=413)
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if not isinstance(update, dict):
            return Response(status_code=400)
        return await self._store(update)

    async def _store(self, update: dict[str, Any]) -> Response:
        try:
            await self.intake.take([update])
        except Exception as error:
            log.error("telegram.updates_not_stored", reason=type(error).__name__)
            return Response(status_code=503)
        return Response(status_code=200)


def webhook_routes(webhook: Webhook, *, path: str = PATH) -> list[Route]:
    """The routes to mount in the application."""
    return [Route(path, webhook.receive, methods=["POST"])]


async def _limited_body(request: Request) -> bytes | None:
    """The body, or None as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAXIMUM_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_BODY_BYTES:
            return None
    return bytes(body)
