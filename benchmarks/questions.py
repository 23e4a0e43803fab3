"""What the imagined users write: the same to both assistants, and never the same twice.

Both assistants have to answer from the same intents. A text that repeats would
be answered from the encoder's memory and flatter the product.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from enum import StrEnum


class Kind(StrEnum):
    """How the answer comes about."""

    FIXED = "fixed answer"
    """One intent, one text of the domain: ``utter_…``."""
    ACTION = "custom action"
    """The action endpoint is called: a search here, "Hello World!" in the stock assistant."""


INTENTS = {Kind.FIXED: "bot_challenge", Kind.ACTION: "ask_language_course"}

CORES: dict[Kind, tuple[str, ...]] = {
    Kind.FIXED: (
        "are you a bot",
        "am i talking to a bot",
        "are you a robot",
        "am i talking to a robot",
        "are you just a bot",
        "are you only a robot",
    ),
    Kind.ACTION: (
        "i am looking for a german course",
        "where can i learn german",
        "i need a german course",
        "is there a german course in the evening",
        "german course with childcare",
        "i want to start german classes",
    ),
}

_BEGINNINGS = (
    *("", "ok ", "please tell me, ", "excuse me, ", "sorry, ", "one question: ", "so ", "and "),
    *("but ", "please, ", "now ", "tell me, ", "well, ", "wait, ", "may i ask, ", "question: "),
)
_ENDINGS = ("", "?", "??", "!", " ...", " please", " please?", "?!")


def questions(kind: Kind) -> Iterator[str]:
    """Endlessly many texts; the same order in every run, none again within 768."""
    texts = ["".join(parts) for parts in itertools.product(_BEGINNINGS, CORES[kind], _ENDINGS)]
    random.Random(1).shuffle(texts)
    return itertools.cycle(texts)
