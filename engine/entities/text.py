"""Messages, normalised for matching, with a way back to the original characters.

People type with and without accents, on Arabic and on Persian keyboards, with
Turkish capitals. Word lists and messages go through the same normalisation, so
that a list needs each word only once.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Letters that stay apart under NFKD although people type them interchangeably.
_LETTERS = str.maketrans(
    {
        "ı": "i",
        "ł": "l",
        "đ": "d",
        "ø": "o",
        "ґ": "г",
        "ی": "ي",
        "ې": "ي",
        "ى": "ي",
        "ک": "ك",
        "ة": "ه",
        "ہ": "ه",
        "ھ": "ه",
        "ە": "ه",
        "ς": "σ",
        "⁄": "/",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "ʻ": "'",
        "`": "'",
        "´": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "،": ",",
        "؛": ";",
        "؟": "?",
        "٫": ".",
        "\u200c": " ",
        "\u0640": "",
    }
)
_FRACTIONS = {"½": ",5"}
_TOKEN = re.compile(r"[^\W\d_]+(?:'(?=[а-яіїє])[^\W\d_]+)*|\d+(?:[.,]\d+)?")
_BREAK = re.compile(r"[^\s\-'\"“”„«»/&+*]")
_DROPPED = ("M", "C")


@dataclass(frozen=True)
class Token:
    """A word or number of the normalised text; ``gap`` is what separates it from the last one."""

    word: str
    start: int
    end: int
    gap: str
    joined: bool

    @property
    def is_number(self) -> bool:
        """Whether the token is written in digits."""
        return self.word[0].isdigit()


@dataclass(frozen=True)
class Message:
    """A message: as written, normalised, and cut into tokens."""

    original: str
    text: str
    origins: tuple[int, ...]
    tokens: tuple[Token, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original text of a non-empty span in the normalised text."""
        last = self.origins[end - 1] + 1
        limit = self.origins[end] if end < len(self.origins) else len(self.original)
        # Marks that were dropped belong to the letter they stand on.
        while last < limit and unicodedata.category(self.original[last])[0] == "M":
            last += 1
        return self.origins[start], last

    def span_of(self, first: int, last: int) -> tuple[int, int]:
        """The span in the original text from token ``first`` up to, not including, ``last``."""
        return self.span(self.tokens[first].start, self.tokens[last - 1].end)


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    if character in _FRACTIONS:
        return _FRACTIONS[character]
    folded = []
    for part in unicodedata.normalize("NFKD", character.casefold()).casefold():
        part = part.translate(_LETTERS)
        if part in ("\n", "\t"):
            part = "\n" if part == "\n" else " "
        elif part and unicodedata.category(part)[0] in _DROPPED:
            continue
        elif part and unicodedata.category(part) == "Nd":
            part = str(unicodedata.digit(part))
        folded.append(part)
    return "".join(folded)


def normalise(text: str) -> Message:
    """Folds case, accents, digits and letter variants, and cuts the text into tokens."""
    characters: list[str] = []
    origins: list[int] = []
    for index, character in enumerate(text):
        folded = _fold(character)
        if character in _FRACTIONS and not (characters and characters[-1].isdigit()):
            # "2½" is 2,5 while a lone "½" is 0,5.
            folded = "0" + folded
        characters.append(folded)
        origins.extend([index] * len(folded))
    normal = "".join(characters)
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(normal):
        gap = normal[end : match.start()]
        joined = bool(tokens) and not _BREAK.search(gap) and "\n" not in gap
        tokens.append(Token(match.group(), match.start(), match.end(), gap, joined))
        end = match.end()
    return Message(text, normal, tuple(origins), tuple(tokens))


def words(phrase: str) -> list[str]:
    """The normalised words of a phrase from a word list; a trailing ``*`` stays on its word."""
    message = normalise(phrase)
    found = []
    for token in message.tokens:
        star = message.text[token.end : token.end + 1] == "*"
        found.append(token.word + "*" if star else token.word)
    return found
