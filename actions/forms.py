"""Leaving an open form from outside of it."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, SlotSet


def leave_form(tracker: Tracker) -> list[dict[str, Any]]:
    """The events that leave the open form, if one is open: a person goes on from here.

    A time that the form holds is let go by itself after some minutes.
    """
    if not (tracker.active_loop or {}).get("name"):
        return []
    return [ActiveLoop(None), SlotSet("requested_slot", None)]
