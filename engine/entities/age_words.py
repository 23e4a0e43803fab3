"""The parts of speech of ages: a message as a string of one letter per word.

Each language has its own words but all share one grammar, which ``ages.py`` writes
as regular expressions over these letters:

n number, H half, h "and a half", y m w units, j k units that do not add up, Y M
units that only ages have, D a year or half a year in one word, d months in one word,
f z whole ages in one word, o behind an age, A before one, B either, c child, i
between child and number, t "he is", g "il a", s "I am", S "yaşındayım", a and, r up
to, p about; a comma, a full stop, and ``_`` for every other word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from engine.entities.entity import CHILD_AGE_MONTHS
from engine.entities.matcher import PhraseMatcher, arabic_forms, bare_forms
from engine.entities.text import Message, Token, words
from engine.entities.wordlists import LANGUAGES, load

NOT_BEFORE, NOT_AFTER = "not_before", "not_after"
_SYMBOLS = {
    "years": "y",
    "months": "m",
    "weeks": "w",
    "years_old": "Y",
    "months_old": "M",
    "years_each": "j",
    "months_each": "k",
    "old": "o",
    "aged": "A",
    "child": "c",
    "is": "i",
    "third": "t",
    "has": "g",
    "self": "s",
    "self_after": "S",
    "half": "h",
    "and": "a",
    "range": "r",
    "about": "p",
}
_PRECEDENCE = "SfzDdnYMymjkwHhctgsAoarip_"
# A message without any of these says nothing about an age.
_TELLING = "ymjkwYMADdfzctg"
# "السنة" is "this year" and "بشهر تسعة" is "in September": no prefix but "and" here.
_DURATIONS = frozenset("ymjkwYMDdnH")
_QUANTITIES = frozenset("nHDdfzyh")
_YEAR, _HALF_YEAR = 12, 6
_AFTER_YEARS = re.compile(r"[yY]h?a?n$")
_HARD_BREAKS = frozenset(".!?;\n")
_MONTHS, _LONG = " months", " months long"


@dataclass(frozen=True)
class Part:
    """One symbol with the tokens it stands for, its number, and what speaks against it."""

    symbol: str
    value: float
    first: int
    last: int
    digits: bool = False
    ruled_out_before: bool = False
    ruled_out_after: bool = False


@dataclass(frozen=True)
class _Language:
    parts: PhraseMatcher[tuple[str, float]]
    before: PhraseMatcher[str]
    after: PhraseMatcher[str]


def _legal(value: str) -> bool:
    number = value.removesuffix(_LONG).removesuffix(_MONTHS)
    return value in _SYMBOLS or value in (NOT_BEFORE, NOT_AFTER) or _is_number(number)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@lru_cache(maxsize=1)
def _languages() -> tuple[dict[str, _Language], dict[str, set[str]], dict[str, set[str]]]:
    languages = {
        language: _Language(PhraseMatcher(), PhraseMatcher(), PhraseMatcher())
        for language in LANGUAGES
    }
    telling: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    for spelling in load(CHILD_AGE_MONTHS, _legal).spellings:
        language = languages[spelling.language]
        if spelling.value == NOT_BEFORE:
            language.before.add(spelling.text, NOT_BEFORE)
        elif spelling.value == NOT_AFTER:
            language.after.add(spelling.text, NOT_AFTER)
        else:
            part = _part(spelling.value)
            language.parts.add(spelling.text, part)
            if part[0] in _TELLING:
                word = words(spelling.text)[0]
                place = stems if word.endswith("*") else telling
                place.setdefault(word.rstrip("*"), set()).add(spelling.language)
    return languages, telling, stems


def _part(value: str) -> tuple[str, float]:
    if value in _SYMBOLS:
        return _SYMBOLS[value], 0
    if value.endswith(_LONG):
        months = float(value.removesuffix(_LONG))
        return "D" if months >= _HALF_YEAR else "d", months
    if value.endswith(_MONTHS):
        months = float(value.removesuffix(_MONTHS))
        return "f" if months else "z", months
    number = float(value)
    return ("n", number) if number >= 1 else ("H", number)


def candidates(message: Message) -> set[str]:
    """The languages in which a message has words that ages are made of."""
    _, telling, stems = _languages()
    found: set[str] = set()
    for token in message.tokens:
        for form in arabic_forms(token.word):
            found |= telling.get(form, set())
            for length in range(2, len(form) + 1):
                if form[:length] in stems:
                    found |= stems[form[:length]]
    return found


def parts(message: Message, language: str) -> list[Part]:
    """The message in symbols; empty when no word could be an age."""
    lists = _languages()[0][language]
    tokens = message.tokens
    found: list[Part] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        found.extend(_punctuation(token, index, found))
        last, options = lists.parts.match_at(tokens, index)
        if token.is_number:
            last, options = index + 1, (_number(token, index),)
        elif any(symbol in _DURATIONS for symbol, _ in options):
            last, options = lists.parts.match_at(tokens, index, bare_forms)
        symbol, value = _choose(options, found) if options else ("_", 0.0)
        last = max(last, index + 1)
        found.append(
            Part(
                symbol,
                value,
                index,
                last,
                token.is_number,
                bool(lists.before.match_at(tokens[:last], index)[1]),
                bool(lists.after.match_at(tokens, index)[1]),
            )
        )
        index = last
    return found if any(part.symbol in _QUANTITIES for part in found) else []


def _number(token: Token, index: int) -> tuple[str, float]:
    value = float(token.word.replace(",", "."))
    # A minus directly before a number, with nothing before the minus.
    negative = token.gap.endswith("-") and (index == 0 or token.gap != "-")
    return ("_", 0) if negative or value > 1e6 else ("n", value)


def _punctuation(token: Token, index: int, before: list[Part]) -> list[Part]:
    if not index:
        return []
    if _HARD_BREAKS & set(token.gap):
        return [Part(".", 0, index, index)]
    if not token.joined or "/" in token.gap or "&" in token.gap:
        return [Part(",", 0, index, index)]
    if "-" in token.gap and token.is_number and before[-1].symbol == "n":
        return [Part("r", 0, index, index)]
    return []


def _choose(options: tuple[tuple[str, float], ...], before: list[Part]) -> tuple[str, float]:
    symbols = dict(options)
    previous = before[-1].symbol if before else ""
    if "H" in symbols and "h" in symbols:
        return ("h", 0) if previous in tuple("nyDmYM") else ("H", 0.5)
    if "o" in symbols and "A" in symbols:
        return "B", 0
    if previous in ("n", "H", "h") and (symbols.get("D") == _YEAR or symbols.get("d") == 1):
        return ("y", 0) if "D" in symbols else ("m", 0)
    if "Y" in symbols and ("y" in symbols or previous in ("n", "H", "h")):
        # "рочки" is said of children only; "річний" is a year unless a number stands before.
        return "Y", 0
    if "M" in symbols and "m" in symbols:
        # "δύο χρονών και τριών μηνών" is one age, "τριών μηνών" alone another.
        return ("m" if _AFTER_YEARS.search("".join(part.symbol for part in before)) else "M"), 0
    best = min(symbols, key=_PRECEDENCE.index)
    return best, symbols[best]
