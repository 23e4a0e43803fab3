"""What somebody says about a child's age, a day or a time of day, in any of the languages.

Pure reading, without a calendar: whether there is such a day is said, whether it is free is not.
Names of days and months come from CLDR, so that they are known in every language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel import Locale

from bot.i18n.languages import REPLY_LANGUAGES

LANGUAGES = ("de", "en", "tr", "ar", "uk", "ru", "fa", "fr", "es", "it", "hr", "ro", "pl", "el")
OLDEST_CHILD_MONTHS = 18 * 12
DAY_BEGINS = 7
# An abbreviation this short counts only where nothing but figures stands beside it.
_SHORT = 3

_TODAY = (
    "heute|today|bugün|اليوم|сьогодні|сегодня|امروز|aujourd'hui|hoy|oggi|danas|azi|dzisiaj|dziś|"
    "σήμερα"
)
_TOMORROW = (
    "morgen|tomorrow|yarın|غدا|بكرا|завтра|فردا|demain|mañana|domani|sutra|mâine|jutro|αύριο"
)
_DAY_AFTER = (
    "übermorgen|day after tomorrow|öbür gün|بعد غد|بعد بكرا|післязавтра|послезавтра|پس فردا|"
    "après-demain|après demain|pasado mañana|dopodomani|prekosutra|poimâine|pojutrze|μεθαύριο"
)
# "por la mañana" and "am Morgen" speak of the morning.
_MORNINGS = "(por|de|en|a) la mañana|(am|jeden) morgen"
_EXPECTING = re.compile(
    r"schwanger|pregnan|expecting|hamile|gebe\b|حامل|вагітн|беремен|باردار|حامله|enceinte|"
    r"embarazada|incinta|trudn|insarcinat|gravid|\bciaz|w ciazy|εγκυ"
)


@dataclass(frozen=True, kw_only=True)
class When:
    """A wish for a day and a time of day; None where nothing was said.

    ``weekday`` counts from Monday = 0, ``minute`` from midnight. ``impossible`` is said of a day
    that no calendar has, such as 30 February.
    """

    day: date | None = None
    weekday: int | None = None
    minute: int | None = None
    impossible: bool = False

    def __bool__(self) -> bool:
        return self.impossible or any(
            said is not None for said in (self.day, self.weekday, self.minute)
        )


@dataclass(frozen=True, kw_only=True)
class ChildAge:
    """A child's age in months; ``number`` alone where it was not said of what.

    ``impossible`` is said of an age that nobody has and of a day that no calendar has.
    """

    months: int | None = None
    number: int | None = None
    impossible: bool = False


def read_when(text: str, *, today: date) -> When:
    """The day and time that a message names."""
    plain = folded(text)
    day, rest, impossible = _date(plain, today)
    weekday = None
    if day is None and not impossible:
        day = _relative_day(rest, today)
        weekday, rest = _weekday(rest) if day is None else (None, rest)
    minute = _minute(rest, bare=day is not None or weekday is not None)
    return When(day=day, weekday=weekday, minute=minute, impossible=impossible)


def read_child_age(text: str, *, understood: list[int], today: date) -> ChildAge | None:
    """The age of the youngest child that a message names; None when it names none.

    ``understood`` are the ages in months that the engine's rules found. An unborn child is 0.
    """
    plain = folded(text)
    if _EXPECTING.search(plain):
        return ChildAge(months=0)
    if re.search(r"(?<![\w-])-\s?\d", plain):
        return ChildAge(impossible=True)
    born, _, impossible = _date(plain, today, year_needed=True)
    if impossible:
        return ChildAge(impossible=True)
    if born is not None:
        months = (today.year - born.year) * 12 + today.month - born.month
        # Who is not born yet is expected.
        return _age(max(0, months - (1 if today.day < born.day and months > 0 else 0)))
    if understood:
        return _age(min(understood))
    numbers = [int(number) for number in re.findall(r"\d+", plain)]
    if not numbers:
        return None
    if re.fullmatch(r"\D{0,3}\d{1,2}\D{0,3}", plain) and numbers[0] <= OLDEST_CHILD_MONTHS:
        return ChildAge(number=numbers[0])
    return ChildAge(impossible=True) if max(numbers) > OLDEST_CHILD_MONTHS else None


def _age(months: int) -> ChildAge:
    return ChildAge(impossible=True) if months > 130 * 12 else ChildAge(months=months)


def folded(text: str) -> str:
    """Lower case without marks, one form of each Arabic letter, and the digits of ASCII."""
    text = text.casefold().replace("ı", "i").replace("\u200c", "")
    text = "".join(
        str(unicodedata.digit(sign)) if unicodedata.digit(sign, None) is not None else sign
        for sign in text
    )
    bare = "".join(
        sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign)
    )
    for variants, letter in (("أإآٱ", "ا"), ("ىی", "ي"), ("ة", "ه"), ("ک", "ك"), ("’ʼ`", "'")):
        for variant in variants:
            bare = bare.replace(variant, letter)
    return " ".join(bare.split())


def _date(plain: str, today: date, *, year_needed: bool = False) -> tuple[date | None, str, bool]:
    """A date in figures or with a month's name; what is left of the text; whether it is none."""
    for pattern, order in _DATES:
        match = re.search(pattern, plain)
        if match is None:
            continue
        parts = dict(zip(order, match.groups(), strict=True))
        if year_needed and not parts.get("y"):
            continue
        rest = f"{plain[: match.start()]} {plain[match.end() :]}"
        month = parts["m"] if parts["m"].isdecimal() else str(_months()[parts["m"]])
        found = _day(parts.get("y"), int(month), int(parts.get("d") or 1), today)
        return found, rest, found is None
    named = _named_date(plain, today, year_needed=year_needed)
    return named if named else (None, plain, False)


