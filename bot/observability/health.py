"""Whether the product works, for load balancers, supervisors and people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.conversations import inbox, outbox
from bot.db import migrate
from bot.db.session import Database
from bot.dialogue.engine import Engine
from bot.observability.recent import Recent
from bot.pulse import Pulse

# Seconds for which an answer about the parts is given again.
LASTS = 2.0


class Health:
    """Examines the parts; what it says holds no contents and no address.

    ``pulses`` are those of the workers, by name.
    """

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        pulses: Mapping[str, Pulse],
        lasts: float = LASTS,
    ) -> None:
        self.pulses = pulses
        self._database = database
        self._engine = engine
        self._schema = Recent(lambda: asyncio.to_thread(self._examine_database), lasts=lasts)
        self._answering = Recent(engine.is_ready, lasts=lasts)

    async def database(self) -> str:
        """``ready``, ``behind`` when migrations are missing, ``slow`` or ``away``."""
        try:
            return await self._schema.get()
        except TimeoutError:
            return "slow"

    async def engine(self) -> str:
        """``ready`` or ``away``."""
        try:
            return "ready" if await self._answering.get() else "away"
        except TimeoutError:
            return "away"

    def silent(self) -> dict[str, Pulse]:
        """The workers that no longer do their part, by name."""
        return {name: pulse for name, pulse in sorted(self.pulses.items()) if not pulse.is_alive}

    def _examine_database(self) -> str:
        try:
            return "ready" if migrate.is_current(self._database) else "behind"
        except SQLAlchemyError:
            return "away"


_DATABASE_REASONS = {
    "behind": "the database lacks migrations; run `lotse db upgrade`",
    "slow": "the database does not answer in time",
    "away": "the database cannot be reached",
}


def _silence(name: str, pulse: Pulse) -> str:
    return f"the worker {name} has done nothing for {pulse.silence:.0f} seconds"


def health_routes(health: Health, *, database: Database, engine: Engine) -> list[Route]:
    """``GET /health/live``, ``/health/ready`` and ``/health``.

    ``live`` answers 200 whenever this process answers at all: 503 never, so that nobody starts
    it again because something else is away. ``ready`` answers 503 with the ``reasons`` while no
    message can be answered; what is amiss besides stands in its ``warnings``. ``health`` counts
    what waits.
    """

    async def live(request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> JSONResponse:
        schema, answering = await asyncio.gather(health.database(), health.engine())
        silent = health.silent()
        reasons = [_DATABASE_REASONS[schema]] if schema != "ready" else []
        if answering != "ready":
            reasons.append("the engine does not answer")
        reasons.extend(_silence(name, pulse) for name, pulse in silent.items() if pulse.vital)
        warnings = [_silence(name, pulse) for name, pulse in silent.items() if not pulse.vital]
        return JSONResponse(
            {
                "status": "not ready" if reasons else "ready",
                "database": schema,
                "engine": answering,
                "workers": {
                    name: "silent" if name in silent else "alive" for name in health.pulses
                },
                "reasons": reasons,
                "warnings": warnings,
            },
            status_code=503 if reasons else 200,
        )

    return [
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        _overview(database, engine),
    ]


def _overview(database: Database, engine: Engine) -> Route:
    """``GET /health``: 200 when database and engine work, else 503; counts, no contents."""

    def counts() -> tuple[int, dict[str, int]]:
        with database.reading() as session:
            return inbox.count_open(session), outbox.count_by_state(session)

    async def overview(request: Request) -> JSONResponse:
        engine_ready = await engine.is_ready()
        try:
            waiting, replies = await asyncio.to_thread(counts)
            database_ready = True
        except SQLAlchemyError:
            waiting, replies, database_ready = 0, {}, False
        healthy = engine_ready and database_ready
        return JSONResponse(
            {
                "status": "ok" if healthy else "degraded",
                "engine": "ready" if engine_ready else "away",
                "database": "ready" if database_ready else "away",
                "messages_waiting": waiting,
                "replies": replies,
            },
            status_code=200 if healthy else 503,
        )

    return Route("/health", overview, methods=["GET"])
