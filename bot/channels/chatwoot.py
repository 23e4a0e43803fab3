"""The endpoint that Chatwoot posts to: checked, stored, then answered."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.handover.desks.agents import AgentAct, to_act

log = structlog.get_logger(__name__)

PATH = "/chatwoot/webhook"
MAXIMUM_BODY_BYTES = 1_000_000

#: Carries out an act with its delivery id; it is safe when this returns.
ReceiveAct = Callable[[AgentAct, str], Awaitable[None]]


def chatwoot_routes(receive: ReceiveAct, *, secret: str, inbox_id: int) -> list[Route]:
    """The webhook. Chatwoot repeats a delivery until it is answered 2xx.

    Answers 403 for a wrong signature, 413 and 400 for what Chatwoot does not send, 503 to be
    asked again.
    """

    async def take(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > MAXIMUM_BODY_BYTES:
            return Response(status_code=413)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAXIMUM_BODY_BYTES:
                return Response(status_code=413)
        if not is_signed(request, body, secret=secret):
            return Response(status_code=403)
        delivery = request.headers.get("x-chatwoot-delivery", "")[:100]
        try:
            payload = json.loads(body)
        except ValueError:
            return Response(status_code=400)
        if not delivery:
            return Response(status_code=400)
        act = to_act(payload, inbox_id=inbox_id)
        if act is not None:
            try:
                await receive(act, delivery)
            except Exception as error:
                log.error("chatwoot.not_stored", error=type(error).__name__)
                return Response(status_code=503)
        return Response(status_code=200)

    return [Route(PATH, take, methods=["POST"])]


def is_signed(request: Request, body: bytes, *, secret: str) -> bool:
    """Whether Chatwoot signed these very bytes; an older one that does not sign is refused.

    A replayed request is signed too; its delivery id makes it harmless.
    """
    given = request.headers.get("x-chatwoot-signature", "")
    timestamp = request.headers.get("x-chatwoot-timestamp", "")
    signed = f"{timestamp}.".encode() + body
    expected = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.encode(), expected.encode())
