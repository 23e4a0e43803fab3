"""Keeps what the engine reads of a conversation short.

Rasa reads and replays all events of a conversation's session for every message,
so its answers get slower with every turn (84 ms instead of 32 ms after sixty
messages). Starting a new session with the slots carried over bounds that; it
is what Rasa itself does when a session expires.
"""

from __future__ import annotations

from typing import List

from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
    REQUESTED_SLOT,
)
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

# About six turns of a message, its slots, an action and its replies.
LONGEST_SESSION = 50


def is_long(tracker: DialogueStateTracker) -> bool:
    """Whether a new session is due; never in the middle of a form, which lives in its session."""
    return len(tracker.events) > LONGEST_SESSION and not tracker.active_loop_name


def after_a_person(tracker: DialogueStateTracker) -> List[Event]:
    """The events with which the dialogue goes on after a person took part in it.

    What was asked before the person came is not asked again: an open form is left, and a
    new session begins in which nothing is expected. What is known, the slots, is kept.
    """
    left: List[Event] = [SlotSet(REQUESTED_SLOT, None)]
    if tracker.active_loop_name:
        left.append(ActiveLoop(None))
    return [*left, *new_session(tracker)]


def new_session(tracker: DialogueStateTracker) -> List[Event]:
    """The events that begin a session with the slots of the one before."""
    slots: List[Event] = [
        SlotSet(name, value)
        for name, value in tracker.current_slot_values().items()
        # A question of a form that is left behind is not open any more.
        if value is not None and name != REQUESTED_SLOT
    ]
    return [
        ActionExecuted(ACTION_SESSION_START_NAME),
        SessionStarted(),
        *slots,
        ActionExecuted(ACTION_LISTEN_NAME),
    ]
