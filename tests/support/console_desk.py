"""The console as one desk among others: its pages, worked with by signed-in counsellors."""

from __future__ import annotations

import html
import re
import uuid
from typing import Any

import httpx
from sqlalchemy import select

from bot.db.session import Database
from bot.handover.models import Handover
from tests.conftest import Clock
from tests.support.console import Browser, Console, console_services, new_account

_FORM = re.compile(r"/(claim|note|close)\s*(.*)", re.DOTALL)


class ConsoleDesk:
    """What counsellors see and do in the pages; commands stand for the buttons there."""

    name = "console"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._console = Console(console_services(database, clock))
        self._database, self._clock = database, clock
        self._browsers: dict[str, Browser] = {}
        self._last: tuple[Browser, str, dict[str, Any]] | None = None

    async def shown(self) -> str:
        """The newest conversation as its page shows what was said and done."""
        browser = await self._browser("Weber")
        page = await browser.get(f"/console/inbox/{self._number()}/thread")
        assert page.status_code == 200
        return html.unescape(re.sub(r"<[^>]+>", " ", page.text))

    async def writes(self, text: str, *, name: str = "Weber") -> httpx.Response:
        browser = await self._browser(name)
        command = _FORM.fullmatch(text)
        path = f"/console/inbox/{self._number()}/{command[1] if command else 'reply'}"
        form = {"text": command[2] if command else text, "key": uuid.uuid4().hex}
        self._last = (browser, path, form)
        return await browser.submit(path, form)

    async def receive_updates(self, *, again: bool = True) -> None:
        """The last form is sent once more, as by a double click."""
        assert self._last is not None
        browser, path, form = self._last
        await browser.submit(path, form)

    def _number(self) -> int:
        with self._database.reading() as session:
            found = session.scalar(select(Handover.id).order_by(Handover.id.desc()).limit(1))
        assert found is not None
        return found

    async def _browser(self, name: str) -> Browser:
        if name not in self._browsers:
            account = new_account(
                self._database, self._clock, email=f"{name}@example.org".lower(), name=name
            )
            self._browsers[name] = await self._console.signed_in(account)
        return self._browsers[name]
