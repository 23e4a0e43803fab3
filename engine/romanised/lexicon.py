"""The words of one language, found by how they sound when typed in Latin letters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from typing import DefaultDict, Dict, Iterable, List, Mapping, Set, Tuple

from engine.romanised.spelling import SPELLINGS

LATIN_WORD = re.compile(r"[a-z0-9'éèç]*[a-zéèç][a-z0-9'éèç]*")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[a-z]")
_ARTICLE = re.compile(r"\b(el|al|il) (?=\w)")
_LOAN = 5
"""A German word is left as it is from so many letters; shorter ones look like other words."""
_OFTEN = 10
"""How often a word occurs counts up to this number."""


class Lexicon:
    """Turns typed words into words of the language, by sound, else letter by letter.

    Safe to share between threads: nothing changes after construction.
    """

    def __init__(self, language: str, words: Mapping[str, int], german: Iterable[str] = ()) -> None:
        """`words` in the language's own letters with how often they occur; `german` ones stay.

        Raises ``KeyError`` for a language that `SPELLINGS` does not know.
        """
        self.words = dict(words)
        self._german: Set[str] = {word for word in german if len(word) >= _LOAN}
        self._spelling = SPELLINGS[language]
        self._joins_article = language == "ar"
        self._by_sound: DefaultDict[str, List[Tuple[str, str, int]]] = defaultdict(list)
        for word, count in self.words.items():
            latin = self._spelling.romanised(word)
            self._by_sound[self._spelling.sound(latin)].append(
                (latin.replace("'", ""), word, count)
            )

    def native(self, text: str) -> str:
        """`text` in the language's own letters; digits, signs and German words stay."""
        lowered = text.lower()
        if self._joins_article:
            lowered = _ARTICLE.sub(r"\1", lowered)
        return LATIN_WORD.sub(lambda found: self._word(found.group()), lowered)

    def _word(self, latin: str) -> str:
        for sound in self._spelling.possible_sounds(latin):
            known = self._by_sound.get(sound)
            if known:
                return max(known, key=lambda entry: _likeness(latin, *entry))[1]
        if latin in self._german:
            return latin
        return self._spelling.letter_by_letter(latin)


def _likeness(typed: str, latin: str, word: str, count: int) -> float:
    """How well a word fits what was typed; its frequency decides between equals."""
    return SequenceMatcher(None, typed, latin).ratio() + 0.02 * min(count, _OFTEN)


def count_words(texts: Iterable[str]) -> Dict[str, int]:
    """How often each word without Latin letters occurs in `texts`, in lower case."""
    words = Counter(word for text in texts for word in words_of(text))
    return {word: count for word, count in words.items() if not _LATIN.search(word)}


def words_of(text: str) -> List[str]:
    """The words of `text` in lower case; digits and signs separate words."""
    return _WORD.findall(text.lower())
