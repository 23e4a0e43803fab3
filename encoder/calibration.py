"""Measures which values each quantised matrix product of the model receives.

The model is run here in float32 with numpy alone: a BERT encoder (Devlin et al. 2019) with
post-layer-norm blocks, as the weights were trained.  It serves nothing but this measurement.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.tokenizer import Tokenizer
from encoder.weights import WeightFile, dequantise

Floats = NDArray[np.float32]

SITES = ("attention", "context", "feed", "activated")
"""The four products of a layer, named after what goes into them: the layer's input (for query,
key and value), the attended values, the feed-forward block's input and its activated inside."""


@dataclass(frozen=True)
class Layer:
    """Weights of one layer; matrices are (inputs, outputs)."""

    qkv: Floats
    qkv_bias: Floats
    output: Floats
    output_bias: Floats
    attention_norm: tuple[Floats, Floats]
    feed_in: Floats
    feed_in_bias: Floats
    feed_out: Floats
    feed_out_bias: Floats
    feed_norm: tuple[Floats, Floats]


@dataclass(frozen=True)
class Range:
    """Smallest and largest value seen in each channel; both (channels,)."""

    low: Floats
    high: Floats

    @property
    def magnitude(self) -> Floats:
        """Largest absolute value of each channel."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def read_layer(weights: WeightFile, number: int) -> Layer:
    """Return layer `number`, dequantised to float32.

    Raises:
        WeightFileError: a tensor is missing.
    """
    hidden, wide = weights.shape.hidden, weights.shape.feed_forward

    def matrix(name: str, rows: int) -> Floats:
        return np.ascontiguousarray(weights.matrix(f"l{number}.{name}.w", rows).T)

    def vector(name: str) -> Floats:
        return weights.vector(f"l{number}.{name}")

    return Layer(
        qkv=np.concatenate([matrix(name, hidden) for name in "qkv"], axis=1),
        qkv_bias=np.concatenate([vector(f"{name}.b") for name in "qkv"]),
        output=matrix("ao", hidden),
        output_bias=vector("ao.b"),
        attention_norm=(vector("aln.w"), vector("aln.b")),
        feed_in=matrix("fi", wide),
        feed_in_bias=vector("fi.b"),
        feed_out=matrix("fo", hidden),
        feed_out_bias=vector("fo.b"),
        feed_norm=(vector("oln.w"), vector("oln.b")),
    )


def gelu(x: Floats) -> Floats:
    """Return ``x * Phi(x)``, with the error function of Abramowitz and Stegun, 7.1.26.

    The approximation is off by at most 1.5e-7, far below what an eight-bit range can show.
    """
    z = np.abs(x) * np.float32(1.0 / math.sqrt(2.0))
    t = np.float32(1.0) / (np.float32(1.0) + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    erf = np.sign(x) * (np.float32(1.0) - series * np.exp(-z * z))
    return np.asarray(np.float32(0.5) * x * (np.float32(1.0) + erf), dtype=np.float32)


def _normalise(x: Floats, norm: tuple[Floats, Floats], epsilon: float) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + epsilon) * norm[0] + norm[1], dtype=np.float32)


def _attend(qkv: Floats, heads: int) -> Floats:
    """Return softmax(q kT / sqrt(d)) v over all heads: (tokens, 3 hidden) -> (tokens, hidden)."""
    tokens = len(qkv)
    query, key, value = qkv.reshape(tokens, 3, heads, -1).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (powers / powers.sum(axis=-1, keepdims=True)) @ value
    return np.asarray(mixed.transpose(1, 0, 2).reshape(tokens, -1), dtype=np.float32)


def pseudo_texts(tokenizer: Tokenizer, count: int, pieces: int = 12) -> list[str]:
    """Return `count` texts of `pieces` vocabulary pieces each, the same ones every time.

    No list of sentences covers all languages; evenly drawn pieces reach every script the
    vocabulary knows, so rare tokens do not leave the measured ranges later.
    """
    drawn = np.random.default_rng(20_240_229).choice(tokenizer.vocabulary, (count, pieces))
    return ["".join(row).replace("\u2581", " ") for row in drawn.tolist()]


def unknown_texts(count: int) -> list[str]:
    """Return `count` texts of 1 to 40 random characters, most of them outside the vocabulary.

    Runs of the unknown token reach values that nothing else does; people cause them with rare
    scripts and broken encodings.
    """
    # Drawn for calibration, not for secrets.
    chance = random.Random(20_240_229)  # noqa: S311
    ranges = ((0x100, 0xD800), (0x10000, 0x30000))
    lengths = [1 + 39 * index // max(count - 1, 1) for index in range(count)]
    return [
        "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(length))
        for length in lengths
    ]


def measure(weights: WeightFile, sequences: Iterable[list[int]]) -> dict[tuple[int, str], Range]:
    """Run the token `sequences` (with their marks) and return the range at each (layer, site).

    Raises:
        WeightFileError: a tensor is missing.
        ValueError: there are no sequences.
    """
    shape = weights.shape
    positions = weights.vector("emb.pos").reshape(shape.longest, shape.hidden)
    first_type = weights.vector("emb.type")[: shape.hidden]
    words = weights.blocks("emb.word", shape.vocabulary)
    norm = (weights.vector("emb.ln.w"), weights.vector("emb.ln.b"))
    states = [
        _normalise(dequantise(words[ids]) + positions[: len(ids)] + first_type, norm, shape.epsilon)
        for ids in sequences
    ]
    if not states:
        raise ValueError("calibration needs at least one text")
    ends = np.cumsum([len(state) for state in states])[:-1]
    x = np.concatenate(states)
    ranges: dict[tuple[int, str], Range] = {}
    for number in range(shape.layers):
        layer = read_layer(weights, number)
        qkv = x @ layer.qkv + layer.qkv_bias
        context = np.concatenate([_attend(part, shape.heads) for part in np.split(qkv, ends)])
        attended = context @ layer.output + layer.output_bias
        feed = _normalise(x + attended, layer.attention_norm, shape.epsilon)
        activated = gelu(feed @ layer.feed_in + layer.feed_in_bias)
        for site, values in zip(SITES, (x, context, feed, activated), strict=True):
            ranges[number, site] = Range(values.min(axis=0), values.max(axis=0))
        fed = activated @ layer.feed_out + layer.feed_out_bias
        x = _normalise(feed + fed, layer.feed_norm, shape.epsilon)
    return ranges
