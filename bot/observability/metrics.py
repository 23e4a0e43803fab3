"""``/metrics``: the counters of this process and the queues of the database, for Prometheus."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator, Mapping

import structlog
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import Clock
from bot.db.session import Database
from bot.observability import queues
from bot.observability.counters import Counters
from bot.observability.health import Health
from bot.observability.queues import Queues, Waiting
from bot.observability.recent import Recent

log = structlog.get_logger(__name__)

# Prometheus' text format; written out, for the library's constant follows its newest version.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds for which the queues are not counted anew.
LASTS = 5.0


class Metrics:
    """Everything that is measured, as text."""

    def __init__(
        self,
        *,
        counters: Counters,
        health: Health,
        database: Database,
        clock: Clock,
        lasts: float = LASTS,
    ) -> None:
        self._counters = counters
        self._health = health
        self._database = database
        self._clock = clock
        self._queues = Recent(lambda: asyncio.to_thread(self._read), lasts=lasts)

    async def text(self) -> bytes:
        """All series now. While the database is away those read from it are missing."""
        try:
            waiting = await self._queues.get()
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("metrics.queues_not_read", error=type(error).__name__)
            waiting = None
        now = CollectorRegistry()
        now.register(_Now(waiting, self._health, engine_up=await self._health.engine() == "ready"))
        return generate_latest(self._counters.registry) + generate_latest(now)

    def _read(self) -> Queues:
        with self._database.reading() as session:
            return queues.read(session, channels=self._counters.channels, now=self._clock())


class _Now(Collector):
    """What holds at this moment."""

    def __init__(self, waiting: Queues | None, health: Health, *, engine_up: bool) -> None:
        self._waiting = waiting
        self._health = health
        self._engine_up = engine_up

    def collect(self) -> Iterator[Metric]:
        yield _gauge("lotse_engine_up", "1 when the engine answers.", self._engine_up)
        yield _gauge(
            "lotse_database_up", "1 when the queues could be read.", self._waiting is not None
        )
        silence = _labelled(
            "lotse_worker_silence_seconds", "Since a worker's last turn that worked.", "worker"
        )
        for name, pulse in self._health.pulses.items():
            silence.add_metric([name], pulse.silence)
        yield silence
        if self._waiting is not None:
            yield from _of_queues(self._waiting)


def _of_queues(waiting: Queues) -> Iterator[Metric]:
    yield from _of_channels(
        "lotse_inbox", "Messages that nobody has answered yet", waiting=waiting.inbox
    )
    yield from _of_channels("lotse_outbox", "Replies on their way", waiting=waiting.outbox)
    uncertain = _labelled(
        "lotse_outbox_uncertain", "Replies of which nobody knows whether they arrived.", "channel"
    )
    for channel, count in waiting.uncertain.items():
        uncertain.add_metric([channel], count)
    yield uncertain
    handovers = _labelled("lotse_handovers_open", "Open handovers.", "state", "urgent")
    oldest = _labelled(
        "lotse_handover_oldest_seconds",
        "How long the person who has waited longest for a counsellor has waited.",
        *("state", "urgent"),
    )
    for (state, urgent), those in waiting.handovers.items():
        labels = [state, "yes" if urgent else "no"]
        handovers.add_metric(labels, those.count)
        oldest.add_metric(labels, those.oldest)
    yield from (handovers, oldest)
    yield _gauge("lotse_reminders_due", "Reminders due and not sent yet.", waiting.reminders_due)


def _of_channels(name: str, meaning: str, *, waiting: Mapping[str, Waiting]) -> Iterator[Metric]:
    count = _labelled(f"{name}_waiting", f"{meaning}.", "channel")
    oldest = _labelled(
        f"{name}_oldest_seconds", f"{meaning}: how long the oldest has waited.", "channel"
    )
    for channel, those in waiting.items():
        count.add_metric([channel], those.count)
        oldest.add_metric([channel], those.oldest)
    yield from (count, oldest)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _labelled(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def loopback_metrics(metrics: Metrics) -> Route:
    """``GET /metrics`` for a server that only this machine reaches."""

    async def answer(request: Request) -> Response:
        return await _answer(metrics)

    return Route("/metrics", answer, methods=["GET"])


def guarded_metrics(metrics: Metrics, *, token: str) -> list[Route]:
    """``GET /metrics`` for a server that others reach: with the token, else 401.

    Without a token there is no such page. The caller's address decides nothing: behind a
    reverse proxy everybody may seem to come from this very machine.
    """
    if not token:
        return []

    async def answer(request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return PlainTextResponse(
                "token needed", status_code=401, headers={"WWW-Authenticate": "Bearer"}
            )
        return await _answer(metrics)

    return [Route("/metrics", answer, methods=["GET"])]


async def _answer(metrics: Metrics) -> Response:
    return Response(
        await metrics.text(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )
