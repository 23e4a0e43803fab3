"""A long conversation stays quick: the engine reads the present session of it only."""

from __future__ import annotations

import pytest
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.events import ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker

from engine import history
from tests.engine.application import Application
from tests.engine.assistant import EngineProcess

TURNS = 80
LONGEST_TURN = 10


@pytest.fixture
def tracker() -> DialogueStateTracker:
    slots = [
        AnySlot(name, mappings=[{"type": "custom"}])
        for name in ("topic", "free", "none", REQUESTED_SLOT)
    ]
    return DialogueStateTracker("somebody", slots)


def test_a_conversation_is_long_after_so_many_events(tracker: DialogueStateTracker) -> None:
    for _ in range(history.LONGEST_SESSION):
        tracker.update(UserUttered("hello"))
    assert not history.is_long(tracker)
    tracker.update(UserUttered("hello"))
    assert history.is_long(tracker)


def test_a_form_is_not_interrupted(tracker: DialogueStateTracker) -> None:
    for _ in range(history.LONGEST_SESSION + 1):
        tracker.update(UserUttered("hello"))
    tracker.update(ActiveLoop("booking_form"))
    assert not history.is_long(tracker)
    tracker.update(ActiveLoop(None))
    assert history.is_long(tracker)


def test_a_new_session_has_the_slots_and_nothing_else(tracker: DialogueStateTracker) -> None:
    said = [UserUttered("work"), SlotSet("topic", "work"), SlotSet("free", False)]
    tracker.update_with_events(said, None)
    tracker.update_with_events(history.new_session(tracker), None)
    assert tracker.current_slot_values() == {
        "topic": "work",
        "free": False,
        "none": None,
        REQUESTED_SLOT: None,
    }
    assert tracker.latest_action_name == "action_listen"
    assert [type(event).__name__ for event in tracker.applied_events()] == [
        "SlotSet",
        "SlotSet",
        "ActionExecuted",
    ]


def test_after_a_person_the_form_is_left_and_what_is_known_is_kept(
    tracker: DialogueStateTracker,
) -> None:
    said = [
        UserUttered("book"),
        SlotSet("topic", "work"),
        ActiveLoop("booking_form"),
        SlotSet(REQUESTED_SLOT, "topic"),
    ]
    tracker.update_with_events(said, None)
    assert tracker.active_loop_name == "booking_form"
    tracker.update_with_events(history.after_a_person(tracker), None)
    assert tracker.active_loop_name is None
    assert tracker.get_slot(REQUESTED_SLOT) is None
    assert tracker.get_slot("topic") == "work"
    assert tracker.latest_action_name == "action_listen"
    again = list(tracker.events)
    tracker.update_with_events(history.after_a_person(tracker), None)
    assert len(tracker.events) > len(again), "a repeated call is harmless"
    assert tracker.current_slot_values()["topic"] == "work"


def test_eighty_turns_stay_bounded_and_keep_the_slot(
    engine: EngineProcess, application: Application
) -> None:
    engine.send("talkative", "/find_work", "0")
    longest = 0
    for turn in range(1, TURNS):
        assert engine.send("talkative", "/greet", str(turn)).json()["repeated"] is False
        kinds = engine.stored_events("talkative")
        longest = max(longest, kinds[::-1].index("session_started"))
    assert longest <= history.LONGEST_SESSION + LONGEST_TURN
    assert longest > history.LONGEST_SESSION - LONGEST_TURN, "the bound was reached"
    # Every event is stored once: a message and a reply for each turn, two replies for the first.
    assert (kinds.count("user"), kinds.count("bot")) == (TURNS, TURNS + 1)
    assert application.response_calls[-1]["tracker"]["slots"]["topic"] == "work"
    last = engine.send("talkative", "/greet", str(TURNS - 1)).json()
    assert last["repeated"] is True
    assert len(application.response_calls) == TURNS - 1
