"""What the newcomer is told when a handover moves, in their language."""

from __future__ import annotations

from typing import Any

from bot.i18n.texts import Texts
from bot.messages import Button, OutgoingMessage

#: Commands of the buttons below these texts; the router carries them out.
RATE = "handover.rate"
WRITE_AGAIN = "handover.write_again"


def somebody_is_here(texts: Texts) -> OutgoingMessage:
    """Said when a counsellor has taken the chat and has not written yet."""
    return OutgoingMessage(
        text=texts.gettext(
            "A counsellor has taken over your chat, reads what you wrote and will answer here."
        ),
        language=texts.language,
    )


def passed_on(texts: Texts) -> OutgoingMessage:
    """Said when a counsellor passes the chat on to others."""
    return OutgoingMessage(
        text=texts.gettext(
            "Your chat has been passed on to other counsellors. Somebody will answer you here. "
            "You need not explain everything again."
        ),
        language=texts.language,
    )


def talk_ended(texts: Texts, *, handover_id: int) -> OutgoingMessage:
    """Gives the chat back to the bot and asks how the talk was."""
    goodbye = texts.gettext(
        "The talk with our counsellor has ended. From now on I, the chat assistant, "
        "answer you again. If you need a person, just say so."
    )
    question = texts.gettext("Did this talk help you?")
    return OutgoingMessage(
        text=f"{goodbye}\n\n{question}",
        buttons=(
            _rating(texts.gettext("👍 Yes, it helped"), handover_id, 1),
            _rating(texts.gettext("👎 No, it did not"), handover_id, -1),
            write_again_button(texts),
        ),
        language=texts.language,
    )


def _rating(title: str, handover_id: int, value: int) -> Button:
    payload: dict[str, Any] = {"command": RATE, "handover": handover_id, "rating": value}
    return Button(title=title, payload=payload)


def write_again_button(texts: Texts) -> Button:
    """Goes back to the counsellor after the end."""
    return Button(
        title=texts.gettext("Write to the counsellor again"), payload={"command": WRITE_AGAIN}
    )


def request_closed(texts: Texts) -> OutgoingMessage:
    """Said when a request is closed to which no counsellor had written anything."""
    return OutgoingMessage(
        text=texts.gettext(
            "Our counsellors have closed your request. I, the chat assistant, answer you. "
            "If you still need a person, just say so."
        ),
        language=texts.language,
    )
