"""Search in conversations that were handed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, cast, exists, or_, select
from sqlalchemy.orm import Session

from bot.conversations.models import Author, InboxMessage, OutboxMessage
from bot.handover.inbox import Viewer, window
from bot.handover.models import EventKind, Handover, HandoverEvent

FOUND_AT_MOST = 50


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A place where the words searched for were said, and by whom."""

    handover: Handover
    at: datetime
    where: str
    text: str = field(repr=False)


def search(session: Session, viewer: Viewer, words: str) -> list[Hit]:
    """Newest places in conversations that were handed over where ``words`` stand, by time.

    Letters are compared without case. What was said to the bot alone, before and apart
    from any handover of the conversation, is found as well if there is one.
    """
    words = words.strip()
    if not words:
        return []
    said = select(InboxMessage.conversation_id, InboxMessage.received_at, InboxMessage.text).where(
        _holds(InboxMessage.text, words)
    )
    content = cast(OutboxMessage.content, Text)
    told = select(
        OutboxMessage.conversation_id, OutboxMessage.created_at, OutboxMessage.content
    ).where(OutboxMessage.author == Author.COUNSELLOR, _holds(content, words, escaped=True))
    noted = select(HandoverEvent.conversation_id, HandoverEvent.at, HandoverEvent.text).where(
        HandoverEvent.kind == EventKind.NOTE.value, _holds(HandoverEvent.text, words)
    )
    hits: list[Hit] = []
    for where, query, order in (
        ("said", said, InboxMessage.id),
        ("told", told, OutboxMessage.id),
        ("noted", noted, HandoverEvent.id),
    ):
        column = query.selected_columns[0]
        # Asked for each place found, newest first, so that a frequent word is found at once.
        scope = exists().where(Handover.conversation_id == column)
        if (bound := viewer.bound()) is not None:
            scope = scope.where(bound)
        found = session.execute(query.where(scope).order_by(order.desc()).limit(FOUND_AT_MOST))
        for conversation_id, at, text in found:
            shown = text if isinstance(text, str) else str(text.get("text", ""))
            handover = _latest(session, viewer, conversation_id)
            if handover is not None and window(session, viewer, handover).holds(at):
                hits.append(Hit(handover=handover, at=at, where=where, text=shown))
    hits.sort(key=lambda hit: hit.at, reverse=True)
    return hits[:FOUND_AT_MOST]


def _holds(
    column: SQLColumnExpression[str], words: str, *, escaped: bool = False
) -> ColumnElement[bool]:
    # Lower case in SQLite knows ASCII only, so the usual spellings are asked for by name.
    spellings = {words, words.lower(), words.upper(), words.capitalize(), words.title()}
    if escaped:
        # The column holds JSON, in which other letters than ASCII may be written as \uXXXX.
        spellings |= {_as_json(spelling) for spelling in spellings}
    return or_(*(column.contains(spelling, autoescape=True) for spelling in spellings))


def _as_json(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00")


def _latest(session: Session, viewer: Viewer, conversation_id: str) -> Handover | None:
    query = select(Handover).where(Handover.conversation_id == conversation_id)
    if (bound := viewer.bound()) is not None:
        query = query.where(bound)
    return session.scalar(query.order_by(Handover.id.desc()).limit(1))
