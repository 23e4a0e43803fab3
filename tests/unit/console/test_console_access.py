"""Every route of the console declares who may open it, and keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from bot.console import access
from bot.console.access import Public, Require, declared_access, insist_on_declarations
from bot.counsellors.models import Role
from bot.db.session import Database
from bot.errors import ConfigurationError
from tests.conftest import Clock
from tests.support.console import ORIGIN, Browser, Console, new_account

# What everybody may open. A route that is added here was decided to be public.
PUBLIC_ROUTES = {
    "GET /static/{version}/{name}",
    "GET /sign-in",
    "POST /sign-in",
    "POST /sign-in/code",
    "GET /invitation/{secret}",
    "POST /invitation/{secret}",
}


def all_routes(app: FastAPI) -> Iterator[tuple[str, str, Require | Public]]:
    for route in app.routes:
        assert isinstance(route, APIRoute)
        declared = declared_access(route)
        assert declared is not None, route.path
        for method in sorted(route.methods):
            yield method, route.path, declared


def address(path: str) -> str:
    """An address of a route; the ids in it belong to nothing."""
    return "/console" + re.sub(r"\{[^}]+\}", "1", path)


def test_there_are_routes_to_look_at(console: Console) -> None:
    found = {f"{method} {path}" for method, path, _ in all_routes(console.app)}

    assert {"GET /account", "GET /users", "GET /audit", "POST /sign-out"} < found


def test_only_these_routes_are_public(console: Console) -> None:
    public = {
        f"{method} {path}"
        for method, path, declared in all_routes(console.app)
        if isinstance(declared, Public)
    }

    assert public == PUBLIC_ROUTES


def test_an_undeclared_route_keeps_the_console_from_starting() -> None:
    router = APIRouter(prefix="/forgotten")

    @router.get("/page")
    def page() -> str:
        return "everybody reads this"

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.extend(router.routes)

    with pytest.raises(ConfigurationError, match="/forgotten/page"):
        insist_on_declarations(app.routes)


async def test_nobody_gets_in_without_signing_in(console: Console) -> None:
    browser = console.browser()
    for method, path, declared in all_routes(console.app):
        if isinstance(declared, Require):
            answer = await browser.request(method, address(path))
            assert (answer.status_code, answer.headers.get("Location", "")[:16]) == (
                303,
                "/console/sign-in",
            ), path


async def test_every_route_refuses_every_role_that_it_does_not_name(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    browsers: dict[Role, tuple[Browser, str]] = {}
    for role in Role:
        browser = await console.signed_in(new_account(sqlite, clock, role))
        browsers[role] = (browser, await browser.form_token())

    for method, path, declared in all_routes(console.app):
        if isinstance(declared, Public):
            continue
        for role, (browser, token) in browsers.items():
            if role in declared.roles:
                continue
            answer = await browser.request(
                method, address(path), headers={access.CSRF_HEADER: token}
            )
            assert answer.status_code == 403, (method, path, role)


async def test_every_change_is_refused_without_its_form_token_and_from_other_sites(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    browsers = {role: await console.signed_in(new_account(sqlite, clock, role)) for role in Role}
    tokens = {role: await browser.form_token() for role, browser in browsers.items()}

    for method, path, declared in all_routes(console.app):
        if method in access.SAFE_METHODS:
            continue
        role = min(declared.roles) if isinstance(declared, Require) else Role.ADMIN
        browser = browsers[role]
        foreign = {access.CSRF_HEADER: tokens[role], "Sec-Fetch-Site": "cross-site"}
        assert (await browser.request(method, address(path), headers=foreign)).status_code == 403
        if isinstance(declared, Require):
            for headers in ({}, {access.CSRF_HEADER: "0" * 64}):
                answer = await browser.request(method, address(path), headers=headers)
                assert answer.status_code == 403, (method, path)
            other = next(token for r, token in tokens.items() if r != role)
            answer = await browser.request(
                method, address(path), headers={access.CSRF_HEADER: other}
            )
            assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 303),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_browsers_that_send_the_origin_alone_are_judged_by_it(
    console: Console, sqlite: Database, clock: Clock, headers: dict[str, str], status: int
) -> None:
    account = new_account(sqlite, clock)
    browser = console.browser()
    del browser.headers["Sec-Fetch-Site"]

    answer = await browser.post(
        "/console/sign-in",
        data={"email": account.email, "password": "a lighthouse in the fog"},
        headers=headers,
    )

    assert answer.status_code == status


async def test_every_answer_carries_the_strict_headers(console: Console) -> None:
    for path in ("/console/sign-in", "/console/nothing", "/console/account"):
        headers = (await console.browser().get(path)).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Strict-Transport-Security"]


async def test_a_body_beyond_the_limit_is_refused(console: Console) -> None:
    async def pieces() -> object:
        for _ in range(30):
            yield b"x" * 50_000

    browser = console.browser()
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    declared = await browser.post("/console/sign-in", content=b"x" * 1_000_001, headers=form)
    streamed = await browser.post("/console/sign-in", content=pieces(), headers=form)

    assert (declared.status_code, streamed.status_code) == (413, 413)
