"""The graph is built once per session, outside the project, from the real weights."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder import artefacts
from encoder.fallback import NanoEncoder
from encoder.runtime import OnnxEncoder
from encoder.tokenizer import Tokenizer

# Texts that break tokenizers and encoders.
HOSTILE = [
    "",
    " ",
    "     ",
    "\t\r\n",
    "\x01\x02\x1b[0m\x7f\x80",
    "before\0after",
    "\0",
    "\u200b\u200d\u2060\ufeff",
    "a\u00a0b\u3000c\u2009d",
    "👩‍👩‍👧‍👦🇩🇪❤️🏽",
    "\ud83d broken half of an emoji",
    "Ａｂｃ ﬁ ½ ㌀ ﷺ e\u0301 é",
    "<unk> <s> </s> <pad> <mask>",
    "\u2581\u2581 \u2581a",
    "مرحبا\u202e كيف الحال؟ ـــــ ١٢٣",
    "x" * 400,
    "ha" * 200,
    "\U000e0067\U0001f3f4\U0010ffff\ufffe",
]


def _random_texts(count: int) -> list[str]:
    """Return texts of random characters: half Latin and Greek, half from all of Unicode."""
    chance = random.Random(7)

    def character() -> str:
        low, high = chance.choice(((1, 0x400), (1, 0xD800), (0xE000, 0x30000)))
        return chr(chance.randrange(low, high))

    return ["".join(character() for _ in range(chance.randrange(1, 50))) for _ in range(count)]


@pytest.fixture(scope="session")
def hostile_texts() -> list[str]:
    return HOSTILE


@pytest.fixture(scope="session")
def random_texts() -> Callable[[int], list[str]]:
    return _random_texts


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    directory = tmp_path_factory.mktemp("encoder") / "built"
    lines: list[str] = []
    assert artefacts.build(directory, say=lines.append)
    assert "measuring activations" in " ".join(lines)
    return directory


@pytest.fixture(scope="session")
def graph(built: Path) -> OnnxEncoder:
    return OnnxEncoder(built)


@pytest.fixture(scope="session")
def engine() -> NanoEncoder:
    return NanoEncoder()


@pytest.fixture(scope="session")
def tokenizer(built: Path) -> Tokenizer:
    return Tokenizer((built / artefacts.TOKENIZER).read_bytes())
