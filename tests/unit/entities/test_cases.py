"""What messages say, case by case: ``cases/<language>.yml``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from engine.entities.extract import extract
from engine.entities.wordlists import LANGUAGES

CASES = Path(__file__).parent / "cases"
FEWEST = 20


def _load(language: str) -> list[tuple[str, str]]:
    rows = yaml.safe_load((CASES / f"{language}.yml").read_text(encoding="utf-8"))
    return [(message, expected) for message, expected in rows]


def _cases() -> Iterator[object]:
    for language in LANGUAGES:
        for message, expected in _load(language):
            yield pytest.param(message, expected, id=f"{language}: {message}")


@pytest.mark.parametrize(("message", "expected"), list(_cases()))
def test_message_says_exactly_this(message: str, expected: str) -> None:
    found = {f"{entity.entity}={entity.value}" for entity in extract(message)}
    assert found == {part for part in expected.split(", ") if part}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_enough_cases(language: str) -> None:
    cases = _load(language)
    assert len(cases) >= FEWEST
    assert len({message for message, _ in cases}) == len(cases)
    assert sum(not expected for _, expected in cases) >= FEWEST // 4
