"""The translation aid: a machine translates between newcomer and counsellor, if it is asked to.

Off unless ``LOTSE_TRANSLATION_URL`` is set. Only what the newcomer writes to counsellors and
what a counsellor writes themselves is translated; the fixed texts of the bot, those of
emergencies among them, exist in every reply language and never come here. The original
always stands beside a translation, which is marked as a machine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from bot.conversations.models import InboxMessage
from bot.errors import IllegalMoveError, LotseError
from bot.handover import service
from bot.handover import texts as phrases
from bot.handover.journal import LOTSE, Actor, record
from bot.handover.models import EventKind, Handover, HandoverEvent
from bot.handover.moves import OPEN, held, texts_for
from bot.i18n.texts import Catalogues

CALL_SECONDS = 15.0
LONGEST_TEXT = 4_000
AT_ONCE = 20
#: What could not be translated by then is left as it is.
GIVE_UP = timedelta(hours=1)


class TranslationRefusedError(LotseError):
    """The server cannot translate this, now or later, for example between these languages."""


class TranslationUnavailableError(LotseError):
    """The server cannot be reached or is busy; the same text may be tried again."""


class Translator(Protocol):
    """A machine that translates."""

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """``text`` in the language ``target``; ``source`` may be ``auto``.

        Raises ``TranslationRefusedError`` or ``TranslationUnavailableError``.
        """


class LibreTranslate:
    """A server that speaks LibreTranslate's API. Safe for concurrent use."""

    def __init__(
        self, url: str, *, key: str = "", transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._key = key
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=CALL_SECONDS, transport=transport
        )

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """Asks the server; see ``Translator``."""
        body = {"q": text, "source": source or "auto", "target": target, "format": "text"}
        if self._key:
            body["api_key"] = self._key
        try:
            response = await self._http.post("/translate", json=body)
        except httpx.HTTPError as error:
            raise TranslationUnavailableError(type(error).__name__) from None
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
            raise TranslationUnavailableError(f"status {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise TranslationRefusedError(f"status {response.status_code}")
        try:
            answer = response.json().get("translatedText")
        except (ValueError, AttributeError):
            answer = None
        if not isinstance(answer, str) or not answer.strip():
            raise TranslationRefusedError("the answer holds no translation")
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to be translated: a newcomer's message, or a counsellor's reply."""

    event_id: int
    is_reply: bool
    text: str = field(repr=False)
    source: str
    target: str


def ask_for_translated_reply(
    session: Session, handover_id: int, *, text: str, by: Actor, now: datetime
) -> HandoverEvent:
    """A counsellor's words are to be translated and then sent; ``finish`` sends them.

    Raises ``IllegalMoveError`` when the text is empty or the handover closed.
    """
    handover = held(session, handover_id)
    if not text.strip() or not handover.is_open:
        raise IllegalMoveError("There is nothing to translate, or nobody to send it to.")
    return record(session, handover, EventKind.TO_TRANSLATE, by=by, now=now, text=text)


def due(session: Session, *, desk_language: str, now: datetime) -> Sequence[Task]:
    """What is to be translated now, replies first, oldest first."""
    recent = (
        select(HandoverEvent)
        .join(Handover, Handover.id == HandoverEvent.handover_id)
        .where(
            HandoverEvent.at > now - GIVE_UP, Handover.state.in_([state.value for state in OPEN])
        )
        .order_by(HandoverEvent.id)
        .limit(AT_ONCE)
    )
    asked = recent.where(
        HandoverEvent.kind == EventKind.TO_TRANSLATE.value,
        HandoverEvent.outbox_message_id.is_(None),
    )
    done = aliased(HandoverEvent)
    written = recent.join(InboxMessage, InboxMessage.id == HandoverEvent.inbox_message_id).where(
        HandoverEvent.kind == EventKind.MESSAGE.value,
        InboxMessage.text != "",
        InboxMessage.language.is_not(None),
        InboxMessage.language != desk_language,
        ~select(done.id)
        .where(
            done.inbox_message_id == HandoverEvent.inbox_message_id,
            done.kind == EventKind.TRANSLATED.value,
        )
        .exists(),
    )
    tasks = [
        Task(
            event_id=event.id,
            is_reply=True,
            text=event.text[:LONGEST_TEXT],
            source=desk_language,
            target=session.get_one(Handover, event.handover_id).conversation.language or "en",
        )
        for event in session.scalars(asked)
        if not event.details.get("failed")
    ]
    for event in session.scalars(written):
        message = session.get_one(InboxMessage, event.inbox_message_id)
        tasks.append(
            Task(
                event_id=event.id,
                is_reply=False,
                text=message.text[:LONGEST_TEXT],
                source=message.language or "auto",
                target=desk_language,
            )
        )
    return tasks


def finish(
    session: Session, task: Task, translation: str, *, catalogues: Catalogues, now: datetime
) -> None:
    """Puts a translation beside the original: in the journal, or in a reply to the newcomer.

    Repeating it changes nothing.
    """
    event = session.get(HandoverEvent, task.event_id)
    if event is None:
        return
    handover = held(session, event.handover_id)
    session.refresh(event)
    if not task.is_reply:
        record(
            session,
            handover,
            EventKind.TRANSLATED,
            by=LOTSE,
            now=now,
            text=translation,
            message_id=event.inbox_message_id,
            language=task.target,
        ).inbox_message_id = event.inbox_message_id
        return
    if event.outbox_message_id is not None:
        return
    by = Actor(name=event.actor, desk=event.desk, id=event.actor_id)
    words = phrases.translated(translation, texts_for(handover, catalogues), original=event.text)
    row = service.reply(session, handover.id, message=words, by=by, now=now)
    session.flush()
    event.outbox_message_id = row.id


def give_up(session: Session, task: Task, *, text: str, now: datetime) -> None:
    """Leaves something untranslated; a reply is not sent, and ``text`` tells the counsellor."""
    event = session.get(HandoverEvent, task.event_id)
    if event is None:
        return
    if task.is_reply:
        event.details = {**event.details, "failed": True}
        by = Actor(name=event.actor, desk=event.desk, id=event.actor_id)
        service.refuse(session, event.handover_id, text=text, by=by, now=now)
        return
    handover = held(session, event.handover_id)
    line = record(session, handover, EventKind.TRANSLATED, by=LOTSE, now=now, failed=True)
    line.inbox_message_id = event.inbox_message_id
