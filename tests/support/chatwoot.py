"""A local Chatwoot: takes what its API describes, refuses anything else, and sends webhooks."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import uuid
from typing import Any

import httpx
import jsonschema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.chatwoot import PATH, chatwoot_routes
from bot.db.session import Database
from bot.handover.desks.agents import AgentAct, take
from bot.handover.desks.chatwoot import ChatwootDesk, ChatwootInbox
from tests.conftest import Clock
from tests.support.desks import CONSOLE_TEXTS, make_worker, told
from tests.support.talk import CATALOGUES

ACCOUNT, INBOX, TOKEN, SECRET = 3, 7, "api-token", "webhook-secret"
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
STATUS = {"type": "string", "enum": ["open", "resolved", "pending"]}

#: Bodies as Chatwoot's API description (4.x) gives them, as far as they are used here.
BODIES: dict[str, dict[str, Any]] = {
    "contacts": {
        "required": ["inbox_id"],
        "properties": {"inbox_id": {"type": "number"}, "name": TEXT, "identifier": TEXT},
    },
    "conversations": {
        "required": ["source_id", "inbox_id"],
        "properties": {
            "source_id": TEXT,
            "inbox_id": WHOLE,
            "contact_id": WHOLE,
            "status": STATUS,
        },
    },
    "messages": {
        "required": ["content"],
        "properties": {
            "content": {"type": "string", "minLength": 1},
            "message_type": {"type": "string", "enum": ["outgoing", "incoming"]},
            "private": FLAG,
            "content_attributes": {"type": "object"},
        },
    },
    "toggle_status": {"required": ["status"], "properties": {"status": STATUS}},
}


class Chatwoot:
    """What agents see, and a desk connected to it. ``broken`` makes it answer 503."""

    name = "chatwoot"

    def __init__(self, database: Database, clock: Clock) -> None:
        self.contacts: dict[int, dict[str, Any]] = {}
        self.conversations: dict[int, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.broken = False
        self.refusals: list[str] = []
        self._numbers = itertools.count(11)
        self._database, self._clock = database, clock
        routes = [
            Route("/{rest:path}", self._answer, methods=["GET", "POST", "DELETE"]),
        ]
        place = ChatwootInbox(
            url="http://chatwoot", token=TOKEN, account_id=ACCOUNT, inbox_id=INBOX
        )
        transport = httpx.ASGITransport(Starlette(routes=routes))
        self.desk = ChatwootDesk(place, texts=CONSOLE_TEXTS, transport=transport)
        self.worker = make_worker(database, self.desk, clock)
        product = Starlette(routes=chatwoot_routes(self._receive, secret=SECRET, inbox_id=INBOX))
        self.product = httpx.AsyncClient(
            transport=httpx.ASGITransport(product), base_url="http://lotse"
        )
        self._sent: list[dict[str, Any]] = []

    # The API

    async def _answer(self, request: Request) -> Response:
        if self.broken:
            return Response(status_code=503)
        if request.headers.get("api_access_token") != TOKEN:
            return Response(status_code=401)
        path = request.url.path.removeprefix(f"/api/v1/accounts/{ACCOUNT}/")
        body = await request.json() if request.method == "POST" else {}
        kind = path.rpartition("/")[2]
        if request.method == "POST":
            schema = {"type": "object", "additionalProperties": False, **BODIES[kind]}
            try:
                jsonschema.validate(body, schema)
            except jsonschema.ValidationError as error:
                self.refusals.append(error.message)
                return JSONResponse({"description": error.message}, 422)
        match request.method, path.split("/"):
            case "POST", ["contacts"]:
                return self._add_contact(body)
            case "GET", ["contacts", "search"]:
                asked = request.query_params["q"]
                found = [c for c in self.contacts.values() if c["identifier"] == asked]
                return JSONResponse({"meta": {}, "payload": found})
            case "GET", ["contacts", number, "conversations"]:
                contact = self.contacts[int(number)]
                theirs = [
                    {"id": key, "inbox_id": INBOX, "status": one["status"]}
                    for key, one in self.conversations.items()
                    if one["contact"] is contact
                ]
                return JSONResponse({"payload": theirs})
            case "DELETE", ["contacts", number]:
                gone = self.contacts.pop(int(number))
                for key in [k for k, c in self.conversations.items() if c["contact"] is gone]:
                    del self.conversations[key]
                return JSONResponse({})
            case "POST", ["conversations"]:
                return self._add_conversation(body)
            case _, ["conversations", number, *rest] if int(number) in self.conversations:
                return self._in_conversation(int(number), rest, body)
        return JSONResponse({"description": "not found"}, 404)

    def _add_contact(self, body: dict[str, Any]) -> Response:
        if any(one["identifier"] == body["identifier"] for one in self.contacts.values()):
            return JSONResponse({"message": "Identifier has already been taken"}, 422)
        number = next(self._numbers)
        place = {"source_id": str(uuid.uuid4()), "inbox": {"id": body["inbox_id"]}}
        contact = {
            "id": number,
            "name": body["name"],
            "identifier": body["identifier"],
            "contact_inboxes": [place],
        }
        self.contacts[number] = contact
        return JSONResponse({"payload": {"contact": contact, "contact_inbox": place}})

    def _add_conversation(self, body: dict[str, Any]) -> Response:
        contact = self.contacts[body["contact_id"]]
        sources = [place["source_id"] for place in contact["contact_inboxes"]]
        if body["source_id"] not in sources:
            return JSONResponse({"description": "wrong source"}, 404)
        number = next(self._numbers)
        self.conversations[number] = {"contact": contact, "status": body["status"]}
        return JSONResponse({"id": number, "account_id": ACCOUNT, "inbox_id": INBOX})

    def _in_conversation(self, number: int, rest: list[str], body: dict[str, Any]) -> Response:
        conversation = self.conversations[number]
        match rest:
            case ["messages"]:
                message = {"id": next(self._numbers), "conversation": number, **body}
                self.messages.append(message)
                return JSONResponse(message)
            case ["toggle_status"]:
                conversation["status"] = body["status"]
                return JSONResponse({"payload": {"success": True}})
        return JSONResponse({"id": number, "meta": {"sender": conversation["contact"]}})

    # What agents see and do

    async def shown(self) -> str:
        await told(self.worker)
        return "\n".join(message["content"] for message in self.messages)

    @property
    def conversation(self) -> int:
        return max(self.conversations)

    async def writes(self, text: str, *, name: str = "Weber", **changes: Any) -> httpx.Response:
        """An agent writes; Chatwoot tells the product by webhook."""
        match = re.fullmatch(r"/(claim|note|close)\s*(.*)", text, re.DOTALL)
        agent = {"id": sum(name.encode()), "name": name, "type": "user"}
        if match and match[1] == "claim":
            return await self._changed("conversation_updated", "open", agent)
        if match and match[1] == "close":
            return await self._changed("conversation_status_changed", "resolved", agent)
        payload = {
            "event": "message_created",
            "id": next(self._numbers),
            "content": match[2] if match else text,
            "message_type": "outgoing",
            "private": bool(match),
            "content_attributes": {},
            "sender": agent,
            "inbox": {"id": INBOX, "name": "Lotse"},
            "conversation": {"id": self.conversation, "status": "open"},
            **changes,
        }
        return await self.post(payload)

    async def _changed(self, event: str, status: str, agent: dict[str, Any]) -> httpx.Response:
        self.conversations[self.conversation]["status"] = status
        return await self.post(
            {
                "event": event,
                "id": self.conversation,
                "inbox_id": INBOX,
                "status": status,
                "meta": {"assignee": agent, "sender": {}},
            }
        )

    async def post(
        self, payload: Any, *, delivery: str | None = None, secret: str = SECRET
    ) -> httpx.Response:
        """Posts a webhook, signed as Chatwoot signs."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        timestamp = "1780000000"
        digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
        headers = {
            "X-Chatwoot-Timestamp": timestamp,
            "X-Chatwoot-Signature": f"sha256={digest.hexdigest()}",
            "X-Chatwoot-Delivery": delivery or str(uuid.uuid4()),
        }
        self.last = (body, headers)
        return await self.product.post(PATH, content=body, headers=headers)

    async def receive_updates(self, *, again: bool = True) -> None:
        """Delivers the last webhook once more."""
        body, headers = self.last
        await self.product.post(PATH, content=body, headers=headers)

    async def _receive(self, act: AgentAct, delivery: str) -> None:
        with self._database.transaction() as session:
            take(
                session,
                act,
                delivery=delivery,
                catalogues=CATALOGUES,
                texts=CONSOLE_TEXTS,
                now=self._clock(),
            )
