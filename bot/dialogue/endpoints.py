"""What the engine calls: actions and response texts, on loopback and with a token."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import structlog
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.dialogue.responses import Responses
from bot.errors import NotFoundError

log = structlog.get_logger(__name__)


def create_app(*, responses: Responses, actions: Iterable[Action], token: str) -> Starlette:
    """An application with ``POST /actions`` and ``POST /responses`` as Rasa calls them."""
    executor = ActionExecutor()
    for action in actions:
        executor.register_action(action)

    async def run_action(request: Request) -> JSONResponse:
        if not _authorised(request, token):
            return JSONResponse({"error": "unauthorised"}, status_code=401)
        call = await request.json()
        # The executor insists on a domain, though no action of ours reads it.
        call.setdefault("domain", {})
        try:
            result = await executor.run(call)
        except ActionExecutionRejection as rejection:
            return JSONResponse(
                {"error": str(rejection), "action_name": rejection.action_name}, status_code=400
            )
        except ActionNotFoundException as missing:
            return JSONResponse(
                {"error": str(missing), "action_name": missing.action_name}, status_code=404
            )
        except Exception as error:
            # The exception's words may hold what a person wrote; its type may not.
            log.error("action.failed", action=call.get("next_action"), error=type(error).__name__)
            return JSONResponse({"error": "the action failed"}, status_code=500)
        return JSONResponse(_plain(result))

    async def render_response(request: Request) -> JSONResponse:
        if not _authorised(request, token):
            return JSONResponse({"error": "unauthorised"}, status_code=401)
        call = await request.json()
        values = call.get("arguments") or {}
        language = values.get("language") or _language_of(call.get("tracker") or {})
        try:
            return JSONResponse(responses.render(call["response"], language, values))
        except NotFoundError as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    return Starlette(
        routes=[
            Route("/actions", run_action, methods=["POST"]),
            Route("/responses", render_response, methods=["POST"]),
        ]
    )


def _authorised(request: Request, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _language_of(tracker: dict[str, Any]) -> str:
    latest = tracker.get("latest_message") or {}
    return str((latest.get("metadata") or {}).get("language") or "en")


def _plain(result: Any) -> Any:
    return result.model_dump() if hasattr(result, "model_dump") else result
