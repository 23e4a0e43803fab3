"""Character n-grams of messages, after a normalisation that lets spellings of one word meet.

Embeddings of romanised Arabic, Persian, Greek, Ukrainian or Russian lie far from those of the
same words in their own script. Folded letters and n-grams within words bring them, typos and
missing accents closer.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from typing import Dict, List, Optional, Sequence

import numpy as np
from scipy import sparse

BUCKETS = 1 << 17
SHORTEST, LONGEST = 1, 5

# Folding for matching, not for reading: letters that people swap share one target.
# A dash stands for nothing: signs that change no sound.
_CYRILLIC_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў"
_CYRILLIC_SOUNDS = (
    "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch - y - e yu ya i i e g u"
)
_GREEK_LETTERS = "αβγδεζηθικλμνξοπρσςτυφχψω"
_GREEK_SOUNDS = "a v g d e z i th i k l m n x o p r s s t y f x ps o"


def _romanised(letters: str, sounds: str) -> Dict[str, str]:
    return {letter: sound.strip("-") for letter, sound in zip(letters, sounds.split())}


_ARABIC = {
    **dict.fromkeys("أإآٱ", "ا"),
    **dict.fromkeys("ىیې", "ي"),
    "ئ": "ي",
    "ؤ": "و",
    "ة": "ه",
    "ۀ": "ه",
    **dict.fromkeys("کگ", "ك"),
    "پ": "ب",
    "چ": "ج",
    "ژ": "ز",
    "ڤ": "ف",
    "ـ": "",
}
_LATIN = {"ß": "ss", "ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae"}
_FOLDED = str.maketrans(
    {
        **_romanised(_CYRILLIC_LETTERS, _CYRILLIC_SOUNDS),
        **_romanised(_GREEK_LETTERS, _GREEK_SOUNDS),
        **_ARABIC,
        **_LATIN,
    }
)
_NO_LETTER = re.compile(r"[^\w\s]")
_REPEATED = re.compile(r"(.)\1{2,}")


def normalise(text: str) -> str:
    """Lower case, no accents or punctuation, Cyrillic and Greek in Latin letters, Arabic folded.

    Letters repeated more than twice are written twice; words are separated by one space.
    """
    # The zero-width non-joiner separates the parts of a Persian word as a space would.
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u200c", " "))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    words = _NO_LETTER.sub(" ", bare.translate(_FOLDED)).split()
    return _REPEATED.sub(r"\1\1", " ".join(words))


def ngrams(text: str) -> List[str]:
    """All n-grams of 1 to 5 characters within the normalised words, each padded by spaces.

    A word shorter than n counts once, as a whole, as in scikit-learn's ``char_wb``.
    """
    found = []
    for word in normalise(text).split():
        padded = f" {word} "
        for length in range(SHORTEST, LONGEST + 1):
            if length >= len(padded):
                found.append(padded)
                break
            found.extend(padded[i : i + length] for i in range(len(padded) - length + 1))
    return found


class NgramVectoriser:
    """Turns texts into sparse rows of unit length, weighted by TF-IDF.

    The n-grams are hashed into ``BUCKETS`` columns, so that a model holds numbers alone.
    """

    def __init__(self, idf: Optional[np.ndarray] = None) -> None:
        self._idf = idf

    @property
    def idf(self) -> np.ndarray:
        """Inverse document frequencies, shape (BUCKETS,); 0 for columns never seen."""
        if self._idf is None:
            raise ValueError("the vectoriser is not fitted")
        return self._idf

    def fit(self, texts: Sequence[str]) -> NgramVectoriser:
        """Learns how common each column is. Columns of a single text are left out."""
        self._learn(_counts(texts), len(texts))
        return self

    def fit_transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """`fit` and `transform` of the same texts, which are taken apart only once."""
        counts = _counts(texts)
        self._learn(counts, len(texts))
        return self._weighted(counts)

    def _learn(self, counts: sparse.csr_matrix, texts: int) -> None:
        frequency = np.bincount(counts.indices, minlength=BUCKETS)
        idf = np.log((1 + texts) / (1 + frequency)) + 1
        self._idf = np.where(frequency > 1, idf, 0).astype(np.float32)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Returns one row per text, (n, BUCKETS) in float32; a row of zeros if nothing is known."""
        return self._weighted(_counts(texts))

    def _weighted(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        count = rows.shape[0]
        rows.data = ((1 + np.log(rows.data)) * self.idf[rows.indices]).astype(np.float32)
        owners = np.repeat(np.arange(count), np.diff(rows.indptr))
        lengths = np.sqrt(np.bincount(owners, rows.data**2, minlength=count))
        lengths[lengths == 0] = 1
        rows.data /= lengths[owners].astype(np.float32)
        rows.eliminate_zeros()
        return rows


def _counts(texts: Sequence[str]) -> sparse.csr_matrix:
    columns: List[int] = []
    values: List[int] = []
    ends = [0]
    for text in texts:
        buckets = Counter(zlib.crc32(gram.encode()) % BUCKETS for gram in ngrams(text))
        columns.extend(buckets.keys())
        values.extend(buckets.values())
        ends.append(len(columns))
    return sparse.csr_matrix(
        (
            np.array(values, dtype=np.float32),
            np.array(columns, dtype=np.int32),
            np.array(ends, dtype=np.int32),
        ),
        shape=(len(texts), BUCKETS),
    )
