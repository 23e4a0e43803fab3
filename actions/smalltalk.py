"""Messages that were not understood, and starting again."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import Restarted
from rasa_sdk.executor import CollectingDispatcher


class NotUnderstood(Action):
    """Describes that the message was not understood; what follows depends on how often."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_not_understood"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the failure."""
        dispatcher.utter_message(json_message={"not_understood": True})
        return []


class Restart(Action):
    """Takes the place of Rasa's own action, whose words do not come from the catalogues."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_restart"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers that all begins anew and empties the dialogue."""
        dispatcher.utter_message(json_message={"restarted": True})
        return [Restarted()]
