"""Who may open a page. Every route declares it; the application refuses to be built otherwise.

A page for certain roles takes the account as a parameter::

    EDITORS = access.require(Role.EDITOR, Role.ADMIN)

    @router.get("/measures")
    def show(request: Request, account: Annotated[Account, Depends(EDITORS)]) -> Response: ...

A page for everybody, such as the one to sign in, is declared with ``dependencies=[PUBLIC]``.
Whatever changes something (any method but GET and HEAD) must come from our own page and carry
the session's form token, in the field ``csrf`` or the header ``X-CSRF-Token``.
"""

# Annotations are evaluated here, for FastAPI reads those of ``__call__``.
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.console.services import ConsoleServices, services_of
from bot.counsellors import sessions, tokens
from bot.counsellors.models import Account, Role
from bot.errors import ConfigurationError, LotseError

SAFE_METHODS = frozenset({"GET", "HEAD"})
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
# Forms with long lists have many fields; what they weigh is limited by ``MAXIMUM_BODY``.
MAXIMUM_FIELDS = 20_000
EVERYBODY = tuple(Role)


class SignInNeededError(LotseError):
    """The page needs an account; ``next_page`` is where to go on afterwards."""

    def __init__(self, next_page: str) -> None:
        super().__init__("an account is needed")
        self.next_page = next_page


class ForbiddenError(LotseError):
    """The account may not do this."""


class ForeignRequestError(LotseError):
    """The request was not made by a page of ours."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The signed-in browser that made a request."""

    account: Account
    token: str = field(repr=False)
    token_hash: str
    failed_before: int

    @property
    def form_token(self) -> str:
        """What its forms carry."""
        return tokens.form_token(self.token)


class Require:
    """Lets accounts of certain roles pass and gives the page their ``Account``."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request) -> Account:
        """The account of the visit; raises when there is none or it may not do this."""
        visit = await run_in_threadpool(_visit, services_of(request), token_of(request))
        if visit is None:
            raise SignInNeededError(_next_page(request))
        request.state.visit = visit
        if request.method not in SAFE_METHODS:
            _require_own_page(request)
            await _require_form_token(request, visit)
        if visit.account.role not in self.roles:
            raise ForbiddenError("this role may not open the page")
        return visit.account


class Public:
    """Lets everybody pass; what changes something must still come from a page of ours."""

    async def __call__(self, request: Request) -> None:
        """Raises ``ForeignRequestError``."""
        if request.method not in SAFE_METHODS:
            _require_own_page(request)


def require(*roles: Role) -> Require:
    """The dependency for pages that only ``roles`` may open."""
    return Require(roles)


PUBLIC = Depends(Public())
"""Declares a page that everybody may open."""


def visit_of(request: Request) -> Visit | None:
    """The visit that ``Require`` found; None on public pages."""
    return getattr(request.state, "visit", None)


def _visit(services: ConsoleServices, token: str) -> Visit | None:
    now = services.clock()
    with services.database.reading() as session:
        found = sessions.find(session, token, now=now)
        if found is None or not found.full:
            return None
        visit = Visit(
            account=found.account,
            token=token,
            token_hash=found.token_hash,
            failed_before=found.failed_before,
        )
        stale = sessions.needs_touch(found, now=now)
    if stale:
        with services.database.transaction() as session:
            sessions.touch(session, visit.token_hash, now=now)
    return visit


def _require_own_page(request: Request) -> None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        own = site == "same-origin"
    else:
        # Browsers of before 2023 send the origin alone. Only the host is compared: behind
        # a proxy the scheme seen here may differ.
        origin = request.headers.get("Origin", "")
        own = bool(origin) and urlsplit(origin).netloc == request.headers.get("Host")
    if not own:
        raise ForeignRequestError("the request comes from another site")


async def _require_form_token(request: Request, visit: Visit) -> None:
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        value = (await request.form(max_fields=MAXIMUM_FIELDS)).get(CSRF_FIELD)
        given = value if isinstance(value, str) else ""
    if not hmac.compare_digest(given.encode(), visit.form_token.encode()):
        raise ForeignRequestError("the form token is missing or wrong")


def _next_page(request: Request) -> str:
    if request.method not in SAFE_METHODS or "HX-Request" in request.headers:
        return ""
    path = request.url.path
    return f"{path}?{request.url.query}" if request.url.query else path


def safe_next(wanted: str) -> str:
    """``wanted`` if it is a page of the console, else the console's first page."""
    parts = urlsplit(wanted)
    own = not parts.scheme and not parts.netloc and wanted.startswith("/console/")
    return wanted if own and wanted.isprintable() and "\\" not in wanted else "/console/"


def sign_in_page(next_page: str) -> str:
    """The page to sign in, which leads on to ``next_page``."""
    return "/console/sign-in" + (f"?next={quote(next_page)}" if next_page else "")


# Cookies


def cookie_name(services: ConsoleServices) -> str:
    """The session cookie's name; its prefix makes browsers insist on https and this host."""
    return "__Host-lotse-console" if services.secure else "lotse_console"


def token_of(request: Request) -> str:
    """The secret in the session cookie, or an empty text."""
    return request.cookies.get(cookie_name(services_of(request)), "")


def give_cookie(response: Response, services: ConsoleServices, token: str) -> None:
    """Signs the browser in until it is closed, or for as long as the session lives."""
    response.set_cookie(
        cookie_name(services),
        token,
        max_age=int(sessions.LIFETIME.total_seconds()),
        path="/",
        secure=services.secure,
        httponly=True,
        samesite="lax",
    )


def take_cookie(response: Response, services: ConsoleServices) -> None:
    """Takes the session cookie away."""
    response.delete_cookie(
        cookie_name(services), path="/", secure=services.secure, httponly=True, samesite="lax"
    )


# Proof that every route declares its access


def declared_access(route: APIRoute) -> Require | Public | None:
    """What a route declares; None when it declares nothing."""
    return next(
        (call for call in _calls(route.dependant) if isinstance(call, Require | Public)), None
    )


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def insist_on_declarations(routes: Iterable[BaseRoute]) -> None:
    """Raises ``ConfigurationError`` naming the routes that declare no access."""
    silent = [
        getattr(route, "path", repr(route))
        for route in routes
        if not isinstance(route, APIRoute) or declared_access(route) is None
    ]
    if silent:
        raise ConfigurationError(f"Console routes without declared access: {', '.join(silent)}")
