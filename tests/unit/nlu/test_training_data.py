"""The training messages teach one thing each: no repetition, no contradiction, no lopsidedness.

What each intent means stands in ``docs/annotation.md``.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest
import yaml

from bot.i18n.identify import identify
from bot.i18n.languages import REPLY_LANGUAGES

ROOT = Path(__file__).parents[3]
NLU = ROOT / "nlu"
HELD_OUT = sorted((ROOT / "benchmarks/nlu").glob("*.tsv"))
LANGUAGES = tuple(sorted(path.name for path in NLU.iterdir() if len(path.name) == 2))

FEWEST, FEWEST_OF_CORE = 15, 25
LARGEST_SHARE = 0.1
ALIKE = 0.75
"""Share of common trigrams from which two messages are one to a hasty reader."""
TELLING_WORDS = 8
"""Shorter messages are often made of loan words alone and say little about their language."""

_SCRIPTS = {"ar": "ARABIC", "fa": "ARABIC", "uk": "CYRILLIC", "ru": "CYRILLIC", "el": "GREEK"}
_CORE = {"book_counselling", "change_booking", "cancel_booking", "show_bookings"}
_CORE |= {"request_human", "report_emergency"}
_TURN_A_MEANING_ROUND = {"affirm", "deny", "thank", "feedback_negative"}
_SAID_ON_ITS_OWN_OR_OF_A_COURSE = "inform"


class Lesson(NamedTuple):
    language: str
    intent: str
    text: str


def lessons() -> Iterator[Lesson]:
    for path in sorted(NLU.glob("??/*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                if "intent" in block:
                    assert line.startswith("- "), f"{path.name}: {line}"
                    yield Lesson(path.parent.name, block["intent"], line[2:].strip())


LESSONS = list(lessons())
INTENTS = sorted({lesson.intent for lesson in LESSONS})


def key(text: str) -> str:
    """The text without case and punctuation; what has no letters stands for itself."""
    bare = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return bare or text.strip()


def without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", key(text))
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def is_core(intent: str) -> bool:
    return intent in _CORE or (intent.startswith("ask_") and intent != "ask_privacy")


def trigrams(text: str) -> frozenset[str]:
    padded = f"  {without_accents(text)} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def alike(some: list[Lesson]) -> Iterator[tuple[Lesson, Lesson]]:
    """Pairs of different intents whose trigrams overlap by ``ALIKE`` or more.

    Two sets that much alike share one of the rarest few of each, so only those are looked up.
    """
    sets = [trigrams(lesson.text) for lesson in some]
    common = Counter(gram for grams in sets for gram in grams)
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for row, grams in enumerate(sets):
        rarest = sorted(grams, key=lambda gram: (common[gram], gram))
        prefix = rarest[: len(grams) - int(ALIKE * len(grams)) + 1]
        for other in sorted({other for gram in prefix for other in seen[gram]}):
            both = len(grams & sets[other])
            share = both / (len(grams) + len(sets[other]) - both)
            if share >= ALIKE and some[row].intent != some[other].intent:
                yield some[other], some[row]
        for gram in prefix:
            seen[gram].append(row)


def repeated(keys: Iterable[tuple[str, Lesson]]) -> dict[str, list[Lesson]]:
    groups: defaultdict[str, list[Lesson]] = defaultdict(list)
    for name, lesson in keys:
        groups[name].append(lesson)
    return {name: group for name, group in groups.items() if len(group) > 1}


def test_no_message_stands_twice() -> None:
    assert not repeated((key(lesson.text), lesson) for lesson in LESSONS)


def test_no_message_teaches_two_intents() -> None:
    groups = repeated((without_accents(lesson.text), lesson) for lesson in LESSONS)
    assert not {
        text: group
        for text, group in groups.items()
        if len({lesson.intent for lesson in group}) > 1
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_of_two_intents_differ_by_more_than_a_slip(language: str) -> None:
    own = [lesson for lesson in LESSONS if lesson.language == language]
    doubtful = [
        pair
        for pair in alike(own)
        if not {lesson.intent for lesson in pair}
        & (_TURN_A_MEANING_ROUND | {_SAID_ON_ITS_OWN_OR_OF_A_COURSE})
    ]
    assert not doubtful


def test_two_messages_alike_are_found() -> None:
    first = Lesson("en", "ask_housing", "how do i get a cheap flat in stuttgart")
    second = Lesson("en", "ask_job", "how do i get a cheap flat in Stuttgard")
    assert list(alike([first, Lesson("en", "greet", "good morning"), second])) == [(first, second)]


def test_a_measured_message_is_not_taught() -> None:
    taught = {key(lesson.text) for lesson in LESSONS}
    for path in HELD_OUT:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            known = [row["text"] for row in rows if key(row["text"]) in taught]
        assert not known, f"{path.name} holds training messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_are_those_of_the_language_or_latin(language: str) -> None:
    # An apostrophe that counts as a letter is a "modifier".
    allowed = {"LATIN", "MODIFIER", _SCRIPTS.get(language, "LATIN")}
    foreign = [
        lesson.text
        for lesson in LESSONS
        if lesson.language == language
        for letter in lesson.text
        if letter.isalpha() and unicodedata.name(letter).split()[0] not in allowed
    ]
    assert not foreign


@pytest.mark.parametrize("language", LANGUAGES)
def test_longer_messages_are_in_their_language(language: str) -> None:
    own = [lesson.text for lesson in LESSONS if lesson.language == language]
    telling = [text for text in own if len(text.split()) >= TELLING_WORDS]
    wrong = [text for text in telling if identify(text, served=LANGUAGES).written != language]
    assert len(wrong) <= 0.02 * len(telling), wrong


def test_every_reply_language_is_taught() -> None:
    assert set(REPLY_LANGUAGES) <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_has_enough_messages_and_none_too_many(language: str) -> None:
    counts = Counter(lesson.intent for lesson in LESSONS if lesson.language == language)
    few = {
        intent: counts[intent]
        for intent in INTENTS
        if counts[intent] < (FEWEST_OF_CORE if is_core(intent) else FEWEST)
    }
    assert not few
    assert max(counts.values()) <= LARGEST_SHARE * counts.total()


def test_languages_are_taught_about_equally() -> None:
    counts = [len(list(group)) for _, group in groupby(LESSONS, lambda lesson: lesson.language)]
    assert min(counts) >= median(counts) / 1.5
    assert max(counts) <= median(counts) * 1.5
