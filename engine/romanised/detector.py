"""Which of the languages with other letters a message in Latin letters is in, if any."""

from __future__ import annotations

import unicodedata
from typing import Dict, List, Mapping, Optional, Sequence, Set

import numpy as np

from engine.ngrams import NgramVectoriser
from engine.romanised.lexicon import words_of
from engine.romanised.others import LINES
from engine.romanised.spelling import SPELLINGS

OTHER = ""
"""Stands for every language that is written in Latin letters anyway."""
SURE = 0.4
"""Below this probability a message is left as it is: a foreign word does less harm than a
message of an unknown language turned into letters that are not its own."""
_COST = 10.0
_FOLDED = ("el", "ru", "uk")
"""Languages whose own letters the n-grams fold into Latin ones, so that any message teaches."""
_TIMES = 5
"""How often each line of another language counts: they are few beside the training messages."""
_SHORTEST = 4
"""Fewer letters, such as "ok", belong to every language."""
_TYPED = frozenset(map(chr, range(128))) | frozenset("éèêçâàîôû’‘“”…–—€")
"""Whoever types in Latin letters for want of others uses no accents, or those of French."""


class Detector:
    """Logistic regression on character n-grams. Safe to share between threads."""

    def __init__(self, languages: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
        """Opens what `learn` returned; `languages` are its classes in order."""
        self.languages = list(languages)
        self.arrays: Dict[str, np.ndarray] = dict(arrays)
        self._ngrams = NgramVectoriser(self.arrays["idf"])

    def language(self, text: str) -> Optional[str]:
        """The language, or None where the message shows none of them clearly."""
        if not self.languages or not _may_be_romanised(text):
            return None
        row = self._ngrams.transform([text])
        scores = (row @ self.arrays["weights"] + self.arrays["bias"])[0]
        shares = 1 / (1 + np.exp(-scores))
        best = int(shares.argmax())
        name = self.languages[best]
        return name if name != OTHER and shares[best] >= SURE else None


def learn(texts: Sequence[str], languages: Sequence[str]) -> Detector:
    """Learns from messages in Latin letters among `texts`, whose `languages` are codes.

    Messages made only of words that other languages use too, such as *Termin*, teach nothing.
    A detector of nothing comes back when no language is seen in both sorts of letters.
    """
    rows = [row for row, text in enumerate(texts) if is_latin(text)]
    common: Set[str] = set()
    for row in rows:
        if languages[row] not in SPELLINGS:
            common.update(words_of(texts[row]))
    chosen: List[str] = []
    labels: List[str] = []
    for row in rows:
        own = languages[row] in SPELLINGS
        if not own or not common.issuperset(words_of(texts[row])):
            chosen.append(texts[row])
            labels.append(languages[row] if own else OTHER)
    for row in sorted(set(range(len(texts))).difference(rows)):
        if languages[row] in _FOLDED:
            chosen.append(texts[row])
            labels.append(languages[row])
    if not set(labels) - {OTHER}:
        return Detector([], {"idf": np.zeros(1, np.float32)})
    chosen.extend(LINES * _TIMES)
    labels.extend([OTHER] * (len(LINES) * _TIMES))
    # Needed in training only, and large.
    from sklearn.linear_model import LogisticRegression

    ngrams = NgramVectoriser()
    weighted = ngrams.fit_transform(chosen)
    # One against the rest: the probabilities of an unknown language may all be low.
    model = LogisticRegression(C=_COST, solver="liblinear", class_weight="balanced")
    model.fit(weighted, labels)
    weights = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_, model.coef_])
    bias = model.intercept_ if len(model.classes_) > 2 else np.array([-1, 1]) * model.intercept_
    return Detector(
        [str(name) for name in model.classes_],
        {
            "idf": ngrams.idf,
            "weights": np.ascontiguousarray(weights.T, dtype=np.float32),
            "bias": np.asarray(bias, dtype=np.float32),
        },
    )


def _may_be_romanised(text: str) -> bool:
    letters = sum(letter.isalnum() for letter in text)
    return letters >= _SHORTEST and is_latin(text) and _TYPED.issuperset(text.lower())


def is_latin(text: str) -> bool:
    """Whether the message has letters and all of them are Latin ones."""
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and all(
        letter < "\u0250" or unicodedata.name(letter, "").startswith("LATIN") for letter in letters
    )
