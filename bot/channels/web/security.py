"""What protects the page: response headers, and refusing requests from other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """ASGI middleware that adds the same strict headers to every response.

    ``frame_ancestors`` lists who may show the page in a frame, as in the
    Content-Security-Policy: ``'none'``, ``'self'`` or origins.
    """

    def __init__(self, app: ASGIApp, *, frame_ancestors: str) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": "; ".join(
                (
                    "default-src 'self'",
                    "base-uri 'none'",
                    "form-action 'self'",
                    f"frame-ancestors {frame_ancestors}",
                    "object-src 'none'",
                    # Browsers that know it then refuse innerHTML and its like.
                    "require-trusted-types-for 'script'",
                    "trusted-types 'none'",
                )
            ),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        if frame_ancestors == "'none'":
            self._headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and adds the headers to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                # What a person says is kept by no cache; files say otherwise themselves.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def is_same_origin(request: Request) -> bool:
    """Whether the request comes from our own page or from a program.

    Browsers say where a request comes from; a page cannot change that. Programs
    such as the terminal chat send neither header and carry no one else's cookie.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    # Only the host is compared: behind a proxy the scheme seen here may differ.
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def is_json(request: Request) -> bool:
    """Whether the body is declared as JSON, which no form of another site can do."""
    declared = request.headers.get("Content-Type", "").partition(";")[0]
    return declared.strip().lower() == "application/json"
