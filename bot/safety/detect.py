"""Recognises emergencies by their words, without the engine and before consent.

The phrases stand in ``phrases.yml``, whose head explains how they are written.
They are chosen so that a message containing one is an emergency in all
likelihood; what needs judgement is left to the trained model, which runs
afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bot.errors import ConfigurationError
from bot.safety.answers import Emergency
from bot.safety.phrasebook import BARRIER, PhraseBook

PHRASES = Path(__file__).with_name("phrases.yml")

_WORDS = "words"
_HARMLESS = "harmless"
_APOSTROPHES = "'’‘`´ʼ′"
# French and Italian articles and pronouns stay words of their own: "d'endroit", "l'ho".
_ELISION = re.compile(
    rf"\b([cdjlmnst]|qu|un|jusqu|(?:de|ne|a|da|su)ll|quest)[{_APOSTROPHES}](?=[aeiouyhàâéèêëîïôœ])"
)
_LETTERS = str.maketrans("أإآٱىةکیھہۀłđı", "اااايهكيهههldi")


class _Vocabulary(NamedTuple):
    order: tuple[Emergency, ...]
    emergencies: PhraseBook
    harmless: PhraseBook


def detect(text: str) -> Emergency | None:
    """The kind of emergency that a text speaks of in so many words, or None.

    Of several kinds the one that stands first in ``phrases.yml`` is named. Any text is
    accepted; the time grows in proportion to its length. Raises ``ConfigurationError``
    where ``phrases.yml`` is faulty.
    """
    vocabulary = _vocabulary(PHRASES)
    words = _without_harmless(fold(text).split(), vocabulary.harmless)
    heard = {found.label for found in vocabulary.emergencies.search(words)}
    return next((kind for kind in vocabulary.order if kind in heard), None)


def load() -> None:
    """Reads the phrases, which takes about a second once, so that no message waits for it.

    Raises ``ConfigurationError`` where ``phrases.yml`` is faulty.
    """
    _vocabulary(PHRASES)


def fold(text: str) -> str:
    """The text as phrases are compared: lower case, words parted by single spaces.

    Accents, vowel signs, apostrophes, invisible characters and punctuation are gone, Arabic
    letters unified, and a letter held down ("heeelp") stands once.
    """
    decomposed = unicodedata.normalize("NFKD", _ELISION.sub(r"\1 ", text.casefold()))
    bare = "".join(c for c in decomposed if not _is_dropped(c)).translate(_LETTERS)
    words = re.sub(r"[\W_]+", " ", bare)
    return re.sub(r"([^\W\d])\1{2,}", r"\1", words).strip()


def _is_dropped(character: str) -> bool:
    return (
        character == "ـ"
        or character in _APOSTROPHES
        or unicodedata.category(character) in ("Mn", "Me", "Cf")
    )


def _without_harmless(words: list[str], harmless: PhraseBook) -> list[str]:
    """The words with a barrier in the place of every harmless phrase."""
    is_harmless = [False] * len(words)
    for found in harmless.search(words):
        is_harmless[found.start : found.end] = [True] * (found.end - found.start)
    return [BARRIER if hidden else w for w, hidden in zip(words, is_harmless, strict=True)]


@lru_cache(maxsize=1)
def _vocabulary(path: Path) -> _Vocabulary:
    data = _read(path)
    groups = data.pop(_WORDS)
    order = tuple(Emergency(kind) for kind in data if kind != _HARMLESS)
    fold_word = cache(fold)
    emergencies, harmless = PhraseBook(fold_word), PhraseBook(fold_word)
    try:
        for label, by_language in data.items():
            book = harmless if label == _HARMLESS else emergencies
            for language, phrases in by_language.items():
                for phrase in phrases:
                    book.add(label, phrase, groups.get(language, {}))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    return _Vocabulary(order, emergencies, harmless)


def _read(path: Path) -> dict[str, Any]:
    data = yaml.load(
        path.read_text("utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 -- both are safe
    )
    if not isinstance(data, dict) or not isinstance(data.get(_WORDS), dict):
        raise ConfigurationError(f"{path.name}: kinds of emergency and {_WORDS!r} must stand here")
    if unknown := set(map(str, data)) - set(Emergency) - {_WORDS, _HARMLESS}:
        raise ConfigurationError(f"{path.name}: unknown kinds {', '.join(sorted(unknown))}")
    for label, by_language in data.items():
        if not isinstance(by_language, dict) or not all(
            isinstance(language, str) and _is_text_inside(inner)
            for language, inner in by_language.items()
        ):
            raise ConfigurationError(f"{path.name}: {label} is not sorted by language into texts")
    return data


def _is_text_inside(inner: object) -> bool:
    # YAML turns an unquoted on, no or 112 into something that is not a text.
    if isinstance(inner, dict):
        return all(isinstance(part, str) for pair in inner.items() for part in pair)
    return isinstance(inner, list) and all(isinstance(phrase, str) for phrase in inner)
