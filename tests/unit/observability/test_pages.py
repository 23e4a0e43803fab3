"""The pages that operators watch, on the product as it is wired; only the engine is small."""

from __future__ import annotations

import asyncio
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import doctor
from bot.bootstrap import Lotse, build
from bot.config import Settings
from tests.unit.channels.test_web_support import served

TOKEN = "only-for-the-operators"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# What people and models may bring along that must never stand in a label.
NASTY = 'Anna Müller, 0711 123"\n{evil="1"} مرحبا'


class SmallEngine:
    """Speaks the engine's protocol: every message is a greeting, unless it is told otherwise."""

    def __init__(self) -> None:
        self.intent = "greet"
        self.ready = True
        self.app = Starlette(
            routes=[
                Route("/webhooks/lotse/", self._is_ready, methods=["GET"]),
                Route("/webhooks/lotse/webhook", self._answer, methods=["POST"]),
                Route("/webhooks/lotse/choice", self._choice, methods=["POST"]),
            ]
        )

    async def _is_ready(self, request: Request) -> JSONResponse:
        return JSONResponse({}, status_code=200 if self.ready else 503)

    async def _answer(self, request: Request) -> JSONResponse:
        return JSONResponse(
            {"intent": {"name": self.intent, "confidence": 1}, "messages": [{"text": "Hello!"}]}
        )

    async def _choice(self, request: Request) -> JSONResponse:
        return JSONResponse({"choice": None})


