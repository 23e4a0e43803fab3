"""The routes of the chat page, with a real database and an application that echoes."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from bot.channels.web.channel import WEB
from bot.channels.web.routes import WebSettings
from bot.conversations.models import ChannelIdentity
from bot.messages import Button, Kind, OutgoingMessage
from bot.rates import Rate
from tests.unit.channels.test_web_support import (
    EchoBackend,
    ManualClock,
    new_database,
    silence,
    stored_messages,
)

ORIGIN = "http://lotse.test"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def backend(tmp_path: Path, clock: ManualClock) -> EchoBackend:
    return EchoBackend(new_database(tmp_path), clock)


@pytest.fixture
async def browser(backend: EchoBackend) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has loaded the page."""
    async with visitor(backend) as client:
        await client.get("/")
        yield client


def visitor(backend: EchoBackend, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=backend.app, client=(options.pop("ip", "192.0.2.1"), 5))
    headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    return httpx.AsyncClient(
        transport=transport, base_url=ORIGIN, headers=headers | options.pop("headers", {})
    )


# The same in every process, since it becomes part of names of tests.
SOME_ID = "13902299-50b3-4a27-9a62-32230530362a"
STUTTGART = {"latitude": 48.8, "longitude": 9.2}
NOWHERE = {"latitude": 91, "longitude": 9}
NO_NUMBER = {"latitude": float("nan"), "longitude": 9}


def body(text: str | None = "hello", **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "text": text} | fields


async def post(
    client: httpx.AsyncClient, message: dict[str, Any], **options: Any
) -> httpx.Response:
    return await client.post("/chat/messages", json=message, **options)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


# The page and its session


async def test_the_page_gives_a_session_that_scripts_and_other_sites_cannot_use(
    backend: EchoBackend,
) -> None:
    async with visitor(backend) as client:
        cookie = (await client.get("/")).headers["Set-Cookie"]

    assert re.fullmatch(
        r"lotse_chat=[\w-]{43}; HttpOnly; Max-Age=31536000; Path=/; SameSite=lax", cookie
    )


async def test_over_https_the_cookie_is_secure(tmp_path: Path, clock: ManualClock) -> None:
    settings = WebSettings(secure_cookies=True)
    backend = EchoBackend(new_database(tmp_path), clock, settings=settings)
    async with visitor(backend) as client:
        assert "; Secure" in (await client.get("/")).headers["Set-Cookie"]


async def test_every_visitor_gets_another_session_and_keeps_it(backend: EchoBackend) -> None:
    async with visitor(backend) as first, visitor(backend) as second:
        tokens = [(await c.get("/")).cookies["lotse_chat"] for c in (first, second, first)]

    assert tokens[0] != tokens[1]
    assert tokens[0] == tokens[2]


@pytest.mark.parametrize("token", ["", "short", "ü" * 43, "a" * 44, "a" * 42 + "\u0661"])
async def test_a_malformed_cookie_is_replaced(backend: EchoBackend, token: str) -> None:
    cookie = {"Cookie": f"lotse_chat={token}".encode()}
    async with visitor(backend) as client:
        page = await client.get("/", headers=cookie)  # type: ignore[arg-type]
        refused = await client.get("/chat/history", headers=cookie)  # type: ignore[arg-type]

    assert len(page.cookies["lotse_chat"]) == 43
    assert page.cookies["lotse_chat"] != token
    assert code(refused) == (401, "no_session")


async def test_the_database_holds_a_digest_of_the_cookie_only(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body())

    token = browser.cookies["lotse_chat"]
    with backend.database.reading() as session:
        addresses = [row.address for row in session.query(ChannelIdentity)]
    assert addresses == [hashlib.sha256(token.encode()).hexdigest()]


