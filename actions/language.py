"""Changing the language of the replies."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher


class ChangeLanguage(Action):
    """Describes the wish for another language, if one was named."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_change_language"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the language's code, or with None when none was named."""
        wanted = next(tracker.get_latest_entity_values("language"), None)
        dispatcher.utter_message(json_message={"language": wanted})
        return []
