"""How Arabic, Greek, Persian, Russian and Ukrainian are typed in Latin letters.

Nobody follows a standard. The tables hold what people do in chats: digits for Arabic sounds, "8" or
"th" for theta, "w" for omega, "x" for chi or xi. Two spellings of one word share a sound: the word
without what people leave out or choose freely, vowels in Arabic and Persian above all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Dict, Mapping, Sequence, Tuple

Replacements = Sequence[Tuple[str, str]]


@dataclass(frozen=True)
class Spelling:
    """One language's letters in Latin ones and back.

    ``latin`` gives the usual rendering of each letter. ``sounds`` are applied one after another
    to a word in Latin letters, ``silent`` letters then left out, doubled ones written once: what
    remains is the word's sound. ``readings`` are replacements tried instead where one Latin
    letter stands for two. ``letters`` turns a word that no lexicon knows, longest piece first.
    ``unspoken`` is a last letter that only marks a vowel, ``joint`` keeps two letters from being
    read as one sound, ``final`` is a letter and its form at the end of a word.
    """

    latin: Mapping[str, str]
    sounds: Replacements
    silent: str
    letters: Mapping[str, str]
    readings: Tuple[Replacements, ...] = ()
    unspoken: str = ""
    joint: str = ""
    final: Tuple[str, str] = ("", "")

    def romanised(self, word: str) -> str:
        """A word of the language in Latin letters, its accents dropped."""
        if len(word) > 2 and word.endswith(self.unspoken or " "):
            word = word[:-1]
        letters = (self._latin(letter) for letter in word.lower())
        return self.joint.join(letter for letter in letters if letter)

    def _latin(self, letter: str) -> str:
        bare = letter if letter in self.latin else unicodedata.normalize("NFD", letter)[0]
        return self.latin.get(bare, "")

    def sound(self, latin: str) -> str:
        """What spellings of one word in Latin letters have in common; may be empty."""
        for written, heard in self.sounds:
            latin = re.sub(written, heard, latin)
        kept = "".join(letter for letter in latin if letter not in self.silent)
        return re.sub(r"(.)\1+", r"\1", kept)

    def possible_sounds(self, latin: str) -> Sequence[str]:
        """The sounds that a typed word may stand for, likeliest first."""
        found = [self.sound(latin)]
        for reading in self.readings:
            changed = latin
            for written, meant in reading:
                changed = changed.replace(written, meant)
            found.append(self.sound(changed))
        return list(dict.fromkeys(sound for sound in found if sound))

    def letter_by_letter(self, latin: str) -> str:
        """A typed word in the language's letters, by rule alone."""
        pieces = "|".join(map(re.escape, sorted(self.letters, key=len, reverse=True)))
        word = re.sub(pieces, lambda piece: self.letters[piece.group()], latin)
        ending, instead = self.final
        return word[: -len(ending)] + instead if ending and word.endswith(ending) else word


def _table(keys: str, values: str) -> Dict[str, str]:
    """Words of `keys` to words of `values`; a dash stands for nothing."""
    return {key: value.strip("-") for key, value in zip(keys.split(), values.split())}


_ARABIC_LATIN = _table(
    "ا أ إ آ ب ت ث ج ح خ د ذ ر ز س ش ص ض ط ظ ع غ ف ق ك ل م ن ه و ي ى ة ئ ؤ پ چ گ ڤ",
    "a a e a b t th j 7 kh d dh r z s sh s d t z 3 gh f q k l m n h o i a a i o p ch g v",
)
_ARABIC_DIGITS = _table("2 3 5 6 7 8 9", "أ ع خ ط ح ق ق")
_ARABIC_SOUNDS = (
    (r"(?<=.[aei])h$", ""),
    ("kh|5", "x"),
    ("gh|[q98]|[jg]", "g"),
    ("sh|ch|ç", "c"),
    ("th|6", "t"),
    ("dh", "d"),
    ("[ou]u|oo", "w"),
    ("7", "h"),
    ("p", "b"),
    ("v", ""),
)
_SHORT_VOWELS = "aeiouywéè'2"

ARABIC = Spelling(
    latin=_ARABIC_LATIN,
    sounds=_ARABIC_SOUNDS,
    silent=_SHORT_VOWELS,
    letters={
        **_table(
            "kh sh ch gh th dh ou oo ee ii aa b t j g d r z s f q k l m n h w y i u o p v c x a",
            "خ ش ش غ ث ذ و و ي ي ا ب ت ج ج د ر ز س ف ق ك ل م ن ه و ي ي و و ب ف س كس ا",
        ),
        **_ARABIC_DIGITS,
        **_table("e '", "- -"),
    },
    unspoken="ه",
    joint="'",
)

