"""Word lists: what a mistake in one looks like, and that ours have none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.entities.extract import extract, warm_up
from engine.entities.matcher import compile_list
from engine.entities.wordlists import LOOKUPS, WordListError, fingerprint, load

# The keys by which Rasa knows its own training data; see RasaYAMLReader.
RASA_KEYS = {"nlu", "responses", "stories", "rules", "intents", "slots", "forms", "actions"}


def _load(folder: Path, text: str) -> None:
    (folder / "format.yml").write_text(text, encoding="utf-8")
    wordlist = load("format", lambda value: value in ("online", "in_person"), folder)
    compile_list(wordlist, wordlist.spellings)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("de:\n  online: [zoom\n", "format.yml", "expected"),
        ("de:\n  offline: [zoom]\n", "format.yml:2", "de.offline"),
        ("xx:\n  online: [zoom]\n", "format.yml:1", "unknown language 'xx'"),
        ("de:\n  online: zoom\n", "format.yml:2", "expected a list"),
        ("de:\n  online: [zoom, '***']\n", "format.yml:2", "a text with letters"),
        ("de:\n  online: [zoom, [a]]\n", "format.yml:2", "a text with letters"),
        ("de: [zoom]\n", "format.yml:1", "expected keys"),
        ("de:\n  online: [a]\n  online: [b]\n", "format.yml:3", "stands here twice"),
        ("de:\n  online: [Zoom]\n  in_person:\n    - zoom\n", "format.yml:4", "already"),
        ("", "format.yml:1", "expected keys"),
    ],
)
def test_a_mistake_is_reported_with_its_place(
    tmp_path: Path, text: str, place: str, reason: str
) -> None:
    with pytest.raises(WordListError) as error:
        _load(tmp_path, text)
    assert place in str(error.value)
    assert reason in str(error.value)


def test_a_missing_list_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(WordListError, match=r"format\.yml"):
        load("format", lambda value: True, tmp_path)


def test_our_lists_are_sound() -> None:
    warm_up()
    assert extract("B1")


@pytest.mark.parametrize("path", sorted(LOOKUPS.glob("*.yml")), ids=lambda path: path.stem)
def test_rasa_does_not_take_a_list_for_training_data(path: Path) -> None:
    assert not RASA_KEYS & set(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_fingerprint_follows_the_lists(tmp_path: Path) -> None:
    (tmp_path / "format.yml").write_text("de: {online: [zoom]}", encoding="utf-8")
    before = fingerprint(tmp_path)
    assert before == fingerprint(tmp_path)
    (tmp_path / "format.yml").write_text("de: {online: [zoom, skype]}", encoding="utf-8")
    assert fingerprint(tmp_path) != before
