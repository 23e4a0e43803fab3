"""Domain, rules, training data and texts fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from actions import all_actions
from bot import commands
from bot.config import PROJECT
from bot.db.session import Database
from bot.dialogue.output import payload
from bot.dialogue.responses import Responses
from bot.errors import NotFoundError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.measures.answers import MeasureAnswers
from bot.measures.topics import Topic
from bot.privacy import consent
from tests.conftest import Clock
from tests.support.booking_form import booking_of
from tests.support.fakes import FakeMeanings
from tests.support.talk import CATALOGUES

TOPICS = (
    "ask_language_course",
    "ask_job",
    "ask_recognition",
    "ask_childcare",
    "ask_housing",
    "ask_education",
    "ask_health",
    "ask_residence",
    "ask_benefits",
    "ask_counselling",
    "ask_community",
)
INTENTS = {
    *TOPICS,
    "book_counselling",
    "change_booking",
    "cancel_booking",
    "show_bookings",
    "request_human",
    "report_emergency",
    "greet",
    "goodbye",
    "thank",
    "affirm",
    "deny",
    "help",
    "change_language",
    "more_results",
    "inform",
    "restart",
    "ask_privacy",
    "delete_my_data",
    "feedback_negative",
    "bot_challenge",
    "out_of_scope",
}
ENTITIES = {
    "german_level",
    "district",
    "child_age_months",
    "time_of_day",
    "weekday",
    "open_now",
    "format",
    "language",
    "audience",
    "childcare",
    "free_of_charge",
}
# Rasa's own.
BUILT_IN = {"action_restart"}


def merged(folder: str, key: str) -> list[Any]:
    """All entries under ``key`` in the files of a folder."""
    found: list[Any] = []
    for path in sorted((PROJECT / folder).glob("*.yml")):
        entries = yaml.safe_load(path.read_text("utf-8")).get(key) or []
        found += list(entries.items()) if isinstance(entries, dict) else entries
    return found


def name_of(entry: Any) -> str:
    return str(next(iter(entry))) if isinstance(entry, dict) else str(entry)


def steps(kind: str) -> list[str]:
    return [
        step[kind] for rule in merged("stories", "rules") for step in rule["steps"] if kind in step
    ]


INTENTS_OF_DOMAIN = {name_of(entry) for entry in merged("domain", "intents")}
ENTITIES_OF_DOMAIN = {name_of(entry) for entry in merged("domain", "entities")}
SOURCES: dict[str, list[dict[str, Any]]] = dict(merged("domain", "responses"))


@pytest.fixture(scope="module")
def responses() -> Responses:
    return Responses(CATALOGUES)


# Responses


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
@pytest.mark.parametrize("name", SOURCES)
def test_every_response_renders_in_every_language(
    responses: Responses, name: str, language: str
) -> None:
    made = responses.render(name, language, {})
    [source] = SOURCES[name]
    assert made["text"]
    assert (made["text"] == source["text"].strip()) is (language == "en")
    assert len(made["buttons"]) == len(source.get("buttons", []))
    assert all(0 < len(button["title"]) <= 40 for button in made["buttons"])


@pytest.mark.parametrize("name", SOURCES)
def test_every_payload_is_legal(responses: Responses, name: str) -> None:
    for button in responses.render(name, "en", {})["buttons"]:
        data = payload(button["payload"])
        if "command" in data:
            assert data["command"] in (consent.FORGET, commands.EXPORT)
        else:
            assert data["intent"] in INTENTS_OF_DOMAIN
            assert set(data["entities"]) <= ENTITIES_OF_DOMAIN


def test_an_unknown_response_is_an_error(responses: Responses) -> None:
    with pytest.raises(NotFoundError, match="utter_nothing"):
        responses.render("utter_nothing", "en", {})


def test_an_unserved_language_gets_english(responses: Responses) -> None:
    assert responses.render("utter_greet", "xx", {}) == responses.render("utter_greet", "en", {})


def test_values_are_inserted(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("responses: {utter_a: [{text: 'Hello {name}'}]}", "utf-8")
    (tmp_path / "b.yml").write_text("intents: [greet]", "utf-8")
    made = Responses(CATALOGUES, tmp_path).render("utter_a", "en", {"name": "Anna"})
    assert made == {"text": "Hello Anna", "buttons": [], "custom": {}}


# Domain and rules


def test_intents_and_entities_are_those_agreed() -> None:
    assert INTENTS_OF_DOMAIN == INTENTS
    assert ENTITIES_OF_DOMAIN >= ENTITIES
    assert {topic.intent for topic in Topic if topic != Topic.EMERGENCY} == set(TOPICS)
    assert all(Topic.from_intent(intent) for intent in TOPICS)


def test_every_intent_has_exactly_one_rule() -> None:
    assert sorted(steps("intent")) == sorted(INTENTS)


def test_rules_name_only_what_exists(sqlite: Database, clock: Clock) -> None:
    measures = MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)
    registered = {action.name() for action in all_actions(measures, booking_of(sqlite, clock))}
    named = {action for action in steps("action") if action.startswith("action_")}
    said = {action for action in steps("action") if action.startswith("utter_")}
    assert named <= registered | BUILT_IN
    assert said == set(SOURCES)
    assert {name_of(entry) for entry in merged("domain", "actions")} == registered


# Training data


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_intent_has_training_data_in_every_language(language: str) -> None:
    examples: dict[str, int] = {}
    for path in sorted((PROJECT / "nlu" / language).glob("*.yml")):
        for entry in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            if "intent" in entry:
                lines = [line for line in entry["examples"].splitlines() if line.startswith("- ")]
                examples[entry["intent"]] = examples.get(entry["intent"], 0) + len(lines)
    assert set(examples) == INTENTS
    assert min(examples.values()) >= 5
