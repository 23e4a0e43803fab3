"""Whether the product works, for load balancers and for people."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.conversations import inbox, outbox
from bot.db.session import Database
from bot.dialogue.engine import Engine


def health_routes(*, database: Database, engine: Engine) -> list[Route]:
    """``GET /health``: 200 when database and engine work, else 503; counts, no contents."""

    def counts() -> tuple[int, dict[str, int]]:
        with database.reading() as session:
            return inbox.count_open(session), outbox.count_by_state(session)

    async def health(request: Request) -> JSONResponse:
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

    return [Route("/health", health, methods=["GET"])]
