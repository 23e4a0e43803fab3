"""Word lists: ``nlu/lookups/<entity>.yml``, one value and its spellings per line.

A file maps a language to values and a value to spellings. A spelling that ends in
``*`` stands for every word that begins like it. Files are read as plain strings
(YAML would make ``no`` a truth value) and mistakes are reported with their place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from engine.entities.text import words

LOOKUPS = Path(__file__).resolve().parents[2] / "nlu" / "lookups"
LANGUAGES = ("de", "en", "tr", "ar", "uk", "ru", "fa", "fr", "es", "it", "hr", "ro", "pl", "el")
# Spellings that hold in every language: digits, brand names, international words.
ANY = "any"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class WordListError(ValueError):
    """A word list that cannot be used; the message names file, line and key."""


@dataclass(frozen=True)
class Spelling:
    """One line's worth of a word list."""

    language: str
    value: str
    text: str
    line: int


@dataclass(frozen=True)
class WordList:
    """The spellings of one file in the order in which they stand there."""

    path: Path
    spellings: tuple[Spelling, ...]
    values: frozenset[str]

    def of(self, *values: str) -> list[Spelling]:
        """The spellings of the given values."""
        return [spelling for spelling in self.spellings if spelling.value in values]

    def without(self, *values: str) -> list[Spelling]:
        """The spellings of all other values."""
        return [spelling for spelling in self.spellings if spelling.value not in values]


def load(name: str, legal: Callable[[str], bool], folder: Path = LOOKUPS) -> WordList:
    """Reads one list; raises ``WordListError`` where ``legal`` refuses a value."""
    path = folder / f"{name}.yml"
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WordListError(f"{path}: {error}") from error
    keys: set[str] = set()
    spellings = tuple(_spellings(path, root, legal, keys))
    return WordList(path, spellings, frozenset(keys))


def fingerprint(folder: Path = LOOKUPS) -> str:
    """A hash over all lists: it changes when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _spellings(
    path: Path, root: yaml.Node | None, legal: Callable[[str], bool], keys: set[str]
) -> Iterator[Spelling]:
    for language, values in _pairs(path, root, "the file"):
        if language.value not in (*LANGUAGES, ANY):
            raise _error(path, language, f"unknown language {language.value!r}")
        for value, spellings in _pairs(path, values, language.value):
            key = f"{language.value}.{value.value}"
            if not legal(value.value):
                raise _error(path, value, f"{key}: {value.value!r} is not a value of this entity")
            keys.add(value.value)
            if not isinstance(spellings, yaml.SequenceNode):
                raise _error(path, spellings, f"{key}: expected a list of spellings")
            for node in spellings.value:
                if not isinstance(node, yaml.ScalarNode) or not words(node.value):
                    raise _error(path, node, f"{key}: a spelling must be a text with letters")
                for text in _variants(language.value, node.value):
                    yield Spelling(language.value, value.value, text, node.start_mark.line + 1)


def _pairs(
    path: Path, node: yaml.Node | None, where: str
) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise WordListError(f"{path}:{line}: {where}: expected keys with values below them")
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _error(path, key, f"{where}: a key must be a plain word")
        if key.value in seen:
            raise _error(path, key, f"{where}: {key.value!r} stands here twice")
        seen.add(key.value)
        yield key, value


def _variants(language: str, text: str) -> Iterator[str]:
    yield text
    # German keyboards are rare abroad: "fuer" and "fur" both stand for "für".
    if language in ("de", ANY) and text.translate(_UMLAUTS) != text:
        yield text.translate(_UMLAUTS)


def _error(path: Path, node: yaml.Node, text: str) -> WordListError:
    return WordListError(f"{path}:{node.start_mark.line + 1}: {text}")
