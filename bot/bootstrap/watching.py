"""Wires what operators watch: health and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bot.clock import Clock
from bot.config import Settings
from bot.db.session import Database
from bot.dialogue.engine import Engine
from bot.observability import labels
from bot.observability.commits import CommitWatch
from bot.observability.counters import Counters
from bot.observability.health import Health, health_routes
from bot.observability.metrics import Metrics, guarded_metrics, loopback_metrics
from bot.pulse import Pulse


def wire_counters(database: Database, *, channels: Iterable[str]) -> Counters:
    """The counters of this process; what is committed to ``database`` is counted from now on."""
    counters = Counters(channels=frozenset(channels), intents=labels.intents())
    CommitWatch(database, counters)
    return counters


@dataclass(frozen=True, kw_only=True)
class Watching:
    """The pages for whoever watches; on the internal port metrics need no token."""

    public: list[Route]
    internal: Route

    def beside(self, app: Starlette) -> Starlette:
        """The internal server's ``app`` with the metrics beside it."""
        return Starlette(routes=[self.internal, Mount("/", app)])


def wire_watching(
    settings: Settings,
    *,
    counters: Counters,
    database: Database,
    engine: Engine,
    pulses: Mapping[str, Pulse],
    clock: Clock,
) -> Watching:
    """Health for the public server, metrics for both."""
    health = Health(database=database, engine=engine, pulses=pulses)
    metrics = Metrics(counters=counters, health=health, database=database, clock=clock)
    token = settings.metrics_token.get_secret_value()
    return Watching(
        public=[
            *health_routes(health, database=database, engine=engine),
            *guarded_metrics(metrics, token=token),
        ],
        internal=loopback_metrics(metrics),
    )
