"""The intent classifier: multinomial logistic regression on sentence embeddings.

Rasa's own LogisticRegressionClassifier fixes the inverse regularisation C at 1,
which is too strong for unit-length embeddings. Here C is a setting. The trained
weights are stored as plain arrays, so loading a model executes nothing.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

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

RANKING_LENGTH = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class EmbeddingIntentClassifier(IntentClassifier, GraphComponent):
    """Predicts an intent with its probability from a message's dense sentence features.

    Settings: ``C``, inverse strength of the L2 penalty; ``max_iter``; ``fallback_intent``,
    chosen when the best probability is below ``threshold``; ``urgent``, a mapping of
    intents to the probability from which they win over any other: missing a cry for
    help is worse than a false alarm.
    """

    @classmethod
    def required_components(cls) -> List[type]:
        """A featurizer has to come first."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """See the class."""
        return {
            "C": 30.0,
            "max_iter": 300,
            "threshold": 0.35,
            "fallback_intent": "out_of_scope",
            "urgent": {},
        }

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        intents: Optional[List[str]] = None,
        weights: Optional[np.ndarray] = None,
        bias: Optional[np.ndarray] = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._intents = intents or []
        self._weights = weights
        self._bias = bias

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
        if float(config.get("C", 1)) <= 0:
            raise ValueError("C of EmbeddingIntentClassifier must be above 0")
        thresholds = [config.get("threshold", 0), *config.get("urgent", {}).values()]
        if not all(0 <= float(threshold) < 1 for threshold in thresholds):
            raise ValueError("thresholds of EmbeddingIntentClassifier must be in [0, 1)")

    def train(self, training_data: TrainingData) -> Resource:
        """Fits the classifier on all examples with a text and an intent.

        Classes are weighted by the inverse of their size. Raises ``RasaException``
        when there are fewer than two intents to tell apart.
        """
        from sklearn.linear_model import LogisticRegression

        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        labels = [example.get(INTENT) for example in examples]
        if len(set(labels)) < 2:
            raise RasaException("The intent classifier needs examples of two intents or more.")
        model = LogisticRegression(
            C=float(self._config["C"]),
            max_iter=int(self._config["max_iter"]),
            class_weight="balanced",
            multi_class="multinomial",
        )
        model.fit(np.vstack([_vector(example) for example in examples]), labels)
        self._intents = [str(intent) for intent in model.classes_]
        # scikit-learn keeps one row of weights when there are two classes only.
        rows = model.coef_ if len(self._intents) > 2 else np.vstack([-model.coef_, model.coef_])
        bias = (
            model.intercept_
            if len(self._intents) > 2
            else np.concatenate([-model.intercept_, model.intercept_])
        )
        self._weights = rows.astype(np.float32)
        self._bias = bias.astype(np.float32)
        self._persist()
        return self._resource

    def _persist(self) -> None:
        with self._model_storage.write_to(self._resource) as directory:
            np.savez(directory / "weights.npz", weights=self._weights, bias=self._bias)
            (directory / "intents.json").write_text(json.dumps(self._intents))

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
            intents = json.loads((directory / "intents.json").read_text())
            arrays = np.load(directory / "weights.npz", allow_pickle=False)
            return cls(config, model_storage, resource, intents, arrays["weights"], arrays["bias"])

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets ``intent`` and ``intent_ranking``; leaves payloads to Rasa's own handler."""
        for message in messages:
            if self._weights is None or is_payload(message.get(TEXT)):
                continue
            ranking = self._ranking(message)
            message.set(INTENT, self._decide(ranking), add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking[:RANKING_LENGTH], add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds nothing: later components do not learn from predictions."""
        return training_data

    def _ranking(self, message: Message) -> List[Dict[str, Any]]:
        scores = self._weights @ _vector(message) + self._bias
        exponentials = np.exp(scores - scores.max())
        probabilities = exponentials / exponentials.sum()
        return [
            {INTENT_NAME_KEY: self._intents[index], "confidence": float(probabilities[index])}
            for index in np.argsort(-probabilities)
        ]

    def _decide(self, ranking: List[Dict[str, Any]]) -> Dict[str, Any]:
        for candidate in ranking:
            threshold = self._config["urgent"].get(candidate[INTENT_NAME_KEY])
            if threshold is not None and candidate["confidence"] >= threshold:
                return candidate
        if ranking[0]["confidence"] >= self._config["threshold"]:
            return ranking[0]
        fallback = self._config["fallback_intent"]
        return next(
            (c for c in ranking if c[INTENT_NAME_KEY] == fallback),
            {INTENT_NAME_KEY: fallback, "confidence": 0.0},
        )


def _vector(message: Message) -> np.ndarray:
    _, sentence = message.get_dense_features(TEXT)
    if sentence is None:
        raise RasaException("The intent classifier found no sentence features; see config.yml.")
    return np.asarray(sentence.features, dtype=np.float32).reshape(-1)
