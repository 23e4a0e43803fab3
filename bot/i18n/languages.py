"""The languages that Lotse answers in, and those it recognises and answers by the nearest one.

Names and writing directions come from the Unicode CLDR through Babel; nothing about a language
is written here by hand except which language its speakers are most likely to read as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Literal

from babel import Locale

Direction = Literal["ltr", "rtl"]

REPLY_LANGUAGES: Final[tuple[str, ...]] = (
    "de",
    "en",
    "tr",
    "ar",
    "uk",
    "ru",
    "fa",
    "fr",
    "es",
    "it",
    "hr",
    "ro",
    "pl",
    "el",
)
"""The languages that every text of the product exists in, as ISO 639-1 codes.

Adding a code here is all that this package needs to serve another language.
"""

DEFAULT_LANGUAGE: Final = "de"
"""Plain German: what the city's staff can check, and the language that all its people share."""

_TRANSPORT_LANGUAGE: Final = "en"

# For each recognised language, the other languages that its readers are likely to read, best
# first. The order follows three questions: is it written almost alike (Bosnian and Croatian,
# Dari and Persian), is it the school or state language where the speakers come from (Kurmanji
# and Turkish, Sorani and Arabic, Kazakh and Russian), is it close enough to be read without
# having been learnt (Azerbaijani and Turkish, Portuguese and Spanish). English follows every
# list, so an empty one says that nothing else is nearer.
_ALSO_READ: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "de": (),
        "en": (),
        "tr": (),
        "ar": (),
        "uk": ("ru",),
        "ru": ("uk",),
        "fa": (),
        "fr": (),
        "es": (),
        "it": (),
        "hr": (),
        "ro": (),
        "pl": (),
        "el": (),
        "am": (),
        "az": ("tr", "ru"),
        "be": ("ru", "uk"),
        "bg": ("ru",),
        "bn": (),
        "bs": ("hr",),
        "ca": ("es",),
        "ckb": ("fa", "ar"),
        "cs": (),
        "gl": ("es",),
        "he": (),
        "hi": (),
        "hu": (),
        "hy": ("ru",),
        "id": (),
        "ja": (),
        "ka": ("ru",),
        "kk": ("ru", "tr"),
        "ko": (),
        "ku": ("tr", "ar"),
        "ky": ("ru", "tr"),
        "lt": ("ru",),
        "lv": ("ru",),
        "mk": ("hr",),
        "nl": (),
        "pa": (),
        "ps": ("fa",),
        "pt": ("es",),
        "sk": (),
        "sl": ("hr",),
        "so": (),
        "sq": (),
        "sr": ("hr",),
        "ta": (),
        "te": (),
        "tg": ("fa", "ru"),
        "th": (),
        "ti": (),
        "tk": ("tr", "ru"),
        "ug": ("tr",),
        "ur": (),
        "uz": ("ru", "tr"),
        "vi": (),
        "zh": (),
    }
)

# Codes that platforms and language models still send for a language known by another code.
_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "arb": "ar",
        "ary": "ar",
        "arz": "ar",
        "cmn": "zh",
        "deu": "de",
        "eng": "en",
        "fas": "fa",
        "gsw": "de",
        "hbs": "hr",
        "in": "id",
        "iw": "he",
        "kmr": "ku",
        "mo": "ro",
        "pes": "fa",
        "prs": "fa",
        "rus": "ru",
        "sh": "hr",
        "tur": "tr",
        "ukr": "uk",
    }
)

_TAG: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8}){0,8}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language that Lotse recognises.

    ``code`` is ISO 639-1, or ISO 639-3 where there is no shorter code. ``endonym`` is the name
    that its speakers use, with a capital as in a menu. ``reply`` says whether Lotse answers in it.
    """

    code: str
    endonym: str
    direction: Direction
    reply: bool


class _Registry(Mapping[str, Language]):
    """Describes a language when it is first asked for.

    Babel keeps about a megabyte for each locale once it is read, and of most languages here
    nothing but the code is ever needed.
    """

    def __getitem__(self, code: str) -> Language:
        if code not in self:
            raise KeyError(code)
        return _describe(code)

    def __contains__(self, code: object) -> bool:
        return code in _ALSO_READ

    def __iter__(self) -> Iterator[str]:
        return iter(_ALSO_READ)

    def __len__(self) -> int:
        return len(_ALSO_READ)


@cache
def _describe(code: str) -> Language:
    locale = Locale.parse(code)
    name = locale.get_display_name() or code
    return Language(
        code=code,
        endonym=name[0].upper() + name[1:],
        direction="rtl" if locale.text_direction == "rtl" else "ltr",
        reply=code in REPLY_LANGUAGES,
    )


LANGUAGES: Final[Mapping[str, Language]] = _Registry()
"""Every recognised language by its code."""


def from_platform(tag: str | None) -> str | None:
    """Return the recognised language that a BCP 47 tag such as ``ar-SY`` or ``pt-br`` names.

    Case and an underscore for the hyphen do not matter. Anything else, a language that Lotse
    does not know included, gives ``None``; nothing raises.
    """
    match = _TAG.fullmatch(tag.strip()) if tag else None
    if match is None:
        return None
    code = match[1].lower()
    code = _ALIASES.get(code, code)
    return code if code in LANGUAGES else None


def direction(code: str) -> Direction:
    """Return the writing direction of a language, left to right for an unknown one."""
    known = from_platform(code)
    return LANGUAGES[known].direction if known else "ltr"


def nearest_reply_language(
    code: str | None, served: Collection[str] | Sequence[str] = REPLY_LANGUAGES
) -> str:
    """Return the served language that readers of ``code`` are most likely to read.

    A served language is its own nearest. After the closest relatives come English and German,
    and then whatever is served, so that the result is always one of ``served``, which must not
    be empty. An unknown or absent code counts as a reader of German: the city's own language.
    """
    if not served:
        raise ValueError("at least one language must be served")
    known = from_platform(code)
    if known is None:
        wishes: tuple[str, ...] = (DEFAULT_LANGUAGE, _TRANSPORT_LANGUAGE)
    else:
        wishes = (known, *_ALSO_READ[known], _TRANSPORT_LANGUAGE, DEFAULT_LANGUAGE)
    for wish in wishes:
        if wish in served:
            return wish
    return next(iter(served))
