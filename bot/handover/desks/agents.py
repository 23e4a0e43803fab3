"""What agents do in Chatwoot becomes a move of the handover.

Chatwoot tells of everything by webhook, also of what this product wrote there itself; only
an agent's own words and changes count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import IllegalMoveError
from bot.handover import service
from bot.handover.desks import receipts
from bot.handover.desks.chatwoot import NAME
from bot.handover.desks.models import DeskThread
from bot.handover.journal import Actor
from bot.handover.models import Handover, HandoverState
from bot.i18n.texts import Catalogues, Texts

_OUTGOING = ("outgoing", 1)


class Deed(StrEnum):
    """What an agent did."""

    ANSWERED = "answered"
    TOOK = "took"
    RESOLVED = "resolved"
    OPENED = "opened"


@dataclass(frozen=True, kw_only=True)
class AgentAct:
    """One thing an agent did in a conversation."""

    deed: Deed
    thread: str
    agent: Actor
    text: str = field(default="", repr=False)
    message_id: str | None = None


def to_act(payload: object, *, inbox_id: int) -> AgentAct | None:
    """What an agent did, by a webhook's payload; None when it is nothing of an agent's.

    Private notes, messages of newcomers and bots, what this product wrote, and other
    inboxes are no acts, and neither is anything malformed.
    """
    if not isinstance(payload, dict):
        return None
    if payload.get("event") == "message_created":
        return _answer(payload, inbox_id)
    if payload.get("event") in ("conversation_status_changed", "conversation_updated"):
        return _change(payload, inbox_id)
    return None


def _answer(payload: dict[str, Any], inbox_id: int) -> AgentAct | None:
    sender = _mapping(payload.get("sender"))
    conversation = _mapping(payload.get("conversation"))
    text = payload.get("content")
    ours = _mapping(payload.get("content_attributes")).get("lotse")
    if (
        payload.get("message_type") not in _OUTGOING
        or payload.get("private")
        or ours
        or sender.get("type") != "user"
        or _mapping(payload.get("inbox")).get("id") != inbox_id
        or not isinstance(text, str)
        or not text.strip()
        or "id" not in conversation
    ):
        return None
    return AgentAct(
        deed=Deed.ANSWERED,
        thread=str(conversation["id"]),
        agent=_agent(sender),
        text=text,
        message_id=str(payload.get("id", "")),
    )


def _change(payload: dict[str, Any], inbox_id: int) -> AgentAct | None:
    if payload.get("inbox_id") != inbox_id or "id" not in payload:
        return None
    assignee = _mapping(_mapping(payload.get("meta")).get("assignee"))
    thread = str(payload["id"])
    if payload.get("event") == "conversation_updated":
        if "id" not in assignee or payload.get("status") != "open":
            return None
        return AgentAct(deed=Deed.TOOK, thread=thread, agent=_agent(assignee))
    deed = {"resolved": Deed.RESOLVED, "open": Deed.OPENED}.get(str(payload.get("status")))
    return AgentAct(deed=deed, thread=thread, agent=_agent(assignee)) if deed else None


def _agent(who: dict[str, Any]) -> Actor:
    number = who.get("id")
    return Actor(
        name=str(who.get("name") or "Chatwoot")[:100],
        desk=NAME,
        id=str(number) if number is not None else None,
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def take(
    session: Session,
    act: AgentAct,
    *,
    delivery: str,
    catalogues: Catalogues,
    texts: Texts,
    now: datetime,
) -> bool:
    """Carries out an act; False when this delivery was known already or is about nobody.

    ``delivery`` is the same when Chatwoot delivers again. An answer that cannot be sent is
    answered by a note; other acts that change nothing are left alone.
    """
    handover = session.scalar(
        select(Handover)
        .join(DeskThread, DeskThread.conversation_id == Handover.conversation_id)
        .where(DeskThread.desk == NAME, DeskThread.external_id == act.thread)
        .order_by(Handover.id.desc())
        .limit(1)
    )
    if handover is None or not receipts.is_new(
        session, NAME, delivery, message_id=act.message_id, now=now
    ):
        return False
    try:
        with session.begin_nested():
            _carry_out(session, handover, act, catalogues=catalogues, now=now)
    except IllegalMoveError:
        if act.deed == Deed.ANSWERED:
            closed = texts.gettext("This talk is closed, so this was not sent.")
            service.refuse(session, handover.id, text=closed, by=act.agent, now=now)
    return True


def _carry_out(
    session: Session,
    handover: Handover,
    act: AgentAct,
    *,
    catalogues: Catalogues,
    now: datetime,
) -> None:
    match act.deed:
        case Deed.ANSWERED:
            service.reply(session, handover.id, text=act.text, by=act.agent, now=now)
        case Deed.TOOK if handover.state == HandoverState.WAITING:
            service.claim(session, handover.id, by=act.agent, catalogues=catalogues, now=now)
        case Deed.RESOLVED:
            service.close(session, handover.id, by=act.agent, catalogues=catalogues, now=now)
        case Deed.OPENED if handover.state == HandoverState.CLOSED:
            service.reopen(session, handover.id, by=act.agent, now=now)
