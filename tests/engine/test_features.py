"""Messages get sentence vectors; payloads of buttons get none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

import encoder
from engine.features import SentenceEmbeddingFeaturizer, is_payload

TEXTS = ["hello", "Where can I learn German in the evening?", "أبحث عن عمل", "мені потрібна робота"]


@dataclass
class NamedEncoder:
    name: str


@pytest.fixture(scope="module")
def featurizer() -> SentenceEmbeddingFeaturizer:
    config = {**SentenceEmbeddingFeaturizer.get_default_config(), "alias": "sentences"}
    context = ExecutionContext(GraphSchema({}), node_name="featurizer")
    return SentenceEmbeddingFeaturizer(config, context)


def vector(message: Message) -> np.ndarray[Any, Any]:
    word_features, sentence = message.get_dense_features(TEXT)
    assert word_features is None
    assert sentence is not None
    return np.asarray(sentence.features)


def test_a_message_gets_one_vector_of_length_one(featurizer: SentenceEmbeddingFeaturizer) -> None:
    [message] = featurizer.process([Message({TEXT: "hello"})])
    assert [features.origin for features in message.features] == ["sentences"]
    assert vector(message).shape == (1, encoder.load().features([]).shape[1])
    assert vector(message).dtype == np.float32
    assert np.linalg.norm(vector(message)) == pytest.approx(1, abs=1e-5)


def test_a_batch_gives_what_each_message_gets_alone(
    featurizer: SentenceEmbeddingFeaturizer,
) -> None:
    batch = featurizer.process([Message({TEXT: text}) for text in TEXTS])
    for text, together in zip(TEXTS, batch, strict=True):
        [alone] = featurizer.process([Message({TEXT: text})])
        np.testing.assert_allclose(vector(together), vector(alone), atol=1e-6)


def test_payloads_and_empty_messages_get_no_features(
    featurizer: SentenceEmbeddingFeaturizer,
) -> None:
    messages = [Message({TEXT: "/greet"}), Message({TEXT: ""}), Message({})]
    assert [m.features for m in featurizer.process(messages)] == [[], [], []]


def test_messages_beside_a_payload_keep_their_own_vectors(
    featurizer: SentenceEmbeddingFeaturizer,
) -> None:
    payload, message = featurizer.process([Message({TEXT: "/greet"}), Message({TEXT: TEXTS[0]})])
    [alone] = featurizer.process([Message({TEXT: TEXTS[0]})])
    assert payload.features == []
    np.testing.assert_allclose(vector(message), vector(alone), atol=1e-6)


def test_training_embeds_examples_that_carry_an_intent(
    featurizer: SentenceEmbeddingFeaturizer,
) -> None:
    taught, untaught = Message({TEXT: "hello", INTENT: "greet"}), Message({TEXT: "hello"})
    featurizer.process_training_data(TrainingData([taught, untaught]))
    assert len(taught.features) == 1
    assert untaught.features == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/greet", True), ("/", True), ("greet", False), (" /greet", False), ("", False)],
)
def test_what_is_a_payload(text: str, expected: bool) -> None:
    assert is_payload(text) is expected
    assert is_payload(None) is False


def test_another_encoder_makes_cached_features_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    def loader(name: str) -> Callable[..., NamedEncoder]:
        return lambda **_: NamedEncoder(name)

    fingerprints = []
    for name in ("one", "one", "other"):
        monkeypatch.setattr(encoder, "load", loader(name))
        fingerprints.append(SentenceEmbeddingFeaturizer.fingerprint_addon({}))
    first, again, other = fingerprints
    assert first == again
    assert first != other


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_must_be_positive(threads: int) -> None:
    with pytest.raises(ValueError, match="threads of SentenceEmbeddingFeaturizer"):
        SentenceEmbeddingFeaturizer.validate_config({"threads": threads})
