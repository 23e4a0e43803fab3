"""Receipt: nothing is acknowledged before it is stored, by polling and by webhook."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog
import uvicorn
from starlette.applications import Starlette

from bot.channels.telegram import ChatBlocked, Polling, TelegramApi, Webhook, webhook_routes
from bot.channels.telegram.polling import LONGEST_PAUSE, backoff
from bot.errors import ConfigurationError
from bot.messages import IncomingMessage
from tests.support.bot_api import TOKEN, BotApi, FaultKind

SECRET = "a-secret_123"
PATH = "/telegram/webhook"


class Store:
    """What is committed; fails as often as it is told to."""

    def __init__(self) -> None:
        self.messages: list[IncomingMessage] = []
        self.blocked: list[ChatBlocked] = []
        self.attempts = 0
        self.failures = 0
        self.changed = asyncio.Event()

    async def receive(
        self, messages: Sequence[IncomingMessage], blocked: Sequence[ChatBlocked]
    ) -> None:
        self.attempts += 1
        self.changed.set()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        self.messages += messages
        self.blocked += blocked

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def holds(self, count: int) -> None:
        """Returns once so many messages are stored."""
        async with asyncio.timeout(5):
            while len(self.messages) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def server() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
async def api(server: BotApi) -> AsyncIterator[TelegramApi]:
    api = TelegramApi(TOKEN, base_url=server.url)
    yield api
    await api.close()


@pytest.fixture
async def store() -> Store:
    return Store()


class HastyPolling(Polling):
    """Pauses only for a moment, and tells when it has met a failure."""

    def __init__(self, api: TelegramApi, store: Store) -> None:
        super().__init__(api, store.receive, pause=self._hasty)
        self.failed = asyncio.Event()

    def _hasty(self, failures: int) -> float:
        self.failed.set()
        return 0.01


@asynccontextmanager
async def _polling(api: TelegramApi, store: Store) -> AsyncIterator[HastyPolling]:
    polling = HastyPolling(api, store)
    running = asyncio.create_task(polling.run())
    try:
        yield polling
    finally:
        polling.stop()
        await asyncio.wait_for(running, 5)


async def test_messages_are_received_in_order(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    people = [server.add_person() for _ in range(3)]
    async with _polling(api, store):
        for number in range(30):
            people[number % 3].sends(str(number))
        await store.holds(30)
    assert store.texts == [str(number) for number in range(30)]
    assert server.account.updates == []
    server.assert_no_violations()


async def test_only_what_is_used_is_asked_for(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    async with _polling(api, store):
        await server.until(lambda: server.account.poll_number)
    assert server.account.allowed_updates == [
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    ]


async def test_what_could_not_be_stored_comes_again(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    store.failures = 3
    anna.sends("one")
    anna.sends("two")
    async with _polling(api, store):
        await store.holds(2)
    assert store.texts == ["one", "two"]
    assert store.attempts == 4


async def test_a_crash_between_storing_and_acknowledging_repeats_the_update(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    anna.sends("one")
    polling = Polling(api, store.receive)
    running = asyncio.create_task(polling.run())
    await store.holds(1)
    # As a killed process: what was stored is never confirmed.
    running.cancel()
    await asyncio.wait({running})
    assert len(server.account.updates) == 1
    async with _polling(api, store):
        await store.holds(2)
    assert store.messages[0] == store.messages[1]


async def test_five_crashes_lose_nothing_and_keep_the_order(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    people = [server.add_person() for _ in range(20)]
    for crash in range(5):
        running = asyncio.create_task(Polling(api, store.receive).run())
        for number in range(40):
            people[number % 20].sends(f"{crash * 2 + number // 20}")
        await store.holds(len(store.messages) + 7)
        running.cancel()
        await asyncio.wait({running})
    async with _polling(api, store):
        await server.until(lambda: not server.account.updates)
    once = {message.external_id: message for message in store.messages}
    for person in people:
        mine = [m.text for m in once.values() if m.address == str(person.chat_id)]
        assert mine == [str(number) for number in range(10)]


async def test_stopping_is_prompt_and_confirms(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    async with _polling(api, store):
        anna.sends("one")
        await store.holds(1)
        await server.until(lambda: server.account.poll_number == 2)
    assert server.account.updates == []
    last = server.calls_of("getUpdates")[-1]
    assert (last["timeout"], last["limit"]) == ("0", "1")


async def test_a_press_is_stored_then_answered(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    async with _polling(api, store):
        query = anna.presses_data("key-1")
        await server.until(lambda: anna.was_answered(query))
    (message,) = store.messages
    assert message.button_key == "key-1"


async def test_a_press_that_cannot_be_answered_stops_nothing(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    server.fail(FaultKind.SERVER_ERROR, method="answerCallbackQuery")
    async with _polling(api, store):
        anna.presses_data("key-1")
        anna.sends("on we go")
        await store.holds(2)


async def test_blocking_is_told(server: BotApi, api: TelegramApi, store: Store) -> None:
    anna = server.add_person()
    async with _polling(api, store):
        anna.blocks()
        anna.unblocks()
        anna.sends("back again")
        await store.holds(1)
    assert [news.blocked for news in store.blocked] == [True, False]


async def test_a_webhook_left_behind_is_deleted(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    server.account.webhook = {"url": "", "secret_token": "", "max_connections": 1}
    anna = server.add_person()
    server.account.webhook["url"] = f"{server.url}/nowhere"
    anna.sends("waiting")
    async with _polling(api, store):
        await store.holds(1)
    assert store.texts == ["waiting"]


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.SERVER_ERROR,
        FaultKind.BAD_GATEWAY,
        FaultKind.DROP_BEFORE,
        FaultKind.DROP_AFTER,
    ],
)
async def test_it_goes_on_after_an_outage(
    server: BotApi, api: TelegramApi, store: Store, kind: FaultKind
) -> None:
    anna = server.add_person()
    server.fail(kind, method="getUpdates", times=2)
    anna.sends("still there")
    async with _polling(api, store):
        await store.holds(1)
    assert store.texts == ["still there"]


async def test_a_server_that_was_away_is_found_again(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    async with _polling(api, store):
        await server.until(lambda: server.account.poll_number)
        await asyncio.to_thread(server.stop)
        anna.sends("sent meanwhile")
        server.start()
        await store.holds(1)


async def test_a_refused_token_is_explained(server: BotApi, api: TelegramApi, store: Store) -> None:
    server.fail(FaultKind.UNAUTHORIZED, method="getUpdates")
    with structlog.testing.capture_logs() as events:
        async with _polling(api, store) as polling:
            await asyncio.wait_for(polling.failed.wait(), 5)
    assert events[0]["reason"] == "Telegram refuses the token"
    assert events[0]["hint"] == "check TELEGRAM_TOKEN and TELEGRAM_API_URL"


async def test_a_second_program_is_explained(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    other = TelegramApi(TOKEN, base_url=server.url)
    with structlog.testing.capture_logs() as events:
        async with _polling(api, store):
            await server.until(lambda: server.account.poll_number)
            await other.get_updates(offset=None, seconds=0)
            await server.until(lambda: server.account.poll_number >= 3)
    await other.close()
    assert events[0]["reason"] == "another program receives this bot's messages"


def test_pauses_grow_and_differ() -> None:
    assert 0.5 <= backoff(1) <= 1
    assert 4 <= backoff(4) <= 8
    assert LONGEST_PAUSE / 2 <= backoff(1_000_000) <= LONGEST_PAUSE
    assert len({backoff(9) for _ in range(20)}) > 1


@pytest.fixture
async def client(api: TelegramApi, store: Store) -> AsyncIterator[httpx.AsyncClient]:
    webhook = Webhook(api, store.receive, secret=SECRET)
    transport = httpx.ASGITransport(Starlette(routes=list(webhook_routes(webhook))))
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bot", headers=headers
    ) as client:
        yield client
    await webhook.close()


UPDATE = {
    "update_id": 1,
    "message": {"message_id": 1, "chat": {"id": 5, "type": "private"}, "text": "hi"},
}


async def test_the_webhook_stores_and_answers(client: httpx.AsyncClient, store: Store) -> None:
    assert (await client.post(PATH, json=UPDATE)).status_code == 200
    assert store.texts == ["hi"]


@pytest.mark.parametrize("given", ["", "wrong", SECRET + "x", SECRET.upper(), "ü"])
async def test_the_webhook_knows_its_secret(
    client: httpx.AsyncClient, store: Store, given: str
) -> None:
    headers = {b"X-Telegram-Bot-Api-Secret-Token": given.encode()}
    answer = await client.post(PATH, json=UPDATE, headers=headers)
    assert answer.status_code == 403
    assert store.attempts == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b'"text"', 400),
        (b"[" * 200_000, 400),
        (b" " * 1_000_001, 413),
        (b"{}", 200),
        (b'{"update_id": 1, "message": 5}', 200),
    ],
)
async def test_the_webhook_survives_what_is_no_update(
    client: httpx.AsyncClient, store: Store, body: bytes, status: int
) -> None:
    assert (await client.post(PATH, content=body)).status_code == status
    assert store.messages == []


async def test_a_body_without_announced_length_is_limited_too(
    client: httpx.AsyncClient,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2_000):
            yield b" " * 1_000

    assert (await client.post(PATH, content=endless())).status_code == 413


async def test_the_webhook_takes_only_posts(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).status_code == 405


async def test_what_could_not_be_stored_is_asked_for_again(
    client: httpx.AsyncClient, store: Store
) -> None:
    store.failures = 1
    assert (await client.post(PATH, json=UPDATE)).status_code == 503
    assert (await client.post(PATH, json=UPDATE)).status_code == 200
    assert store.texts == ["hi"]


async def test_a_repeated_delivery_keeps_its_id(client: httpx.AsyncClient, store: Store) -> None:
    await client.post(PATH, json=UPDATE)
    await client.post(PATH, json=UPDATE)
    assert [message.external_id for message in store.messages] == ["1.1", "1.1"]


@pytest.mark.parametrize("secret", ["", "ü", "a b", "x" * 257])
def test_a_secret_that_telegram_would_refuse_is_refused(
    api: TelegramApi, store: Store, secret: str
) -> None:
    with pytest.raises(ConfigurationError):
        Webhook(api, store.receive, secret=secret)


async def test_the_platform_delivers_to_the_webhook(
    server: BotApi, api: TelegramApi, store: Store
) -> None:
    anna = server.add_person()
    webhook = Webhook(api, store.receive, secret=SECRET)
    application = Starlette(routes=list(webhook_routes(webhook)))
    listener = socket.create_server(("127.0.0.1", 0))
    web_server = uvicorn.Server(uvicorn.Config(application, log_config=None))
    serving = asyncio.create_task(web_server.serve(sockets=[listener]))
    port = listener.getsockname()[1]
    store.failures = 1
    await webhook.register(f"http://127.0.0.1:{port}{PATH}")
    anna.sends("one")
    query = anna.presses_data("key")
    await store.holds(2)
    await server.until(lambda: anna.was_answered(query))
    assert [message.text or message.button_key for message in store.messages] == ["one", "key"]
    assert server.account.webhook["max_connections"] == 1
    web_server.should_exit = True
    await serving
    await webhook.close()
    server.assert_no_violations()
