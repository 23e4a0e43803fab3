"""Asking for a person."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.forms import leave_form
from bot.handover.models import Reason


class RequestHuman(Action):
    """Describes that a person is wanted; the router carries it out."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_request_human"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the wish for a handover."""
        dispatcher.utter_message(json_message={"handover": Reason.ASKED.value})
        return leave_form(tracker)
