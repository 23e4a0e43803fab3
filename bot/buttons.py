"""Buttons that stand below many messages: the ways on from any answer."""

from __future__ import annotations

from bot.i18n.texts import Texts
from bot.messages import Button


def human_button(texts: Texts) -> Button:
    """Brings in a person."""
    return Button(
        title=texts.gettext("Talk to a person"),
        payload={"intent": "request_human"},
        choosable=False,
    )


def topics_button(texts: Texts) -> Button:
    """Shows all topics."""
    return Button(title=texts.gettext("Other topic"), payload={"intent": "help"}, choosable=False)


def more_button(texts: Texts) -> Button:
    """Shows the next offers of the running search."""
    return Button(
        title=texts.gettext("More offers"), payload={"intent": "more_results"}, choosable=False
    )


def ways_on(texts: Texts) -> tuple[Button, ...]:
    """What a person can always do next."""
    return (topics_button(texts), human_button(texts))
