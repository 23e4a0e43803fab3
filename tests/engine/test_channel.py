"""What was answered to a message is read from the conversation."""

from __future__ import annotations

from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    Event,
    SlotSet,
    UserUttered,
)

from engine.channel import answer_from_events

INTENT = {"name": "greet", "confidence": 0.9}
BUTTONS = [{"title": "Work", "payload": "/find_work"}]


def said(message_id: str, intent: dict[str, object] = INTENT) -> UserUttered:
    return UserUttered("hello", intent, message_id=message_id)


def test_a_message_not_processed_yet_has_no_answer() -> None:
    assert answer_from_events([], "1") is None
    assert answer_from_events([said("1"), BotUttered("Hello")], "2") is None


def test_the_answer_is_what_was_said_until_the_next_message() -> None:
    events: list[Event] = [
        said("1"),
        BotUttered("One"),
        ActionExecuted("action_listen"),
        said("2"),
        SlotSet("topic", "work"),
        BotUttered("Two"),
        ActionExecuted("utter_more"),
        BotUttered("Two and a half"),
        ActionExecuted("action_listen"),
        said("3"),
        BotUttered("Three"),
    ]
    assert answer_from_events(events, "2") == {
        "intent": INTENT,
        "messages": [{"text": "Two"}, {"text": "Two and a half"}],
    }


def test_a_reply_holds_what_it_has_and_nothing_empty() -> None:
    events = [
        said("1"),
        BotUttered("Choose:", {"buttons": BUTTONS, "image": None, "elements": []}),
        BotUttered(None, {"custom": {"offers": [1, 2]}, "buttons": None}),
    ]
    answer = answer_from_events(events, "1")
    assert answer is not None
    assert answer["messages"] == [
        {"text": "Choose:", "buttons": BUTTONS},
        {"custom": {"offers": [1, 2]}},
    ]


def test_a_message_that_nothing_was_said_to_is_answered_by_nothing() -> None:
    assert answer_from_events([said("1"), said("2"), BotUttered("Hello")], "1") == {
        "intent": INTENT,
        "messages": [],
    }


def test_of_the_intent_only_name_and_confidence_are_told() -> None:
    answer = answer_from_events([said("1", {**INTENT, "metadata": "private"})], "1")
    assert answer is not None
    assert answer["intent"] == INTENT


def test_a_message_without_an_intent_has_an_empty_one() -> None:
    answer = answer_from_events([said("1", {})], "1")
    assert answer is not None
    assert answer["intent"] == {"name": None, "confidence": None}
