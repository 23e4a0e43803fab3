"""How messages look as JSON between the server and the page or terminal.

Values stay plain text; the page sets them as text, never as markup. Links are
made here, from a short list of schemes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from bot.channels.web.sessions import ChatSession
from bot.conversations.transcript import Entry, PersonEntry, ReplyEntry
from bot.i18n.languages import direction
from bot.messages import Card, CardLine, Document, Kind

# Where a session gets the copy of its person's data; it is made anew each time.
EXPORT_PATH = "/chat/export"

# Marks that keep numbers and Latin names in order within right-to-left text.
_BIDI_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DIALLED = re.compile(r"\+?[0-9]{3,15}")
_SECOND_NUMBER = re.compile(r"[/,;]\s*[+0]")
_NOT_DIALLED = re.compile(r"\(0\)|[\s()./\u2010-\u2013-]")


def entry_data(entry: Entry, *, session: ChatSession) -> dict[str, Any]:
    """An entry of the history."""
    if isinstance(entry, PersonEntry):
        return person_data(entry, session=session)
    return reply_data(entry)


def person_data(entry: PersonEntry, *, session: ChatSession) -> dict[str, Any]:
    """What the person sent, under the id that the page gave it."""
    return {
        "author": "person",
        "id": entry.external_id.removeprefix(session.external_id_prefix),
        **said_data(entry.kind, entry.text),
        "button": entry.button_key,
        "at": moment(entry.at),
    }


def said_data(kind: Kind, text: str) -> dict[str, Any]:
    """What the person said; of a shared location only that it was shared."""
    is_place = kind == Kind.LOCATION
    return {"text": "" if is_place else text, "is_place": is_place}


def reply_data(reply: ReplyEntry) -> dict[str, Any]:
    """What the person is told. Of a button, only its title and key are given away."""
    message = reply.message
    return {
        "author": reply.author.value,
        "id": reply.id,
        "text": message.text,
        "language": message.language,
        "direction": direction(message.language),
        "cards": [_card_data(card) for card in message.cards],
        "documents": [_document_data(document) for document in message.documents],
        "buttons": [{"title": b.title, "key": b.key} for b in message.buttons if b.key],
        "at": moment(reply.at),
    }


def moment(at: datetime) -> str:
    """A moment as ISO 8601 with its zone."""
    return at.isoformat(timespec="milliseconds")


def _card_data(card: Card) -> dict[str, Any]:
    return {
        "title": card.title,
        "subtitle": card.subtitle,
        "body": card.body,
        "lines": [
            {"label": line.label, "value": line.value, "kind": line.kind, "href": href(line)}
            for line in card.lines
        ],
        "source": {"label": card.source_label, "href": web_address(card.source_url)},
    }


def _document_data(document: Document) -> dict[str, Any]:
    if document.holds_all_data:
        return {"title": document.title, "name": document.name, "href": EXPORT_PATH}
    # A file that stands nowhere else is carried by its own address.
    address = document.url or f"data:{document.media_type};charset=utf-8,{quote(document.content)}"
    return {"title": document.title, "name": document.name, "href": address}


def href(line: CardLine) -> str | None:
    """Where a line of a card leads; None when it leads nowhere or nowhere safe."""
    value = _BIDI_MARKS.sub("", line.value).strip()
    match line.kind:
        case "phone":
            return _dialled(value)
        case "email":
            return f"mailto:{quote(value, safe='@+')}" if _EMAIL.fullmatch(value) else None
        case "url":
            return web_address(value)
        case _:
            return None


def _dialled(value: str) -> str | None:
    number = _NOT_DIALLED.sub("", value)
    # Two numbers in one line must not be dialled as one.
    if _SECOND_NUMBER.search(value) or not _DIALLED.fullmatch(number):
        return None
    return f"tel:{number}"


def web_address(text: str) -> str | None:
    """The http or https address that a text names, also without its scheme; else None."""
    text = _BIDI_MARKS.sub("", text).strip()
    if not text or re.search(r"\s", text):
        return None
    if "://" not in text and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        named = parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
    except ValueError:
        return None
    return text if named and parts.username is None else None
