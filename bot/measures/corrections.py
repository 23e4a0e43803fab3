"""Hints from the chat that something about an offer is wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.buttons import human_button, topics_button
from bot.i18n.texts import Texts
from bot.measures.models import Correction, Measure
from bot.messages import Asks, Button, OutgoingMessage

MAXIMUM_TEXT = 1_000
REASONS = ("phone", "address", "hours", "gone")


def note(session: Session, measure_id: str, *, text: str, language: str, now: datetime) -> None:
    """Stores a hint for the editors, cut to ``MAXIMUM_TEXT``; none about an offer that is gone."""
    if text.strip() and session.get(Measure, measure_id) is not None:
        session.add(
            Correction(
                measure_id=measure_id,
                text=text.strip()[:MAXIMUM_TEXT],
                language=language,
                created_at=now,
            )
        )


def reason(code: str, texts: Texts) -> str:
    """What is wrong, as it stands on a button and in the editors' list."""
    return {
        "phone": texts.gettext("The phone number"),
        "address": texts.gettext("The address"),
        "hours": texts.gettext("The opening hours"),
        "gone": texts.gettext("It is no longer offered"),
    }[code]


def question(texts: Texts) -> OutgoingMessage:
    """Asks what is wrong: by button, or in one message."""
    return OutgoingMessage(
        text=texts.gettext(
            "What is wrong? Choose, or write it to me in one message. Please write no names: "
            "the editors of the list will read it."
        ),
        buttons=(
            *(
                Button(
                    title=reason(code, texts),
                    payload={"intent": "inform", "entities": {"about": code}},
                )
                for code in REASONS
            ),
            Button(
                title=texts.gettext("Nothing is wrong"),
                payload={"intent": "deny"},
                choosable=False,
            ),
        ),
        asks=Asks.WORDS,
        language=texts.language,
    )


def thanks(texts: Texts, *, question: str | None) -> OutgoingMessage:
    """Confirms a hint; ``question`` is the intent for which it may have been mistaken."""
    mistaken = (
        Button(
            title=texts.gettext("That was a question"),
            payload={"intent": question},
            choosable=False,
        )
        for question in ([question] if question else [])
    )
    return OutgoingMessage(
        text=texts.gettext("Thank you! The editors will check it."),
        buttons=(*mistaken, topics_button(texts), human_button(texts)),
        language=texts.language,
    )
