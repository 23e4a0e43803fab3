"""Chatwoot as a desk: one conversation of an API inbox for each person.

What the newcomer writes goes there as incoming messages; everything else that counsellors
should know goes there as private notes, which Chatwoot shows to agents only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.errors import (
    ConfigurationError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    RetryLaterError,
)
from bot.handover.desks import words
from bot.handover.desks.desk import Case, Line, ThreadGoneError
from bot.handover.models import EventKind
from bot.i18n.texts import Texts

NAME = "chatwoot"
#: The contact in whose conversation stands what belongs to no person.
NOTICES = "lotse-notices"
#: Marks what this product wrote, so that it is never taken for an agent's answer.
OWN = {"lotse": True}
CALL_SECONDS = 10.0
UNREACHABLE_SECONDS = 5.0
BUSY_SECONDS = 30.0
_STANDS_THERE = frozenset({EventKind.REPLY, EventKind.NOTE, EventKind.CORRECTED})


@dataclass(frozen=True, kw_only=True)
class ChatwootInbox:
    """Where the API inbox is and how it lets one in."""

    url: str
    token: str = field(repr=False)
    account_id: int
    inbox_id: int


class ChatwootDesk:
    """``Desk`` over Chatwoot's API; ``texts`` are in the language of the counsellors.


    Raises ``ConfigurationError`` for an address that cannot be right.
    """

    name = NAME

    def __init__(
        self,
        inbox: ChatwootInbox,
        *,
        texts: Texts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if urlsplit(inbox.url).scheme not in ("http", "https"):
            raise ConfigurationError("LOTSE_CHATWOOT_URL must begin with http:// or https://")
        self._inbox = inbox
        self._texts = texts
        self._http = httpx.AsyncClient(
            base_url=f"{inbox.url.rstrip('/')}/api/v1/accounts/{inbox.account_id}",
            headers={"api_access_token": inbox.token},
            timeout=CALL_SECONDS,
            transport=transport,
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def wait_until_free(self) -> None:
        """Chatwoot says itself when it is asked too often."""

    async def open_thread(self, case: Case) -> str:
        """Makes a contact and a conversation for a person; a contact made before is used again."""
        identifier = f"lotse-{case.conversation_id}"
        contact_id, source_id = await self._contact(identifier, words.title(case, self._texts))
        return await self._open_conversation(contact_id, source_id)

    async def tell(self, thread: str, case: Case, lines: Sequence[Line]) -> None:
        """Writes lines into a conversation, and opens or resolves it as the handover is."""
        for line in lines:
            await self._tell(thread, case, line)

    async def delete_thread(self, thread: str) -> None:
        """Deletes the person's contact, and with it all conversations."""
        try:
            shown = await self._call("GET", f"/conversations/{thread}")
            contact = shown["meta"]["sender"]["id"]
            await self._call("DELETE", f"/contacts/{contact}")
        except ThreadGoneError:
            return

    async def announce(self, text: str) -> None:
        """Writes a note into a conversation that belongs to no person, and opens it again."""
        contact_id, source_id = await self._contact(NOTICES, self._texts.gettext("Appointments"))
        shown = await self._call("GET", f"/contacts/{contact_id}/conversations")
        here = [
            one["id"]
            for one in shown.get("payload") or []
            if one.get("inbox_id") == self._inbox.inbox_id
        ]
        if here:
            thread = str(max(here))
            await self._set_status(thread, "open")
        else:
            thread = await self._open_conversation(contact_id, source_id)
        await self._write(thread, text, private=True)

    async def _tell(self, thread: str, case: Case, line: Line) -> None:
        here = line.done_at_desk == NAME
        if line.kind == EventKind.REQUESTED:
            await self._set_status(thread, "open")
            await self._write(thread, words.head(case, self._texts), private=True)
        elif line.kind == EventKind.MESSAGE:
            text = words.line(line, self._texts).removeprefix(f"{words.NEWCOMER} ")
            await self._write(thread, text, private=False)
        elif not (here and line.kind in _STANDS_THERE):
            text = words.line(line, self._texts)
            if text:
                await self._write(thread, text, private=True)
        if line.kind == EventKind.CLOSED and not here:
            await self._set_status(thread, "resolved")
        elif line.kind == EventKind.REOPENED and not here:
            await self._set_status(thread, "open")

    async def _write(self, thread: str, text: str, *, private: bool) -> None:
        await self._call(
            "POST",
            f"/conversations/{thread}/messages",
            {
                "content": text,
                "message_type": "outgoing" if private else "incoming",
                "private": private,
                "content_attributes": OWN,
            },
        )

    async def _set_status(self, thread: str, status: str) -> None:
        await self._call("POST", f"/conversations/{thread}/toggle_status", {"status": status})

    async def _open_conversation(self, contact_id: int, source_id: str) -> str:
        made = await self._call(
            "POST",
            "/conversations",
            {
                "source_id": source_id,
                "inbox_id": self._inbox.inbox_id,
                "contact_id": contact_id,
                "status": "open",
            },
        )
        return str(made["id"])

    async def _contact(self, identifier: str, name: str) -> tuple[int, str]:
        try:
            body = await self._call(
                "POST",
                "/contacts",
                {
                    "inbox_id": self._inbox.inbox_id,
                    "name": name,
                    "identifier": identifier,
                },
            )
        except DeliveryRefusedError:
            # Made before: the identifier is taken.
            body = await self._call("GET", "/contacts/search", query={"q": identifier})
        return self._identity(body, identifier)

    def _identity(self, body: dict[str, Any], identifier: str) -> tuple[int, str]:
        """The contact's id and its id in the inbox, in whichever of its forms Chatwoot answers."""
        payload = body.get("payload")
        found = payload.get("contact", payload) if isinstance(payload, dict) else payload
        contacts = found if isinstance(found, list) else [found]
        for contact in contacts:
            if not isinstance(contact, dict) or contact.get("identifier") != identifier:
                continue
            for place in contact.get("contact_inboxes") or []:
                if (place.get("inbox") or {}).get("id") == self._inbox.inbox_id:
                    return int(contact["id"]), str(place["source_id"])
        raise DeliveryRefusedError("Chatwoot names no contact in the inbox")

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, json=body, params=query)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise RetryLaterError(UNREACHABLE_SECONDS) from None
        except httpx.HTTPError as error:
            raise DeliveryUncertainError(type(error).__name__) from None
        status = response.status_code
        if status == httpx.codes.NOT_FOUND:
            raise ThreadGoneError("Chatwoot does not know this conversation")
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            raise RetryLaterError(_seconds(response))
        if status >= 400:
            # The answer may quote what was written; the number says enough.
            raise DeliveryRefusedError(f"Chatwoot answers {status}")
        answer = response.json() if response.content else {}
        return answer if isinstance(answer, dict) else {}


def _seconds(response: httpx.Response) -> float:
    wait = response.headers.get("Retry-After", "")
    return float(wait) if wait.isdigit() else BUSY_SECONDS
