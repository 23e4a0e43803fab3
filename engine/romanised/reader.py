"""Detector and lexicons together: what a message looks like in its language's own letters."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import DefaultDict, Dict, List, Mapping, Optional, Sequence

import numpy as np

from engine.romanised.detector import Detector, is_latin, learn
from engine.romanised.lexicon import Lexicon, count_words, words_of
from engine.romanised.spelling import SPELLINGS

_GERMAN = "de"
_USUAL = 3
"""A German word counts as one that people mix in when it occurs so often."""


class Reader:
    """Gives messages in Latin letters back their own ones. Safe to share between threads."""

    def __init__(
        self, detector: Detector, words: Mapping[str, Mapping[str, int]], german: Sequence[str]
    ) -> None:
        """`words` are those of each language with how often they occur; see `learnt`."""
        self._detector = detector
        self._words = words
        self._german = german
        self._lexicons = {
            language: Lexicon(language, own, german) for language, own in words.items()
        }

    def native(self, text: str, language: Optional[str] = None) -> str:
        """`text` as its language writes it, or as it is when it is in no such language.

        The language is detected unless it is known.
        """
        lexicon = self._lexicons.get(language or self._detector.language(text) or "")
        return lexicon.native(text) if lexicon else text

    def save(self, directory: Path) -> None:
        """Writes everything learnt into `directory`."""
        np.savez(directory / "detector.npz", **self._detector.arrays)
        learnt = {
            "languages": self._detector.languages,
            "words": self._words,
            "german": self._german,
        }
        (directory / "words.json").write_text(json.dumps(learnt, ensure_ascii=False), "utf-8")

    @classmethod
    def open(cls, directory: Path) -> Reader:
        """Reads what `save` wrote; raises ``OSError`` when it is missing."""
        learnt = json.loads((directory / "words.json").read_text("utf-8"))
        with np.load(directory / "detector.npz", allow_pickle=False) as arrays:
            detector = Detector(learnt["languages"], arrays)
        return cls(detector, learnt["words"], learnt["german"])


def learnt(texts: Sequence[str], languages: Sequence[str]) -> Reader:
    """A reader that knows the words of `texts`, whose `languages` are codes such as ``fa``."""
    own: DefaultDict[str, List[str]] = defaultdict(list)
    for text, language in zip(texts, languages):
        if language == _GERMAN or (language in SPELLINGS and not is_latin(text)):
            own[language].append(text)
    german = Counter(word for text in own.pop(_GERMAN, []) for word in words_of(text))
    words: Dict[str, Dict[str, int]] = {
        language: count_words(examples) for language, examples in own.items()
    }
    usual = sorted(word for word, count in german.items() if count >= _USUAL)
    return Reader(learn(texts, languages), words, usual)
