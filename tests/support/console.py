"""The console in-process: accounts that can sign in, and browsers that send its forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.console.app import create_app
from bot.console.live import Live
from bot.console.services import ConsoleServices
from bot.conversations.files import FileStore
from bot.counsellors import accounts
from bot.counsellors.models import Account, Role
from bot.counsellors.passwords import Passwords
from bot.db.session import Database
from bot.i18n.texts import CONSOLE_DOMAIN, CONSOLE_LANGUAGES, Catalogues

ORIGIN = "https://lotse.test"
PASSWORD = "a lighthouse in the fog"
# As cheap as argon2 can be; tests check what is decided, not how slowly.
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
CATALOGUES = Catalogues()
CONSOLE_TEXTS = Catalogues(domain=CONSOLE_DOMAIN, languages=CONSOLE_LANGUAGES)


def console_services(
    database: Database, clock: Callable[[], datetime], **changes: Any
) -> ConsoleServices:
    """What the pages work with, in English unless an account says otherwise."""
    values: dict[str, Any] = {
        "database": database,
        "clock": clock,
        "catalogues": CATALOGUES,
        "texts": CONSOLE_TEXTS,
        "passwords": CHEAP,
        "teller": Teller(catalogues=CATALOGUES, site=Site(ORIGIN)),
        "base_url": ORIGIN,
        "live": Live(database),
        "files": FileStore(Path("/nonexistent")),
        "channels": {},
        "replied": lambda: None,
    }
    return ConsoleServices(**{**values, **changes})


def new_account(
    database: Database, clock: Callable[[], datetime], role: Role = Role.COUNSELLOR, **changes: Any
) -> Account:
    """An account that has taken up its invitation; its password is ``PASSWORD``."""
    values: dict[str, Any] = {
        "email": f"{role.value}@example.org",
        "name": f"Test {role.value}",
        "interface_language": "en",
    }
    if role is Role.PARTNER and "organization_id" not in changes:
        changes["organization_id"] = new_organization(database)
    with database.transaction() as session:
        _, secret = accounts.invite(
            session, role=role, actor="test", now=clock(), **{**values, **changes}
        )
        return accounts.use_link(session, secret, password=PASSWORD, passwords=CHEAP, now=clock())


def new_organization(database: Database, name: str = "Partner e. V.") -> str:
    """The id of an organization."""
    from bot.measures.models import Organization

    with database.transaction() as session:
        organization = Organization(name=name)
        session.add(organization)
        session.flush()
        return organization.id


class Console:
    """The application, and as many browsers as a test needs."""

    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.app: FastAPI = create_app(services)
        self._outer = Starlette(routes=[Mount("/console", self.app)])

    def browser(self, *, ip: str = "192.0.2.1", **headers: str) -> Browser:
        """A browser nobody has signed in with."""
        transport = httpx.ASGITransport(app=self._outer, client=(ip, 5))
        given = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"} | headers
        return Browser(transport=transport, base_url=self.services.base_url, headers=given)

    async def signed_in(self, account: Account, **options: Any) -> Browser:
        """A browser that the account has signed in with."""
        browser = self.browser(**options)
        answer = await browser.sign_in(account.email)
        assert answer.status_code == 303, answer.text
        return browser


class Browser(httpx.AsyncClient):
    """Keeps cookies, and sends forms as the pages would."""

    async def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        form = {"email": email, "password": password} | more
        return await self.post("/console/sign-in", data=form)

    async def form_token(self) -> str:
        """What the pages' forms carry."""
        page = await self.get("/console/account")
        found = re.search(r'data-csrf="([0-9a-f]{64})"', page.text)
        assert found, page.text
        return found[1]

    async def submit(self, path: str, form: dict[str, Any] | None = None) -> httpx.Response:
        """Sends a form with its token."""
        data = {"csrf": await self.form_token()} | (form or {})
        return await self.post(path, data=data)
