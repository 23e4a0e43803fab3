"""Emergencies that the trained model recognised."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.forms import leave_form


class ReportEmergency(Action):
    """Describes an emergency; the fixed texts stand in ``bot/safety``."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_report_emergency"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the emergency."""
        dispatcher.utter_message(json_message={"emergency": True})
        return leave_form(tracker)
