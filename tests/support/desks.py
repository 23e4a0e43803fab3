"""Desks for tests: a worker driven step by step, and the topic desk with a local Bot API."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.channels.telegram import DeskIntake, SendLimiter, TelegramApi
from bot.db.session import Database
from bot.handover.desks.desk import Desk
from bot.handover.desks.telegram import TelegramDesk
from bot.handover.desks.topics import take
from bot.i18n.texts import CONSOLE_DOMAIN, CONSOLE_LANGUAGES, Catalogues
from bot.workers.desks import DeskWorker
from tests.conftest import Clock
from tests.support.bot_api import TOKEN, BotApi
from tests.support.talk import CATALOGUES

CONSOLE_TEXTS = Catalogues(domain=CONSOLE_DOMAIN, languages=CONSOLE_LANGUAGES)["en"]


async def told(worker: DeskWorker, *, rounds: int = 50) -> None:
    """Has the desk told everything that is due now."""
    for _ in range(rounds):
        keys = worker._claim(10)
        if not keys:
            return
        for key in keys:
            while await worker._step(key):
                pass
            worker._release(key)
    raise AssertionError("the desk was never told everything")


def make_worker(database: Database, desk: Desk, clock: Clock) -> DeskWorker:
    return DeskWorker(database=database, desk=desk, owner="worker", clock=clock)


class NoWaiting:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class TopicDesk:
    """A supergroup with topics, counsellors in it, and the product's desk for it."""

    name = "telegram"

    def __init__(self, database: Database, clock: Clock, server: BotApi) -> None:
        self.server = server
        self.group = server.add_group(forum=True)
        self.counsellors: dict[str, Any] = {}
        self.api = TelegramApi(TOKEN, base_url=server.url)
        time = NoWaiting()
        self.desk = TelegramDesk(
            self.api,
            chat_id=self.group.chat_id,
            limits=SendLimiter(clock=time.clock, sleep=time.sleep),
            texts=CONSOLE_TEXTS,
        )
        self.worker = make_worker(database, self.desk, clock)
        self.intake = DeskIntake(self._receive, chat_id=self.group.chat_id)
        self._database = database
        self._clock = clock
        self._read = 0

    async def _receive(self, posts: Any) -> None:
        with self._database.transaction() as session:
            take(session, posts, catalogues=CATALOGUES, texts=CONSOLE_TEXTS, now=self._clock())

    @property
    def threads(self) -> list[int]:
        """The topics there are now, oldest first."""
        return list(self.server.account.topics.get(self.group.chat_id, {}))

    def texts(self, thread: int | None = None) -> list[str]:
        """What the bot wrote in a topic, or in the general one."""
        return [
            message["text"]
            for message in self.group.messages
            if message.get("message_thread_id") == thread
            and "text" in message
            and message["from"]["is_bot"]
        ]

    async def shown(self) -> str:
        """All that the newest topic shows, once everything was told."""
        await told(self.worker)
        return "\n".join(self.texts(self.threads[-1])) if self.threads else ""

    async def writes(self, text: str, *, name: str = "Weber", thread: int | None = None) -> int:
        """A counsellor writes in a topic, by default the newest; it is carried out."""
        person = self.counsellors.get(name)
        if person is None:
            person = self.counsellors[name] = self.server.add_person(first_name=name)
        number = self.group.receives_from(
            person, text, message_thread_id=thread or self.threads[-1]
        )
        await self.receive_updates()
        return number

    async def edits(self, message_id: int, text: str) -> None:
        """A counsellor changes what they wrote."""
        [author] = [
            person
            for person in self.counsellors.values()
            if any(
                one["message_id"] == message_id and one["from"]["id"] == person.chat_id
                for one in self.group.messages
            )
        ]
        self.group.edits_for(author, message_id, text)
        await self.receive_updates()

    async def receive_updates(self, *, again: bool = False) -> None:
        """Takes the updates that are new, or once more all that there were."""
        if again:
            self._read = 0
        updates = self.server.account.updates[self._read :]
        self._read += len(updates)
        await self.intake.take(updates)
