"""Has a machine translate between newcomers and counsellors, where the aid is switched on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.clock import Clock
from bot.db.session import Database
from bot.handover import translation
from bot.handover.desks import words
from bot.handover.translation import (
    Task,
    TranslationRefusedError,
    TranslationUnavailableError,
    Translator,
)
from bot.i18n.texts import Catalogues, Texts
from bot.pulse import Pulse

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
AWAY_SECONDS = 10.0


class TranslationWorker:
    """Translates one text after the other. While the server is away everything waits for it;
    the originals are shown and sent all the same."""

    def __init__(
        self,
        *,
        database: Database,
        translator: Translator,
        catalogues: Catalogues,
        texts: Texts,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._translator = translator
        self._catalogues = catalogues
        self._texts = texts
        self._clock = clock
        self._changed = changed
        self.pulse = Pulse(patience=300)

    async def run(self) -> None:
        """Translates until cancelled. Errors of the database are waited out."""
        while True:
            pause = LOOK_SECONDS
            try:
                await self.look()
                self.pulse.beat()
            except TranslationUnavailableError as error:
                # The aid is missed, but this worker does its part.
                self.pulse.beat()
                log.warning("translation.unavailable", reason=str(error))
                pause = AWAY_SECONDS
            except Exception as error:
                log.error("translation.failed", error=type(error).__name__)
                pause = AWAY_SECONDS
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Translates all that is due; raises ``TranslationUnavailableError``."""
        for task in await asyncio.to_thread(self._due):
            try:
                translated = await self._translator.translate(
                    task.text, source=task.source, target=task.target
                )
            except TranslationRefusedError as error:
                log.warning("translation.refused", line=task.event_id, reason=str(error))
                await asyncio.to_thread(self._give_up, task)
            else:
                await asyncio.to_thread(self._finish, task, translated)
            self._changed()

    def _due(self) -> list[Task]:
        with self._database.reading() as session:
            return list(
                translation.due(session, desk_language=self._texts.language, now=self._clock())
            )

    def _finish(self, task: Task, translated: str) -> None:
        with self._database.transaction() as session:
            translation.finish(
                session, task, translated, catalogues=self._catalogues, now=self._clock()
            )

    def _give_up(self, task: Task) -> None:
        text = words.not_translated(task.text, self._texts)
        with self._database.transaction() as session:
            translation.give_up(session, task, text=text, now=self._clock())
