"""Searching offers, refining the search, going on in it, showing one offer."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.corrections import FORM, MEASURE_SLOT, TEXT_SLOT
from actions.meaning import close_meanings
from actions.wishes import dated, entities_of, fitting, question, wishes_of, written
from bot.measures.answers import PAGE_SIZE, MeasureAnswers
from bot.measures.search import Wishes
from bot.measures.topics import Topic

SEARCH_SLOT = "search"
# What was asked before it was clear which topic it is about.
QUESTION_SLOT = "question"
# So many offers of one search can be paged through; the slot stays small.
REMEMBERED = 30

Events = list[dict[str, Any]]


class _MeasureAction(Action):
    def __init__(self, measures: MeasureAnswers) -> None:
        self._measures = measures

    async def search(
        self,
        dispatcher: CollectingDispatcher,
        topic: Topic,
        wishes: dict[str, Any],
        text: str,
        *,
        explained: bool = False,
    ) -> Events:
        """Searches and describes the first offers; the search goes on from its slot.

        An explanation may come before them, unless the question was ``explained`` already.
        """
        wishes = dated(wishes, self._measures.today())
        # The search computes and reads; a thread keeps other conversations going.
        found = await asyncio.to_thread(
            self._measures.find, topic=topic, wishes=Wishes.of(wishes), text=text
        )
        guide = None
        if not explained:
            guide = await asyncio.to_thread(
                self._measures.guide, topic=topic, text=text, offers=found
            )
        state = {
            "topic": topic.value,
            "wishes": wishes,
            "text": text,
            "ids": list(found.ids[:REMEMBERED]),
            "unconfirmed": list(found.unconfirmed),
            "dropped": list(found.dropped),
            "guide": guide,
            "position": 0,
        }
        _show(dispatcher, state)
        return [SlotSet(SEARCH_SLOT, state), SlotSet(QUESTION_SLOT, None)]


class SearchMeasures(_MeasureAction):
    """Answers a question about a topic with the offers that fit it best."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_search_measures"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Starts a new search with the wishes of this message, or asks which topic is meant.

        Wishes of an older search are dropped. The button that answers "what is it about?"
        takes the question that led to it along.
        """
        message = tracker.latest_message
        meanings = close_meanings(message)
        if meanings:
            dispatcher.utter_message(json_message={"ask_back": meanings, "understood": True})
            return [SlotSet(QUESTION_SLOT, question(message))]
        topic = Topic.from_intent(str(tracker.get_intent_of_latest_message())) or Topic.COUNSELLING
        asked = question(message)
        state = tracker.get_slot(SEARCH_SLOT)
        if topic == Topic.CHILDCARE and state and "childcare" in asked["wishes"]:
            # "With childcare" is a wish for the offers searched for, not another topic.
            wishes = {**state["wishes"], **asked["wishes"]}
            return await self.search(
                dispatcher, Topic(state["topic"]), wishes, state["text"], explained=True
            )
        if not asked["text"]:
            asked = tracker.get_slot(QUESTION_SLOT) or asked
        wishes = fitting(topic, asked["wishes"])
        return await self.search(dispatcher, topic, wishes, asked["text"])


class RefineSearch(_MeasureAction):
    """Adds a wish to the running search or takes one back; shows an offer that was chosen."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_refine_search"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Shows details of a chosen offer, else searches again with the wishes changed."""
        state = tracker.get_slot(SEARCH_SLOT)
        entities = entities_of(tracker.latest_message)
        if "measure" in entities:
            dispatcher.utter_message(json_message={"offer": str(entities["measure"])})
            return []
        if "booking" in entities:
            # The form it belongs to is closed, or it would have taken the button itself.
            dispatcher.utter_message(json_message={"booking_old_button": True})
            return []
        if "correct" in entities:
            return [
                SlotSet(MEASURE_SLOT, str(entities["correct"])),
                SlotSet(TEXT_SLOT, None),
                FollowupAction(FORM),
            ]
        if state is None:
            dispatcher.utter_message(json_message={"ask_topic": True})
            return [SlotSet(QUESTION_SLOT, question(tracker.latest_message))]
        wishes = {**state["wishes"], **wishes_of(tracker.latest_message)}
        wishes.pop(str(entities.get("without")), None)
        text = f"{state['text']} {written(tracker.latest_message)}".strip()
        return await self.search(dispatcher, Topic(state["topic"]), wishes, text, explained=True)


class MoreMeasures(_MeasureAction):
    """Shows the next offers of the running search."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_more_measures"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Moves on by one page; asks for a topic when nothing was searched yet."""
        state = tracker.get_slot(SEARCH_SLOT)
        if state is None:
            dispatcher.utter_message(json_message={"ask_topic": True})
            return []
        moved = {
            **state,
            "position": state["position"] + PAGE_SIZE,
            "unconfirmed": [],
            "dropped": [],
            "guide": None,
        }
        _show(dispatcher, moved)
        return [SlotSet(SEARCH_SLOT, moved)]


def _show(dispatcher: CollectingDispatcher, state: dict[str, Any]) -> None:
    position = state["position"]
    dispatcher.utter_message(
        json_message={
            "offers": {
                "topic": state["topic"],
                "ids": state["ids"][position : position + PAGE_SIZE],
                "total": len(state["ids"]),
                "position": position,
                "wishes": state["wishes"],
                "unconfirmed": state["unconfirmed"],
                "dropped": state["dropped"],
                "guide": state["guide"],
            }
        }
    )
