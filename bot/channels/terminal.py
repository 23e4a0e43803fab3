"""The chat in a terminal: a client of the very routes that the page uses.

Typed lines are sent, answers are printed. Where the input is a pipe, each line
waits for its answer before the next one is sent, so that scripts can hold
conversations.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.channels.web.sessions import CHANNEL_HEADER, COOKIE
from bot.errors import LotseError

QUIT = "/quit"
WIDTH = 88
# All replies to a message are stored together: what follows the first comes at once.
SETTLE_SECONDS = 0.4
ANSWER_SECONDS = 30.0
RECONNECT_SECONDS = 1.0
LONGEST_RECONNECT_SECONDS = 15.0
# The server's heartbeat comes every 15 seconds.
SILENCE_SECONDS = 40.0
ATTEMPTS = 8


class ChatUnavailableError(LotseError):
    """There is nobody to talk to; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server said, as far as a terminal shows it."""

    id: int
    author: str
    text: str = field(repr=False)
    cards: list[dict[str, Any]] = field(repr=False)
    buttons: list[dict[str, str]] = field(repr=False)
    documents: list[dict[str, str]] = field(repr=False)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Reply:
        """The reply in the data of a ``message`` event."""
        names = ("id", "author", "text", "cards", "buttons", "documents")
        return cls(**{name: data[name] for name in names})


class ChatClient:
    """One conversation over HTTP. ``base_url`` is where the page stands."""

    def __init__(self, base_url: str, *, language: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        headers = {CHANNEL_HEADER: "terminal"}
        if language:
            headers["Accept-Language"] = language
        self._http = httpx.AsyncClient(
            base_url=self.base_url, headers=headers, timeout=httpx.Timeout(20)
        )
        self._shown: set[int] = set()

    async def __aenter__(self) -> ChatClient:
        """Opens the conversation. Raises ``ChatUnavailableError``."""
        try:
            response = await self._http.get("/")
        except httpx.HTTPError as error:
            await self._http.aclose()
            raise ChatUnavailableError(
                f"Lotse is not running at {self.base_url}. Start it with `make run` in another "
                "terminal, or say where it runs with --url."
            ) from error
        if response.status_code != 200 or COOKIE not in response.cookies:
            await self._http.aclose()
            raise ChatUnavailableError(
                f"{self.base_url} answers, but not as Lotse's chat (status "
                f"{response.status_code}). Say where Lotse runs with --url."
            )
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes the connection."""
        await self._http.aclose()

    async def send(self, content: dict[str, str]) -> None:
        """Sends ``{"text": …}`` or ``{"button": key}``, again if need be, and once in effect.

        Raises ``ChatUnavailableError`` when the server refuses it or stays away.
        """
        body = {"id": str(uuid.uuid4()), **content}
        problem = "no answer"
        for attempt in range(ATTEMPTS):
            pause = min(RECONNECT_SECONDS * 2**attempt, LONGEST_RECONNECT_SECONDS)
            try:
                response = await self._http.post("/chat/messages", json=body)
            except httpx.HTTPError:
                await asyncio.sleep(pause)
                continue
            if response.status_code == 202:
                return
            problem = _problem(response)
            if response.status_code != 429 and response.status_code < 500:
                break
            await asyncio.sleep(float(response.headers.get("Retry-After", pause)))
        raise ChatUnavailableError(f"The message was not taken: {problem}")

    async def fetch(self, path: str) -> bytes:
        """A file of the conversation. Raises ``ChatUnavailableError`` when there is none."""
        try:
            response = await self._http.get(path)
        except httpx.HTTPError as error:
            raise ChatUnavailableError("The file could not be fetched.") from error
        if response.status_code != 200:
            raise ChatUnavailableError(f"The file could not be fetched: {_problem(response)}")
        return response.content

    async def replies(self, *, on_trouble: Callable[[], None]) -> AsyncIterator[Reply]:
        """Every reply once, for ever; reconnects by itself and says so at the first failure."""
        pause = RECONNECT_SECONDS
        while True:
            # A lost connection ends the inner loop; the next one goes on where it was.
            with suppress(httpx.HTTPError):
                async for reply in self._listen():
                    pause = RECONNECT_SECONDS
                    yield reply
            if pause == RECONNECT_SECONDS:
                on_trouble()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RECONNECT_SECONDS)

    async def _listen(self) -> AsyncIterator[Reply]:
        timeout = httpx.Timeout(20, read=SILENCE_SECONDS)
        url = f"/chat/events?after={max(self._shown, default=0)}"
        async with self._http.stream("GET", url, timeout=timeout) as response:
            response.raise_for_status()
            async for name, data in _server_sent_events(response.aiter_lines()):
                if name == "message" and data["id"] not in self._shown:
                    self._shown.add(data["id"])
                    yield Reply.from_data(data)


async def _server_sent_events(
    lines: AsyncIterator[str],
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Name and data of each event. Lines as in the HTML standard, section 9.2."""
    name, data = "message", ""
    async for line in lines:
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data += value
        elif not line and data:
            yield name, json.loads(data)
            name, data = "message", ""


def _problem(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"


def printable(text: str) -> str:
    """The text without control characters, which could command the terminal."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f"))


