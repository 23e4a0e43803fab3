"""Live events, over real connections: reconnecting, several windows, stopping."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import make_transient

from bot.channels.web import events
from bot.channels.web.events import LOOK_BACK, REPLIES_AT_ONCE, ReplyCursor
from bot.channels.web.sessions import ChatSession
from bot.channels.web.streams import (
    PASSING_EVENTS_KEPT,
    STREAMS_PER_ADDRESS,
    EventStreams,
    PassingEvent,
    StreamKey,
)
from bot.conversations.models import OutboxMessage
from bot.messages import OutgoingMessage
from tests.unit.channels.test_web_support import (
    EchoBackend,
    ManualClock,
    new_database,
    served,
    silence,
)

PATIENCE_SECONDS = 10


@dataclass
class Event:
    """One server-sent event."""

    name: str
    id: str
    data: Any


class Stream:
    """An open event stream of a browser."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> Event:
        """The next event; the heartbeat counts as well."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                if not line and "event" in fields:
                    return Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                name, _, value = line.partition(": ")
                fields[name] = value
        raise EOFError("the stream has ended")

    async def texts(self, count: int) -> list[str]:
        """The texts of the next replies; other events are passed over."""
        found: list[str] = []
        while len(found) < count:
            event = await self.next()
            if event.name == "message":
                found.append(event.data["text"])
        return found

    async def until(self, name: str) -> Event:
        """The next event of that name."""
        while (event := await self.next()).name != name:
            pass
        return event


@dataclass
class Window:
    """A browser with the page open, and the server it talks to."""

    backend: EchoBackend
    http: httpx.AsyncClient

    @property
    def session(self) -> ChatSession:
        """The session in the browser's cookie."""
        return ChatSession(channel="web", token=self.http.cookies["lotse_chat"])

    async def write(self, text: str) -> str:
        """Sends a message and returns its id."""
        message = {"id": str(uuid.uuid4()), "text": text}
        response = await self.http.post("/chat/messages", json=message)
        assert response.status_code == 202
        return message["id"]

    @asynccontextmanager
    async def stream(self, query: str = "", **headers: str) -> AsyncIterator[Stream]:
        """An event stream that has begun."""
        async with self.http.stream("GET", f"/chat/events{query}", headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            stream = Stream(response.aiter_lines())
            assert (await stream.next()).name == "ready"
            yield stream


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    backend = EchoBackend(new_database(tmp_path), ManualClock())
    async with served(backend.app) as url, httpx.AsyncClient(base_url=url) as http:
        await http.get("/")
        yield Window(backend, http)


async def test_a_reply_comes_by_itself(window: Window) -> None:
    async with window.stream() as stream:
        await window.write("hello")
        event = await stream.until("message")

    assert event.data["text"] == "echo: hello"
    assert event.id == str(event.data["id"])


async def test_a_reader_who_comes_back_gets_what_was_missed_and_nothing_twice(
    window: Window,
) -> None:
    async with window.stream() as stream:
        await window.write("first")
        seen = await stream.until("message")
    await window.write("second")
    await window.write("third")

    async with window.stream("?after=0", **{"Last-Event-ID": seen.id}) as stream:
        missed = await stream.texts(2)
        await window.write("fourth")
        live = await stream.texts(1)

    assert missed + live == ["echo: second", "echo: third", "echo: fourth"]


async def test_the_position_may_stand_in_the_address(window: Window) -> None:
    await window.write("first")
    first = (await window.http.get("/chat/history")).json()["entries"][-1]["id"]
    await window.write("second")

    async with window.stream(f"?after={first}") as stream:
        assert await stream.texts(1) == ["echo: second"]


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "٣", "9" * 20])
async def test_a_senseless_position_is_refused(window: Window, position: str) -> None:
    response = await window.http.get("/chat/events", params={"after": position})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid")


async def test_more_replies_than_fit_into_one_portion_all_arrive(window: Window) -> None:
    window.backend.answer = silence
    await window.write("hello")
    count = REPLIES_AT_ONCE + LOOK_BACK
    for number in range(count):
        await window.backend.say(window.session.address, OutgoingMessage(text=str(number)))

    async with window.stream() as stream:
        assert await stream.texts(count) == [str(number) for number in range(count)]


async def test_two_windows_show_the_same(window: Window) -> None:
    async with window.stream() as first, window.stream() as second:
        message_id = await window.write("hello")

        said = [await stream.until("said") for stream in (first, second)]
        await window.write("again")
        again = [await stream.texts(1) for stream in (first, second)]

    assert {event.data["id"] for event in said} == {message_id}
    assert said[0].data["text"] == "hello"
    assert again[0] == again[1]


async def test_another_persons_events_are_not_heard(window: Window) -> None:
    async with httpx.AsyncClient(base_url=window.http.base_url) as http:
        await http.get("/")
        other = Window(window.backend, http)
        async with window.stream() as stream:
            await other.write("secret")
            await window.write("mine")

            assert await stream.texts(1) == ["echo: mine"]


