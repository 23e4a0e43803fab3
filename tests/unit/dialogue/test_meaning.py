"""When the best meanings are close, which of them are asked about."""

from __future__ import annotations

from typing import Any

import pytest

from actions.meaning import close_meanings, other_meanings
from bot.dialogue.meanings import ASKABLE, ask_back, intent_name
from bot.i18n.languages import REPLY_LANGUAGES
from tests.support.talk import CATALOGUES


def understood(*ranking: tuple[str, float], decided: str = "", text: str = "words") -> Any:
    candidates = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    return {
        "text": text,
        "intent": {"name": decided or ranking[0][0], "confidence": 0.0},
        "intent_ranking": candidates,
    }


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        (understood(("ask_job", 0.9), ("ask_housing", 0.05)), []),
        (understood(("ask_job", 0.55), ("ask_education", 0.4)), ["ask_job", "ask_education"]),
        (understood(("ask_job", 0.6), ("ask_education", 0.3)), []),
        # Small talk is not asked about, and does not make a topic doubtful.
        (understood(("ask_job", 0.5), ("inform", 0.4)), []),
        (understood(("inform", 0.5), ("ask_job", 0.45)), []),
        # The engine was sure of nothing: one probable meaning is worth a question.
        (
            understood(("ask_job", 0.3), ("greet", 0.2), decided="out_of_scope"),
            ["ask_job"],
        ),
        (
            understood(
                ("ask_job", 0.3),
                ("ask_housing", 0.25),
                ("ask_health", 0.2),
                ("cancel_booking", 0.16),
                decided="out_of_scope",
            ),
            ["ask_job", "ask_housing", "ask_health"],
        ),
        (understood(("out_of_scope", 0.6), ("ask_job", 0.3)), []),
        (understood(("greet", 0.1), ("ask_job", 0.1), decided="out_of_scope"), []),
        # A button means one thing only.
        (understood(("ask_job", 0.5), ("ask_housing", 0.5), text="/ask_job"), []),
        ({"text": "words", "intent": {"name": None}}, []),
    ],
)
def test_what_is_asked_about(message: dict[str, Any], asked: list[str]) -> None:
    assert close_meanings(message) == asked


def test_after_a_wrong_answer_the_next_meanings_are_offered() -> None:
    message = understood(
        ("ask_job", 0.9), ("ask_recognition", 0.05), ("inform", 0.04), ("ask_health", 0.01)
    )
    assert other_meanings(message) == ["ask_recognition"]
    assert other_meanings({}) == []


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_meaning_has_a_name_of_its_own(language: str) -> None:
    names = [intent_name(intent, CATALOGUES[language]) for intent in ASKABLE]
    assert len(set(names)) == len(names)
    assert all(names)


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_the_question_names_all_choices(language: str) -> None:
    texts = CATALOGUES[language]
    question = ask_back(["ask_job", "ask_housing"], texts, again=False)
    for intent in ("ask_job", "ask_housing"):
        assert intent_name(intent, texts) in question.text
    assert [button.payload["intent"] for button in question.buttons] == [
        "ask_job",
        "ask_housing",
        "help",
        "request_human",
    ]
    assert [button.choosable for button in question.buttons] == [True, True, False, False]
    again = ask_back(["ask_job", "ask_housing"], texts, again=True)
    assert [button.payload["intent"] for button in again.buttons][2:] == ["request_human", "help"]


def test_a_sole_meaning_is_answered_with_yes_or_no() -> None:
    question = ask_back(["ask_job"], CATALOGUES["en"], again=False)
    assert [button.means for button in question.buttons] == ["yes", "no", ""]
