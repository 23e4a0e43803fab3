"""Starting and stopping the server, and what tests ask of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.support.bot_api.control import Control
from tests.support.bot_api.faults import Fault, FaultKind
from tests.support.bot_api.people import Group, Person, new_group, new_person
from tests.support.bot_api.service import BotService
from tests.support.bot_api.webhooks import WebhookDelivery
from tests.support.bot_api.world import Account, Call, World

T = TypeVar("T")

#: The bot that every server starts with; the token belongs to nobody.
TOKEN = "100001:TEST-TOKEN-of-the-local-Bot-API-server"


class BotApi:
    """A Bot API server on a local port; a context manager that runs it in a thread.

    ``url`` is what a bot takes as the address of its Bot API server. Stopping and
    starting again keeps the port and everything that happened.
    """

    def __init__(self, *, port: int = 0, token: str = TOKEN) -> None:
        self.world = World()
        self.account: Account = self.world.add_account(token)
        self.token = token
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the server listens; known once it was started."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listens when it returns: a request made now is answered."""
        listener = self._listen()
        self._server = uvicorn.Server(self._config())
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends long polls and closes the port."""
        if self._server is None or self._thread is None:
            return
        with self.world.changing():
            self.world.closing = True
        self._server.should_exit = True
        self._thread.join()
        self.world.closing = False
        self._server = self._thread = None

    def serve(self) -> None:
        """Runs in the foreground until interrupted."""
        uvicorn.Server(self._config()).run(sockets=[self._listen()])

    def _listen(self) -> socket.socket:
        # With the protocol named, asyncio sends small answers without delay.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(1024)
        self._port = listener.getsockname()[1]
        return listener

    def _config(self) -> uvicorn.Config:
        transports: dict[tuple[str, int], asyncio.Transport] = {}

        class Protocol(H11Protocol):
            # Remembers the connections, so that one can be cut in mid-request.
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                transports[transport.get_extra_info("peername")[:2]] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        def drop(request: Request) -> None:
            client = request.client
            if client is not None:
                transports[client.host, client.port].abort()

        return uvicorn.Config(
            self._application(drop),
            http=Protocol,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )

    def _application(self, drop: Callable[[Request], None]) -> Starlette:
        service = BotService(self.world, drop)
        webhooks = WebhookDelivery(self.world)

        @asynccontextmanager
        async def lifespan(application: Starlette) -> AsyncIterator[None]:
            delivering = asyncio.create_task(webhooks.run())
            yield
            delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering

        return Starlette(
            routes=[
                Route("/bot{token}/{method}", service.call, methods=["GET", "POST"]),
                Route("/file/bot{token}/files/{file_id}", service.file, methods=["GET"]),
                *Control(self.world).routes(),
            ],
            lifespan=lifespan,
        )

    @property
    def calls(self) -> list[Call]:
        """What the bot called, oldest first, answered or not."""
        with self.world.reading():
            return list(self.account.calls)

    def calls_of(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all calls of one method."""
        return [call.parameters for call in self.calls if call.method == method]

    @property
    def violations(self) -> list[str]:
        """What the bot did against the Bot API's rules and limits."""
        return self.account.violations

    def assert_no_violations(self) -> None:
        """Fails with the list when the bot did anything it must not do."""
        assert self.violations == []

    def add_person(self, *, language_code: str | None = "en", first_name: str = "Person") -> Person:
        """Somebody with an open private chat with the bot."""
        return new_person(
            self.world, self.account, language_code=language_code, first_name=first_name
        )

    def add_group(self, *, title: str = "Desk", forum: bool = False) -> Group:
        """A supergroup in which the bot is an administrator."""
        return new_group(self.world, self.account, title=title, forum=forum)

    def fail(self, kind: FaultKind, **details: Any) -> None:
        """Orders a failure; the details are the fields of ``Fault``."""
        with self.world.changing():
            self.account.faults.append(Fault(kind, **details))

    def wait(self, condition: Callable[[], T | None], *, within: float = 5) -> T:
        """Blocks until the condition gives something true, looking at every change."""
        return self.world.wait(condition, within)

    async def until(self, condition: Callable[[], T | None], *, within: float = 5) -> T:
        """``wait`` for tests with an event loop."""
        return await self.world.until(condition, within)

    def save(self, path: Path) -> None:
        """Keeps the state for ``load``."""
        self.world.save(path)

    def load(self, path: Path) -> None:
        """Goes on with a saved state."""
        self.world.load(path)
        self.account = self.world.accounts[self.token]
