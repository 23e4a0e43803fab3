"""Unigram tokenizer that splits texts exactly as the bundled multilingual-e5-small engine does.

The engine normalises code point by code point, joins runs of spaces, marks word starts with
U+2581 and then finds the best split by the Viterbi algorithm over a unigram model (Kudo 2018,
"Subword Regularization", section 3.2).  Its C interface gives only the *number* of tokens, so the
split is repeated here.  The order of comparisons and the single-precision sums are the engine's,
because near-ties would otherwise be decided differently.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["query", "passage"]

PREFIXES: dict[Kind, str] = {"query": "query: ", "passage": "passage: "}
"""What the model expects in front of a text; it was trained with nothing else."""

_WORD_START = "\u2581"
_UNKNOWN_PENALTY = np.float32(10.0)
_UNREACHED = np.float32(-1e30)
_NO_PIECE = -1
_PRUNED = 4
_HEADER = struct.Struct("<5iQ")
_NORM_HEADER = struct.Struct("<iI")


class TokenizerDataError(ValueError):
    """The tokenizer block is truncated or contradicts itself."""


@dataclass(frozen=True)
class _Block:
    """The decoded tokenizer block: pieces by identifier, their log probabilities, normalisation."""

    begin: int
    end: int
    unknown: int
    pieces: list[str]
    scores: NDArray[np.float32]
    normalisation: dict[int, str]
    size: int


def _parse(data: bytes | memoryview) -> _Block:
    """Decode the tokenizer block at the start of `data`; see `encoder.weights` for its layout."""
    view = memoryview(data)
    try:
        count, begin, end, _pad, unknown, blob_size = _HEADER.unpack_from(view, 0)
        position = _HEADER.size
        offsets = np.frombuffer(view, np.uint32, count + 1, position)
        position += offsets.nbytes
        scores = np.frombuffer(view, np.float32, count, position).copy()
        position += scores.nbytes
        if int(offsets[-1]) != blob_size:
            raise TokenizerDataError("piece offsets do not match the piece text")
        blob = bytes(view[position : position + blob_size])
        position += blob_size
        bounds = pairwise(offsets.tolist())
        pieces = [blob[low:high].decode("utf-8") for low, high in bounds]
        entries, norm_size = _NORM_HEADER.unpack_from(view, position)
        position += _NORM_HEADER.size
        final = position + norm_size
        normalisation: dict[int, str] = {}
        for _ in range(entries):
            source, length = struct.unpack_from("<IB", view, position)
            target = struct.unpack_from(f"<{length}I", view, position + 5)
            normalisation[source] = "".join(map(chr, target))
            position += 5 + 4 * length
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise TokenizerDataError(f"unreadable tokenizer block: {error}") from error
    if position != final:
        raise TokenizerDataError("the normalisation table has the wrong size")
    return _Block(begin, end, unknown, pieces, scores, normalisation, final)


def block_size(data: bytes | memoryview) -> int:
    """Return how many bytes the tokenizer block at the start of `data` takes.

    Raises:
        TokenizerDataError: the block cannot be read.
    """
    return _parse(data).size


class Tokenizer:
    """Splits texts into the identifiers the model was trained on.  Immutable, so thread-safe."""

    def __init__(self, data: bytes | memoryview) -> None:
        """Read the tokenizer block `data` (about 5 MB; about 40 MB once decoded).

        Raises:
            TokenizerDataError: the block cannot be read.
        """
        block = _parse(data)
        self.begin = block.begin
        self.end = block.end
        self._unknown = block.unknown
        # A list of single-precision numbers: indexing it costs a third of indexing the array.
        self._scores = block.scores
        self._unknown_score = np.float32(block.scores.min() - _UNKNOWN_PENALTY)
        self._normalisation = block.normalisation
        # The unknown piece has a text ("<unk>") that must not match when somebody types it.
        self._ids = {
            piece: number
            for number, piece in enumerate(block.pieces)
            if piece and number != block.unknown
        }
        self._longest = max(map(len, self._ids))
        # Beginnings of pieces tell the search early that no longer piece can match.  It would be
        # faster still with all of them, but they would take five times the memory.
        for piece in list(self._ids):
            for stop in range(1, min(len(piece), _PRUNED + 1)):
                self._ids.setdefault(piece[:stop], _NO_PIECE)

    @property
    def vocabulary(self) -> list[str]:
        """Every piece a text can be split into, in the order of their identifiers."""
        return [piece for piece, number in self._ids.items() if number != _NO_PIECE]

    def tokens(self, text: str, kind: Kind = "query") -> list[int]:
        """Return the identifiers of `text` behind its prefix, without begin and end marks.

        The list is never empty, because the prefix is not.  As in the engine, a text ends at its
        first NUL character.  Lone surrogates, which no UTF-8 text can hold, count as "?".
        """
        return self._split(self._normalise(PREFIXES[kind] + text))

    def _normalise(self, text: str) -> str:
        """Return `text` with characters mapped, runs of spaces joined and word starts marked."""
        text = text.partition("\0")[0].encode("utf-8", "replace").decode("utf-8")
        text = text.translate(self._normalisation)
        while "  " in text:
            text = text.replace("  ", " ")
        if not text.startswith(" "):
            text = " " + text
        return text.replace(" ", _WORD_START)

    def _split(self, text: str) -> list[int]:
        """Return the most probable split of the normalised `text` (Viterbi)."""
        length = len(text)
        best = [_UNREACHED] * (length + 1)
        best[0] = np.float32(0.0)
        origin = [0] * (length + 1)
        chosen = [self._unknown] * (length + 1)
        ids, scores, longest = self._ids, self._scores, self._longest
        for start in range(length):
            so_far = best[start]
            for stop in range(start + 1, min(start + longest, length) + 1):
                number = ids.get(text[start:stop])
                if number is None:
                    if stop - start <= _PRUNED:
                        break
                elif number != _NO_PIECE:
                    score = so_far + scores[number]
                    if score > best[stop]:
                        best[stop], origin[stop], chosen[stop] = score, start, number
            # A character that is a piece of its own always scores above the unknown piece.
            if ids.get(text[start], _NO_PIECE) == _NO_PIECE:
                score = so_far + self._unknown_score
                if score > best[start + 1]:
                    best[start + 1], origin[start + 1] = score, start
                    chosen[start + 1] = self._unknown
        result: list[int] = []
        position = length
        while position > 0:
            result.append(chosen[position])
            position = origin[position]
        result.reverse()
        return result
