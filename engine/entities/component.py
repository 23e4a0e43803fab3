"""The rules as a component of Rasa's pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional

import babel
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.entities.entity import CHOICE, Entity
from engine.entities.extract import extract, warm_up
from engine.entities.wordlists import fingerprint
from engine.romanised.component import native_text


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class RuleEntityExtractor(EntityExtractorMixin, GraphComponent):
    """Adds the entities that rules and word lists find; payloads of buttons carry their own.

    Of a message typed in Latin letters instead of its own, both readings are searched; an entity
    that only the other letters show stands for the whole message.
    """

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RuleEntityExtractor:
        """Creates the component and reads the word lists; raises when one is broken."""
        warm_up()
        return cls()

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """A hash of the word lists and of CLDR's version."""
        return f"{fingerprint()}-{babel.__version__}"

    def process(self, messages: List[Message]) -> List[Message]:
        """Appends to ``entities`` of every message that is not a payload."""
        for message in messages:
            text = message.get(TEXT)
            if not text or text.startswith("/"):
                continue
            found = [
                {
                    ENTITY_ATTRIBUTE_TYPE: entity.entity,
                    ENTITY_ATTRIBUTE_START: entity.start,
                    ENTITY_ATTRIBUTE_END: entity.end,
                    ENTITY_ATTRIBUTE_VALUE: entity.value,
                }
                for entity in _of_both_readings(text, native_text(message))
            ]
            message.set(
                ENTITIES,
                message.get(ENTITIES, []) + self.add_extractor_name(found),
                add_to_output=True,
            )
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Changes nothing: no component learns from these entities."""
        return training_data


def _of_both_readings(typed: str, native: str) -> List[Entity]:
    found = extract(typed)
    if native == typed:
        return found
    # What was typed is certain, the other reading a guess: it only adds what was not found.
    known = {entity.entity for entity in found} | {CHOICE}
    added = [entity for entity in extract(native) if entity.entity not in known]
    return found + [replace(entity, start=0, end=len(typed)) for entity in added]
