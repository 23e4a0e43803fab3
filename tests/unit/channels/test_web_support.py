"""A chat server for tests of the page and of the terminal: real database, no engine.

``EchoBackend`` stands in for router and outbox worker: it stores what arrives
through the real inbox and answers each message at once. What it answers is
chosen by a function, so that a test says what the person is to see.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from bot.channels.web.channel import TERMINAL, WEB, WebChannel
from bot.channels.web.routes import WebSettings, web_routes
from bot.channels.web.streams import EventStreams
from bot.conversations import inbox
from bot.conversations.models import (
    Author,
    ButtonKey,
    Conversation,
    InboxMessage,
    InboxState,
    OutboxMessage,
    OutboxState,
)
from bot.db.base import Base
from bot.db.session import Database
from bot.messages import IncomingMessage, OutgoingMessage
from bot.privacy.export import Exporter
from tests.support.fakes import FakeEngine

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Answer = Callable[[IncomingMessage], Sequence[OutgoingMessage]]


def echo(message: IncomingMessage) -> list[OutgoingMessage]:
    """Says back what was said."""
    return [OutgoingMessage(text=f"echo: {message.text or message.button_key}", language="en")]


def silence(message: IncomingMessage) -> list[OutgoingMessage]:
    """Says nothing."""
    return []


def marked(language: str) -> Callable[[str], str]:
    """Texts that show which language was asked for; English stays as it is."""
    return lambda text: text if language == "en" else f"[{language}] {text}"


@dataclass
class ManualClock:
    """A clock that moves when it is told to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class EchoBackend:
    """The application around the routes, reduced to storing and answering."""

    database: Database
    clock: Callable[[], datetime]
    answer: Answer = echo
    streams: EventStreams = field(default_factory=EventStreams)
    settings: WebSettings = field(default_factory=lambda: WebSettings(secure_cookies=False))
    gettext_for: Callable[[str], Callable[[str], str]] = marked
    received: list[IncomingMessage] = field(default_factory=list)
    failure: Exception | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.channels = {name: WebChannel(self.streams, name=name) for name in (WEB, TERMINAL)}
        self.app = Starlette(
            routes=web_routes(
                database=self.database,
                receive=self.receive,
                streams=self.streams,
                clock=self.clock,
                gettext_for=self.gettext_for,
                settings=self.settings,
                exporter=Exporter(database=self.database, remembered=FakeEngine().remembered),
            )
        )

    async def receive(self, messages: Sequence[IncomingMessage]) -> None:
        """Stores the messages and answers those that are new."""
        if self.failure is not None:
            raise self.failure
        for message in messages:
            with self.database.transaction() as session:
                is_new = inbox.record(session, [message], now=self.clock())
            if is_new:
                self.received.append(message)
                self.heard.set()
                for reply in self.answer(message):
                    await self.say(message.address, reply, channel=message.channel)

    async def say(
        self,
        address: str,
        reply: OutgoingMessage,
        *,
        channel: str = WEB,
        author: Author = Author.BOT,
    ) -> int:
        """Puts a reply into the outbox, delivers it and returns its id."""
        now = self.clock()
        with self.database.transaction() as session:
            conversation = inbox.find_conversation(session, channel=channel, address=address)
            assert conversation is not None
            row = OutboxMessage(
                conversation=conversation,
                author=author,
                content=reply.to_data(),
                state=OutboxState.SENT,
                created_at=now,
                next_attempt_at=now,
                external_ids=[],
            )
            session.add(row)
            session.flush()
            outbox_id = row.id
            self._keep_buttons(session, conversation, reply)
        await self.channels[channel].send(address=address, message=reply)
        return outbox_id

    def _keep_buttons(
        self, session: Session, conversation: Conversation, reply: OutgoingMessage
    ) -> None:
        for button in reply.buttons:
            if session.get(ButtonKey, button.key) is None:
                session.add(
                    ButtonKey(
                        key=button.key,
                        conversation_id=conversation.id,
                        payload={},
                        title=button.title,
                        created_at=self.clock(),
                    )
                )


def new_database(folder: Path) -> Database:
    """An empty database in a file, as processes and threads share it."""
    database = Database(f"sqlite:///{folder / 'chat.db'}")
    Base.metadata.create_all(database.engine)
    return database


def stored_messages(database: Database) -> list[InboxMessage]:
    """The inbox, in order."""
    with database.reading() as session:
        return list(session.query(InboxMessage).order_by(InboxMessage.id))


class StartedServer(uvicorn.Server):
    """A server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serves on a free loopback port within this event loop; gives the base address.

    httpx's in-process transport hands over a response only when it is complete,
    which an event stream never is.
    """
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = StartedServer(config)
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def test_the_backend_answers_a_repeated_message_once(tmp_path: Path) -> None:
    backend = EchoBackend(new_database(tmp_path), ManualClock())
    message = IncomingMessage(channel=WEB, address="a", external_id="1", text="hello")

    asyncio.run(backend.receive([message, message]))

    assert [m.state for m in stored_messages(backend.database)] == [InboxState.PENDING]
    assert backend.received == [message]
