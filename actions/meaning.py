"""What a message may mean when no single intent is clearly meant."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from bot.dialogue.meanings import ASKABLE

# At most so many are offered to choose from.
MOST = 3
# A meaning less probable than this is not worth asking about.
LEAST = 0.15
# The best meaning is clear when the next is this much less probable.
CLEAR_BY = 0.2
# After "that's wrong" even an improbable meaning may be the right one.
LEAST_AFTER_ALL = 0.03

OUT_OF_SCOPE = "out_of_scope"


def close_meanings(message: dict[str, Any]) -> list[str]:
    """The intents among which a person has to choose, best first; empty when one is clear.

    After a message that the engine took for out of scope, because it was sure of nothing, one
    intent is enough to ask about; otherwise there are two or more. Only intents with a name
    that can stand on a button count.
    """
    ranking = _ranking(message)
    probable = [name for name, confidence in ranking if confidence >= LEAST]
    if not probable:
        return []
    if _decided(message) == OUT_OF_SCOPE:
        return [] if probable[0] == OUT_OF_SCOPE else _askable(probable)
    best = ranking[0][1]
    near = [name for name, confidence in ranking if confidence >= max(LEAST, best - CLEAR_BY)]
    close = _askable(near) if near[0] in ASKABLE else []
    return close if len(close) > 1 else []


def other_meanings(message: dict[str, Any]) -> list[str]:
    """What else a message may have meant, once the meaning acted upon was wrong."""
    decided = _decided(message)
    return _askable(
        [
            name
            for name, confidence in _ranking(message)
            if confidence >= LEAST_AFTER_ALL and name != decided
        ]
    )


def previous_message(tracker: Tracker) -> dict[str, Any]:
    """The message before the latest one, as it was understood; empty when there was none."""
    said = [event["parse_data"] for event in tracker.events if event.get("event") == "user"]
    return said[-2] if len(said) > 1 else {}


def _decided(message: dict[str, Any]) -> str:
    return str((message.get("intent") or {}).get("name") or "")


def _ranking(message: dict[str, Any]) -> list[tuple[str, float]]:
    """Intents with their probabilities, best first; nothing for the press of a button."""
    if str(message.get("text") or "").startswith("/"):
        return []
    return [
        (str(candidate["name"]), float(candidate["confidence"]))
        for candidate in message.get("intent_ranking") or []
    ]


def _askable(names: list[str]) -> list[str]:
    return [name for name in names if name in ASKABLE][:MOST]
