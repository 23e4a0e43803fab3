"""Vectors of training messages, kept in a file between trainings.

Embedding all messages takes most of a training's time, and most of them are the same as last time.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Dict, Optional, Sequence

import numpy as np

import encoder


def features(texts: Sequence[str], model: encoder.Encoder, file: Optional[Path]) -> np.ndarray:
    """The features of `texts`, (n, width); those in `file` are not computed again.

    The file then holds the features of just these texts. It may be deleted at any time; one that is
    damaged or of another encoder is ignored and replaced.
    """
    if not file:
        return np.asarray(model.features(texts))
    known = _read(file, model.name)
    fresh = sorted(set(texts) - known.keys())
    if fresh:
        known.update(zip(fresh, model.features(fresh)))
    if fresh or len(known) > len(set(texts)):
        _write(file, model.name, {text: known[text] for text in dict.fromkeys(texts)})
    return np.stack([known[text] for text in texts])


def _read(file: Path, name: str) -> Dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["encoder"]) != name:
                return {}
            return dict(zip(kept["texts"].tolist(), kept["vectors"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _write(file: Path, name: str, vectors: Dict[str, np.ndarray]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with unfinished.open("wb") as target:
        np.savez(
            target,
            encoder=np.array(name),
            texts=np.array(list(vectors)),
            vectors=np.stack(list(vectors.values())),
        )
    unfinished.replace(file)
