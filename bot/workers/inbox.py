"""Answers what came in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from bot.clock import Clock
from bot.conversations import inbox, leases
from bot.conversations.models import Conversation
from bot.db.session import Database
from bot.messages import Channel
from bot.router import Router
from bot.workers.pool import LEASE, Pool


class InboxWorker(Pool):
    """Takes each conversation's messages in order and has the router answer them."""

    def __init__(
        self,
        *,
        database: Database,
        router: Router,
        channels: Mapping[str, Channel],
        owner: str,
        clock: Clock,
        limit: int,
        answered: Callable[[], None],
    ) -> None:
        super().__init__(name="inbox", limit=limit, vital=True)
        self._database = database
        self._router = router
        self._channels = channels
        self._owner = owner
        self._clock = clock
        self._answered = answered

    def _claim(self, limit: int) -> list[str]:
        with self._database.transaction() as session:
            return inbox.claim(
                session, owner=self._owner, now=self._clock(), lease=LEASE, limit=limit
            )

    async def _step(self, conversation_id: str) -> bool:
        answered = await self._router.answer_next(conversation_id)
        if answered:
            self._answered()
        return answered

    def _prolong(self, conversation_id: str) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            leases.INBOX.take(
                session, conversation_id, owner=self._owner, now=now, until=now + LEASE
            )

    def _release(self, conversation_id: str) -> None:
        with self._database.transaction() as session:
            leases.INBOX.release(session, conversation_id, owner=self._owner)

    def _recipient(self, conversation_id: str) -> tuple[str, str] | None:
        with self._database.reading() as session:
            conversation = session.get(Conversation, conversation_id)
            if conversation is None:
                return None
            return conversation.identity.channel, conversation.identity.address

    async def _handle(self, conversation_id: str) -> None:
        typing = asyncio.create_task(self._show_typing(conversation_id))
        try:
            await super()._handle(conversation_id)
        finally:
            typing.cancel()

    async def _show_typing(self, conversation_id: str) -> None:
        # A sign of life is not worth an error: the message itself is answered all the same.
        with contextlib.suppress(Exception):
            recipient = await asyncio.to_thread(self._recipient, conversation_id)
            if recipient and recipient[0] in self._channels:
                await self._channels[recipient[0]].show_typing(address=recipient[1])
