"""What a message wishes of an offer: its entities as plain data for slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from bot.measures.search import WEEK, Near, Wishes
from bot.measures.topics import Topic

_AS_THEY_ARE = ("german_level", "district", "format", "language", "audience")
_YES = ("childcare", "free_of_charge", "open_now")
_FROM_NOW = {"today": 0, "tomorrow": 1}
_WEEKEND = {"sa", "su"}
# Questions about these name the day of an interview or a deadline, not of an offer.
_DATED_TOPICS = frozenset(
    {Topic.JOB, Topic.RECOGNITION, Topic.HOUSING, Topic.RESIDENCE, Topic.BENEFITS}
)


def wishes_of(message: dict[str, Any]) -> dict[str, Any]:
    """The wishes that a message's entities express, as plain data for a slot.

    A weekday may be ``today`` or ``tomorrow`` until ``dated`` has seen a calendar.
    """
    entities = entities_of(message)
    wishes: dict[str, Any] = {name: entities[name] for name in _AS_THEY_ARE if name in entities}
    if "child_age_months" in entities:
        wishes["child_age_months"] = int(entities["child_age_months"])
    days = _values(message, "weekday")
    times = _values(message, "time_of_day")
    if days & _WEEKEND:
        # Whoever names Saturday does not ask for Sunday as well.
        times -= {"weekend"}
    if times:
        wishes["time_of_day"] = sorted(times)
    if days:
        wishes["weekday"] = _in_order(days)
    for name in _YES:
        if name in entities:
            wishes[name] = True
    if near := _near(str(entities.get("near", ""))):
        wishes["near"] = near
    return wishes


def fitting(topic: Topic, wishes: dict[str, Any]) -> dict[str, Any]:
    """The wishes of a new question that are about the offers of its topic."""
    if topic not in _DATED_TOPICS or wishes.get("open_now"):
        return wishes
    return {name: wish for name, wish in wishes.items() if name != "weekday"}


def dated(wishes: dict[str, Any], today: date) -> dict[str, Any]:
    """The same wishes with ``today`` and ``tomorrow`` as the days of the week that they are."""
    if "weekday" not in wishes:
        return wishes
    days = {
        WEEK[(today + timedelta(days=_FROM_NOW[day])).weekday()] if day in _FROM_NOW else day
        for day in wishes["weekday"]
    }
    return {**wishes, "weekday": _in_order(days)}


def question(message: dict[str, Any]) -> dict[str, Any]:
    """What a message asks for, apart from its topic, as plain data for a slot."""
    return {"text": written(message), "wishes": wishes_of(message)}


def written(message: dict[str, Any]) -> str:
    """What the person wrote, in their language's own letters if the engine found them.

    Nothing when a button was pressed.
    """
    text = str(message.get("native_text") or message.get("text") or "")
    return "" if text.startswith("/") else text


def entities_of(message: dict[str, Any]) -> dict[str, Any]:
    """The last value of each entity of a message, by name."""
    return {entity["entity"]: entity["value"] for entity in message.get("entities", [])}


def _values(message: dict[str, Any], name: str) -> set[str]:
    return {
        str(entity["value"]) for entity in message.get("entities", []) if entity["entity"] == name
    }


def _in_order(days: Iterable[str]) -> list[str]:
    order = [*_FROM_NOW, *WEEK]
    return sorted((day for day in days if day in order), key=order.index)


def _near(position: str) -> dict[str, float] | None:
    """The place that a shared location names, or None."""
    latitude, _, longitude = position.partition(",")
    try:
        near = Near(latitude=float(latitude), longitude=float(longitude))
    except ValueError:
        return None
    place: dict[str, float] = Wishes(near=near).data()["near"]
    return place
