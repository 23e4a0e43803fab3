"""What is sent to the page: no payloads, no addresses, no dangerous links."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.web.sessions import ChatSession
from bot.channels.web.wire import EXPORT_PATH, entry_data, href, web_address
from bot.conversations.models import Author, InboxState, OutboxState
from bot.conversations.transcript import PersonEntry, ReplyEntry
from bot.messages import Button, Card, CardLine, Document, Kind, OutgoingMessage
from tests.unit.channels.test_web_support import NOON

SESSION = ChatSession(channel="web", token="x" * 43)


def test_a_reply_shows_titles_and_keys_but_no_payloads() -> None:
    message = OutgoingMessage(
        text="مرحبا",
        language="ar",
        cards=(
            Card(
                title="Kurs",
                lines=(CardLine(label="Tel.", value="0711 5550123", kind="phone"),),
                source_label="example.org, 1.3.2026",
                source_url="https://example.org",
            ),
        ),
        buttons=(Button(title="Mehr", payload={"command": "secret"}, key="k1"),),
    )
    reply = ReplyEntry(id=7, author=Author.BOT, message=message, state=OutboxState.SENT, at=NOON)

    assert entry_data(reply, session=SESSION) == {
        "author": "bot",
        "id": 7,
        "text": "مرحبا",
        "language": "ar",
        "direction": "rtl",
        "cards": [
            {
                "title": "Kurs",
                "subtitle": "",
                "body": "",
                "lines": [
                    {
                        "label": "Tel.",
                        "value": "0711 5550123",
                        "kind": "phone",
                        "href": "tel:07115550123",
                    }
                ],
                "source": {"label": "example.org, 1.3.2026", "href": "https://example.org"},
            }
        ],
        "buttons": [{"title": "Mehr", "key": "k1"}],
        "documents": [],
        "at": "2026-03-02T12:00:00.000+00:00",
    }


def test_the_copy_of_ones_data_is_fetched_and_stands_in_no_address() -> None:
    file = Document(
        name="lotse-export.json",
        title="My data",
        media_type="application/json",
        content="",
        holds_all_data=True,
    )
    message = OutgoingMessage(text="Your file", documents=(file,))
    reply = ReplyEntry(id=7, author=Author.BOT, message=message, state=OutboxState.SENT, at=NOON)
    assert entry_data(reply, session=SESSION)["documents"] == [
        {"title": "My data", "name": "lotse-export.json", "href": EXPORT_PATH}
    ]


def test_what_a_person_said_comes_back_under_the_id_of_the_page() -> None:
    entry = PersonEntry(
        id=1,
        external_id=SESSION.external_id("abc"),
        kind=Kind.TEXT,
        text="hello",
        button_key=None,
        state=InboxState.DONE,
        at=NOON,
    )

    data = entry_data(entry, session=SESSION)

    assert data["id"] == "abc"
    assert SESSION.address[:16] not in json.dumps(data)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("phone", "0711 216-1234", "tel:07112161234"),
        ("phone", "+49 (0)711 / 216.12", "tel:+4971121612"),
        ("phone", "\u20680711 2161\u2069", "tel:07112161"),
        ("phone", "116 016", "tel:116016"),
        ("phone", "0711 2161 (Mo-Fr)", None),
        ("phone", "0711 1234 oder 0711 5678", None),
        ("phone", "0711 12 / 0711 34", None),
        ("email", "a.b@example.org", "mailto:a.b@example.org"),
        ("email", "a@example.org?bcc=x@example.org", None),
        ("email", "a@example.org?subject=x", "mailto:a@example.org%3Fsubject%3Dx"),
        ("email", "no address", None),
        ("url", "https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("url", "www.example.org", "https://www.example.org"),
        ("url", "javascript:alert(1)", None),
        ("url", "JavaScript:alert(1)//example.org", None),
        ("url", "data:text/html,x.y", None),
        ("url", "https://user:pass@example.org", None),
        ("url", "//[", None),
        ("text", "https://example.org", None),
        ("note", "0711 216", None),
    ],
)
def test_lines_lead_only_where_it_is_safe(kind: str, value: str, expected: str | None) -> None:
    assert href(CardLine(label="", value=value, kind=kind)) == expected


@given(st.text(max_size=80))
def test_no_text_becomes_a_link_of_another_scheme(text: str) -> None:
    address = web_address(text)

    assert address is None or address.split(":")[0].lower() in {"http", "https"}
