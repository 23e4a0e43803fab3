"""The intent classifier: engine/head.py as a Rasa component.

The trained weights are stored as plain arrays, so loading a model executes nothing.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.features import is_payload
from engine.head import HeadSettings, IntentHead, Verdict, fit, threshold_for
from engine.romanised.component import native_text

RANKING_LENGTH = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class EmbeddingIntentClassifier(IntentClassifier, GraphComponent):
    """Predicts an intent with its calibrated probability from a message's vector and letters.

    Settings: those of `HeadSettings`; ``fallback_intent``, chosen when the best probability is
    below ``threshold`` or the message's support below ``support``; ``urgent``, a mapping of
    intents that win over any other to the share of other messages that may be mistaken for
    them, because missing a cry for help is worse than a false alarm. The probability from which
    an urgent intent wins is found in training, on messages kept back.
    """

    @classmethod
    def required_components(cls) -> List[type]:
        """A featurizer has to come first."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """See the class."""
        return {
            **vars(HeadSettings()),
            "threshold": 0.2,
            "support": -1.0,
            "fallback_intent": "out_of_scope",
            "urgent": {},
        }

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        head: Optional[IntentHead] = None,
        urgent: Optional[Mapping[str, float]] = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._head = head
        self._urgent = dict(urgent or {})

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EmbeddingIntentClassifier:
        """Creates an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Raises ``ValueError`` for values outside their range."""
        for name in ("gamma", "ridge", "iterations", "dimensions"):
            if float(config.get(name, 1)) <= 0:
                raise ValueError(f"{name} of EmbeddingIntentClassifier must be above 0")
        if float(config.get("ngram_weight", 0)) < 0:
            raise ValueError("ngram_weight of EmbeddingIntentClassifier must not be negative")
        shares = [config.get("threshold", 0), *config.get("urgent", {}).values()]
        if not all(0 <= float(share) < 1 for share in shares):
            raise ValueError("threshold and urgent of EmbeddingIntentClassifier must be in [0, 1)")

    def train(self, training_data: TrainingData) -> Resource:
        """Fits the head on all examples with a text and an intent.

        Raises ``RasaException`` when there are fewer than two intents to tell apart.
        """
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        labels = [str(example.get(INTENT)) for example in examples]
        if len(set(labels)) < 2:
            raise RasaException("The intent classifier needs examples of two intents or more.")
        defaults = vars(HeadSettings())
        settings = HeadSettings(
            **{name: type(value)(self._config[name]) for name, value in defaults.items()}
        )
        self._head, probabilities, held = fit(
            np.vstack([_vector(example) for example in examples]),
            [native_text(example) for example in examples],
            labels,
            settings,
        )
        truth = np.asarray(labels)[held]
        self._urgent = {
            intent: threshold_for(
                probabilities[:, self._head.intents.index(intent)], truth == intent, float(share)
            )
            for intent, share in self._config["urgent"].items()
            if intent in self._head.intents
        }
        self._persist(self._head)
        return self._resource

    def _persist(self, head: IntentHead) -> None:
        with self._model_storage.write_to(self._resource) as directory:
            np.savez(directory / "weights.npz", **head.arrays)
            (directory / "intents.json").write_text(
                json.dumps({"intents": head.intents, "gamma": head.gamma, "urgent": self._urgent})
            )

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> EmbeddingIntentClassifier:
        """Loads the trained weights; raises when they are missing rather than staying silent."""
        with model_storage.read_from(resource) as directory:
            learnt = json.loads((directory / "intents.json").read_text())
            with np.load(directory / "weights.npz", allow_pickle=False) as arrays:
                head = IntentHead(learnt["intents"], learnt["gamma"], arrays)
        return cls(config, model_storage, resource, head, learnt["urgent"])

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets ``intent`` and ``intent_ranking``; leaves payloads to Rasa's own handler."""
        for message in messages:
            if self._head is None or is_payload(message.get(TEXT)):
                continue
            verdict = self._head.judge(_vector(message), native_text(message))
            ranking = [
                {
                    INTENT_NAME_KEY: self._head.intents[index],
                    "confidence": float(verdict.probabilities[index]),
                }
                for index in np.argsort(-verdict.probabilities)
            ]
            message.set(INTENT, self._decide(ranking, verdict), add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking[:RANKING_LENGTH], add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds nothing: later components do not learn from predictions."""
        return training_data

    def _decide(self, ranking: List[Dict[str, Any]], verdict: Verdict) -> Dict[str, Any]:
        for candidate in ranking:
            threshold = self._urgent.get(candidate[INTENT_NAME_KEY])
            if threshold is not None and candidate["confidence"] >= threshold:
                return candidate
        if not self._is_doubtful(ranking, verdict):
            return ranking[0]
        fallback = self._config["fallback_intent"]
        return next(
            (c for c in ranking if c[INTENT_NAME_KEY] == fallback),
            {INTENT_NAME_KEY: fallback, "confidence": 0.0},
        )

    def _is_doubtful(self, ranking: List[Dict[str, Any]], verdict: Verdict) -> bool:
        return (
            ranking[0]["confidence"] < self._config["threshold"]
            or verdict.support < self._config["support"]
        )


def _vector(message: Message) -> np.ndarray:
    _, sentence = message.get_dense_features(TEXT)
    if sentence is None:
        raise RasaException("The intent classifier found no sentence features; see config.yml.")
    return np.asarray(sentence.features, dtype=np.float32).reshape(-1)
