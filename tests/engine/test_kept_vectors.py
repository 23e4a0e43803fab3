"""Vectors of training messages are computed once, and never wrongly reused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.kept_vectors import features


class Lengths:
    """An encoder whose vectors are easy to foresee and which remembers what it was asked."""

    def __init__(self, name: str = "lengths-v1") -> None:
        self.name = name
        self.asked: list[str] = []

    def features(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.extend(texts)
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def test_only_new_texts_are_computed_the_next_time(tmp_path: Path) -> None:
    file, model = tmp_path / "below" / "kept.npz", Lengths()
    first = features(["a", "bb", "a"], model, file)
    second = features(["bb", "ccc", "a"], model, file)
    assert first[:, 0].tolist() == [1, 2, 1]
    assert second[:, 0].tolist() == [2, 3, 1]
    assert model.asked == ["a", "bb", "ccc"]


def test_texts_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    file, model = tmp_path / "kept.npz", Lengths()
    features(["a", "bb"], model, file)
    features(["a"], model, file)
    features(["bb"], model, file)
    assert model.asked == ["a", "bb", "bb"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing more", b"\x00" * 500])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "kept.npz"
    file.write_bytes(damage)
    assert features(["a"], Lengths(), file)[:, 0].tolist() == [1]
    again = Lengths()
    features(["a"], again, file)
    assert again.asked == []


def test_another_encoder_computes_anew(tmp_path: Path) -> None:
    file, other = tmp_path / "kept.npz", Lengths("lengths-v2")
    features(["a"], Lengths(), file)
    features(["a"], other, file)
    assert other.asked == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    model = Lengths()
    features(["a"], model, None)
    features(["a"], model, None)
    assert model.asked == ["a", "a"]
