"""Recognises emergencies by their words, without the engine and before consent.

The phrases stand in ``phrases``, one file a language; its README explains how they are written.
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

PHRASES = Path(__file__).with_name("phrases")

_MOST_PRESSING_FIRST = (
    Emergency.SUICIDE,
    Emergency.VIOLENCE,
    Emergency.CHILD,
    Emergency.MEDICAL,
    Emergency.HOMELESS,
    Emergency.DANGER,
)
_WORDS = "words"
_HARMLESS = "harmless"
_APOSTROPHES = "'’‘`´ʼ′"
# French and Italian articles and pronouns stay words of their own: "d'endroit", "l'ho".
_ELISION = re.compile(
    rf"\b([cdjlmnst]|qu|un|jusqu|(?:de|ne|a|da|su)ll|quest)[{_APOSTROPHES}](?=[aeiouyhàâéèêëîïôœ])"
)
# Vowels of Indian scripts that stand beside their letter; Python does not count them to words.
_VOWEL_SIGNS = "".join(c for c in map(chr, range(0x900, 0x1CF8)) if unicodedata.category(c) == "Mc")
_BETWEEN_WORDS = re.compile(rf"[^\w{_VOWEL_SIGNS}]+|_+")
# Chinese writes no spaces: each of its characters is compared as a word.
_CHARACTER = re.compile("([\u3400-\u4dbf\u4e00-\u9fff])")
_LETTERS = {
    **str.maketrans("أإآٱىةکیھہłđı", "اااايهكيههldi"),
    # Sorani, for which many have but an Arabic or Persian keyboard.
    **str.maketrans("ەێۆڕڵ", "هيورل"),
    # Ethiopic letters that Amharic sounds alike, and q, which only Tigrinya keyboards have twice.
    **str.maketrans("ሐሑሒሓሔሕሖኀኁኂኃኄኅኆሃ", "ሀሁሂሀሄህሆሀሁሂሀሄህሆሀ"),
    **str.maketrans("ሠሡሢሣሤሥሦ", "ሰሱሲሳሴስሶ"),
    **str.maketrans("ፀፁፂፃፄፅፆ", "ጸጹጺጻጼጽጾ"),
    **str.maketrans("ዐዑዒዓዔዕዖኣ", "አኡኢአኤእኦአ"),
    **str.maketrans("ቐቑቒቓቔቕቖ", "ቀቁቂቃቄቅቆ"),
}


class _Vocabulary(NamedTuple):
    emergencies: PhraseBook
    harmless: PhraseBook


def detect(text: str) -> Emergency | None:
    """The kind of emergency that a text speaks of in so many words, or None.

    Of several kinds the most pressing is named. Any text is accepted; the time grows in
    proportion to its length. Raises ``ConfigurationError`` where a file of phrases is faulty.
    """
    vocabulary = _vocabulary(PHRASES)
    words = _without_harmless(fold(text).split(), vocabulary.harmless)
    heard = {found.label for found in vocabulary.emergencies.search(words)}
    return next((kind for kind in _MOST_PRESSING_FIRST if kind in heard), None)


def load() -> None:
    """Reads the phrases, which takes a second or two once, so that no message waits for it.

    Raises ``ConfigurationError`` where a file of phrases is faulty, or where there is none.
    """
    _vocabulary(PHRASES)


def fold(text: str) -> str:
    """The text as phrases are compared: lower case, words parted by single spaces.

    Accents, signs above and below letters, apostrophes, invisible characters and punctuation are
    gone, interchangeable Arabic and Ethiopic letters unified, a letter held down ("heeelp")
    stands once, and each Chinese character is a word.
    """
    decomposed = unicodedata.normalize("NFKD", _ELISION.sub(r"\1 ", text.casefold()))
    bare = "".join(c for c in decomposed if not _is_dropped(c)).translate(_LETTERS)
    words = _BETWEEN_WORDS.sub(" ", _CHARACTER.sub(r" \1 ", bare))
    return " ".join(re.sub(r"([^\W\d])\1{2,}", r"\1", words).split())


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
def _vocabulary(directory: Path) -> _Vocabulary:
    fold_word = cache(fold)
    emergencies, harmless = PhraseBook(fold_word), PhraseBook(fold_word)
    files = sorted(directory.glob("*.yml"))
    if not files:
        raise ConfigurationError(f"There are no phrases of emergencies in {directory.name}.")
    for path in files:
        phrases = _read(path)
        groups = phrases.pop(_WORDS, {})
        try:
            for label, lines in phrases.items():
                book = harmless if label == _HARMLESS else emergencies
                for phrase in lines:
                    book.add(label, phrase, groups)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path.name}: {error}") from error
    return _Vocabulary(emergencies, harmless)


def _read(path: Path) -> dict[str, Any]:
    data = yaml.load(
        path.read_text("utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 -- both are safe
    )
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path.name}: kinds of emergency must stand here")
    if unknown := set(map(str, data)) - set(Emergency) - {_WORDS, _HARMLESS}:
        raise ConfigurationError(f"{path.name}: unknown kinds {', '.join(sorted(unknown))}")
    for label, inner in data.items():
        if not (_is_words(inner) if label == _WORDS else _is_texts(inner)):
            raise ConfigurationError(f"{path.name}: {label} does not hold texts alone")
    return data


# YAML turns an unquoted on, no or 112 into something that is not a text.
def _is_texts(inner: object) -> bool:
    return isinstance(inner, list) and all(isinstance(text, str) for text in inner)


def _is_words(inner: object) -> bool:
    return isinstance(inner, dict) and _is_texts([*inner.keys(), *inner.values()])
