"""Words in the reader's language: gettext catalogues, plural forms, safe insertion of values."""

from __future__ import annotations

import gettext
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from datetime import time as Clock
from functools import cached_property
from pathlib import Path

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_interval,
    format_skeleton,
    format_time,
    get_timezone_name,
)
from babel.lists import format_list

from bot.errors import ConfigurationError
from bot.i18n.languages import REPLY_LANGUAGES, direction

DOMAIN = "lotse"
CONSOLE_DOMAIN = "console"
CONSOLE_LANGUAGES = ("de", "en")
LOCALE_DIRECTORY = Path(__file__).resolve().parents[2] / "locale"
SOURCE_LANGUAGE = "en"

# Unicode isolates (UAX 9): what stands between them keeps its own direction and
# does not reorder the sentence around it.
FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"

# The digits of numbering systems other than the Latin one, by their name in CLDR.
_NUMERALS = {
    "arab": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}


def isolate(value: str) -> str:
    """``value`` between isolates, for use inside a text of the other direction."""
    return f"{FIRST_STRONG_ISOLATE}{value}{POP_ISOLATE}"


class Texts:
    """All texts in one language. Immutable; safe to share between threads."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._translations = translations

    @property
    def is_right_to_left(self) -> bool:
        """Whether the language is written from right to left."""
        return direction(self.language) == "rtl"

    def gettext(self, message: str, /, **values: object) -> str:
        """The translation of ``message`` with ``{name}`` replaced by ``values``."""
        return self._insert(self._translations.gettext(message) if message else "", values)

    def ngettext(self, singular: str, plural: str, number: int, /, **values: object) -> str:
        """The plural form for ``number``, which is available as ``{number}``."""
        text = self._translations.ngettext(singular, plural, number)
        return self._insert(text, {"number": number, **values})

    def _insert(self, text: str, values: Mapping[str, object]) -> str:
        if not values:
            return text
        written = {name: self.value(str(value)) for name, value in values.items()}
        # format_map is safe here: the pattern comes from the catalogues, whose
        # placeholders are checked, and the values are inserted as they are.
        return text.format_map(written)

    def value(self, value: str) -> str:
        """A name or number as it may stand inside a text of this language."""
        return isolate(value) if self.is_right_to_left and value else value

    def time(self, moment: datetime) -> str:
        """The time of day in the reader's format, in the zone that ``moment`` carries."""
        return self._numerals(format_time(moment, "short", locale=self._locale))

    def zone_name(self, moment: datetime) -> str:
        """The zone that ``moment`` carries, as it is called at that moment."""
        return get_timezone_name(moment, "long", locale=self._locale)

    def _numerals(self, written: str) -> str:
        # Babel formats dates with the digits of ASCII in every language.
        digits = _NUMERALS.get(self._locale.default_numbering_system)
        return written.translate(digits) if digits else written

    def date(self, day: date | datetime, width: str = "medium") -> str:
        """A day in the reader's date format."""
        return self._numerals(format_date(day, format=width, locale=self._locale))

    def moment(self, moment: datetime) -> str:
        """A day and time in the reader's format, in the zone that ``moment`` carries."""
        return self._numerals(format_datetime(moment, format="short", locale=self._locale))

    def day_and_time(self, moment: datetime) -> str:
        """A near day with its weekday, and the time: "Mon, Nov 30, 9:00 AM" in their format."""
        day = format_skeleton("MMMEd", moment, tzinfo=moment.tzinfo, locale=self._locale)
        clock = format_time(moment, "short", tzinfo=moment.tzinfo, locale=self._locale)
        return self._numerals(str(self._locale.datetime_formats["medium"]).format(clock, day))

    def weekday(self, number: int) -> str:
        """A day of the week, short, by its number from Monday = 0: "Mon"."""
        return str(self._locale.days["stand-alone"]["abbreviated"][number])

    def hours(self, opens: Clock, closes: Clock) -> str:
        """A span of the day in the reader's format: "9:00–12:30"."""
        # The day itself does not matter; Babel formats spans of moments only.
        day = date(2000, 1, 1)
        span = format_interval(
            datetime.combine(day, opens),
            datetime.combine(day, closes),
            skeleton="Hm" if self._is_24_hours else "hm",
            locale=self._locale,
        )
        return self.value(self._numerals(str(span)))

    def partial_date(self, written: str) -> str:
        """A date known to the year, month or day, as ISO 8601 writes it; anything else as is."""
        parts = written.split("-")
        try:
            numbers = [int(part) for part in parts]
            match numbers:
                case [year, month, day]:
                    return self.date(date(year, month, day))
                case [year, month]:
                    first = date(year, month, 1)
                    return str(format_skeleton("yMMMM", first, locale=self._locale))
        except ValueError:
            return written
        return written

    def enumeration(self, items: list[str]) -> str:
        """Items as a list in a sentence: "a, b and c"."""
        return format_list(items, locale=self._locale) if items else ""

    def alternatives(self, items: list[str]) -> str:
        """Items to choose from in a sentence: "a, b or c"."""
        return format_list(items, style="or", locale=self._locale) if items else ""

    def language_name(self, code: str) -> str:
        """A language's name in the reader's language; the code itself when CLDR has none."""
        return str(self._locale.languages.get(code, code))

    @cached_property
    def _is_24_hours(self) -> bool:
        return "H" in self._locale.time_formats["short"].pattern

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.language)


class Catalogues:
    """The texts of one gettext domain in each of ``languages``, loaded once."""

    def __init__(
        self,
        directory: Path = LOCALE_DIRECTORY,
        *,
        domain: str = DOMAIN,
        languages: Sequence[str] = REPLY_LANGUAGES,
    ) -> None:
        self._texts = {
            language: Texts(language, _translations(directory, domain, language))
            for language in languages
        }

    def __getitem__(self, language: str) -> Texts:
        return self._texts[language]

    def get(self, language: str | None) -> Texts:
        """The texts in ``language``, or in the source language when there are none."""
        return self._texts.get(language or "", self._texts[SOURCE_LANGUAGE])


def _translations(directory: Path, domain: str, language: str) -> gettext.NullTranslations:
    if language == SOURCE_LANGUAGE:
        return _SourceTranslations()
    try:
        return gettext.translation(domain, directory, languages=[language])
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The texts for {language} are not compiled. Run `make texts-compile`."
        ) from error


class _SourceTranslations(gettext.NullTranslations):
    """English stands in the code; only its plural rule is needed."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if n == 1 else msgid2


def source_text(message: str) -> str:
    """Marks a text for translation where it is defined; it is translated where it is used."""
    return message
