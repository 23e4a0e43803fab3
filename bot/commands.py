"""Commands a person may type with a leading slash, the same in every channel."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.i18n.languages import LANGUAGES, REPLY_LANGUAGES, from_platform
from bot.i18n.texts import Texts

INTENTS = {
    "start": "greet",
    "help": "help",
    "human": "request_human",
    "language": "change_language",
    "privacy": "ask_privacy",
    "forget": "delete_my_data",
    "restart": "restart",
}
EXPORT = "privacy.export"
# What the router does itself, in every state and without the engine.
ROUTED = {"export": EXPORT}


@dataclass(frozen=True)
class Command:
    """A command as the payload of the button that does the same."""

    payload: dict[str, Any] = field(repr=False)


def parse(text: str) -> Command | None:
    """The command that a text is, or None.

    Only the words in ``INTENTS`` and ``ROUTED`` are commands, alone or followed by one plain word;
    ``/restart{"x":1}`` is not one, and is treated as a text like any other.
    """
    match = re.fullmatch(r"\s*/([a-z]+)(?:@\w+)?(?:\s+([\w-]{1,35}))?\s*", text, re.IGNORECASE)
    name = match[1].lower() if match else ""
    if name in ROUTED:
        return Command({"command": ROUTED[name]})
    if match is None or name not in INTENTS:
        return None
    entities: dict[str, Any] = {}
    if name == "language" and match[2]:
        code = _language(match[2])
        if code:
            entities = {"language": code}
    return Command({"intent": INTENTS[name], "entities": entities})


def _language(word: str) -> str | None:
    by_name = (
        code for code in REPLY_LANGUAGES if LANGUAGES[code].endonym.casefold() == word.casefold()
    )
    return from_platform(word) or next(by_name, None)


def descriptions(texts: Texts) -> list[tuple[str, str]]:
    """Every command with what it does, for a platform's menu."""
    return [
        ("help", texts.gettext("All topics")),
        ("human", texts.gettext("Talk to a person")),
        ("language", texts.gettext("Change the language")),
        ("restart", texts.gettext("Start again")),
        ("privacy", texts.gettext("What is stored about me")),
        ("export", texts.gettext("Get a copy of my data")),
        ("forget", texts.gettext("Delete my data")),
    ]
