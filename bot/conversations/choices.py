"""What a person can choose now: the buttons of what they were told last, also by typing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Author, ButtonKey, OutboxMessage
from bot.messages import Button, OutgoingMessage


@dataclass(frozen=True, kw_only=True)
class LastWords:
    """What the bot said last: the buttons below it, each with its payload again."""

    buttons: tuple[Button, ...] = field(default=(), repr=False)

    @property
    def choosable(self) -> list[Button]:
        """The buttons that a number or "the second one" counts, in order."""
        return [button for button in self.buttons if button.choosable]

    def titled(self, text: str) -> Button | None:
        """The button whose title somebody typed instead of pressing it."""
        said = _plain(text)
        return next(
            (button for button in self.buttons if said and _plain(button.title) == said), None
        )

    def meaning(self, answer: str) -> Button | None:
        """The button that a plain ``yes`` or ``no`` presses."""
        return next((button for button in self.buttons if answer and button.means == answer), None)

    def at(self, place: int) -> Button | None:
        """The button at a place counted from 1, or from the end when negative."""
        counted = self.choosable
        index = place - 1 if place > 0 else len(counted) + place
        return counted[index] if 0 <= index < len(counted) else None


def last_words(session: Session, conversation_id: str) -> LastWords:
    """What the bot said last in a conversation; nothing before its first words."""
    row = session.scalar(
        select(OutboxMessage)
        .where(OutboxMessage.conversation_id == conversation_id, OutboxMessage.author == Author.BOT)
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    )
    if row is None:
        return LastWords()
    message = OutgoingMessage.from_data(row.content)
    return LastWords(buttons=_with_payloads(session, message.buttons))


def _with_payloads(session: Session, buttons: Sequence[Button]) -> tuple[Button, ...]:
    keys = [button.key for button in buttons]
    payloads: dict[str, dict[str, Any]] = {
        row.key: row.payload
        for row in session.scalars(select(ButtonKey).where(ButtonKey.key.in_(keys)))
    }
    return tuple(
        Button(
            title=button.title,
            payload=payloads[button.key],
            choosable=button.choosable,
            means=button.means,
        )
        for button in buttons
        if button.key in payloads
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .!?…")
