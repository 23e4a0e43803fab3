"""Messages that were not understood or answered wrongly, and starting again."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import Restarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.booking import FORM as BOOKING_FORM
from actions.meaning import close_meanings, other_meanings, previous_message
from actions.measures import QUESTION_SLOT, SEARCH_SLOT
from actions.wishes import question
from bot.booking.draft import Stop
from bot.measures.answers import PAGE_SIZE


class NotUnderstood(Action):
    """Asks what was meant, or describes the failure; what follows depends on how often."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_not_understood"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the meanings to choose from, or with the failure."""
        meanings = close_meanings(tracker.latest_message)
        if meanings:
            dispatcher.utter_message(json_message={"ask_back": meanings, "understood": False})
            return [SlotSet(QUESTION_SLOT, question(tracker.latest_message))]
        dispatcher.utter_message(json_message={"not_understood": True})
        return []


class OfferAlternatives(Action):
    """Answers "that's wrong" with what else may have been meant and where to go from here."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_offer_alternatives"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers with the next meanings of the message before; its wishes are kept for them."""
        before = previous_message(tracker)
        search = tracker.get_slot(SEARCH_SLOT) or {}
        more = len(search.get("ids", ())) > search.get("position", 0) + PAGE_SIZE
        dispatcher.utter_message(
            json_message={"alternatives": {"meanings": other_meanings(before), "more": more}}
        )
        return [SlotSet(QUESTION_SLOT, question(before))] if before else []


class Restart(Action):
    """Takes the place of Rasa's own action, whose words do not come from the catalogues."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_restart"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers that all begins anew and empties the dialogue; out of a form it only leaves."""
        if (tracker.active_loop or {}).get("name") == BOOKING_FORM:
            dispatcher.utter_message(json_message={"booking_stopped": Stop.LEFT.value})
        else:
            dispatcher.utter_message(json_message={"restarted": True})
        return [Restarted()]
