"""Sends what goes out: in order, at most once, retried where that is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.conversations import leases, outbox
from bot.conversations.models import OutboxMessage, OutboxState
from bot.db.session import Database
from bot.errors import (
    AddressChangedError,
    DeliveryError,
    DeliveryUncertainError,
    RecipientGoneError,
    RetryLaterError,
)
from bot.handover import service as handover
from bot.messages import Channel, OutgoingMessage
from bot.privacy.export import Exporter
from bot.privacy.service import forget_contact, forget_told_contacts
from bot.workers.pool import LEASE, Pool

log = structlog.get_logger(__name__)

# A platform that cannot be reached for this long gets no more attempts for a message.
GIVE_UP = timedelta(hours=24)
LONGEST_WAIT = 60.0
EXPORT_AGAIN = 2.0
# What stands behind a copy, perhaps the answer to a cry for help, must not wait for ever.
EXPORT_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class _Started:
    """A reply on its way; ``attempts`` counts this one."""

    row_id: int
    made_at: datetime
    attempts: int
    channel: str
    address: str = field(repr=False)
    message: OutgoingMessage


class OutboxWorker(Pool):
    """Takes each conversation's replies in order and gives them to their channel."""

    def __init__(
        self,
        *,
        database: Database,
        channels: Mapping[str, Channel],
        owner: str,
        clock: Clock,
        limit: int,
        exporter: Exporter,
    ) -> None:
        super().__init__(name="outbox", limit=limit, vital=True)
        self._exporter = exporter
        self._database = database
        self._channels = channels
        self._owner = owner
        self._clock = clock

    def settle_interrupted(self) -> int:
        """Marks as uncertain what a crash interrupted; to be called at start.

        Whose last words were among it is forgotten now.
        """
        with self._database.transaction() as session:
            settled = outbox.settle_interrupted(session, now=self._clock())
            forget_told_contacts(session)
            return settled

    def _claim(self, limit: int) -> list[str]:
        with self._database.transaction() as session:
            return outbox.claim(
                session,
                owner=self._owner,
                channels=list(self._channels),
                now=self._clock(),
                lease=LEASE,
                limit=limit,
            )

    async def _step(self, conversation_id: str) -> bool:
        recipient = await asyncio.to_thread(self._recipient, conversation_id)
        if recipient is None:
            return False
        await self._channels[recipient[0]].wait_until_free(address=recipient[1])
        started = await asyncio.to_thread(self._start, conversation_id)
        if started is None:
            return False
        row_id = started.row_id
        try:
            message = await self._complete(conversation_id, started)
            channel = self._channels[started.channel]
            external_ids = await channel.send(address=started.address, message=message)
        except DeliveryError as error:
            return await asyncio.to_thread(self._failed, row_id, error)
        except Exception as error:
            # An unforeseen fault may have struck after the platform took the message.
            log.error("outbox.send_failed", message=row_id, error=type(error).__name__)
            return await asyncio.to_thread(self._failed, row_id, DeliveryUncertainError())
        await asyncio.to_thread(self._sent, row_id, external_ids)
        return True

    async def _complete(self, conversation_id: str, started: _Started) -> OutgoingMessage:
        """The message with the copy of its person's data, where it promises one.

        When no copy could be made in several attempts, the words that say so.
        """
        message = started.message
        copy = next((each for each in message.documents if each.holds_all_data), None)
        if copy is None:
            return message
        try:
            content = await self._exporter.make(conversation_id, until=started.made_at)
        except Exception as error:
            log.error("outbox.export_failed", error=type(error).__name__)
            if started.attempts < EXPORT_ATTEMPTS or not copy.otherwise:
                # Nothing was sent yet.
                raise RetryLaterError(EXPORT_AGAIN) from error
            return OutgoingMessage(text=copy.otherwise, language=message.language)
        return replace(
            message,
            documents=tuple(
                replace(document, content=content) if document.holds_all_data else document
                for document in message.documents
            ),
        )

    def _recipient(self, conversation_id: str) -> tuple[str, str] | None:
        """Channel and address of a conversation that has something due."""
        with self._database.reading() as session:
            row = outbox.next_due(session, conversation_id, now=self._clock())
            if row is None:
                return None
            identity = row.conversation.identity
            return identity.channel, identity.address

    def _start(self, conversation_id: str) -> _Started | None:
        with self._database.transaction() as session:
            row = outbox.start_next(session, conversation_id, now=self._clock())
            if row is None:
                return None
            identity = row.conversation.identity
            return _Started(
                row_id=row.id,
                made_at=row.created_at,
                attempts=row.attempts,
                channel=identity.channel,
                address=identity.address,
                message=OutgoingMessage.from_data(row.content),
            )

    def _sent(self, row_id: int, external_ids: list[str]) -> None:
        with self._database.transaction() as session:
            row = session.get(OutboxMessage, row_id)
            if row is None:
                return
            row.state = OutboxState.SENT
            row.sent_at = self._clock()
            row.external_ids = external_ids
            self._settled(session, row)

    def _failed(self, row_id: int, error: DeliveryError) -> bool:
        """Notes a failed attempt; True when the next reply may be tried at once."""
        with self._database.transaction() as session:
            row = session.get(OutboxMessage, row_id)
            if row is None:
                return True
            now = self._clock()
            if isinstance(error, AddressChangedError):
                row.conversation.identity.address = error.address
                row.state = OutboxState.PENDING
                return True
            if isinstance(error, RetryLaterError) and now - row.created_at < GIVE_UP:
                row.state = OutboxState.PENDING
                row.next_attempt_at = now + _waiting(error.seconds, row.attempts)
                return False
            if isinstance(error, RecipientGoneError):
                row.state = OutboxState.RECIPIENT_GONE
                row.conversation.identity.blocked_at = now
            elif isinstance(error, DeliveryUncertainError):
                row.state = OutboxState.UNCERTAIN
            else:
                row.state = OutboxState.REFUSED
            log.warning("outbox.not_delivered", message=row_id, state=row.state.value)
            handover.not_delivered(session, row, now=now)
            self._settled(session, row)
            return row.state != OutboxState.RECIPIENT_GONE

    def _settled(self, session: Session, row: OutboxMessage) -> None:
        session.flush()
        forget_contact(session, row.conversation_id)

    def _prolong(self, conversation_id: str) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            leases.OUTBOX.take(
                session, conversation_id, owner=self._owner, now=now, until=now + LEASE
            )

    def _release(self, conversation_id: str) -> None:
        with self._database.transaction() as session:
            leases.OUTBOX.release(session, conversation_id, owner=self._owner)


def _waiting(seconds: float, attempts: int) -> timedelta:
    """How long to wait after a failed attempt: never shorter than the platform asked for."""
    growing = max(seconds, 0.1) * attempts if attempts > 1 else seconds
    return timedelta(seconds=max(seconds, min(growing, LONGEST_WAIT)))