_DATES = (
    (r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)", "ymd"),
    (r"(?<!\d)(\d{1,2})[./-]\s?(\d{1,2})[./-]\s?(\d{4}|\d{2})(?![\d:])", "dmy"),
    (r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.(?!\d)", "dm"),
    (r"(?<!\d)(\d{1,2})/(\d{1,2})(?![\d/])", "dm"),
    (r"(?<!\d)(\d{1,2})/(\d{4})(?!\d)", "my"),
)


def _named_date(
    plain: str, today: date, *, year_needed: bool
) -> tuple[date | None, str, bool] | None:
    words = re.findall(r"[^\W\d_][\w'-]*|\d+", plain)
    for index, word in enumerate(words):
        month = _months().get(word.strip("'-"))
        if month is None:
            continue
        near = [*words[max(0, index - 2) : index], *words[index + 1 : index + 3]]
        numbers = [int(number) for number in near if number.isdecimal()]
        year = next((number for number in numbers if number > 1900), None)
        number = next((number for number in numbers if number <= 31), None)
        if (year is None and year_needed) or (year is None and number is None):
            continue
        used = {str(year), str(number), word}
        rest = " ".join(other for other in words if other not in used)
        found = _day(str(year) if year else None, month, number or 1, today)
        return found, rest, found is None
    return None


def _day(year: str | None, month: int, day: int, today: date) -> date | None:
    """The day, in the year to come that fits where none is named; None when there is none."""
    if year is None:
        for candidate in (today.year, today.year + 1):
            found = _checked(candidate, month, day)
            if found is not None and found >= today - timedelta(days=60):
                return found
        return None
    number = int(year)
    return _checked(number + 2000 if number < 100 else number, month, day)


def _checked(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _relative_day(plain: str, today: date) -> date | None:
    rest = re.sub(folded(_MORNINGS), " ", plain)
    for days, names in ((2, _DAY_AFTER), (1, _TOMORROW), (0, _TODAY)):
        if re.search(rf"(?<!\w)({folded(names)})(?!\w)", rest):
            return today + timedelta(days=days)
    return None


def _weekday(plain: str) -> tuple[int | None, str]:
    # Persian names of days are written in one word or in two.
    joined = plain.replace(" شنبه", "شنبه")
    words = re.findall(r"[^\W\d_][\w'-]*", joined)
    for name, number in _weekday_names():
        for word in words:
            if word in _months() or (len(name) <= _SHORT and len(words) > 1):
                # "per" is Thursday in Turkish, and a common word in Italian.
                continue
            inflected = len(name) > 3 and word[: len(name) - 1] == name[:-1]
            if word == name or (inflected and abs(len(word) - len(name)) <= 2):
                return number, joined.replace(word, " ", 1)
    return None, plain


@lru_cache(maxsize=1)
def _weekday_names() -> list[tuple[str, int]]:
    """Names of days in all languages, the longest first."""
    names: dict[str, int] = {}
    for locale in _locales():
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.days[context][width].items():
                    plain = folded(name).strip(". ").replace(" ", "")
                    if len(plain) > 2:
                        names.setdefault(plain, number)
    return sorted(names.items(), key=lambda item: -len(item[0]))


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    """Names of months in all languages."""
    names: dict[str, int] = {}
    for locale in _locales():
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    plain = folded(name).strip(". ")
                    if len(plain) > 2 and " " not in plain and not plain.isdecimal():
                        names.setdefault(plain, number)
    return names


def _locales() -> Iterator[Locale]:
    for language in dict.fromkeys((*REPLY_LANGUAGES, *LANGUAGES)):
        yield Locale.parse(language)


def _minute(plain: str, *, bare: bool) -> int | None:
    """The time of day: "10:30", "10 Uhr", "3 pm"; a number alone only beside a day."""
    match = re.search(r"(?<!\d)(\d{1,2})[:.h](\d{2})(?!\d)", plain)
    hour, minute = (int(match[1]), int(match[2])) if match else (None, 0)
    if match is None:
        said = re.search(
            r"(?<!\d)(\d{1,2})\s?(?:uhr|h\b|am\b|a\.m|pm\b|p\.m|o'?clock|saat|ساعت|ساعه|год|час|"
            r"heures?|ora\b|sati|godz)|(?:saat|الساعه|ساعت|at|um|klo|la ora|a las|alle|a|à|o|у|в|"
            r"στις|u|pe la|o godzinie)\s(\d{1,2})(?!\d)",
            plain,
        )
        if said is not None:
            hour = int(said[1] or said[2])
        elif bare or re.fullmatch(r"\d{1,2}", plain.strip()):
            alone = re.findall(r"(?<!\d)\d{1,2}(?!\d)", plain)
            hour = int(alone[0]) if len(alone) == 1 else None
    if hour is None or hour > 23 or minute > 59:
        return None
    if re.search(r"\bpm\b|p\.m", plain) and hour < 12:
        hour += 12
    if hour < DAY_BEGINS and not re.search(r"\bam\b|a\.m", plain):
        # Nobody counsels at night: "3" is said of the afternoon.
        hour += 12
    return hour * 60 + minute
