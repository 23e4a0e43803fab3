"""A conversation as counsellors read it: what was said, by whom, and what happened, in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.console.inbox import words
from bot.conversations.models import Author, ButtonKey, StoredFile
from bot.conversations.transcript import Entry, PersonEntry, entries
from bot.handover.inbox import Viewer, window
from bot.handover.models import EventKind, Handover, HandoverEvent, Outcome, Reason
from bot.i18n.texts import Texts
from bot.messages import Card, Kind

STUTTGART = ZoneInfo("Europe/Berlin")
# These lines say nothing that the messages beside them do not.
SILENT = (
    EventKind.MESSAGE,
    EventKind.REPLY,
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing in the thread.

    ``slot`` is the key of a button that stands for a time to be booked.
    ``kind`` is ``person``, ``bot``, ``counsellor``, ``note`` or ``event``. ``delivered`` is None
    while a reply is on its way.
    """

    kind: str
    at: datetime
    text: str = field(default="", repr=False)
    who: str = ""
    language: str = ""
    intent: str = ""
    pressed: bool = False
    slot: str = ""
    what: str = ""
    delivery: str = ""
    delivered: bool | None = None
    cards: Sequence[Card] = ()
    choices: Sequence[str] = ()
    files: Sequence[StoredFile] = ()


def thread(
    session: Session, viewer: Viewer, handover: Handover, texts: Texts, *, limit: int
) -> list[Item]:
    """The last ``limit`` messages of the conversation and all that happened meanwhile.

    What the viewer may not read is left out, see ``bot.handover.inbox.window``.
    """
    conversation_id = handover.conversation_id
    said = entries(session, conversation_id, limit=limit)
    readable = window(session, viewer, handover)
    journal = session.scalars(
        select(HandoverEvent)
        .where(HandoverEvent.conversation_id == conversation_id)
        .order_by(HandoverEvent.id)
    ).all()
    beside = _Beside(
        names={one.outbox_message_id: one.actor for one in journal if one.outbox_message_id},
        files=_files(session, said),
        slots=_slots(session, conversation_id),
    )
    start = said[0].at if len(said) >= limit else None
    items = [_message(entry, beside, texts) for entry in said]
    items += [
        _event(event, texts)
        for event in journal
        if event.kind not in SILENT and (start is None or event.at >= start)
    ]
    # Sorted by time alone; the sort keeps the order of what happened at the same moment.
    items.sort(key=lambda item: item.at)
    return [item for item in items if readable.holds(item.at)]


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """What is known of messages beside themselves: authors, files, times that buttons mean."""

    names: dict[int, str]
    files: dict[int, list[StoredFile]]
    slots: Collection[str]


def _message(entry: Entry, beside: _Beside, texts: Texts) -> Item:
    if isinstance(entry, PersonEntry):
        return Item(
            kind="person",
            at=entry.at,
            text=entry.text,
            language=entry.language or "",
            intent=entry.intent or "",
            pressed=entry.button_key is not None,
            slot=entry.button_key or "" if entry.button_key in beside.slots else "",
            what=entry.kind.value if entry.kind not in (Kind.TEXT, Kind.BUTTON) else "",
            files=beside.files.get(entry.id, ()),
        )
    by_counsellor = entry.author is Author.COUNSELLOR
    return Item(
        kind="counsellor" if by_counsellor else "bot",
        at=entry.at,
        text=entry.message.text,
        who=beside.names.get(entry.id, "") if by_counsellor else "Lotse",
        language=entry.message.language,
        delivery=texts.gettext(words.DELIVERY[entry.state]),
        delivered=DELIVERED.get(entry.state.value),
        cards=entry.message.cards,
        choices=[button.title for button in entry.message.buttons],
    )


DELIVERED = {"sent": True, "uncertain": False, "refused": False, "recipient_gone": False}


def _event(event: HandoverEvent, texts: Texts) -> Item:
    if event.kind == EventKind.NOTE:
        return Item(kind="note", at=event.at, text=event.text, who=event.actor)
    if event.kind == EventKind.TRANSLATED:
        mark = texts.gettext("Translated by a machine")
        return Item(kind="event", at=event.at, text=f"🌐 {mark}: {event.text or '–'}")
    if event.kind == EventKind.TO_TRANSLATE:
        waits = texts.gettext("Is being translated: {text}", text=event.text)
        return Item(kind="event", at=event.at, text=f"🌐 {waits}")
    if event.kind == EventKind.REFUSED:
        return Item(kind="event", at=event.at, text=event.text)
    return Item(kind="event", at=event.at, text=_sentence(event, texts))


def _sentence(event: HandoverEvent, texts: Texts) -> str:
    details: dict[str, Any] = event.details
    kind = EventKind(event.kind)
    if kind is EventKind.RATED:
        return texts.gettext(words.RATED.get(details.get("rating", 0), ""))
    values: dict[str, Any] = {
        "actor": event.actor or "Lotse",
        "to": details.get("to", ""),
        "queue": details.get("queue") or texts.gettext(words.EVERYBODYS_QUEUE),
        "labels": ", ".join(details.get("labels", [])),
        "reason": _known(words.REASONS, Reason, details.get("reason"), texts),
        "outcome": _known(words.OUTCOMES, Outcome, details.get("outcome"), texts),
        "until": _local(details.get("until"), texts),
    }
    return texts.gettext(words.EVENTS.get(kind, ""), **values)


def _known(names: dict[Any, str], kind: Any, value: str | None, texts: Texts) -> str:
    return texts.gettext(names[kind(value)]) if value in set(kind) else value or ""


def _local(written: str | None, texts: Texts) -> str:
    return texts.moment(datetime.fromisoformat(written).astimezone(STUTTGART)) if written else ""


def _slots(session: Session, conversation_id: str) -> set[str]:
    """The keys of buttons that stand for a time of a counselling calendar."""
    keys = session.scalars(select(ButtonKey).where(ButtonKey.conversation_id == conversation_id))
    return {button.key for button in keys if "slot" in button.payload}


def _files(session: Session, said: Sequence[Entry]) -> dict[int, list[StoredFile]]:
    ids = [entry.id for entry in said if isinstance(entry, PersonEntry)]
    found: dict[int, list[StoredFile]] = {}
    for file in session.scalars(
        select(StoredFile)
        .where(StoredFile.inbox_message_id.in_(ids))
        .order_by(StoredFile.received_at, StoredFile.id)
    ):
        found.setdefault(file.inbox_message_id, []).append(file)
    return found