async def test_typing_is_shown_to_those_who_look(window: Window) -> None:
    channel = window.backend.channels["web"]
    await channel.show_typing(address=window.session.address)

    async with window.stream() as stream:
        await channel.show_typing(address=window.session.address)
        event = await stream.next()
        await window.write("hello")
        following = [(await stream.next()).name for _ in range(2)]

    # What nobody saw is not repeated, and what passes does not move the position.
    assert (event.name, event.id) == ("typing", "")
    assert sorted(following) == ["message", "said"]


async def test_leaving_tells_the_other_windows(window: Window) -> None:
    async with window.stream() as stream:
        await window.http.post("/chat/leave", json={})

        assert (await stream.next()).name == "left"


async def test_the_newest_windows_stay_when_there_are_too_many(window: Window) -> None:
    async with window.stream() as oldest:
        for _ in range(STREAMS_PER_ADDRESS - 1):
            await window.http.send(window.http.build_request("GET", "/chat/events"), stream=True)
        assert len(window.backend.streams) == STREAMS_PER_ADDRESS
        async with window.stream() as newest:
            assert (await oldest.next()).name == "superseded"
            with pytest.raises(EOFError):
                await oldest.next()
            await window.write("hello")
            assert await newest.texts(1) == ["echo: hello"]


async def test_a_full_server_says_so(tmp_path: Path) -> None:
    backend = EchoBackend(new_database(tmp_path), ManualClock(), streams=EventStreams(maximum=0))
    async with served(backend.app) as url, httpx.AsyncClient(base_url=url) as http:
        await http.get("/")
        response = await http.get("/chat/events")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


async def test_stopping_ends_all_streams_after_what_they_have_to_say(window: Window) -> None:
    async with window.stream() as stream:
        await window.write("last words")
        window.backend.streams.close()

        assert await stream.texts(1) == ["echo: last words"]
        with pytest.raises(EOFError):
            await stream.until("never")


async def test_a_reader_who_went_away_is_forgotten(window: Window) -> None:
    async with window.stream():
        assert len(window.backend.streams) == 1

    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(window.backend.streams):  # noqa: ASYNC110
            # The server tells nobody when it notices that a reader went away.
            await asyncio.sleep(0)


async def test_a_heartbeat_shows_that_the_connection_lives(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.01)

    async with window.stream() as stream:
        assert (await stream.next()).name == "ping"


async def test_replies_sent_by_another_process_are_found(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.01)
    await window.write("hello")
    elsewhere = EchoBackend(window.backend.database, ManualClock())

    async with window.stream() as stream:
        await stream.texts(1)
        await elsewhere.say(window.session.address, OutgoingMessage(text="from elsewhere"))

        assert await stream.texts(1) == ["from elsewhere"]


async def test_what_is_said_is_not_logged_even_when_debugging(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with window.stream() as stream:
            await window.write("private words")
            await stream.texts(1)

    assert "private words" not in caplog.text
    assert window.session.token not in caplog.text


# The parts by themselves


async def test_a_reply_that_became_visible_late_is_still_shown(window: Window) -> None:
    window.backend.answer = silence
    await window.write("hello")
    backend, address = window.backend, window.session.address
    slow, fast = [await backend.say(address, OutgoingMessage(text=t)) for t in ("slow", "fast")]
    with backend.database.transaction() as session:
        row = session.get_one(OutboxMessage, slow)
        session.delete(row)
    cursor = ReplyCursor(backend.database, window.session, after=0)

    first = await cursor.new_replies()
    with backend.database.transaction() as session:
        # As if the transaction with the smaller id were committed only now.
        make_transient(row)
        session.add(row)
    second = await cursor.new_replies()
    third = await cursor.new_replies()

    assert [[r.id for r in replies] for replies in (first, second, third)] == [[fast], [slow], []]


async def test_a_slow_reader_loses_the_oldest_passing_events_only() -> None:
    streams, key = EventStreams(), StreamKey("web", "a")
    with streams.subscribed(key) as subscription:
        for number in range(PASSING_EVENTS_KEPT + 3):
            streams.wake(key, PassingEvent(name=str(number)))

        heard = await subscription.wait(seconds=0)

    assert [event.name for event in heard] == [str(n) for n in range(3, PASSING_EVENTS_KEPT + 3)]


async def test_streams_opened_while_stopping_end_at_once() -> None:
    streams = EventStreams()
    streams.close()

    with streams.subscribed(StreamKey("web", "a")) as subscription:
        assert subscription.closed


def test_addresses_and_contents_stay_out_of_repr() -> None:
    session = ChatSession(channel="web", token="t" * 43)

    shown = repr([session, session.key, PassingEvent(name="said", data={"text": "private"})])

    assert "t" * 43 not in shown
    assert session.address not in shown
    assert "private" not in shown
