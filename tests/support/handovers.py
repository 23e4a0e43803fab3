"""Conversations that were handed over, made by the moves that make them in the product."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.conversations import inbox, outbox
from bot.conversations.models import InboxMessage
from bot.db.session import Database
from bot.handover import newcomer
from bot.handover.models import Handover, Reason
from bot.messages import OutgoingMessage
from tests.support.builders import incoming


def handed_over(
    database: Database,
    now: datetime,
    *,
    address: str = "anna",
    text: str = "Мені потрібна людина",
    language: str = "uk",
    urgent: bool = False,
    organization_id: str | None = None,
) -> int:
    """The number of a handover: the newcomer wrote, the bot answered, a person was asked for."""
    wrote(database, now, address=address, text=text, language=language, settle=False)
    with database.transaction() as session:
        message = session.scalars(
            select(InboxMessage).order_by(InboxMessage.id.desc()).limit(1)
        ).one()
        message.intent = "request_human"
        outbox.add(
            session,
            conversation=message.conversation,
            messages=[OutgoingMessage(text="Ось що я знайшов.", language=language)],
            now=now,
            in_reply_to=message,
        )
        handover = newcomer.request(
            session,
            message.conversation,
            reason=Reason.EMERGENCY if urgent else Reason.ASKED,
            urgent=urgent,
            now=now,
            organization_id=organization_id,
        )
        return handover.id


def wrote(
    database: Database,
    now: datetime,
    *,
    address: str = "anna",
    text: str,
    language: str = "uk",
    settle: bool = True,
) -> None:
    """The newcomer writes; with ``settle`` it goes to the counsellors as the router does it."""
    with database.transaction() as session:
        inbox.record(session, [incoming(text, address=address)], now=now)
        message = session.scalars(
            select(InboxMessage).order_by(InboxMessage.id.desc()).limit(1)
        ).one()
        message.language = language
        message.conversation.language = language
        inbox.finish(message, now=now)
        if settle:
            newcomer.newcomer_wrote(session, message, now=now)


def handover(database: Database, handover_id: int) -> Handover:
    """The handover as it stands in the database."""
    with database.reading() as session:
        return session.get_one(Handover, handover_id)
