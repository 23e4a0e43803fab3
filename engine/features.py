"""Sentence embeddings as a Rasa featurizer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

import encoder
from engine.kept_vectors import features
from engine.romanised.component import native_text


def is_payload(text: Optional[str]) -> bool:
    """Whether a text is a button's payload, whose intent is written in it."""
    return bool(text) and str(text).startswith("/")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEmbeddingFeaturizer(DenseFeaturizer, GraphComponent):
    """Gives each message one dense vector of length 1, as wide as the encoder's features.

    Payloads of buttons get none: their intent is known, and embedding them
    would take longer than the rest of the pipeline together.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``threads``: cores per embedding; ``alias``: name of the features.

        ``kept_in``: file that keeps the vectors of training messages until the next training.
        """
        return {**DenseFeaturizer.get_default_config(), "threads": 1, "kept_in": None}

    def __init__(self, config: Dict[str, Any], execution_context: ExecutionContext) -> None:
        super().__init__(execution_context.node_name, config)
        self._encoder = encoder.load(threads=int(config["threads"]))

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEmbeddingFeaturizer:
        """Creates the component (nothing to load but the encoder)."""
        return cls(config, execution_context)

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Raises ``ValueError`` when ``threads`` is not a positive number."""
        if int(config.get("threads", 1)) < 1:
            raise ValueError("threads of SentenceEmbeddingFeaturizer must be 1 or more")

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """The encoder's name: another encoder makes cached features stale."""
        return encoder.load(threads=int(config.get("threads", 1))).name

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the sentence vector to every message that has a text."""
        self._embed(messages, self._encoder)
        return messages

    def _embed(
        self, messages: List[Message], model: encoder.Encoder, file: Optional[Path] = None
    ) -> None:
        with_text = [
            message
            for message in messages
            if message.get(TEXT) and not is_payload(message.get(TEXT))
        ]
        if with_text:
            vectors = features([native_text(message) for message in with_text], model, file)
            for message, vector in zip(with_text, vectors):
                message.add_features(
                    Features(
                        np.asarray(vector, dtype=np.float32).reshape(1, -1),
                        FEATURE_TYPE_SENTENCE,
                        TEXT,
                        self._config[FEATURIZER_CLASS_ALIAS],
                    )
                )

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Embeds all examples that carry an intent, in one batch on all cores."""
        examples = [e for e in training_data.training_examples if e.get(INTENT)]
        file = self._config["kept_in"]
        model = encoder.load(threads=os.cpu_count() or 1)
        self._embed(examples, model, Path(file) if file else None)
        return training_data
