"""The console as an application, to be mounted at ``/console``."""

from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.console import access, pages
from bot.console.access import (
    EVERYBODY,
    PUBLIC,
    ForbiddenError,
    ForeignRequestError,
    SignInNeededError,
)
from bot.console.features import NAVIGATION, ROUTERS
from bot.console.headers import BodyLimit, BodyTooLargeError, SecurityHeaders
from bot.console.pages import Pages
from bot.console.services import ConsoleServices
from bot.counsellors.models import Account
from bot.errors import IllegalMoveError, NotFoundError
from bot.i18n.texts import source_text

_log = structlog.get_logger(__name__)

NOT_FOUND = source_text("This page does not exist.")
FORBIDDEN = source_text("Your account may not do this.")
FOREIGN = source_text("This form is out of date. Load the page again and repeat what you did.")
NOT_NOW = source_text(
    "This is not possible any more: a colleague was faster, it is closed, or nothing was written. "
    "Load the page again."
)
INVALID = source_text("The form could not be read.")
FAILED = source_text("Something went wrong here. It has been noted. Please try again.")


def create_app(services: ConsoleServices) -> FastAPI:
    """Builds the console; raises ``ConfigurationError`` when a route declares no access."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.state.pages = Pages(NAVIGATION)
    for router in ROUTERS:
        # The routes themselves, and not `include_router`, which would hide them from the walk
        # over all routes below.
        app.router.routes.extend(router.routes)
    _add_own_routes(app)
    _add_error_pages(app)
    # The last one added is the outermost.
    app.add_middleware(FailurePage)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, secure=services.secure)
    access.insist_on_declarations(app.routes)
    return app


def _add_own_routes(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def first_page(
        request: Request, account: Annotated[Account, Depends(access.require(*EVERYBODY))]
    ) -> Response:
        """Leads to the first page that the account may open."""
        found: Pages = request.app.state.pages
        return RedirectResponse(found.navigation(account)[0].path, status_code=303)

    @app.get("/static/{version}/{name}", dependencies=[PUBLIC])
    def static(request: Request, version: str, name: str) -> Response:
        """A style sheet, script or picture."""
        found: Pages = request.app.state.pages
        return found.static(version, name)


def _add_error_pages(app: FastAPI) -> None:
    async def needs_sign_in(request: Request, error: Exception) -> Response:
        assert isinstance(error, SignInNeededError)  # noqa: S101 - for the type checker
        page = access.sign_in_page(error.next_page)
        if "HX-Request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": page})
        if request.headers.get("Accept", "").startswith("text/event-stream"):
            return PlainTextResponse("sign in", status_code=401)
        return RedirectResponse(page, status_code=303)

    async def forbidden(request: Request, error: Exception) -> Response:
        return error_page(request, 403, FORBIDDEN)

    async def foreign(request: Request, error: Exception) -> Response:
        return error_page(request, 403, FOREIGN)

    async def not_found(request: Request, error: Exception) -> Response:
        return error_page(request, 404, NOT_FOUND)

    async def not_now(request: Request, error: Exception) -> Response:
        return error_page(request, 409, NOT_NOW)

    async def http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        message = {404: NOT_FOUND, 405: NOT_FOUND, 403: FORBIDDEN}.get(status, INVALID)
        return error_page(request, status, message)

    async def invalid(request: Request, error: Exception) -> Response:
        return error_page(request, 422, INVALID)

    app.add_exception_handler(SignInNeededError, needs_sign_in)
    app.add_exception_handler(ForbiddenError, forbidden)
    app.add_exception_handler(ForeignRequestError, foreign)
    app.add_exception_handler(NotFoundError, not_found)
    app.add_exception_handler(IllegalMoveError, not_now)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)


def error_page(request: Request, status: int, message: str) -> Response:
    """A page that says what went wrong; a short text where only a part of a page was asked for."""
    if "HX-Request" in request.headers:
        return PlainTextResponse(pages.texts_of(request).gettext(message), status_code=status)
    return pages.render(request, "error.html", status=status, message=message)


class FailurePage:
    """ASGI middleware: an unexpected error becomes a page, and a line in the log without content.

    Starlette's own handler would raise the error again, and messages of database errors quote
    what people wrote.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except BodyTooLargeError:
            raise
        except Exception as error:
            request = Request(scope, receive)
            _log.error("console.failed", path=_pattern(request), error=type(error).__name__)
            if not started:
                await error_page(request, 500, FAILED)(scope, receive, send)


def _pattern(request: Request) -> str:
    route = request.scope.get("route")
    return str(getattr(route, "path", "unknown"))
