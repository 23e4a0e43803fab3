"""The running product: all its parts, started together and ended together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
import uvicorn
from starlette.applications import Starlette

from bot.channels.telegram.receipt import TelegramReceipt
from bot.channels.web.streams import EventStreams
from bot.config import Settings
from bot.console.live import Live
from bot.conversations import leases
from bot.db.session import Database
from bot.dialogue.engine import Engine
from bot.dialogue.supervisor import EngineProcess
from bot.handover.desks import feed as desk_feed
from bot.workers.attention import AttentionWorker
from bot.workers.booking import BookingWorker
from bot.workers.desks import DeskWorker
from bot.workers.files import FileWorker
from bot.workers.inbox import InboxWorker
from bot.workers.outbox import OutboxWorker
from bot.workers.retention import RetentionWorker
from bot.workers.search import SearchUpkeep
from bot.workers.translation import TranslationWorker

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Lotse:
    """The running product: everything that ``lotse up`` starts, built and not yet started."""

    settings: Settings
    database: Database
    engine: Engine
    engine_process: EngineProcess | None
    inbox_worker: InboxWorker
    file_worker: FileWorker
    outbox_worker: OutboxWorker
    booking_worker: BookingWorker
    search_upkeep: SearchUpkeep
    retention: RetentionWorker
    attention: AttentionWorker
    desk_workers: Sequence[DeskWorker]
    translation: TranslationWorker | None
    internal: Starlette
    public: Starlette
    streams: EventStreams
    live: Live
    telegram: TelegramReceipt | None
    warm_up: Callable[[], None]

    async def run(self) -> None:
        """Runs until cancelled; the first part that ends ends all."""
        if self.database.is_sqlite:
            # Only one process uses this database, so leases left in it are a
            # dead process's.
            with self.database.transaction() as session:
                leases.INBOX.release_all(session)
                leases.OUTBOX.release_all(session)
                desk_feed.LEASE.release_all(session)
        uncertain = self.outbox_worker.settle_interrupted()
        if uncertain:
            log.warning("outbox.interrupted", uncertain=uncertain)
        # The engine takes seconds to start; what the application needs to answer the
        # first message is loaded meanwhile.
        warming = asyncio.create_task(asyncio.to_thread(self.warm_up))
        parts: list[Awaitable[None]] = [
            _serve(self.internal, "127.0.0.1", self.settings.internal_port),
            _serve(self.public, self.settings.host, self.settings.port),
            self.inbox_worker.run(),
            self.outbox_worker.run(),
            self.file_worker.run(),
            self.booking_worker.run(),
            self.search_upkeep.run(ready=self.engine.is_ready),
            self.retention.run(),
            self.attention.run(),
            *(worker.run() for worker in self.desk_workers),
            *([self.translation.run()] if self.translation else ()),
        ]
        if self.engine_process:
            parts.append(self.engine_process.run())
        if self.telegram:
            parts.append(self.telegram.run())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.streams.close()
            self.live.close()
            await asyncio.gather(warming, return_exceptions=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.engine.close()
            self.database.dispose()


async def _serve(app: Starlette, host: str, port: int) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=int(timedelta(seconds=3).total_seconds()),
        )
    )
    # Signals are handled once, for all parts, by `lotse up`.
    with contextlib.suppress(asyncio.CancelledError):
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    await server.serve()