PERSIAN = Spelling(
    latin={
        **_ARABIC_LATIN,
        **_table("ث ذ ظ ض ع ح ژ ک ی ۀ و آ", "s z z z - h zh k i e v a"),
    },
    sounds=(
        (r"(?<=.[aei])h$", ""),
        ("kh|x|5", "x"),
        ("gh|zh|[qjg]", "g"),
        ("sh|ch", "c"),
        ("[3v]", ""),
        ("p", "b"),
    ),
    silent=_SHORT_VOWELS,
    letters={
        **_table(
            "kh sh ch gh zh ou oo ee aa ai ey b p t s j d r z f q k g l m n v w h y i u a c x",
            "خ ش چ ق ژ و و ی ا ای ی ب پ ت س ج د ر ز ف ق ک گ ل م ن و و ه ی ی و ا ک خ",
        ),
        **_table("e o '", "- - -"),
    },
    unspoken="ه",
    joint="'",
)

_GREEK_LATIN = _table(
    "α β γ δ ε ζ η θ ι κ λ μ ν ξ ο π ρ σ ς τ υ φ χ ψ ω",
    "a v g d e z i th i k l m n ks o p r s s t y f ch ps o",
)
GREEK = Spelling(
    latin=_GREEK_LATIN,
    sounds=(
        ("8", "th"),
        ("w", "o"),
        ("o[uy]", "U"),
        ("ai", "e"),
        ("[eoy]i", "i"),
        ("[ea][uy](?=[bdglmnrvzaeio])", "ev"),
        ("eu|ey", "ef"),
        ("au|ay", "af"),
        ("th", "0"),
        ("[ck]h|x", "H"),
        ("mp", "b"),
        ("nt", "d"),
        ("g[kg]", "g"),
        ("t[sz]", "c"),
        ("ph", "f"),
        ("[yhu]", "i"),
        ("H", "h"),
    ),
    silent="'",
    letters={
        **_table(
            "a b g d z h i k l m n o p r s t u f w y v e c q",
            "α μπ γ δ ζ η ι κ λ μ ν ο π ρ σ τ υ φ ω υ β ε κ κ",
        ),
        **_table(
            "th 8 ks 3 ps ch kh x mp nt ou oy ai ei oi eu au gk gg ts tz j",
            "θ θ ξ ξ ψ χ χ χ μπ ντ ου ου αι ει οι ευ αυ γκ γγ τσ τζ τζ",
        ),
    },
    readings=((("x", "ks"),), (("3", "ks"),), (("h", "ch"),), (("b", "v"),)),
    final=("σ", "ς"),
)

_CYRILLIC_SOUNDS = (
    ("shch|sch|sh|6|щ", "S"),
    ("zh", "Z"),
    ("ch|4", "C"),
    ("kh|g|x", "h"),
    ("t[sz]|c", "c"),
    ("w", "v"),
    ("q", "k"),
)
_GLIDES = "iyj'"
_RUSSIAN_PIECES = _table(
    "shch sch zh kh ts ch sh yu ju iu ya ja ia yo jo ye iy yy ij yj",
    "щ щ ж х ц ч ш ю ю ю я я я ё ё е ий ый ий ый",
)
RUSSIAN = Spelling(
    latin=_table(
        "а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я",
        "a b v g d e o zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya",
    ),
    sounds=_CYRILLIC_SOUNDS,
    silent=_GLIDES,
    letters={
        **_table(
            "a b v g d e z i j k l m n o p r s t u f h c y x w q '",
            "а б в г д е з и й к л м н о п р с т у ф х ц ы х в к ь",
        ),
        **_RUSSIAN_PIECES,
    },
)
UKRAINIAN = Spelling(
    latin=_table(
        "а б в г ґ д е є ж з и і ї й к л м н о п р с т у ф х ц ч ш щ ь ю я",
        "a b v h g d e ye zh z y i yi y k l m n o p r s t u f kh ts ch sh shch - yu ya",
    ),
    sounds=_CYRILLIC_SOUNDS,
    silent=_GLIDES,
    letters={
        **_table(
            "a b v h g d e z y i j k l m n o p r s t u f c x w q '",
            "а б в г ґ д е з и і й к л м н о п р с т у ф ц х в к ь",
        ),
        **_RUSSIAN_PIECES,
        **_table("ye je ie yi ji iy yj", "є є є ї ї ій ий"),
    },
)

SPELLINGS: Mapping[str, Spelling] = {
    "ar": ARABIC,
    "el": GREEK,
    "fa": PERSIAN,
    "ru": RUSSIAN,
    "uk": UKRAINIAN,
}
