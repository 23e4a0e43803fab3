"""The rules for entities as a part of Rasa's pipeline."""

from __future__ import annotations

from typing import Any, cast

import babel
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.entities import component
from engine.entities.component import RuleEntityExtractor
from engine.romanised.component import NATIVE_TEXT


@pytest.fixture(scope="module")
def extractor() -> RuleEntityExtractor:
    # Nothing is trained, so nothing is read from the storage.
    storage = cast(ModelStorage, None)
    context = ExecutionContext(GraphSchema({}), node_name="extractor")
    return RuleEntityExtractor.create({}, storage, Resource("extractor"), context)


def entities(extractor: RuleEntityExtractor, data: dict[str, Any]) -> Any:
    [message] = extractor.process([Message(data)])
    return message.get(ENTITIES)


def test_an_entity_names_its_place_and_its_extractor(extractor: RuleEntityExtractor) -> None:
    assert entities(extractor, {TEXT: "I have B1"}) == [
        {
            "entity": "german_level",
            "start": 7,
            "end": 9,
            "value": "B1",
            "extractor": "RuleEntityExtractor",
        }
    ]


def test_entities_are_part_of_what_is_told_of_a_message(extractor: RuleEntityExtractor) -> None:
    [message] = extractor.process([Message({TEXT: "I have B1"})])
    [entity] = message.as_dict(only_output_properties=True)[ENTITIES]
    assert entity["value"] == "B1"


def test_entities_found_before_are_kept(extractor: RuleEntityExtractor) -> None:
    before = {"entity": "name", "start": 0, "end": 1, "value": "I", "extractor": "Another"}
    found = entities(extractor, {TEXT: "I have B1", ENTITIES: [before]})
    assert [entity["entity"] for entity in found] == ["name", "german_level"]


def test_both_readings_of_a_romanised_message_are_searched(extractor: RuleEntityExtractor) -> None:
    typed = "kursy nimetskoi B1 z doglyadom za ditmy"
    native = "курси німецької A2 з доглядом за дітьми"
    found = entities(extractor, {TEXT: typed, NATIVE_TEXT: native})
    assert [(one["entity"], one["value"]) for one in found] == [
        ("german_level", "B1"),
        ("childcare", "yes"),
    ]
    assert (found[1]["start"], found[1]["end"]) == (0, len(typed))


def test_another_reading_chooses_nothing(extractor: RuleEntityExtractor) -> None:
    assert entities(extractor, {TEXT: "druga", NATIVE_TEXT: "2"}) == entities(
        extractor, {TEXT: "druga"}
    )


def test_a_message_with_nothing_to_find_has_none(extractor: RuleEntityExtractor) -> None:
    assert entities(extractor, {TEXT: "thank you"}) == []


@pytest.mark.parametrize("data", [{TEXT: '/inform{"german_level": "B1"}'}, {TEXT: ""}, {}])
def test_payloads_and_empty_messages_are_left_alone(
    extractor: RuleEntityExtractor, data: dict[str, Any]
) -> None:
    assert entities(extractor, data) is None


def test_training_examples_are_left_alone(extractor: RuleEntityExtractor) -> None:
    example = Message({TEXT: "I have B1"})
    extractor.process_training_data(TrainingData([example]))
    assert example.get(ENTITIES) is None


def test_other_lists_or_other_cldr_data_make_cached_results_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    present = RuleEntityExtractor.fingerprint_addon({})
    assert RuleEntityExtractor.fingerprint_addon({}) == present
    monkeypatch.setattr(babel, "__version__", "another")
    other_cldr = RuleEntityExtractor.fingerprint_addon({})
    monkeypatch.setattr(component, "fingerprint", lambda: "another")
    other_lists = RuleEntityExtractor.fingerprint_addon({})
    assert len({present, other_cldr, other_lists}) == 3
