"""Buttons that stand below many messages: the ways on from any answer."""

from __future__ import annotations

from bot.i18n.texts import Texts
from bot.messages import Button


def human_button(texts: Texts) -> Button:
    """Brings in a person."""
    return Button(title=texts.gettext("Talk to a person"), payload={"intent": "request_human"})


def topics_button(texts: Texts) -> Button:
    """Shows all topics."""
    return Button(title=texts.gettext("Other topic"), payload={"intent": "help"})


def ways_on(texts: Texts) -> tuple[Button, ...]:
    """What a person can always do next."""
    return (topics_button(texts), human_button(texts))
