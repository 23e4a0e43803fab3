"""The engine's ``utter_…`` responses in the reader's language (Rasa's NLG endpoint)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot.config import PROJECT
from bot.errors import NotFoundError
from bot.i18n.texts import Catalogues

DOMAIN_DIRECTORY = PROJECT / "domain"


class Responses:
    """The English source of all responses, translated on demand."""

    def __init__(self, catalogues: Catalogues, directory: Path = DOMAIN_DIRECTORY) -> None:
        self._catalogues = catalogues
        self._sources: dict[str, dict[str, Any]] = {}
        for path in sorted(directory.glob("*.yml")):
            declared = yaml.safe_load(path.read_text("utf-8")).get("responses") or {}
            # One wording a response: variations would multiply the translators' work.
            self._sources.update({name: variants[0] for name, variants in declared.items()})

    def render(self, name: str, language: str, values: dict[str, Any]) -> dict[str, Any]:
        """A response as Rasa's NLG contract wants it; raises ``NotFoundError`` for a wrong name."""
        source = self._sources.get(name)
        if source is None:
            raise NotFoundError(f"There is no response {name}.")
        texts = self._catalogues.get(language)
        return {
            "text": texts.gettext(source.get("text", "").strip(), **values),
            "buttons": [
                {**button, "title": texts.gettext(button["title"])}
                for button in source.get("buttons", [])
            ],
            "custom": source.get("custom", {}),
        }
