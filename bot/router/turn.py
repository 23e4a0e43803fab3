"""A message as the router reads it: with its button, its language and what was said before."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot import commands
from bot.conversations import inbox, outbox
from bot.conversations.choices import LastWords, last_words
from bot.conversations.models import Conversation, ConversationState, InboxMessage
from bot.i18n.identify import Identification
from bot.i18n.languages import nearest_reply_language
from bot.messages import Asks, Kind

# What the engine reads of a message; the database keeps more.
MAXIMUM_READ = 2_000

Identify = Callable[..., Identification]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One message with all that deciding about it needs; no session is held meanwhile."""

    message_id: int
    conversation_id: str
    kind: Kind
    text: str = field(repr=False)
    has_button: bool
    payload: dict[str, Any] | None = field(repr=False)
    last_words: LastWords
    waiting: timedelta
    state: ConversationState
    language: str
    failures: int
    may_answer: bool
    consent_asked: bool
    reset_due: bool
    outage_noted: bool
    by_words: bool = False

    def metadata(self) -> dict[str, Any]:
        """What the engine gets beside the message."""
        metadata: dict[str, Any] = {"language": self.language}
        if self.last_words.asks == Asks.PERSONAL:
            # The engine reads such words, and keeps none of them.
            metadata["personal"] = True
        return metadata

    @property
    def pressed_while_waiting(self) -> bool:
        """A button of the bot's still works while nobody has taken over: it is meant for it."""
        return self.state == ConversationState.WAITING and "intent" in (self.payload or {})


def read_next(
    session: Session,
    conversation_id: str,
    *,
    identify: Identify,
    ask_consent: bool,
    now: datetime,
) -> Turn | None:
    """The oldest due message of a conversation, whose language is settled; None without one."""
    message = inbox.next_message(session, conversation_id, now=now)
    if message is None:
        return None
    conversation = message.conversation
    command = commands.parse(message.text) if message.kind == Kind.TEXT else None
    payload = command.payload if command else _pressed(session, message)
    text = readable(message.text)
    spoken = LastWords()
    if message.kind == Kind.LOCATION and text:
        payload = {"intent": "inform", "entities": {"near": text}}
        text = ""
    if message.kind == Kind.TEXT and not command:
        spoken = last_words(session, conversation.id)
        named = spoken.titled(text)
        payload = named.payload if named else None
    _settle_language(conversation, message, text if not command else "", identify)
    return Turn(
        message_id=message.id,
        conversation_id=conversation.id,
        kind=Kind(message.kind),
        text=text,
        has_button=message.button_key is not None,
        payload=payload,
        last_words=spoken,
        waiting=now - message.received_at,
        state=conversation.state,
        language=conversation.language or "en",
        failures=conversation.failures,
        may_answer=not ask_consent or conversation.identity.contact.consented_at is not None,
        consent_asked=conversation.consent_asked_at is not None,
        reset_due=conversation.engine_reset_due,
        outage_noted=conversation.outage_noted_at is not None,
    )


def _settle_language(
    conversation: Conversation, message: InboxMessage, text: str, identify: Identify
) -> None:
    """Notes the message's language and the one to reply in, which is sticky."""
    identified = identify(
        text,
        previous=conversation.language,
        platform=conversation.identity.platform_language,
        pinned=conversation.language_pinned,
    )
    message.language = identified.language
    if not conversation.language_pinned:
        conversation.language = nearest_reply_language(identified.language)


def _pressed(session: Session, message: InboxMessage) -> dict[str, Any] | None:
    if message.button_key is None:
        return None
    button = outbox.button(session, conversation_id=message.conversation_id, key=message.button_key)
    return button.payload if button else None


def readable(text: str) -> str:
    """A text without control and direction characters, on one line, of bounded length."""
    visible = "".join(
        " " if character in "\r\n\t" else character
        for character in unicodedata.normalize("NFC", text[: MAXIMUM_READ * 2])
        # Cc: control, Cf: direction marks and the like; the joiners that Persian
        # and emoji need are kept.
        if unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs")
        or character in "\r\n\t\u200c\u200d"
    )
    return " ".join(visible.split())[:MAXIMUM_READ]
