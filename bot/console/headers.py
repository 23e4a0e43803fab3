"""What protects every answer of the console: strict headers, and bodies of bounded size."""

from __future__ import annotations

import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAXIMUM_BODY = 1_000_000

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "img-src 'self' data:",
            "object-src 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class SecurityHeaders:
    """ASGI middleware that adds the same strict headers to every answer."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and adds the headers to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # What people said is kept by no cache; static files say otherwise themselves.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyTooLargeError(Exception):
    """More arrived than ``MAXIMUM_BODY``."""


class BodyLimit:
    """ASGI middleware that refuses bodies beyond ``MAXIMUM_BODY`` bytes with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts what arrives; a declared length that is too great is refused at once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("Content-Length", "0")
        if not declared.isdigit() or int(declared) > MAXIMUM_BODY:
            await self._refuse(scope, receive, send)
            return
        received = 0
        started = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAXIMUM_BODY:
                raise BodyTooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            # Whoever parsed the body may have made an answer of its own of the error.
            if received <= MAXIMUM_BODY or started:
                started = True
                await send(message)

        with contextlib.suppress(BodyTooLargeError):
            await self._app(scope, counted, noted)
        if received > MAXIMUM_BODY and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = PlainTextResponse("The request is too large.", status_code=413)
        await answer(scope, receive, send)
