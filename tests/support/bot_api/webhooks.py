"""Delivers updates to the addresses that bots gave to ``setWebhook``."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.support.bot_api.world import Account, World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
RETRY_SECONDS = 0.2


class WebhookDelivery:
    """Posts updates one at a time and in order, again and again until each is taken."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Delivers until cancelled."""
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                account = await self._next_account()
                if not await self._deliver(client, account):
                    await asyncio.sleep(RETRY_SECONDS)

    async def _next_account(self) -> Account:
        def waiting() -> Account | None:
            for account in self._world.accounts.values():
                if account.webhook.get("url") and account.updates:
                    return account
            return None

        return await self._world.until(waiting, within=10**8)

    async def _deliver(self, client: httpx.AsyncClient, account: Account) -> bool:
        update, hook = account.updates[0], account.webhook
        headers = {SECRET_HEADER: hook["secret_token"]} if hook["secret_token"] else {}
        problem = ""
        try:
            response = await client.post(hook["url"], json=update, headers=headers)
            if not response.is_success:
                problem = f"Wrong response from the webhook: {response.status_code}"
        except httpx.HTTPError as error:
            problem = type(error).__name__
        with self._world.changing():
            if problem:
                hook["last_error_date"] = int(time.time())
                hook["last_error_message"] = problem
            elif account.updates and account.updates[0] is update:
                account.updates.pop(0)
        return not problem
