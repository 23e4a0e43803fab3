"""Vectors as they are stored: one byte a number, which loses nothing that ranking would see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

_HEAD = np.dtype("<f4").itemsize


def code_size(dimensions: int) -> int:
    """Bytes of one vector's code."""
    return _HEAD + dimensions


def pack(vectors: Matrix) -> bytes:
    """Codes of vectors, one a row: each a scale (float32) and one signed byte a number."""
    scales = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12) / 127
    steps = np.rint(vectors / scales).astype(np.int8)
    heads = scales.astype("<f4").view(np.uint8).reshape(len(vectors), _HEAD)
    return np.hstack([heads, steps.view(np.uint8)]).tobytes()


def unpack(codes: bytes, dimensions: int) -> Matrix:
    """The vectors of ``pack``, one a row, nearly as they were."""
    scales, steps = _split(codes, dimensions)
    return steps.astype(np.float32) * scales[:, None]


def similarities(codes: Sequence[bytes], query: Vector) -> Vector:
    """For each entry's codes the highest dot product with ``query``; 0 for an entry without.

    All codes must be of vectors as long as ``query``.
    """
    result = np.zeros(len(codes), dtype=np.float32)
    width = code_size(len(query))
    counts = np.array([len(code) // width for code in codes], dtype=np.int64)
    filled = np.flatnonzero(counts)
    if not filled.size:
        return result
    scales, steps = _split(b"".join(codes), len(query))
    products = (steps.astype(np.float32) @ query) * scales
    starts = np.concatenate([[0], np.cumsum(counts[filled])[:-1]])
    result[filled] = np.maximum.reduceat(products, starts)
    return result


def _split(codes: bytes, dimensions: int) -> tuple[Vector, NDArray[np.int8]]:
    rows = np.frombuffer(codes, dtype=np.uint8).reshape(-1, code_size(dimensions))
    scales = np.ascontiguousarray(rows[:, :_HEAD]).view("<f4").ravel()
    return scales, rows[:, _HEAD:].view(np.int8)
