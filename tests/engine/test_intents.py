"""The intent head and its component, on small made-up data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.head import HeadSettings, IntentHead, calibrate, fit, softmax, threshold_for
from engine.intents import EmbeddingIntentClassifier
from engine.ngrams import BUCKETS, NgramVectoriser, ngrams, normalise

WORDS = {
    "ask_housing": ["flat", "rent", "landlord", "room", "deposit"],
    "ask_job": ["work", "wage", "boss", "shift", "salary"],
    "report_emergency": ["hit", "knife", "afraid", "threat", "blood"],
    "out_of_scope": ["football", "recipe", "weather", "joke", "film"],
}
NAMES = sorted(WORDS)


def vector(intent: str, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.05, 16)
    noise[NAMES.index(intent)] += 1
    return (noise / np.linalg.norm(noise)).astype(np.float32)


def corpus() -> tuple[np.ndarray, list[str], list[str]]:
    rows = [
        (vector(intent, 20 * number + turn), f"{word} {WORDS[intent][turn % 5]} {turn}", intent)
        for number, intent in enumerate(NAMES)
        for turn in range(15)
        for word in [WORDS[intent][(turn + 1) % 5]]
    ]
    vectors, texts, labels = zip(*rows, strict=True)
    return np.vstack(vectors), list(texts), list(labels)


def message(text: str, row: np.ndarray, intent: str | None = None) -> Message:
    made = Message({TEXT: text, **({INTENT: intent} if intent else {})})
    made.add_features(Features(row.reshape(1, -1), FEATURE_TYPE_SENTENCE, TEXT, "test"))
    return made


def component(directory: Path, **settings: object) -> EmbeddingIntentClassifier:
    directory.mkdir(exist_ok=True)
    config = {**EmbeddingIntentClassifier.get_default_config(), **settings}
    return EmbeddingIntentClassifier.create(
        config, LocalModelStorage(directory), Resource("intents"), context()
    )


def context() -> ExecutionContext:
    return ExecutionContext(GraphSchema({}))


def trained(directory: Path, **settings: object) -> EmbeddingIntentClassifier:
    made = component(directory, **settings)
    made.train(
        TrainingData(
            [message(text, row, label) for row, text, label in zip(*corpus(), strict=True)]
        )
    )
    return made


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Größe ÄRGER", "grosse arger"),
        ("Квартира!", "kvartira"),
        ("Κλείνω", "kleino"),
        ("IŞIK ışık", "isik isik"),
        ("إقامة", "اقامه"),
        ("می\u200cخواهم", "مي خواهم"),
        ("helppppp...", "helpp"),
        ("", ""),
    ],
)
def test_spellings_of_one_word_meet(written: str, expected: str) -> None:
    assert normalise(written) == expected


def test_ngrams_stay_within_words_and_short_words_count_once() -> None:
    assert ngrams("a") == [" ", "a", " ", " a", "a ", " a "]
    assert not any("b" in gram and "a" in gram for gram in ngrams("a b"))


def test_rows_have_length_one_and_unknown_texts_are_empty() -> None:
    rows = NgramVectoriser().fit(["flat rent", "rent flat", "work"]).transform(["flat", "☃", ""])
    assert rows.shape == (3, BUCKETS)
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1)).A1
    assert lengths == pytest.approx([1, 0, 0])


def test_unfitted_vectoriser_says_so() -> None:
    with pytest.raises(ValueError, match="not fitted"):
        NgramVectoriser().transform(["x"])


def test_head_tells_intents_apart_and_survives_storing(tmp_path: Path) -> None:
    vectors, texts, labels = corpus()
    head, _, _ = fit(vectors, texts, labels, HeadSettings())
    np.savez(tmp_path / "head.npz", **head.arrays)
    with np.load(tmp_path / "head.npz", allow_pickle=False) as arrays:
        again = IntentHead(head.intents, head.gamma, arrays)
    for name in NAMES:
        verdict = again.judge(vector(name, 999), WORDS[name][0])
        assert again.intents[int(verdict.probabilities.argmax())] == name
        assert verdict.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert verdict.support > 1.2


def test_a_message_like_none_has_little_support() -> None:
    head, _, _ = fit(*corpus(), HeadSettings())
    like = head.judge(vector("ask_job", 999), "boss wage")
    unlike = head.judge(np.eye(16, dtype=np.float32)[15], "zzz")
    assert unlike.support < 0.5 < 1.2 < like.support


def test_a_large_intent_does_not_push_a_small_one_aside() -> None:
    vectors, texts, labels = corpus()
    rows = [i for i, label in enumerate(labels) if label != "ask_job" or i % 15 < 5]
    asked = vector("ask_job", 700) + vector("ask_housing", 701)
    shares = [
        head.judge(asked, "shift room").probabilities[head.intents.index("ask_job")]
        for balance in (0.0, 1.0)
        for head, _, _ in [
            fit(
                vectors[rows],
                [texts[i] for i in rows],
                [labels[i] for i in rows],
                HeadSettings(balance=balance),
            )
        ]
    ]
    assert shares[0] < shares[1]


def test_same_data_gives_the_same_head() -> None:
    first, second = (fit(*corpus(), HeadSettings())[0].arrays for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_held_out_messages_cover_every_intent_once() -> None:
    _, probabilities, held = fit(*corpus(), HeadSettings())
    labels = np.array(corpus()[2])
    assert probabilities.shape == (12, 4)
    assert {name: int((labels[held] == name).sum()) for name in NAMES} == dict.fromkeys(NAMES, 3)


def test_calibration_prefers_doubt_where_scores_err() -> None:
    scores = np.array([[0.5, 0.0]] * 10)
    sure = calibrate(scores, np.array([0] * 10))
    doubtful = calibrate(scores, np.array([0] * 6 + [1] * 4))
    assert softmax(scores, sure)[0, 0] > 0.99
    assert softmax(scores, doubtful)[0, 0] == pytest.approx(0.6, abs=0.02)


def test_threshold_keeps_false_alarms_within_their_share() -> None:
    probabilities = np.linspace(0, 0.99, 100, dtype=np.float32)
    is_intent = np.zeros(100, dtype=bool)
    threshold = threshold_for(probabilities, is_intent, 0.05)
    assert (probabilities >= threshold).sum() == 5


def test_component_ranks_and_reloads(tmp_path: Path) -> None:
    made = trained(tmp_path)
    loaded = EmbeddingIntentClassifier.load(
        made.get_default_config(), LocalModelStorage(tmp_path), Resource("intents"), context()
    )
    asked = [message("landlord rent", vector("ask_housing", 500)) for _ in range(2)]
    made.process(asked[:1])
    loaded.process(asked[1:])
    assert asked[0].get(INTENT)["name"] == "ask_housing"
    assert asked[0].get(INTENT_RANKING_KEY) == asked[1].get(INTENT_RANKING_KEY)


def test_payloads_are_left_alone(tmp_path: Path) -> None:
    payload = Message({TEXT: "/affirm"})
    trained(tmp_path).process([payload])
    assert payload.get(INTENT) is None


def test_a_message_unlike_all_others_is_out_of_scope(tmp_path: Path) -> None:
    made = trained(tmp_path, threshold=0.9)
    unlike = message("zzz", np.full(16, 0.25, dtype=np.float32))
    made.process([unlike])
    assert unlike.get(INTENT)["name"] == "out_of_scope"


def test_an_urgent_intent_wins_from_its_learnt_probability(tmp_path: Path) -> None:
    calm, urgent = vector("ask_job", 700), vector("report_emergency", 701)
    mixed = (0.55 * calm + 0.45 * urgent) / np.linalg.norm(0.55 * calm + 0.45 * urgent)
    first, second = message("boss hit", mixed), message("boss hit", mixed)
    trained(tmp_path / "a", threshold=0.0).process([first])
    trained(tmp_path / "b", urgent={"report_emergency": 0.01}).process([second])
    assert first.get(INTENT)["name"] == "ask_job"
    assert second.get(INTENT)["name"] == "report_emergency"


def test_one_intent_is_not_enough(tmp_path: Path) -> None:
    alone = TrainingData([message("rent", vector("ask_housing", 1), "ask_housing")])
    with pytest.raises(RasaException, match="two intents"):
        component(tmp_path).train(alone)


@pytest.mark.parametrize(
    "settings", [{"gamma": 0}, {"ridge": -1}, {"threshold": 1}, {"urgent": {"a": 2}}]
)
def test_settings_outside_their_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="EmbeddingIntentClassifier"):
        EmbeddingIntentClassifier.validate_config(settings)