class Running:
    """The product with its workers at work, and clients for its two servers."""

    def __init__(self, lotse: Lotse, engine: SmallEngine) -> None:
        self.lotse = lotse
        self.engine = engine
        self.public = _client(lotse.public)
        self.internal = _client(lotse.internal)

    async def write(self, words: str) -> None:
        """Somebody opens the page and writes; returns when it is stored."""
        headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
        await self.public.get("/", headers=headers)
        body = {"id": str(uuid.uuid4()), "text": words}
        answer = await self.public.post("/chat/messages", json=body, headers=headers)
        assert answer.status_code == 202, answer.text

    async def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every series on the internal page."""
        return _samples((await self.internal.get("/metrics")).text)

    async def value(self, name: str, **labels: str) -> float | None:
        return (await self.samples()).get((name, frozenset(labels.items())))

    async def until(self, name: str, **labels: str) -> None:
        """Returns once a series is no longer zero; fails after half a minute."""
        async with asyncio.timeout(30):
            while True:
                if await self.value(name, **labels):
                    return
                await asyncio.sleep(0.05)


def _client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://lotse.test", timeout=30
    )


def _samples(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def settings_in(folder: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": SecretStr(f"sqlite:///{folder / 'lotse.db'}"),
        "state_directory": folder,
        "engine_external": True,
        "engine_token": SecretStr("engine"),
        "ask_consent": False,
        "metrics_token": SecretStr(TOKEN),
        "telegram_token": SecretStr(""),
        **changes,
    }
    return Settings(_env_file=None, **values)


@pytest.fixture
async def product(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Running]:
    shutil.copy(migrated_file, tmp_path / "lotse.db")
    engine = SmallEngine()
    async with served(engine.app) as url:
        lotse = build(settings_in(tmp_path, engine_port=urlsplit(url).port))
        workers = [
            asyncio.create_task(each.run()) for each in (lotse.inbox_worker, lotse.outbox_worker)
        ]
        running = Running(lotse, engine)
        yield running
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await running.public.aclose()
        await running.internal.aclose()
        await lotse.engine.close()
        lotse.database.dispose()


# Metrics


async def test_a_message_moves_the_counters_on_its_way(product: Running) -> None:
    assert await product.value("lotse_messages_received_total", channel="web") == 0
    await product.write("good morning, how are you today")
    await product.until("lotse_deliveries_total", channel="web", result="sent")
    series = await product.samples()
    moved = {
        (name, *sorted(labels)): value
        for (name, labels), value in series.items()
        if name.startswith("lotse_") and name.endswith(("_total", "_count")) and value
    }
    assert moved == {
        ("lotse_messages_received_total", ("channel", "web")): 1,
        ("lotse_messages_answered_total", ("channel", "web"), ("language", "en")): 1,
        ("lotse_reply_seconds_count", ("channel", "web")): 1,
        ("lotse_intents_total", ("intent", "greet")): 1,
        ("lotse_understanding_total", ("result", "understood")): 1,
        ("lotse_engine_call_seconds_count", ("call", "webhook")): 1,
        ("lotse_deliveries_total", ("channel", "web"), ("result", "sent")): 1,
    }
    assert series["lotse_engine_up", frozenset()] == 1
    assert series["lotse_database_up", frozenset()] == 1


async def test_neither_words_nor_what_a_model_says_become_a_label(product: Running) -> None:
    product.engine.intent = NASTY
    await product.write(NASTY.replace("\n", " "))
    await product.until("lotse_intents_total", intent="other")
    page = (await product.internal.get("/metrics")).text
    for word in ("Anna", "Müller", "0711", "evil", "مرحبا"):
        assert word not in page


async def test_an_engine_that_is_away_shows_in_every_figure(product: Running) -> None:
    product.engine.ready = False
    product.engine.app.router.routes[1:] = []
    await product.write("good morning, how are you today")
    await product.until("lotse_engine_failures_total", reason="away")
    assert await product.value("lotse_engine_up") == 0
    assert await product.value("lotse_inbox_waiting", channel="web") == 1


async def test_metrics_outside_need_the_token(product: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"}):
        refused = await product.public.get("/metrics", headers=headers)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "lotse_" not in refused.text
    given = await product.public.get("/metrics", headers=BEARER)
    assert given.status_code == 200
    assert given.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "lotse_messages_received_total" in given.text


async def test_without_a_token_there_is_nothing_outside(
    tmp_path: Path, migrated_file: Path
) -> None:
    shutil.copy(migrated_file, tmp_path / "lotse.db")
    lotse = build(settings_in(tmp_path, metrics_token=SecretStr("")))
    async with _client(lotse.public) as public, _client(lotse.internal) as internal:
        for headers in ({}, BEARER, {"Authorization": "Bearer "}, {"X-Forwarded-For": "127.0.0.1"}):
            assert (await public.get("/metrics", headers=headers)).status_code == 404
        assert (await internal.get("/metrics")).status_code == 200
    await lotse.engine.close()
    lotse.database.dispose()


async def test_the_engine_still_needs_its_token_beside_the_metrics(product: Running) -> None:
    refused = await product.internal.post("/actions", json={"next_action": "action_help"})
    assert refused.status_code == 401


async def test_metrics_go_on_without_the_database(product: Running) -> None:
    with product.lotse.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE appointment_reminder"))
    series = await product.samples()
    assert series["lotse_database_up", frozenset()] == 0
    assert ("lotse_reminders_due", frozenset()) not in series
    assert series["lotse_messages_received_total", frozenset({("channel", "web")})] == 0


async def test_every_label_has_few_values(product: Running) -> None:
    values: dict[tuple[str, str], set[str]] = {}
    for name, labels in await product.samples():
        for label, value in labels:
            values.setdefault((name, label), set()).add(value)
    assert max(len(found) for found in values.values()) < 50
    plain = re.compile(r"[a-z0-9_.]+|[+]Inf")
    assert {
        value for found in values.values() for value in found if not plain.fullmatch(value)
    } == (set())


# Health


@pytest.mark.parametrize("ready", [True, False])
async def test_the_doctor_asks_whether_it_is_ready_and_names_the_metrics(
    product: Running, ready: bool
) -> None:
    product.engine.ready = ready
    async with served(product.lotse.public) as url:
        port = urlsplit(url).port
        settings = product.lotse.settings.model_copy(update={"port": port})
        found = {each.name: each for each in await doctor.examine(settings)}
    server, metrics = found["server"], found["metrics"]
    said = "ready" if ready else "the engine does not answer"
    assert (server.ok, server.details) == (ready, said)
    assert "http://127.0.0.1:8056/metrics" in metrics.details
    assert f":{port}/metrics" in metrics.details
    assert TOKEN not in str(found)


async def test_a_product_that_works_is_alive_and_ready(product: Running) -> None:
    live = await product.public.get("/health/live")
    ready = await product.public.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "database": "ready",
        "engine": "ready",
        "workers": dict.fromkeys(
            ("inbox", "outbox", "files", "booking", "search", "attention", "retention"), "alive"
        ),
        "reasons": [],
        "warnings": [],
    }


async def test_without_the_engine_it_is_alive_but_not_ready(product: Running) -> None:
    product.engine.ready = False
    ready = await product.public.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["the engine does not answer"]
    assert (await product.public.get("/health/live")).status_code == 200


async def test_missing_migrations_are_named(product: Running) -> None:
    with product.lotse.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    ready = await product.public.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["database"] == "behind"
    assert "lotse db upgrade" in ready.json()["reasons"][0]
