"""Receipt from Telegram, whichever way it comes."""

from __future__ import annotations

import asyncio

import structlog
from starlette.routing import Route

from bot.channels.telegram.api import BotApiError, TelegramApi
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.polling import Polling
from bot.channels.telegram.updates import DeskIntake, Receive
from bot.channels.telegram.webhook import Webhook, webhook_routes
from bot.commands import descriptions
from bot.config import Settings
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import Catalogues

log = structlog.get_logger(__name__)

STOP_SECONDS = 5.0


class TelegramReceipt:
    """Receipt from Telegram, by webhook when one is configured, else by polling."""

    def __init__(
        self,
        settings: Settings,
        api: TelegramApi,
        channel: TelegramChannel,
        receive: Receive,
        catalogues: Catalogues,
        desk: DeskIntake | None,
    ) -> None:
        self._api = api
        self._channel = channel
        self._commands = {code: descriptions(catalogues[code]) for code in REPLY_LANGUAGES}
        self._url = f"{settings.public_url.rstrip('/')}/telegram/webhook"
        self._webhook: Webhook | None = None
        self.routes: list[Route] = []
        if settings.telegram_by_webhook:
            secret = settings.telegram_webhook_secret.get_secret_value()
            self._webhook = Webhook(api, receive, secret=secret, desk=desk)
            self.routes = webhook_routes(self._webhook)
        else:
            self._polling = Polling(api, receive, desk=desk)

    async def run(self) -> None:
        """Receives until cancelled; what was fetched by then is stored and confirmed."""
        menu = asyncio.create_task(self._channel.set_commands(self._commands))
        try:
            if self._webhook:
                await self._register(self._webhook)
                await asyncio.Event().wait()
            else:
                await self._poll()
        finally:
            menu.cancel()
            if self._webhook:
                await self._webhook.close()
            await self._api.close()

    async def _poll(self) -> None:
        polling = asyncio.create_task(self._polling.run())
        try:
            await asyncio.shield(polling)
        except asyncio.CancelledError:
            self._polling.stop()
            await asyncio.wait([polling], timeout=STOP_SECONDS)
            polling.cancel()
            raise

    async def _register(self, webhook: Webhook) -> None:
        while True:
            try:
                await webhook.register(self._url)
            except BotApiError as error:
                log.warning("telegram.webhook_not_set", reason=str(error), hint=error.hint)
                await asyncio.sleep(max(error.seconds, STOP_SECONDS))
            else:
                return
