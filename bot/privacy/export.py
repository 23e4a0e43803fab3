"""The copy of everything stored about a person, as they get it with ``/export``.

Left out are counsellors' internal notes and labels, translations made for counsellors, the names
of those who noted a fact, and the contents of files that the person sent themselves.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.booking.models import Appointment, WaitingEntry
from bot.booking.presentation import in_language
from bot.conversations import transcript
from bot.conversations.models import Conversation, InboxMessage, OutboxMessage, StoredFile
from bot.conversations.transcript import Entry, PersonEntry
from bot.db.session import Database
from bot.errors import EngineError
from bot.handover.desks.models import DeskThread
from bot.handover.models import ContactFact, EventKind, Handover, HandoverEvent
from bot.messages import Card, OutgoingMessage

log = structlog.get_logger(__name__)

# The latest so many messages of each side; a platform takes no file of any size.
LIMIT = 20_000

# What happened to a request as the person saw it; the rest is between counsellors.
_STEPS = tuple(
    kind.value
    for kind in (
        EventKind.REQUESTED,
        EventKind.MADE_URGENT,
        EventKind.CLAIMED,
        EventKind.TRANSFERRED,
        EventKind.CALL_WANTED,
        EventKind.LEFT_TO_BOT,
        EventKind.CLOSED,
        EventKind.REOPENED,
        EventKind.WITHDRAWN,
        EventKind.RATED,
    )
)

Remembered = Callable[[str], Awaitable[dict[str, Any]]]
"""What the engine remembers of a conversation, by name; raises ``EngineError``."""


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Makes copies of data. Nothing of them is kept or logged."""

    database: Database
    remembered: Remembered

    async def make(self, conversation_id: str, *, until: datetime) -> str:
        """Everything stored about the person of a conversation up to a moment, as JSON text.

        While the engine is away, ``remembered`` is null. Raises what the database raises.
        """
        data = await asyncio.to_thread(self._stored, conversation_id, until)
        try:
            data["remembered"] = await self.remembered(conversation_id)
        except EngineError as error:
            log.warning("export.engine_away", error=type(error).__name__)
            data["remembered"] = None
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"

    def _stored(self, conversation_id: str, until: datetime) -> dict[str, Any]:
        with self.database.reading() as session:
            conversation = session.get(Conversation, conversation_id)
            return stored(session, conversation, until=until) if conversation else {}


def stored(session: Session, conversation: Conversation, *, until: datetime) -> dict[str, Any]:
    """All that the database holds about the person of a conversation, as plain data."""
    contact_id = conversation.identity.contact_id
    entries = [
        entry
        for entry in transcript.entries(session, conversation.id, limit=LIMIT)
        if entry.at <= until
    ]
    files = _files(session, conversation.id)
    return {
        "made_at": _moment(until),
        "person": _person(conversation),
        "messages_left_out": max(0, _count(session, conversation.id) - LIMIT),
        "messages": [_message(entry, files) for entry in entries],
        "facts": [
            {"name": fact.name, "value": fact.value, "noted_at": _moment(fact.noted_at)}
            for fact in session.scalars(
                select(ContactFact)
                .where(ContactFact.contact_id == contact_id)
                .order_by(ContactFact.noted_at)
            )
        ],
        "requests_for_a_person": [
            _handover(session, row)
            for row in session.scalars(
                select(Handover)
                .where(Handover.conversation_id == conversation.id)
                .order_by(Handover.id)
            )
        ],
        "copies_of_requests_kept_at": sorted(
            session.scalars(
                select(DeskThread.desk).where(DeskThread.conversation_id == conversation.id)
            )
        ),
        "appointments": [
            _appointment(row, conversation.language)
            for row in session.scalars(
                select(Appointment)
                .where(Appointment.contact_id == contact_id)
                .order_by(Appointment.starts_at)
            )
        ],
        "waiting_list": [
            _place(row, conversation.language)
            for row in session.scalars(
                select(WaitingEntry)
                .where(WaitingEntry.contact_id == contact_id)
                .order_by(WaitingEntry.id)
            )
        ],
    }


