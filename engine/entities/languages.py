"""Languages somebody names: CLDR's names in fourteen languages, and what people say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from engine.entities.entity import LANGUAGE, Entity
from engine.entities.matcher import NONE, PhraseMatcher, compile_list
from engine.entities.negation import Negations
from engine.entities.text import Message, normalise, words
from engine.entities.wordlists import ANY, LANGUAGES, load

CODES, NATION, PERSON = "codes", "nation", "person"
_ROLES = (CODES, NATION, PERSON)
_CODE_LENGTH = 2
# Languages that put the noun first: "passeport ukrainien".
_NOUN_FIRST = ("ar", "fa", "fr", "es", "it", "ro")
# Languages that allow both.
_NOUN_ANYWHERE = ("uk", "ru", "pl")
# Writing systems without spaces between words.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "MYANMAR", "KHMER")
# Endings of adjectives that CLDR gives in one form, and what stands for all of them.
_STEMS = {
    "de": (("isch", "isch*"),),
    "tr": (("ca", "ca*"), ("ce", "ce*"), ("ça", "ça*"), ("çe", "çe*")),
    "uk": (("ська", "ськ*"), ("цька", "цьк*")),
    "ru": (("ский", "ск*"), ("цкий", "цк*")),
    "el": (("ικά", "ικ*"),),
}
# Croatian and Polish names of countries are made from the same stem ("Hrvatska",
# "Polska"), so that each form of the language stands for itself.
_FORMS = {
    "hr": (("i", "om"), ("i", "og"), ("i", "ome"), ("i", "im")),
    "pl": (("i", "iego"), ("i", "im"), ("i", "iemu"), ("i", "u")),
}


@lru_cache(maxsize=1)
def _matchers() -> tuple[PhraseMatcher[str], PhraseMatcher[str], dict[str, str]]:
    def legal(value: str) -> bool:
        return (len(value) == _CODE_LENGTH and value.isalpha()) or value in (*_ROLES, NONE)

    wordlist = load(LANGUAGE, legal)
    names = compile_list(wordlist, wordlist.without(*_ROLES))
    around: PhraseMatcher[str] = PhraseMatcher()
    for spelling in wordlist.of(NATION, PERSON):
        before = spelling.value == PERSON or spelling.language in (*_NOUN_FIRST, ANY)
        if before or spelling.language in _NOUN_ANYWHERE:
            around.add(spelling.text, "before")
        if not before:
            around.add(spelling.text, "after")
    unspaced: dict[str, str] = {}
    for spelling in wordlist.of(CODES):
        for name in _cldr_names(spelling.text):
            if _is_unspaced(name):
                unspaced[normalise(name).text] = spelling.text
            elif words(name) and not names.values(name):
                names.add(name, spelling.text)
    for spelling in wordlist.without(*_ROLES):
        if _is_unspaced(spelling.text):
            unspaced[normalise(spelling.text).text] = spelling.value
    return names, around, unspaced


def codes() -> frozenset[str]:
    """All ISO 639-1 codes that can come out."""
    wordlist = load(LANGUAGE, lambda value: True)
    named = {spelling.value for spelling in wordlist.without(*_ROLES, NONE)}
    return frozenset(named | {spelling.text for spelling in wordlist.of(CODES)})


def _cldr_names(code: str) -> Iterator[str]:
    for language in LANGUAGES:
        name = Locale.parse(language).languages.get(code)
        if name:
            yield from _forms(language, name)
    try:
        own = Locale.parse(code).languages.get(code)
    except UnknownLocaleError:
        return
    if own:
        yield own.split(" (")[0]


def _forms(language: str, name: str) -> Iterator[str]:
    yield name
    for ending, stem in _STEMS.get(language, ()):
        if name.endswith(ending):
            yield name[: -len(ending)] + stem
    for ending, other in _FORMS.get(language, ()):
        if name.endswith(("ski", "cki", "ški", "čki", "žki", "dzki")):
            yield name[: -len(ending)] + other
    if language == "ar" and name.startswith("ال") and name.endswith("ية"):
        # "بالعربي" is what people write for "بالعربية".
        yield name[2:-1]


def _is_unspaced(name: str) -> bool:
    return unicodedata.name(name[0], "").startswith(_UNSPACED)


def find(message: Message, negations: Negations) -> Iterator[Entity]:
    """Languages named, unless they are ruled out or are nationalities."""
    names, _, unspaced = _matchers()
    for match in names.find(message):
        if match.value == NONE or negations.cover(match.first, match.last):
            continue
        if not _is_nationality(message, match.first, match.last):
            yield Entity(LANGUAGE, match.value, *message.span_of(match.first, match.last))
    if not message.text.isascii():
        for name, code in unspaced.items():
            start = message.text.find(name)
            if start >= 0:
                yield Entity(LANGUAGE, code, *message.span(start, start + len(name)))


def _is_nationality(message: Message, first: int, last: int) -> bool:
    around, tokens = _matchers()[1], message.tokens
    followed = last < len(tokens) and tokens[last].joined
    if followed and "after" in around.match_at(tokens, last)[1]:
        return True
    return (
        first > 0
        and tokens[first].joined
        and any(
            end == first and "before" in roles
            for end, roles in (
                around.match_at(tokens, index) for index in range(max(0, first - 3), first)
            )
        )
    )
