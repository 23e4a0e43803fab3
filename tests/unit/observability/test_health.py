"""What counts as alive, and that asking never makes things worse."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from bot.db.session import Database
from bot.observability.health import Health, health_routes
from bot.observability.recent import Recent
from bot.pulse import Pulse
from tests.support.fakes import FakeEngine


class Elapsed:
    """A stopwatch that tests set forward."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_loop_is_alive_as_long_as_it_beats() -> None:
    elapsed = Elapsed()
    pulse = Pulse(patience=60, elapsed=elapsed)
    elapsed.seconds += 60
    assert (pulse.is_alive, pulse.silence) == (True, 60)
    elapsed.seconds += 1
    assert not pulse.is_alive
    pulse.beat()
    assert (pulse.is_alive, pulse.silence) == (True, 0)


async def ask(database: Database, **pulses: Pulse) -> tuple[int, dict[str, object]]:
    engine = FakeEngine()
    health = Health(database=database, engine=engine, pulses=pulses)
    app = Starlette(routes=health_routes(health, database=database, engine=engine))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lotse.test") as client:
        answer = await client.get("/health/ready")
    return answer.status_code, answer.json()


async def test_a_silent_worker_is_named_with_its_silence(database: Database) -> None:
    elapsed = Elapsed()
    inbox, outbox = Pulse(vital=True, elapsed=elapsed), Pulse(vital=True, elapsed=elapsed)
    elapsed.seconds += 75
    outbox.beat()
    status, said = await ask(database, inbox=inbox, outbox=outbox)
    assert status == 503
    assert said["workers"] == {"inbox": "silent", "outbox": "alive"}
    assert said["reasons"] == ["the worker inbox has done nothing for 75 seconds"]


async def test_a_worker_without_which_messages_are_answered_is_a_warning(sqlite: Database) -> None:
    elapsed = Elapsed()
    inbox, search = Pulse(vital=True, elapsed=elapsed), Pulse(elapsed=elapsed)
    elapsed.seconds += 75
    inbox.beat()
    status, said = await ask(sqlite, inbox=inbox, search=search)
    assert (status, said["reasons"]) == (200, [])
    assert said["workers"] == {"inbox": "alive", "search": "silent"}
    assert said["warnings"] == ["the worker search has done nothing for 75 seconds"]


async def test_a_database_that_cannot_be_reached_is_named_without_its_address() -> None:
    status, said = await ask(Database("postgresql://lotse:secret@127.0.0.1:1/lotse"))
    assert (status, said["database"]) == (503, "away")
    assert said["reasons"] == ["the database cannot be reached"]
    assert "secret" not in str(said)


async def test_a_writer_does_not_keep_the_probe_waiting(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        session.execute(text("DELETE FROM contact"))
        status, _ = await ask(sqlite)
        assert status == 200


# Reading once for all


async def test_who_asks_at_once_is_answered_by_one_reading() -> None:
    readings, go_on = 0, asyncio.Event()

    async def read() -> int:
        nonlocal readings
        readings += 1
        await go_on.wait()
        return readings

    recent = Recent(read, lasts=60)
    asking = [asyncio.create_task(recent.get()) for _ in range(20)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*asking) == [1] * 20
    assert await recent.get() == 1


async def test_a_reading_that_is_given_up_is_joined_not_repeated() -> None:
    readings, go_on = 0, asyncio.Event()

    async def read() -> int:
        nonlocal readings
        readings += 1
        await go_on.wait()
        return readings

    recent = Recent(read, lasts=60, patience=0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await recent.get()
    go_on.set()
    assert await recent.get() == 1


async def test_an_error_is_told_and_the_next_reading_is_new() -> None:
    async def read() -> int:
        raise OSError("no route")

    recent = Recent(read, lasts=0)
    for _ in range(2):
        with pytest.raises(OSError, match="no route"):
            await recent.get()