def _person(conversation: Conversation) -> dict[str, Any]:
    identity = conversation.identity
    return {
        "channel": identity.channel,
        "address": identity.address,
        "known_since": _moment(identity.contact.created_at),
        "asked_for_consent_at": _moment(conversation.consent_asked_at),
        "consented_at": _moment(identity.contact.consented_at),
        "language": conversation.language,
        "language_chosen": conversation.language_pinned,
        "language_of_the_platform": identity.platform_language,
        "blocked_the_bot_at": _moment(identity.blocked_at),
        "answered_by": conversation.state.value,
    }


def _count(session: Session, conversation_id: str) -> int:
    return max(
        session.scalar(
            select(func.count()).select_from(model).where(model.conversation_id == conversation_id)
        )
        or 0
        for model in (InboxMessage, OutboxMessage)
    )


def _files(session: Session, conversation_id: str) -> dict[int, list[dict[str, Any]]]:
    """Name, type and size of the files that came with each message."""
    found = defaultdict(list)
    for file in session.scalars(
        select(StoredFile).where(StoredFile.conversation_id == conversation_id)
    ):
        found[file.inbox_message_id].append(
            {
                "name": file.name,
                "media_type": file.media_type,
                "bytes": file.size,
                "state": file.state.value,
            }
        )
    return found


def _message(entry: Entry, files: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    if isinstance(entry, PersonEntry):
        return {
            "at": _moment(entry.at),
            "from": "you",
            "kind": entry.kind.value,
            "text": entry.text,
            "language": entry.language,
            "understood_as": entry.intent,
            "files": files.get(entry.id, []),
        }
    return {
        "at": _moment(entry.at),
        "from": entry.author.value,
        "text": entry.message.text,
        "language": entry.message.language,
        **_shown(entry.message),
    }


def _shown(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "cards": [_card(card) for card in message.cards],
        "buttons": [button.title for button in message.buttons],
        "files": [document.name for document in message.documents],
    }


def _card(card: Card) -> dict[str, Any]:
    return {
        "title": card.title,
        "subtitle": card.subtitle,
        "text": card.body,
        "facts": [{"label": line.label, "value": line.value} for line in card.lines],
        "source": card.source_url,
    }


def _handover(session: Session, row: Handover) -> dict[str, Any]:
    steps = session.execute(
        select(HandoverEvent.at, HandoverEvent.kind)
        .where(HandoverEvent.handover_id == row.id, HandoverEvent.kind.in_(_STEPS))
        .order_by(HandoverEvent.id)
    )
    return {
        "reason": row.reason,
        "topic": row.topic,
        "urgent": row.urgent,
        "state": row.state,
        "outcome": row.outcome,
        "language": row.language,
        "languages": row.languages,
        "counsellor": row.claimed_by,
        "call_wanted": row.call_wanted,
        "your_rating": row.rating,
        "requested_at": _moment(row.requested_at),
        "closed_at": _moment(row.closed_at),
        "steps": [{"at": _moment(at), "what": kind} for at, kind in steps],
    }


def _appointment(row: Appointment, language: str | None) -> dict[str, Any]:
    return {
        "service": in_language(row.service.title, language or "en"),
        "counsellor": row.calendar.name,
        "state": row.state.value,
        "starts_at": _moment(row.starts_at),
        "ends_at": _moment(row.ends_at),
        "way": row.way.value,
        "language": row.language,
        "name": row.name,
        "reached_by": row.reach,
        "subject": row.subject,
        "reminders_wanted": row.reminders_wanted,
        "booked_at": _moment(row.booked_at),
        "changed_at": _moment(row.changed_at),
    }


def _place(row: WaitingEntry, language: str | None) -> dict[str, Any]:
    return {
        "service": in_language(row.service.title, language or "en"),
        "state": row.state.value,
        "way": row.way.value,
        "language": row.language,
        "wishes": row.wishes,
        "since": _moment(row.created_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
