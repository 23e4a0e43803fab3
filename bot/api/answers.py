"""Answers of the interface: pages, validators for caches, and who may read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api.queries import Slice
from bot.rates import RateLimiter

JSON = "application/json"
ALLOWED = "GET, HEAD, OPTIONS"


def page_of(found: Slice, contents: Sequence[Any], *, number: int, size: int) -> dict[str, Any]:
    """The envelope of HSDS around one page."""
    pages = -(-found.total // size)
    return {
        "total_items": found.total,
        "total_pages": pages,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": list(contents),
    }


def answer(request: Request, content: Any) -> Response:
    """JSON with an ETag; 304 without a body for who has it already."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=60"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in {
        part.strip().removeprefix("W/") for part in known.split(",")
    }:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


class ReadOnly:
    """Lets pages of all origins read, lets nobody write, and limits how often one may ask."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _open(send))
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(_open(send)))
        else:
            await self._app(scope, receive, _open(send))

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["method"] == "OPTIONS":
            headers = {"Allow": ALLOWED, "Access-Control-Max-Age": "86400"}
            return Response(status_code=204, headers=headers)
        if scope["method"] not in ("GET", "HEAD"):
            return _problem(405, "read only", {"Allow": ALLOWED})
        client = scope.get("client")
        wait = self._limiter.take(client[0] if client else "")
        if wait:
            return _problem(429, "too many requests", {"Retry-After": str(int(wait) + 1)})
        return None


def _problem(status: int, detail: str, headers: dict[str, str]) -> Response:
    body = json.dumps({"detail": detail})
    return Response(body, status_code=status, media_type=JSON, headers=headers)


def _without_body(send: Send) -> Send:
    async def bare(message: Message) -> None:
        await send({**message, "body": b""} if "body" in message else message)

    return bare


def _open(send: Send) -> Send:
    async def opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", []),
                (b"access-control-allow-origin", b"*"),
                (b"access-control-allow-methods", ALLOWED.encode()),
                (b"access-control-expose-headers", b"ETag, Retry-After"),
                (b"x-content-type-options", b"nosniff"),
            ]
        await send(message)

    return opened
