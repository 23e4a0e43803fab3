"""Words, letters and spellings that give a language away in a short chat message.

The words themselves lie beside this module in ``function_words.txt``, which says where they come
from. This module looks a word up as people type it: with its accents or without them, or in Latin
letters by its sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

ROMANISED: Final[Mapping[str, str]] = MappingProxyType(
    {f"{code}-latn": code for code in ("ar", "fa", "uk", "ru", "el", "ur", "bg")}
)
"""For each list of a language in Latin letters, the language that it is a spelling of."""


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _ordered(words: str) -> tuple[str, ...]:
    return tuple(words.split())


NEUTRAL_WORDS: Final[frozenset[str]] = _split(
    """ok okay oki okey okej oke ок окей окэй اوكي اوك اوکی οκ hallo hi hey hello halo danke
    bitte ja nein yes no yep thanks thank please super top gut good bye ciao tschüss tschuess
    servus moin haha hahaha lol xd hmm hm ah aha oh wow ne na tamam merci mersi morgen guten tag
    abend hy pls thx ха хаха да ні нет ага هههه"""
)
"""Words that everybody borrows: they greet, thank or agree, and decide no language."""

LOAN_WORDS: Final[frozenset[str]] = _split(
    """kita kitas kitaplatz kindergarten tagesmutter hort krippe schule grundschule gymnasium
    jobcenter job jobs arbeitsamt agentur arbeitsagentur sozialamt jugendamt ausländeramt rathaus
    bürgeramt bürgerbüro bürgergeld kindergeld elterngeld wohngeld kinderzuschlag hartz alg
    termin termine anmeldung abmeldung ummeldung wohnung wohnungen zimmer wbs schufa kaution
    miete mietvertrag wg kurs kurse sprachkurs deutschkurs integrationskurs ausbildung praktikum
    minijob bewerbung lebenslauf anerkennung zeugnis zertifikat deutsch deutschland german
    germany bamf bescheid bescheinigung antrag formular unterlagen aufenthalt aufenthaltstitel
    duldung asyl visum visa pass reisepass ausweis fiktionsbescheinigung krankenkasse aok tk
    barmer versicherung krankenversicherung hausarzt arzt praxis rezept notdienst krankenhaus
    apotheke steuer steuerid steuernummer finanzamt konto sparkasse iban vhs volkshochschule
    caritas diakonie awo telc goethe dtz testdaf abitur bafög feierabend bahn vvs ticket
    deutschlandticket hauptbahnhof hbf stuttgart cannstatt feuerbach vaihingen zuffenhausen
    degerloch möhringen weilimdorf wangen hedelfingen botnang sillenbuch plieningen mühlhausen
    münster untertürkheim obertürkheim stammheim birkach esslingen ludwigsburg böblingen
    sindelfingen waiblingen berlin münchen baden württemberg welcome center whatsapp telegram
    email mail online link app pdf google chat bot lotse arbeitserlaubnis niederlassungserlaubnis
    krankenschwester erzieherin pflege pflegerin beratung beratungsstelle herr frau straße
    strasse platz std uhr euro eur"""
)
"""German words, offices and places of the arrival system, which every language here borrows."""

LOAN_ENDINGS: Final[tuple[str, ...]] = _ordered(
    """amt ämter behörde behoerde kurs kurse schule geld straße strasse platz zentrum
    bescheinigung erlaubnis prüfung pruefung vertrag versicherung beratung schein antrag ausweis
    kasse titel zuschlag vorschuss anmeldung wohnung kita termin ausbildung anerkennung büro
    buero garten bahnhof haus heim verein werk karte stelle"""
)
"""What German compounds of that system end in; a longer word that ends so is one of them."""

OFFICE_NAMES: Final[tuple[str, ...]] = (
    r"(?:bundes)?agentur für arbeit",
    r"amt für \w+(?: und \w+| \w+ordnung)?",
    r"bundesamt für migration und flüchtlinge",
    r"haus (?:der|des) \w+",
    r"frau und beruf",
    r"(?:stuttgart|bad)[ -](?:nord|süd|ost|west|mitte|cannstatt)",
    r"job ?center",
    r"welcome ?center",
    r"deutsches rotes kreuz",
)
"""Patterns of office and place names of several words, the small words in them included."""

LETTERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        letter: _split(languages)
        for letters, languages in {
            "ığ": "tr az",
            "ş": "tr az ro ku",
            "ç": "tr az fr pt sq ku",
            "ö": "de tr hu az",
            "ü": "de tr hu az es",
            "ä": "de sk",
            "ß": "de",
            "ñ¿¡": "es",
            "ãõ": "pt vi",
            "ă": "ro vi",
            "țșţ": "ro",
            "â": "ro fr pt tr vi",
            "î": "ro fr ku tr",
            "ê": "fr pt ku vi",
            "û": "fr ku tr",
            "èà": "it fr pt vi",
            "ùò": "it fr vi",
            "ì": "it vi",
            "áíó": "es pt hu cs sk vi pl",
            "ú": "es pt hu cs sk vi",
            "é": "fr es it pt hu cs sk vi nl",
            "čšž": "hr cs sk sl",
            "ć": "hr pl",
            "đ": "hr vi",
            "łąęńśźż": "pl",
            "őű": "hu",
            "ěřů": "cs",
            "ľĺŕô": "sk fr vi",
            "ë": "sq fr nl",
            "ə": "az",
            "œ": "fr",
            "і": "uk be",
            "їєґ": "uk",
            "ыэ": "ru be",
            "ё": "ru be",
            "ъ": "bg ru",
            "ў": "be",
            "щ": "uk ru bg",
            "йьюя": "uk ru be bg",
            "и": "uk ru bg mk sr",
            "јљњџ": "sr mk",
            "ћђ": "sr",
            "ѓќѕ": "mk",
            "پچژ": "fa ur ps ckb",
            "گ": "fa ur ckb",
            "ک": "fa ur ps ckb",
            "ی": "fa ur ps ckb",
            "يىة": "ar ps",
            "ك": "ar",
            "إأ": "ar",
            "ٹڈڑںےہ": "ur",
            "ټډړږښګڼۍې": "ps",
            "ڕڵۆێە": "ckb",
        }.items()
        for letter in letters
    }
)
"""For each telling letter, the languages that write it; every other language pays for it."""

_SCRIPT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LATIN": "latin",
        "CYRILLIC": "cyrillic",
        "ARABIC": "arabic",
        "GREEK": "el",
        "ETHIOPIC": "ti",
        "HEBREW": "he",
        "ARMENIAN": "hy",
        "GEORGIAN": "ka",
        "DEVANAGARI": "hi",
        "BENGALI": "bn",
        "GURMUKHI": "pa",
        "TAMIL": "ta",
        "TELUGU": "te",
        "THAI": "th",
        "CJK": "zh",
        "HIRAGANA": "ja",
        "KATAKANA": "ja",
        "HANGUL": "ko",
    }
)
_LATIN_PLAIN: Final = str.maketrans({"ı": "i", "ł": "l", "đ": "d", "ß": "ss", "œ": "oe", "ə": "e"})
_GERMAN_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_ARABIC_PLAIN: Final = str.maketrans(
    dict.fromkeys("أإآٱ", "ا")
    | dict.fromkeys("ىیێ", "ي")
    | dict.fromkeys("ةۀەہ", "ه")
    | {"ک": "ك", "ۆ": "و", "ڕ": "ر", "ڵ": "ل", "\u200c": ""}
)

# Nobody spells a language in foreign letters the same way twice. These steps bring the usual
# ways together: "lutfan" and "lotfan", "kteer" and "ktir", "einai" and "ine".
_SPELLING_STEPS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("oo|ou", "u"),
        ("ee|ei|oi|ii|y|j(?=[aeiou])", "i"),
        ("ai", "e"),
        ("kh|x|7", "h"),
        ("shch|sch|sh|ch|tch", "c"),
        ("zh", "z"),
        ("gh|8", "g"),
        ("ph", "f"),
        ("w", "v"),
        ("q|k", "k"),
        ("[235']", ""),
        (r"(\w)\1", r"\1"),
        ("e", "i"),
        ("o", "u"),
        ("(?<=..)h$", ""),
    )
)

# Two letters sound like too many words.
_HEARD_LETTERS: Final = 3


@dataclass(frozen=True, slots=True)
class Owners:
    """The lists that a typed word stands in: as it is, without its accents, or by its sound."""

    exact: frozenset[str]
    plain: frozenset[str]
    heard: frozenset[str]

    def __bool__(self) -> bool:
        """Tell whether the word stands in any list."""
        return bool(self.exact or self.plain or self.heard)


_Index = Mapping[str, frozenset[str]]


def words_by_language() -> dict[str, frozenset[str]]:
    """Read the lists: the words of each language, and of each spelling in Latin letters."""
    text = files(__package__).joinpath("function_words.txt").read_text(encoding="utf-8")
    lists: dict[str, frozenset[str]] = {}
    for section in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        code, words = section.split("]", 1)
        lists[code] = _split(words)
    return lists


@cache
def _indexes() -> tuple[_Index, _Index, _Index]:
    exact: defaultdict[str, set[str]] = defaultdict(set)
    plain: defaultdict[str, set[str]] = defaultdict(set)
    heard: defaultdict[str, set[str]] = defaultdict(set)
    for code, words in words_by_language().items():
        for word in words:
            exact[word].add(code)
            plain[plain_form(word)].add(code)
            if code == "de":
                plain[word.translate(_GERMAN_SPELT_OUT)].add(code)
            elif code in ROMANISED and len(word) >= _HEARD_LETTERS:
                heard[_sound(word)].add(code)
    frozen = (
        {word: frozenset(codes) for word, codes in index.items()} for index in (exact, plain, heard)
    )
    return next(frozen), next(frozen), next(frozen)


def owners(word: str) -> Owners:
    """Look up a word in lower case; its sound counts only if it is no word of any list."""
    exact, plain, heard = _indexes()
    simple = plain_form(word)
    found = Owners(exact.get(word, frozenset()), plain.get(simple, frozenset()), frozenset())
    if found or len(word) < _HEARD_LETTERS or script_of(word[0]) != "latin":
        return found
    return Owners(found.exact, found.plain, heard.get(_sound(simple), frozenset()))


@cache
def script_of(character: str) -> str:
    """Return the script of a letter; of a script of one language here, that language's code."""
    name = unicodedata.name(character, "").split(" ", 1)[0]
    return _SCRIPT_NAMES.get(name, "")


def plain_form(word: str) -> str:
    """Return a word as typed in a hurry: no accents, no vowel marks, one form per letter."""
    script = script_of(word[0]) if word else ""
    if script in {"latin", "el"}:
        decomposed = unicodedata.normalize("NFD", word.translate(_LATIN_PLAIN))
        return "".join(c for c in decomposed if not unicodedata.combining(c))
    if script == "arabic":
        return word.translate(_ARABIC_PLAIN)
    return word.replace("ё", "е")


def _sound(word: str) -> str:
    for pattern, replacement in _SPELLING_STEPS:
        word = pattern.sub(replacement, word)
    return word


def is_loan(word: str) -> bool:
    """Say whether a word in lower case is one that every language here borrows from German."""
    return word in LOAN_WORDS or any(
        word.endswith(ending) and len(word) > len(ending) + 2 for ending in LOAN_ENDINGS
    )
