"""A small memory of recent vectors: people repeat themselves, and one message is used twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from encoder.tokenizer import Kind

Compute = Callable[[Sequence[str], Kind], NDArray[np.float32]]

_ENTRIES = 512
_LONGEST_TEXT = 400
"""Longer texts hardly ever repeat; without a bound they could fill the memory."""


class VectorCache:
    """The least recently used vectors go first; under 2 MB in all.  Thread-safe."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        """Keep at most `entries` vectors."""
        self._entries = entries
        self._vectors: OrderedDict[tuple[Kind, str], NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many vectors are kept."""
        return len(self._vectors)

    def get_or_compute(self, text: str, kind: Kind, compute: Compute) -> NDArray[np.float32]:
        """Return the (1, n) vector of `text`, from memory or else from ``compute([text], kind)``.

        The result is the caller's own copy.  Two threads may compute the same text at the same
        time, because the lock is not held meanwhile.
        """
        key = (kind, text)
        with self._lock:
            known = self._vectors.get(key)
            if known is not None:
                self._vectors.move_to_end(key)
                return known.copy()
        vector = compute([text], kind)
        if len(text) <= _LONGEST_TEXT:
            with self._lock:
                self._vectors[key] = vector.copy()
                if len(self._vectors) > self._entries:
                    self._vectors.popitem(last=False)
        return vector
