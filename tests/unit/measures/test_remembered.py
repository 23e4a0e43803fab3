"""Vectors of passages that are kept between runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.measures import remembered
from bot.measures.remembered import RememberedMeanings
from bot.measures.search.codes import Matrix, Vector


class Counting:
    """Meanings that say how many passages they were asked for."""

    def __init__(self, name: str = "encoder") -> None:
        self.name = name
        self.asked: list[str] = []

    def query(self, text: str) -> Vector:
        return self.passages([text])[0]

    def passages(self, texts: Sequence[str]) -> Matrix:
        self.asked.extend(texts)
        return np.array(
            [[len(self.name), len(text), sum(map(ord, text))] for text in texts], dtype=np.float32
        )


def test_a_passage_is_made_once(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    file = tmp_path / "a" / "passages.db"
    made = RememberedMeanings(first, file=file).passages(["one", "two", "one"])
    again = RememberedMeanings(second, file=file).passages(["two", "three", "one"])
    assert second.asked == ["three"]
    assert again.tolist() == Counting().passages(["two", "three", "one"]).tolist()
    assert made.tolist() == Counting().passages(["one", "two", "one"]).tolist()


def test_another_encoder_makes_its_own(tmp_path: Path) -> None:
    file = tmp_path / "passages.db"
    RememberedMeanings(Counting("old"), file=file).passages(["one"])
    other = Counting("newer")
    assert RememberedMeanings(other, file=file).passages(["one"])[0][0] == len("newer")
    assert other.asked == ["one"]


def test_a_broken_file_costs_time_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "passages.db"
    file.write_bytes(b"this is no database" * 100)
    meanings = RememberedMeanings(Counting(), file=file)
    assert meanings.passages(["one"]).tolist() == Counting().passages(["one"]).tolist()


def test_the_file_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST", 3)
    file = tmp_path / "passages.db"
    texts = [f"text {number}" for number in range(5)]
    RememberedMeanings(Counting(), file=file).passages(texts)
    later = Counting()
    RememberedMeanings(later, file=file).passages(texts)
    assert later.asked == texts[3:]


def test_questions_are_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "passages.db"
    RememberedMeanings(Counting(), file=file).query("my secret")
    assert not file.exists()