class TerminalChat:
    """Prints replies and turns typed lines into messages."""

    def __init__(self, client: ChatClient, console: Console) -> None:
        self._client = client
        self._console = console
        self._buttons: list[dict[str, str]] = []
        self._arrived = asyncio.Event()

    async def listen(self) -> None:
        """Prints what comes, until cancelled."""
        async for reply in self._client.replies(on_trouble=self._tell_trouble):
            self.show(reply)
            for document in reply.documents:
                await self._receive(document)
            self._arrived.set()

    async def say(self, line: str) -> None:
        """Sends a line; a number alone presses that button of the last message."""
        self._arrived.clear()
        await self._client.send(self._meaning(line))

    def _meaning(self, line: str) -> dict[str, str]:
        number = int(line) if line.isascii() and line.isdecimal() and len(line) < 4 else 0
        if 1 <= number <= len(self._buttons):
            return {"button": self._buttons[number - 1]["key"]}
        return {"text": line}

    async def answered(self, *, seconds: float) -> bool:
        """Waits for an answer and what comes with it; False when there was none in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return False
        while self._arrived.is_set():
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._arrived.wait()
        return True

    def tell(self, text: str) -> None:
        """Prints a remark of the terminal's own."""
        self._console.print(Text(text, style="dim"))

    def show(self, reply: Reply) -> None:
        """Prints a reply: text, cards, numbered buttons."""
        self._buttons = reply.buttons
        who = "Counsellor" if reply.author == "counsellor" else "Lotse"
        if reply.text:
            self._print(Text.assemble((f"{who}: ", "bold cyan"), printable(reply.text)))
        for card in reply.cards:
            self._print(_panel(card))
        for number, button in enumerate(reply.buttons, start=1):
            self._print(Text.assemble((f"  [{number}] ", "bold"), printable(button["title"])))

    async def _receive(self, document: dict[str, str]) -> None:
        """Saves a file that this conversation alone can fetch; of others, shows where they are."""
        href = document["href"]
        if href.startswith(("https:", "http:")):
            self._print(Text(f"{printable(document['title'])}: {printable(href)}"))
        if not href.startswith("/") or href.startswith("//"):
            return
        try:
            content = await self._client.fetch(href)
            self.tell(f"Saved as {save(content, document['name'])}")
        except (ChatUnavailableError, OSError) as error:
            self.tell(str(error))

    def _print(self, content: Text | Panel) -> None:
        self._console.print(content, width=min(self._console.width, WIDTH))

    def _tell_trouble(self) -> None:
        self.tell("Connection lost, trying again …")


def save(content: bytes, name: str) -> str:
    """Writes a file that only its owner may read into the working directory; returns its name.

    It gets a number when there is one of this name. The name that the server gave cannot lead
    elsewhere. Raises ``OSError``.
    """
    path = plain = Path(Path(printable(name)).name.lstrip(".") or "file")
    for number in itertools.count(2):
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            break
        path = plain.with_stem(f"{plain.stem}-{number}")
    return str(path)


def _panel(card: dict[str, Any]) -> Panel:
    facts = Table.grid(padding=(0, 2))
    for line in card["lines"]:
        facts.add_row(
            Text(printable(line["label"]), style="dim"),
            # Wrapped, never cut: an address must stay complete.
            Text(printable(line["value"]), overflow="fold"),
        )
    source = card["source"]
    paragraphs = [
        Text(printable(card["subtitle"]), style="dim"),
        Text(printable(card["body"])),
    ]
    ending = [
        Text(printable(source["label"]), style="dim"),
        Text(printable(source["href"] or ""), style="dim underline", overflow="fold"),
    ]
    parts: list[Text | Table] = [text for text in paragraphs if text.plain]
    if card["lines"]:
        parts.append(facts)
    parts += [text for text in ending if text.plain]
    return Panel(
        Group(*parts),
        title=Text(printable(card["title"]), style="bold"),
        title_align="left",
    )


async def hold_conversation(
    *,
    base_url: str,
    stdin: TextIO,
    console: Console,
    language: str = "",
    answer_seconds: float = ANSWER_SECONDS,
) -> bool:
    """Talks until the input ends or ``/quit``; True when every line was answered.

    Where ``stdin`` is no terminal, each line waits up to ``answer_seconds`` for its
    answer. Raises ``ChatUnavailableError``.
    """
    async with ChatClient(base_url, language=language) as client:
        chat = TerminalChat(client, console)
        listening = asyncio.create_task(chat.listen())
        try:
            if stdin.isatty():
                return await _talk(chat, _typed_lines(stdin))
            return await _talk(chat, _typed_lines(stdin), answer_seconds=answer_seconds)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def _talk(
    chat: TerminalChat, lines: AsyncIterator[str], *, answer_seconds: float | None = None
) -> bool:
    if answer_seconds is None:
        chat.tell(f"Write your question. A number presses that button, {QUIT} ends.")
    all_answered = True
    async for line in lines:
        if line == QUIT:
            break
        if answer_seconds is None:
            await _say_or_tell(chat, line)
            continue
        await chat.say(line)
        if not await chat.answered(seconds=answer_seconds):
            all_answered = False
            chat.tell(f"No answer within {answer_seconds:g} s.")
    return all_answered


async def _say_or_tell(chat: TerminalChat, line: str) -> None:
    try:
        await chat.say(line)
    except ChatUnavailableError as error:
        # Whoever sits there can write something else; a script cannot.
        chat.tell(str(error))


async def _typed_lines(stdin: TextIO) -> AsyncIterator[str]:
    """The lines that are not empty. Read in a thread that never keeps the program alive."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        # The loop may be closed while this thread still waits for a key.
        with suppress(RuntimeError):
            for line in stdin:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="terminal-input", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line.strip():
            yield line.strip()
