"""What a person can choose now: the buttons of what they were told last, also by typing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Author, ButtonKey, OutboxMessage
from bot.messages import Asks, Button, OutgoingMessage

# So far back a number still means the list it was chosen from: behind the details of an offer.
LOOK_BACK = 3


@dataclass(frozen=True, kw_only=True)
class LastWords:
    """What the bot said last: its buttons, each with its payload again.

    ``choosable`` are the buttons that a number or "the second one" counts, in order: those of
    the last message, or of the list shown shortly before it.
    """

    buttons: tuple[Button, ...] = field(default=(), repr=False)
    choosable: tuple[Button, ...] = field(default=(), repr=False)
    asks: Asks = Asks.NOTHING

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
        index = place - 1 if place > 0 else len(self.choosable) + place
        return self.choosable[index] if 0 <= index < len(self.choosable) else None


def last_words(session: Session, conversation_id: str) -> LastWords:
    """What the bot said last in a conversation; nothing before its first words."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.conversation_id == conversation_id, OutboxMessage.author == Author.BOT)
        .order_by(OutboxMessage.id.desc())
        .limit(LOOK_BACK)
    )
    messages = [OutgoingMessage.from_data(row.content) for row in rows]
    if not messages:
        return LastWords()
    last = messages[0]
    # Where words are asked for, a number is an answer and no choice from an older list.
    lists = messages[:1] if last.asks else messages
    counted = next(
        (
            found
            for message in lists
            if (found := [one for one in message.buttons if one.choosable])
        ),
        [],
    )
    return LastWords(
        buttons=_with_payloads(session, last.buttons),
        choosable=_with_payloads(session, counted),
        asks=last.asks,
    )


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
    # Turkish i with and without dot change places in capitals, so both count as one letter.
    folded = text.casefold().replace("ı", "i").replace("\u0307", "")
    return " ".join(folded.split()).strip(" .!?…")
