"""What holds for every text, however odd."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.entities import daytimes, districts, languages, levels, topics, weekdays
from engine.entities.entity import (
    AUDIENCE,
    CHILD_AGE_MONTHS,
    CHILDCARE,
    CHOICE,
    DISTRICT,
    FORMAT,
    FREE_OF_CHARGE,
    GERMAN_LEVEL,
    LANGUAGE,
    OPEN_NOW,
    TIME_OF_DAY,
    WEEKDAY,
)
from engine.entities.extract import extract, warm_up
from engine.entities.text import normalise
from engine.entities.wordlists import LOOKUPS

LEGAL = {
    GERMAN_LEVEL: set(levels.LEVELS),
    CHILD_AGE_MONTHS: set(range(216)),
    DISTRICT: set(districts.values()),
    TIME_OF_DAY: set(daytimes.VALUES),
    WEEKDAY: set(weekdays.VALUES),
    OPEN_NOW: {"yes"},
    FORMAT: set(topics.VALUES[FORMAT]),
    LANGUAGE: set(languages.codes()),
    AUDIENCE: set(topics.VALUES[AUDIENCE]),
    CHILDCARE: {"yes"},
    FREE_OF_CHARGE: {"yes"},
    CHOICE: {-1, *range(1, 21)},
}
# Every word of every list, so that chance puts together what people might.
WORDS = sorted(
    {
        word
        for path in LOOKUPS.glob("*.yml")
        for word in re.findall(r"[^\W\d_]+", path.read_text(encoding="utf-8"))
    }
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.one_of(
            st.sampled_from(WORDS),
            st.integers(-5, 400).map(str),
            st.sampled_from(["1,5", "2½", "٣", "A 2", "-", ",", ".", "2-3", "½", "\u200c", "…"]),
        ),
        max_size=14,
    ).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_entities_are_legal_and_lie_in_the_text(text: str) -> None:
    found = extract(text)
    for entity in found:
        assert 0 <= entity.start < entity.end <= len(text)
        assert entity.value in LEGAL[entity.entity]
    assert len({(entity.entity, entity.value) for entity in found}) == len(found)
    if any(entity.entity == CHOICE for entity in found):
        assert len(found) == 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_normalising_keeps_the_way_back(text: str) -> None:
    message = normalise(text)
    assert len(message.origins) == len(message.text)
    assert list(message.origins) == sorted(message.origins)
    for token in message.tokens:
        start, end = message.span(token.start, token.end)
        assert 0 <= start < end <= len(text)


def test_span_covers_what_was_said_in_the_original_spelling() -> None:
    text = "🙂 Bitte in MÖHRINGEN, für Kind 2½ Jahre"
    spans = {entity.entity: text[entity.start : entity.end] for entity in extract(text)}
    assert spans == {DISTRICT: "MÖHRINGEN", CHILD_AGE_MONTHS: "2½ Jahre"}


def test_a_value_said_twice_comes_out_once() -> None:
    found = extract("B1, ja, B1 in Feuerbach, Feuerbach")
    assert [entity.value for entity in found] == ["B1", "Feuerbach"]


def test_a_very_long_message_is_read_from_its_beginning() -> None:
    assert [entity.value for entity in extract("B1 " + "и так далее " * 20_000)] == ["B1"]


def test_a_message_takes_about_a_millisecond() -> None:
    warm_up()
    text = "Ich suche für meinen Sohn, 3 Jahre, in Feuerbach einen Kurs abends nach 18 Uhr"
    extract(text)
    started = time.perf_counter()
    for _ in range(100):
        extract(text)
    # Ten times what it takes on a laptop: this is to notice a slip into seconds.
    assert (time.perf_counter() - started) / 100 < 0.02
