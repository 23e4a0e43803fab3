"""The tests' side door over HTTP, for tests and benchmarks in another process.

``POST /control/people {"language_code": "tr"}`` → ``{"chat_id"}``; then below
``/control/people/<chat_id>/``: ``messages``, ``photos``, ``voices``, ``stickers``,
``locations``, ``documents``, ``content``, ``edits``, ``presses``, ``block``,
``unblock``. ``GET …/messages?count=2&within=5`` waits for the bot.
``POST /control/bots {"token"}``, ``POST /control/faults``, ``GET /control/calls``,
``GET /control/violations``. ``?bot=<token>`` chooses among several bots.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.bot_api.faults import Fault, FaultKind
from tests.support.bot_api.people import Person, new_person
from tests.support.bot_api.world import Account, World, as_data


class Control:
    """Routes below ``/control``."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/control/bots", self._add_bot, methods=["POST"]),
            Route("/control/people", self._add_person, methods=["POST"]),
            Route("/control/people/{chat_id:int}/messages", self._messages, methods=["GET"]),
            Route("/control/people/{chat_id:int}/{deed}", self._act, methods=["POST"]),
            Route("/control/faults", self._add_fault, methods=["POST"]),
            Route("/control/calls", self._calls, methods=["GET"]),
            Route("/control/violations", self._violations, methods=["GET"]),
        ]

    def _account(self, request: Request) -> Account:
        accounts = self._world.accounts
        return accounts[request.query_params.get("bot") or next(iter(accounts))]

    def _person(self, request: Request) -> Person:
        return Person(self._world, self._account(request), request.path_params["chat_id"])

    async def _add_bot(self, request: Request) -> Response:
        account = self._world.add_account((await request.json())["token"])
        return JSONResponse(account.user)

    async def _add_person(self, request: Request) -> Response:
        wish = await request.json()
        person = new_person(
            self._world,
            self._account(request),
            language_code=wish.get("language_code"),
            first_name=wish.get("first_name", "Person"),
        )
        return JSONResponse({"chat_id": person.chat_id})

    async def _messages(self, request: Request) -> Response:
        person = self._person(request)
        count = int(request.query_params.get("count", 0))
        try:
            if count:
                await person.receives(count, within=float(request.query_params.get("within", 5)))
        except TimeoutError:
            return JSONResponse(person.messages, 408)
        return JSONResponse(person.messages)

    async def _act(self, request: Request) -> Response:
        body = await request.body()
        wish: dict[str, Any] = await request.json() if body else {}
        try:
            result = _act(self._person(request), request.path_params["deed"], wish)
        except LookupError as error:
            return JSONResponse({"error": str(error)}, 404)
        return JSONResponse({"result": result})

    async def _add_fault(self, request: Request) -> Response:
        wish = await request.json()
        fault = Fault(**{**wish, "kind": FaultKind(wish["kind"])})
        with self._world.changing():
            self._account(request).faults.append(fault)
        return JSONResponse({})

    async def _calls(self, request: Request) -> Response:
        return JSONResponse([as_data(call) for call in self._account(request).calls])

    async def _violations(self, request: Request) -> Response:
        return JSONResponse(self._account(request).violations)


def _act(person: Person, deed: str, wish: dict[str, Any]) -> Any:
    match deed:
        case "messages":
            return person.sends(wish["text"])
        case "photos":
            return person.sends_photo(wish.get("caption", ""))
        case "voices":
            return person.sends_voice()
        case "stickers":
            return person.sends_sticker()
        case "locations":
            return person.sends_location()
        case "documents":
            return person.sends_document()
        case "content":
            return person.sends_content(wish)
        case "edits":
            return person.edits(wish["message_id"], wish["text"])
        case "presses" if "data" in wish:
            return person.presses_data(wish["data"])
        case "presses":
            return person.presses(wish["title"], message_id=wish.get("message_id"))
        case "block":
            return person.blocks()
        case "unblock":
            return person.unblocks()
    raise LookupError("no such deed")
