"""The one entrance: what a message says about levels, ages, places and wishes.

Pure Python with two data sources, the word lists under ``nlu/lookups/`` and CLDR.
Nothing is learned, so that a new value needs a line in a list and no training.
"""

from __future__ import annotations

from engine.entities import (
    ages,
    choices,
    daytimes,
    districts,
    languages,
    levels,
    openings,
    topics,
    weekdays,
)
from engine.entities.entity import CHOICE, Entity
from engine.entities.negation import Negations
from engine.entities.text import normalise

# A longer message is not a question any more; reading on would only cost time.
_LONGEST = 4000


def extract(text: str) -> list[Entity]:
    """All entities of a message in the order of the text, each value once."""
    message = normalise(text[:_LONGEST])
    if not message.tokens:
        return []
    negations = Negations(message)
    times = list(daytimes.find(message, negations))
    days = list(weekdays.find(message, negations, times))
    if weekdays.is_place_as_well(message, days) and any(choices.find(message)):
        days = []
    found = [
        *levels.find(message),
        *ages.find(message),
        *districts.find(message, negations),
        *times,
        *days,
        *openings.find(message, negations, names_days=bool(days)),
        *topics.find(message, negations),
        *languages.find(message, negations),
    ]
    if not found:
        found = list(choices.find(message))
    first: dict[tuple[str, str | int], Entity] = {}
    for entity in sorted(found, key=lambda one: (one.start, one.end, one.entity)):
        first.setdefault((entity.entity, entity.value), entity)
    return list(first.values())


def place(text: str) -> int | None:
    """Which place a text names when it says nothing else; -1 is the last, None is none."""
    return next((int(found.value) for found in extract(text) if found.entity == CHOICE), None)


def warm_up() -> None:
    """Reads all word lists, so that the first message need not wait and mistakes show."""
    extract("2 Jahre, B1, in Feuerbach, abends nach 18 Uhr, nicht online, montags offen")
    choices.find(normalise("2"))