@pytest.mark.parametrize("path", ["/", "/chat/history", "/chat/texts", "/chat/static/x/chat.js"])
async def test_every_answer_is_protected(browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")


async def test_the_operator_may_allow_a_frame(tmp_path: Path, clock: ManualClock) -> None:
    settings = WebSettings(secure_cookies=False, frame_ancestors="https://city.example")
    backend = EchoBackend(new_database(tmp_path), clock, settings=settings)
    async with visitor(backend) as client:
        headers = (await client.get("/")).headers

    assert "frame-ancestors https://city.example;" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers


async def test_nothing_in_the_page_runs_or_loads_from_elsewhere(
    browser: httpx.AsyncClient,
) -> None:
    html = (await browser.get("/")).text

    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", html) == []
    assert re.findall(r"(?:src|href)=\"(?!chat/static/|#)[^\"]*", html) == []


async def test_files_with_the_present_version_are_kept(browser: httpx.AsyncClient) -> None:
    html = (await browser.get("/")).text
    paths = set(re.findall(r'"(chat/static/[^"]+)"', html))

    answers = {path.rsplit("/")[-1]: await browser.get(f"/{path}") for path in paths}

    assert {name: answer.headers["Content-Type"] for name, answer in answers.items()} == {
        "chat.css": "text/css; charset=utf-8",
        "chat.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "place.js": "text/javascript; charset=utf-8",
        "transport.js": "text/javascript; charset=utf-8",
        "view.js": "text/javascript; charset=utf-8",
    }
    assert {answer.headers["Cache-Control"] for answer in answers.values()} == {
        "public, max-age=31536000, immutable"
    }


@pytest.mark.parametrize("name", ["nothing.js", "..%2Froutes.py", "chat.html"])
async def test_other_files_are_not_served(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/chat/static/x/{name}")).status_code == 404


# Language


@pytest.mark.parametrize(
    ("accepted", "query", "language", "direction"),
    [
        ("ar-SY,de;q=0.8", "", "ar", "rtl"),
        ("de;q=0.5, tr;q=0.9", "", "tr", "ltr"),
        ("ckb", "", "fa", "rtl"),
        ("xx, *;q=0.1", "", "de", "ltr"),
        ("", "", "de", "ltr"),
        (";;q=x,,en;q=abc", "", "de", "ltr"),
        ("de", "?language=uk", "uk", "ltr"),
        ("de", "?language=%3Cscript%3E", "de", "ltr"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    backend: EchoBackend, accepted: str, query: str, language: str, direction: str
) -> None:
    async with visitor(backend, headers={"Accept-Language": accepted}) as client:
        html = (await client.get(f"/{query}")).text

    assert f'<html lang="{language}" dir="{direction}"' in html
    assert f"[{language}] Write a message" in html


async def test_the_page_keeps_the_language_of_the_conversation(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body())
    with backend.database.transaction() as session:
        conversation = stored_messages(backend.database)[0].conversation
        session.merge(conversation).language = "tr"

    assert '<html lang="tr"' in (await browser.get("/")).text


async def test_texts_come_in_the_language_asked_for(browser: httpx.AsyncClient) -> None:
    data = (await browser.get("/chat/texts?language=ar")).json()

    assert (data["language"], data["direction"]) == ("ar", "rtl")
    assert data["texts"]["send"] == "[ar] Send"
    assert {"code": "uk", "name": "Українська", "direction": "ltr"} in data["languages"]


# Messages


async def test_a_message_is_stored_before_it_is_accepted(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    message = body("  Guten Tag\n", language="tr")

    response = await post(browser, message)

    assert response.status_code == 202
    assert response.json() == {"id": message["id"], "at": "2026-03-02T12:00:00.000+00:00"}
    [stored] = stored_messages(backend.database)
    assert (stored.channel, stored.kind, stored.text) == (WEB, "text", "Guten Tag")
    assert backend.received[0].language_hint == "tr"


async def test_without_a_language_of_the_page_the_browsers_is_the_hint(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body(), headers={"Accept-Language": "de;q=0.3,pt-BR"})

    assert backend.received[0].language_hint == "pt-BR"


async def test_sending_again_is_harmless(backend: EchoBackend, browser: httpx.AsyncClient) -> None:
    message = body()

    statuses = [(await post(browser, message)).status_code for _ in range(3)]

    assert statuses == [202, 202, 202]
    assert len(stored_messages(backend.database)) == 1


async def test_the_same_id_from_two_people_is_two_messages(backend: EchoBackend) -> None:
    message = body()
    async with visitor(backend) as first, visitor(backend) as second:
        for client in (first, second):
            await client.get("/")
            await post(client, message)

    assert len(stored_messages(backend.database)) == 2


async def test_a_pressed_button_arrives_as_its_key(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, {"id": str(uuid.uuid4()), "button": "k-1"})

    assert (backend.received[0].kind, backend.received[0].button_key) == (Kind.BUTTON, "k-1")


async def test_a_shared_place_is_rounded_and_shown_without_figures(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    place = {"latitude": 48.775846, "longitude": 9.182932}

    response = await post(browser, {"id": str(uuid.uuid4()), "place": place})

    assert response.status_code == 202
    assert (backend.received[0].kind, backend.received[0].text) == (Kind.LOCATION, "48.776,9.183")
    shown = (await browser.get("/chat/history")).json()["entries"][0]
    assert (shown["author"], shown["text"], shown["is_place"]) == ("person", "", True)
    assert "48.7" not in str(shown)


@pytest.mark.parametrize(
    "text",
    ["😀", "\u202e\u0000\u0007 x", "<script>alert(1)</script>", '/restart{"x":1}', "ا" * 10_000],
)
async def test_strange_texts_are_taken_as_they_are(
    backend: EchoBackend, browser: httpx.AsyncClient, text: str
) -> None:
    assert (await post(browser, body(text))).status_code == 202

    assert backend.received[0].text == text
    history = (await browser.get("/chat/history")).json()
    assert history["entries"][0]["text"] == text.replace("\0", "")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", (422, "invalid")),
        (b"[]", (422, "invalid")),
        (b'{"id":"x","text":"a"}', (422, "invalid")),
        (json.dumps(body(id=SOME_ID, text="a", button="k")).encode(), (422, "invalid")),
        (json.dumps({"id": SOME_ID}).encode(), (422, "invalid")),
        (json.dumps(body(id=SOME_ID, place=STUTTGART)).encode(), (422, "invalid")),
        (json.dumps({"id": SOME_ID, "place": {"latitude": 1}}).encode(), (422, "invalid")),
        (json.dumps({"id": SOME_ID, "place": NOWHERE}).encode(), (422, "invalid")),
        (json.dumps({"id": SOME_ID, "place": NO_NUMBER}).encode(), (422, "invalid")),
        (json.dumps(body(id=SOME_ID, text=" \n\t")).encode(), (422, "invalid")),
        (json.dumps(body(id=SOME_ID, text="a", extra=1)).encode(), (422, "invalid")),
        (json.dumps(body(id=SOME_ID, button="k" * 65, text=None)).encode(), (422, "invalid")),
        (json.dumps(body(id=SOME_ID, text="\ud800")).encode(), (422, "invalid")),
        (b'{"id":"\xff"}', (422, "invalid")),
        (json.dumps(body(id=SOME_ID, text="a" * 10_001)).encode(), (422, "too_long")),
        (json.dumps(body(id=SOME_ID, text="a" * 70_000)).encode(), (413, "too_large")),
    ],
)
async def test_bad_bodies_are_refused_clearly(
    backend: EchoBackend, browser: httpx.AsyncClient, content: bytes, status: tuple[int, str]
) -> None:
    json_type = {"Content-Type": "application/json"}

    response = await browser.post("/chat/messages", content=content, headers=json_type)

    assert code(response) == status
    assert response.json()["error"]["message"]
    assert stored_messages(backend.database) == []


async def test_a_body_of_undeclared_length_is_limited_too(browser: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1024

    json_type = {"Content-Type": "application/json"}
    response = await browser.post("/chat/messages", content=endless(), headers=json_type)

    assert code(response) == (413, "too_large")


async def test_refusals_are_said_in_the_readers_language(browser: httpx.AsyncClient) -> None:
    response = await post(browser, body(" "), headers={"Accept-Language": "ar"})

    assert response.json()["error"]["message"] == "[ar] This message could not be read."


# Other sites


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Origin": ORIGIN}, 202),
        ({}, 202),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"{ORIGIN}.evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_other_sites_cannot_write(
    backend: EchoBackend, browser: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    del browser.headers["Sec-Fetch-Site"]

    assert (await post(browser, body(), headers=headers)).status_code == status
    assert len(stored_messages(backend.database)) == (status == 202)


@pytest.mark.parametrize("path", ["/chat/messages", "/chat/leave"])
async def test_what_a_form_can_send_is_refused(browser: httpx.AsyncClient, path: str) -> None:
    response = await browser.post(path, content="{}", headers={"Content-Type": "text/plain"})

    assert code(response) == (415, "not_json")


# Limits and failures


async def test_who_writes_too_fast_is_told_when_to_go_on(
    backend: EchoBackend, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    for _ in range(10):
        assert (await post(browser, body())).status_code == 202
    message = body("kept")

    refused = await post(browser, message)
    clock.advance(float(refused.headers["Retry-After"]))
    accepted = await post(browser, message)

    assert code(refused) == (429, "too_fast")
    assert refused.json()["error"]["retry_seconds"] == 3
    assert accepted.status_code == 202


async def test_new_sessions_do_not_get_round_the_limit_of_a_client(backend: EchoBackend) -> None:
    statuses = []
    for _ in range(130):
        async with visitor(backend) as client:
            await client.get("/")
            statuses.append((await post(client, body())).status_code)
    async with visitor(backend, ip="192.0.2.2") as other:
        await other.get("/")
        elsewhere = await post(other, body())

    assert statuses == [202] * 120 + [429] * 10
    assert elsewhere.status_code == 202


async def test_a_failure_says_nothing_about_the_person(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    backend.failure = RuntimeError("parameters: my secret")
    structlog.reset_defaults()

    with capture_logs() as logs:
        response = await post(browser, body("my secret"))

    assert code(response) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert [(log["event"], log["error"]) for log in logs] == [
        ("web_request_failed", "RuntimeError")
    ]
    assert "secret" not in str(logs) + response.text


# History and leaving


async def test_the_history_tells_both_sides(
    backend: EchoBackend, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    backend.answer = lambda message: [
        OutgoingMessage(text="Which?", buttons=(Button(title="Courses", key="k"),), language="en")
    ]
    first, second = body("hello"), {"id": str(uuid.uuid4()), "button": "k"}
    await post(browser, first)
    clock.advance(5)
    await post(browser, second)

    found = (await browser.get("/chat/history")).json()["entries"]

    assert [(e["author"], e["text"]) for e in found] == [
        ("person", "hello"),
        ("bot", "Which?"),
        ("person", "Courses"),
        ("bot", "Which?"),
    ]
    assert [e["id"] for e in found if e["author"] == "person"] == [first["id"], second["id"]]


async def test_nobody_sees_anothers_history(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body("mine"))
    async with visitor(backend) as other:
        await other.get("/")
        theirs = (await other.get("/chat/history")).json()

    assert theirs == {"entries": []}


async def test_leaving_begins_a_new_conversation(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body("before"))
    before = browser.cookies["lotse_chat"]

    left = await browser.post("/chat/leave", json={})
    await browser.get("/")

    assert left.status_code == 204
    assert browser.cookies["lotse_chat"] != before
    assert (await browser.get("/chat/history")).json() == {"entries": []}


async def test_without_a_session_there_is_nothing_to_see(backend: EchoBackend) -> None:
    async with visitor(backend) as client:
        answers = [
            await post(client, body()),
            await client.get("/chat/history"),
            await client.get("/chat/events"),
        ]

    assert [code(answer) for answer in answers] == [(401, "no_session")] * 3


# The terminal's header


@pytest.mark.parametrize(
    ("ip", "status"), [("127.0.0.1", 202), ("::1", 202), ("192.0.2.1", 403), ("unix", 403)]
)
async def test_the_terminal_is_served_on_this_machine_only(
    backend: EchoBackend, ip: str, status: int
) -> None:
    backend.answer = silence
    async with visitor(backend, ip=ip, headers={"X-Lotse-Channel": "terminal"}) as client:
        await client.get("/")
        client.cookies.set("lotse_chat", "t" * 43)
        response = await post(client, body())

    assert response.status_code == status
    assert [m.channel for m in stored_messages(backend.database)] == ["terminal"] * (status == 202)


async def test_other_channels_cannot_be_claimed(backend: EchoBackend) -> None:
    async with visitor(backend, ip="127.0.0.1") as client:
        response = await client.get("/", headers={"X-Lotse-Channel": "telegram"})

    assert code(response) == (403, "channel_refused")


# The copy of one's data


async def test_the_copy_of_ones_data_is_a_file_for_its_own_session_only(
    backend: EchoBackend, browser: httpx.AsyncClient
) -> None:
    await post(browser, body("moonflower"))
    mine = await browser.get("/chat/export")
    assert mine.status_code == 200
    assert mine.headers["Content-Type"] == "application/json"
    assert mine.headers["Content-Disposition"] == 'attachment; filename="lotse-export.json"'
    assert mine.headers["Cache-Control"] == "no-store"
    assert [one["text"] for one in mine.json()["messages"]] == ["moonflower", "echo: moonflower"]
    async with visitor(backend) as other:
        assert code(await other.get("/chat/export")) == (401, "no_session")
        await other.get("/")
        assert code(await other.get("/chat/export")) == (404, "nothing_stored")
        await post(other, body("something else"))
        assert "moonflower" not in (await other.get("/chat/export")).text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_sites_cannot_have_the_copy_downloaded(
    browser: httpx.AsyncClient, site: str
) -> None:
    await post(browser, body())
    refused = await browser.get("/chat/export", headers={"Sec-Fetch-Site": site})
    assert code(refused) == (403, "foreign")


async def test_copies_are_made_no_faster_than_messages(tmp_path: Path, clock: ManualClock) -> None:
    settings = WebSettings(secure_cookies=False, per_session=Rate(per_minute=60, burst=2))
    backend = EchoBackend(new_database(tmp_path), clock, settings=settings)
    async with visitor(backend) as client:
        await client.get("/")
        await post(client, body())
        answers = [await client.get("/chat/export") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


async def test_no_word_of_the_copy_is_logged(browser: httpx.AsyncClient) -> None:
    await post(browser, body("moonflower"))
    with capture_logs() as logged:
        assert "moonflower" in (await browser.get("/chat/export")).text
    assert "moonflower" not in repr(logged)
