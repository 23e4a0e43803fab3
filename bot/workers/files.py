"""Fetches files that people sent to counsellors, and deletes contents nobody knows any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.conversations import files
from bot.conversations.files import FileStore
from bot.conversations.models import FileState, StoredFile
from bot.conversations.scanning import Scan, ScannerUnavailableError
from bot.db.session import Database
from bot.errors import DeliveryRefusedError, LotseError
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
SWEEP_SECONDS = 60.0
AT_ONCE = 4

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a file from a platform by its id there; raises ``DeliveryRefusedError`` when it is gone."""


class FileWorker:
    """One per process. A file fetched twice is stored twice under the same name: harmless."""

    def __init__(
        self,
        *,
        database: Database,
        store: FileStore,
        fetchers: Mapping[str, Fetch],
        scan: Scan,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._fetchers = fetchers
        self._scan = scan
        self._clock = clock
        # Fetching and scanning a large file takes its time.
        self.pulse = Pulse(patience=300)

    async def run(self) -> None:
        """Works until cancelled."""
        swept = -SWEEP_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            try:
                if loop.time() - swept >= SWEEP_SECONDS:
                    swept = loop.time()
                    await asyncio.to_thread(self.sweep)
                looked_at = await self.step()
                self.pulse.beat()
                if looked_at:
                    continue
            except (SQLAlchemyError, OSError) as error:
                log.warning("files.failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> int:
        """Fetches what is due; returns how many files were looked at."""
        due = await asyncio.to_thread(self._due)
        await asyncio.gather(*(self._fetch(*file) for file in due))
        return len(due)

    def sweep(self) -> int:
        """Deletes contents whose rows are gone; returns how many."""
        with self._database.reading() as session:
            known = set(session.scalars(select(StoredFile.id)))
        return self._store.sweep(known, now=self._clock())

    def _due(self) -> list[tuple[str, str, str]]:
        with self._database.reading() as session:
            found = files.due(session, now=self._clock(), limit=AT_ONCE)
            return [(file.id, channel, file.source) for file, channel in found]

    async def _fetch(self, file_id: str, channel: str, source: str) -> None:
        fetch = self._fetchers.get(channel)
        try:
            if fetch is None:
                raise DeliveryRefusedError("this channel hands out no files")
            content = await fetch(source)
        except DeliveryRefusedError:
            await asyncio.to_thread(self._give_up, file_id)
        except LotseError as error:
            log.warning("files.not_fetched", error=type(error).__name__)
            await asyncio.to_thread(self._postpone, file_id)
        else:
            await asyncio.to_thread(self._keep, file_id, content)

    def _give_up(self, file_id: str) -> None:
        with self._database.transaction() as session:
            if (file := session.get(StoredFile, file_id)) is not None:
                files.settle(file, FileState.GONE)

    def _postpone(self, file_id: str) -> None:
        with self._database.transaction() as session:
            if (file := session.get(StoredFile, file_id)) is not None:
                files.postpone(file, now=self._clock())

    def _keep(self, file_id: str, content: bytes) -> None:
        state, media_type = files.examine(content)
        try:
            if state is FileState.STORED and not self._scan(content):
                state = FileState.VIRUS
        except ScannerUnavailableError as error:
            log.warning("files.not_scanned", reason=str(error))
            self._postpone(file_id)
            return
        with self._database.transaction() as session:
            file = session.get(StoredFile, file_id)
            if file is None:
                # The person was forgotten meanwhile.
                return
            if state is FileState.STORED:
                self._store.write(file.id, content)
            files.settle(file, state, media_type=media_type, size=len(content))
