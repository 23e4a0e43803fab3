"""Entities that are a matter of words alone: form, audience, childcare, cost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engine.entities.entity import AUDIENCE, CHILDCARE, FORMAT, FREE_OF_CHARGE, Entity
from engine.entities.matcher import NONE, PhraseMatcher, compile_list
from engine.entities.negation import Negations
from engine.entities.text import Message
from engine.entities.wordlists import load

VALUES: dict[str, tuple[str, ...]] = {
    FORMAT: ("online", "in_person"),
    CHILDCARE: ("yes",),
    FREE_OF_CHARGE: ("yes",),
    AUDIENCE: (
        "women",
        "men",
        "mothers",
        "parents",
        "families",
        "children",
        "youth",
        "adults",
        "seniors",
        "refugees",
        "workers",
        "skilled_workers",
        "students",
        "jobseekers",
        "self_employed",
        "people_with_disabilities",
        "lgbtq",
        "ukrainians",
    ),
}


@lru_cache(maxsize=len(VALUES))
def _matcher(entity: str) -> PhraseMatcher[str]:
    legal = (*VALUES[entity], NONE)
    wordlist = load(entity, lambda value: value in legal)
    return compile_list(wordlist, wordlist.spellings)


def find(message: Message, negations: Negations) -> Iterator[Entity]:
    """Formats, audiences, childcare and cost, unless they are ruled out."""
    for entity in VALUES:
        for match in _matcher(entity).find(message):
            if match.value != NONE and not negations.cover(match.first, match.last):
                yield Entity(entity, match.value, *message.span_of(match.first, match.last))
