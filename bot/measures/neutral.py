"""Sentence vectors without the language they are written in.

The model puts texts of one language near each other, whatever they mean, so a Turkish
question is nearer to any Turkish text than to the German answer. The difference
between languages lies in few directions; leaving those out makes meanings comparable.

``neutral.npy`` holds the mean of questions in the fourteen reply languages and the
directions in which the languages' own means differ from it. ``python -m
bot.measures.neutral`` makes it anew from the examples in ``nlu/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

VERSION = "neutral-1"
"""Part of the name of all vectors: another file makes other vectors."""

DIRECTIONS = 8
EXAMPLES_PER_LANGUAGE = 120

_FILE = Path(__file__).with_name("neutral.npy")


def neutral(vectors: Matrix) -> Matrix:
    """The vectors, one a row, without their language and of length 1 again."""
    mean, directions = _directions()
    centred = vectors - mean
    rest = centred - (centred @ directions.T) @ directions
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    result: Matrix = rest / np.maximum(lengths, 1e-12)
    return result


@cache
def _directions() -> tuple[Matrix, Matrix]:
    table: Matrix = np.load(_FILE, allow_pickle=False)
    return table[0], table[1:]


def fit(examples: Sequence[Matrix]) -> Matrix:
    """What the file holds, of the vectors of each language's examples."""
    means = np.array([vectors.mean(axis=0) for vectors in examples])
    mean = means.mean(axis=0)
    _, _, directions = np.linalg.svd(means - mean, full_matrices=False)
    table: Matrix = np.vstack([mean, directions[:DIRECTIONS]]).astype(np.float32)
    return table


def _main() -> None:
    import random
    import re

    import yaml

    import encoder
    from bot.config import PROJECT

    model = encoder.load(threads=2)
    examples = []
    for path in sorted((PROJECT / "nlu").glob("*/measures.yml")):
        file = yaml.safe_load(path.read_text("utf-8"))
        lines = [line for entry in file["nlu"] for line in entry.get("examples", "").split("\n")]
        texts = [re.sub(r"\[([^\]]*)\](\([^)]*\)|\{[^}]*\})", r"\1", line[2:]) for line in lines]
        texts = sorted({text.strip() for text in texts if text.strip()})
        # A fixed choice, so that the file can be made again.
        chosen = random.Random(1).sample(texts, min(EXAMPLES_PER_LANGUAGE, len(texts)))  # noqa: S311
        examples.append(model.encode(chosen))
    np.save(_FILE, fit(examples))


if __name__ == "__main__":
    _main()
