"""The HTTP face for bots: routing, answers, long polling, ordered failures."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.bot_api import bodies, methods, spec
from tests.support.bot_api.faults import Fault, FaultKind
from tests.support.bot_api.spec import InvalidParameterError
from tests.support.bot_api.world import Account, ApiError, Call, World

MAXIMUM_POLL_SECONDS = 50
_COUNTED_AS_OK = 200
_DROPPED = 0

#: Refusals that tell the bot about the world; all others are its own mistake.
_INNOCENT = ("chat not found", "not modified", "thread not found", "TOPIC_CLOSED", "message to")


class BotService:
    """Answers ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``.

    ``drop`` cuts the connection of a request, as a broken network would.
    """

    def __init__(self, world: World, drop: Callable[[Request], None]) -> None:
        self._world = world
        self._drop = drop

    async def file(self, request: Request) -> Response:
        """The content of a file that ``getFile`` named."""
        account = self._world.accounts.get(request.path_params["token"])
        content = account and account.files.get(request.path_params["file_id"])
        return Response(content) if content else _error(ApiError(404, "Not Found"))

    async def call(self, request: Request) -> Response:
        """One call of a method."""
        token, name = request.path_params["token"], request.path_params["method"]
        account = self._world.accounts.get(token)
        if account is None:
            well_formed = re.fullmatch(r"\d+:[\w-]{30,}", token)
            refusal = (401, "Unauthorized") if well_formed else (404, "Not Found")
            return _error(ApiError(*refusal))
        method = spec.known_methods().get(name.lower())
        if method is None:
            if name.lower() in spec.unsupported_methods():
                account.violations.append(f"{name}: this server does not know the method yet")
            else:
                account.violations.append(f"{name}: no such method")
            return _error(ApiError(404, "Not Found"))
        return await self._known(request, account, method)

    async def _known(self, request: Request, account: Account, method: str) -> Response:
        call = Call(method, {}, time.monotonic())
        try:
            call.parameters = bodies.parameters(
                query=request.url.query,
                content_type=request.headers.get("content-type", ""),
                body=await request.body(),
            )
            with self._world.changing():
                account.calls.append(call)
            status, response = await self._perform(request, account, method, call.parameters)
        except InvalidParameterError as error:
            refusal = ApiError(400, f"Bad Request: {error}")
            status, response = 400, _error(refusal)
            self._accuse(account, method, refusal)
        except ApiError as error:
            status, response = error.code, _error(error)
            self._accuse(account, method, error)
        with self._world.changing():
            call.status = status
        return response

    def _accuse(self, account: Account, method: str, error: ApiError) -> None:
        if error.code == 400 and not any(text in error.description for text in _INNOCENT):
            account.violations.append(f"{method}: {error.description}")

    async def _perform(
        self, request: Request, account: Account, method: str, given: dict[str, Any]
    ) -> tuple[int, Response]:
        fault = account.take_fault(method, methods.resolve_chat(account, given.get("chat_id")))
        failure = await self._before(request, account, fault)
        if failure is not None:
            return failure
        checked = spec.check(method, given)
        for name in checked.unknown:
            account.violations.append(f'{method}: unknown parameter "{name}"')
        if method == "getUpdates":
            result = await self._get_updates(request, account, checked.values)
        else:
            with self._world.changing():
                result = methods.call(account, method, checked.values)
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return await self._cut(request)
        return _COUNTED_AS_OK, JSONResponse({"ok": True, "result": result})

    async def _before(
        self, request: Request, account: Account, fault: Fault | None
    ) -> tuple[int, Response] | None:
        """What an ordered failure answers instead of the method, if anything."""
        if fault is None or fault.kind is FaultKind.DROP_AFTER:
            return None
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.value)
            return None
        if fault.kind is FaultKind.DROP_BEFORE:
            return await self._cut(request)
        if fault.kind is FaultKind.BAD_GATEWAY:
            return 502, Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")
        error = _ordered(fault)
        if fault.kind is FaultKind.FLOOD and fault.chat_id is not None:
            account.flood.pause(fault.chat_id, fault.value)
        return error.code, _error(error)

    async def _cut(self, request: Request) -> tuple[int, Response]:
        self._drop(request)
        # With the body read, what comes next is the news of the closed connection.
        await request.receive()
        return _DROPPED, Response()

    async def _get_updates(
        self, request: Request, account: Account, values: dict[str, Any]
    ) -> list[dict[str, Any]]:
        with self._world.changing():
            if account.webhook.get("url"):
                raise ApiError(
                    409,
                    "Conflict: can't use getUpdates method while webhook is active; "
                    "use deleteWebhook to delete the webhook first",
                )
            account.poll_number += 1
            mine = account.poll_number
            account.allowed_updates = values.get("allowed_updates", account.allowed_updates)
            _confirm(account, values.get("offset", 0))
        seconds = min(max(values.get("timeout", 0), 0), MAXIMUM_POLL_SECONDS)
        limit = min(max(values.get("limit", 100), 1), 100)

        def ready() -> bool:
            return bool(account.updates) or account.poll_number != mine or self._world.closing

        if seconds and not ready():
            await self._wait(request, ready, seconds)
        if account.poll_number != mine:
            raise ApiError(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )
        return account.updates[:limit]

    async def _wait(self, request: Request, ready: Callable[[], bool], seconds: float) -> None:
        waiting = asyncio.ensure_future(self._world.until(ready, seconds))
        leaving = asyncio.ensure_future(request.receive())
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, leaving):
            task.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)


def _confirm(account: Account, offset: int) -> None:
    if offset < 0:
        account.updates = account.updates[offset:]
    elif offset:
        account.updates = [u for u in account.updates if u["update_id"] >= offset]


def _ordered(fault: Fault) -> ApiError:
    number = int(fault.value)
    match fault.kind:
        case FaultKind.BLOCKED:
            return ApiError(403, "Forbidden: bot was blocked by the user")
        case FaultKind.FLOOD:
            return ApiError(429, f"Too Many Requests: retry after {number}", retry_after=number)
        case FaultKind.MIGRATED:
            return ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=number,
            )
        case FaultKind.UNAUTHORIZED:
            return ApiError(401, "Unauthorized")
        case FaultKind.REFUSED:
            return ApiError(400, f"Bad Request: {fault.description}")
        case _:
            return ApiError(500, "Internal Server Error")


def _error(error: ApiError) -> JSONResponse:
    content: dict[str, Any] = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.parameters:
        content["parameters"] = error.parameters
    return JSONResponse(content, error.code)
