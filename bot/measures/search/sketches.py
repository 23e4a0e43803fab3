"""Sketches: the little that tells which of very many entries are worth reading.

A sketch is of one vector of one entry: the vector's numbers in two bits each, and the facts
of the entry in one bit each. Thousands of them are compared in the time in which a hundred
entries are read. They may err on the side of too much, and may be of yesterday:
what is offered to anybody is judged by the entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from math import sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.measures.models import Kind
from bot.measures.opening import WEEKDAYS
from bot.measures.search.codes import Matrix, Vector
from bot.measures.search.terms import OLDEST_CHILD
from bot.measures.topics import Topic

Sketches = NDArray[np.void]
"""One a row, of the type that ``_record`` describes."""

# Facts that exclude have a bit of their own; all others share the rest.
_OWN_BITS = tuple(
    f"{name}_{value}"
    for name, values in (
        ("kind", tuple(Kind)),
        ("topic", tuple(Topic)),
        ("main", tuple(Topic)),
        ("level", ("a1", "a2", "b1", "b2", "c1", "c2", "unknown")),
        ("format", ("in_person", "online", "phone", "unknown")),
        ("childcare", ("yes", "no", "unknown")),
        ("free", ("yes", "no", "unknown")),
        ("child", (*range(OLDEST_CHILD + 1), "unknown")),
        ("time", ("morning", "afternoon", "evening", "weekend", "unknown")),
        ("day", (*(day.lower() for day in WEEKDAYS), "unknown")),
    )
    for value in values
)
_PLACES = {term: place for place, term in enumerate(_OWN_BITS)}
_BITS = 256
# These are too many in one entry, or in one question, for bits to tell anything.
_LEFT_OUT = ("place_", "open_")

# Numbers of a vector of length 1, times the root of how many there are, are spread about as the
# normal distribution. These limits and levels lose least of it with two bits (Max 1960).
_LIMITS = np.array([-0.9816, 0.0, 0.9816], dtype=np.float32)
_LEVELS = np.array([-1.510, -0.4528, 0.4528, 1.510], dtype=np.float32)
_PER_BYTE = 4
_SHIFTS = np.array([6, 4, 2, 0], dtype=np.uint8)
# The levels that each value of a byte stands for.
_LEVELS_OF_BYTE = _LEVELS[(np.arange(256)[:, None] >> _SHIFTS) & 3]

VERSION = sha256(" ".join((*_OWN_BITS, str(_BITS), str(_LEVELS))).encode()).hexdigest()[:8]
"""Sketches of different versions must not be compared."""


def sketches(number: int, terms: Iterable[str], vectors: Matrix) -> Sketches:
    """The sketches of an entry with this number, one for each of its vectors."""
    made = np.zeros(len(vectors), dtype=_record(vectors.shape[1]))
    made["number"] = number
    made["facts"] = np.frombuffer(_bits(terms), dtype=np.uint8)
    made["numbers"] = _pressed(vectors)
    return made


def read(stored: Sequence[bytes], dimensions: int) -> Sketches:
    """Sketches of vectors with so many numbers, from the bytes of such arrays."""
    return np.frombuffer(b"".join(stored), dtype=_record(dimensions))


def none(dimensions: int) -> Sketches:
    """No sketches."""
    return np.zeros(0, dtype=_record(dimensions))


def merged(stored: bytes, more: Sketches, *, without: Collection[int]) -> bytes:
    """Stored sketches and ``more``, but of the stored ones none of entries in either."""
    held = np.frombuffer(stored, dtype=more.dtype)
    replaced = np.concatenate([more["number"], np.array(list(without), dtype=np.int32)])
    return held[~np.isin(held["number"], replaced)].tobytes() + more.tobytes()


def can_tell(terms: Iterable[str]) -> bool:
    """Whether sketches know of these facts."""
    return not any(term.startswith(_LEFT_OUT) for term in terms)


def meeting(some: Sketches, terms: Iterable[str]) -> NDArray[np.bool_]:
    """Which of them have at least one of the facts; a few that have none pass as well."""
    wanted = np.frombuffer(_bits(terms), dtype=np.uint8)
    met = np.zeros(len(some), dtype=np.bool_)
    for byte in np.flatnonzero(wanted):
        met |= (some["facts"][:, byte] & wanted[byte]) != 0
    return met


def nearness(some: Sketches, query: Vector) -> Vector:
    """About the dot products of their vectors, which have length 1, with ``query``."""
    # What each value of each byte adds to the sum is computed once, and then looked up, one
    # byte of all sketches after the other: lists of indices for all at once would be large.
    parts = np.pad(query, (0, -len(query) % _PER_BYTE)).reshape(-1, _PER_BYTE)
    worth = np.ascontiguousarray((_LEVELS_OF_BYTE @ parts.T).T)
    sums = np.zeros(len(some), dtype=np.float32)
    for values, column in zip(worth, np.ascontiguousarray(some["numbers"].T), strict=True):
        sums += values.take(column)
    return np.asarray(sums / sqrt(len(query)), dtype=np.float32)


def _pressed(vectors: Matrix) -> NDArray[np.uint8]:
    """Which level each number is nearest to, four in a byte."""
    dimensions = vectors.shape[1]
    levels = np.digitize(vectors * sqrt(dimensions), _LIMITS).astype(np.uint8)
    padded = np.pad(levels, ((0, 0), (0, -dimensions % _PER_BYTE)))
    parts = padded.reshape(len(vectors), -1, _PER_BYTE) << _SHIFTS
    return np.asarray(np.bitwise_or.reduce(parts, axis=2), dtype=np.uint8)


def _record(dimensions: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("number", "<i4"),
            ("facts", "u1", (_BITS // 8,)),
            ("numbers", "u1", (-(-dimensions // _PER_BYTE),)),
        ]
    )


def _bits(terms: Iterable[str]) -> bytes:
    bits = 0
    for term in terms:
        bits |= _bit(term)
    return bits.to_bytes(_BITS // 8, "little")


@lru_cache(maxsize=4_096)
def _bit(term: str) -> int:
    """The bit of a fact; 0 for words and for facts that are left out."""
    if "_" not in term or term.startswith(_LEFT_OUT):
        return 0
    shared = len(_OWN_BITS) + crc32(term.encode()) % (_BITS - len(_OWN_BITS))
    return 1 << _PLACES.get(term, shared)
