"""The form that takes a hint that something about an offer is wrong."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

FORM = "correction_form"
MEASURE_SLOT = "correction_measure"
TEXT_SLOT = "correction_text"
REQUESTED_SLOT = "requested_slot"
# Whoever says one of these does not describe a mistake.
LEAVING = frozenset({"deny", "goodbye", "help", "request_human", "more_results", "change_language"})
SURE = 0.6

Events = list[dict[str, Any]]


class AskCorrection(Action):
    """Asks what is wrong."""

    def name(self) -> str:
        """The action's name in the domain; the form finds it by its slot's name."""
        return f"action_ask_{TEXT_SLOT}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Describes the question."""
        dispatcher.utter_message(json_message={"ask_correction": True})
        return []


class ValidateCorrection(Action):
    """Takes what was said as the hint, unless it is something else."""

    def name(self) -> str:
        """The action's name in the domain; Rasa calls it by the form's name."""
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Fills the slot; fills nothing when the form is to give way."""
        message = tracker.latest_message
        if tracker.get_slot(REQUESTED_SLOT) != TEXT_SLOT:
            return []
        about = next(tracker.get_latest_entity_values("about"), None)
        if about:
            return [SlotSet(TEXT_SLOT, str(about))]
        intent = message.get("intent") or {}
        pressed = str(message.get("text") or "").startswith("/")
        leaves = intent.get("name") in LEAVING and intent.get("confidence", 0.0) >= SURE
        return [] if pressed or leaves else [SlotSet(TEXT_SLOT, str(message.get("text") or ""))]


class NoteCorrection(Action):
    """Hands the hint on and empties the form."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_note_correction"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Describes the hint; what may have been a question instead can be asked with one press."""
        message = tracker.latest_message
        meant = str((message.get("intent") or {}).get("name") or "")
        dispatcher.utter_message(
            json_message={
                "correction": {
                    "measure": tracker.get_slot(MEASURE_SLOT),
                    "text": tracker.get_slot(TEXT_SLOT),
                },
                "question": meant if meant.startswith("ask_") else None,
            }
        )
        return [SlotSet(MEASURE_SLOT, None), SlotSet(TEXT_SLOT, None)]
