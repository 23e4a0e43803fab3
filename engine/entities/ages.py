"""Ages of children, in months: "my son is 2", "zweijährig", "عمره سنتين"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.entities.age_words import Part, candidates, parts
from engine.entities.entity import CHILD_AGE_MONTHS, Entity
from engine.entities.text import Message

HIGHEST = 215
_MONTHS_PER_YEAR = 12
_TENS = 20
_DAYS_PER_WEEK, _DAYS_PER_MONTH = 7, 30.4

_NUMBER = r"[nH]h?"
_NUMBERS = rf"{_NUMBER}(?:[a,]{{1,2}}{_NUMBER}(?!c))*"
_AND_MONTHS = r"(?:a?(?:nm|d))?"
_QUANTITY = re.compile(
    rf"{_NUMBERS}(?:[yY]h?{_AND_MONTHS}|[jkmM]h?|w)|yh{_AND_MONTHS}|[Dd]h?{_AND_MONTHS}|f|z"
)
# "my son is 2", "two kids, 3 and 6": years are so much the rule that nobody says them.
_UNITLESS = re.compile(
    rf"(?:c(?P<link>[ip,AB]{{0,3}})|t[ip]{{0,2}}|[AB][ip,]{{0,2}})"
    rf"(?P<numbers>{_NUMBERS})"
)
_ONLY_AN_AGE = re.compile(r"[nHhyYjmMkwDdoABcitgpa,fz.]+")
_LABELLED = re.compile(r"[AB][ip,]{0,2}$")
_OF_SPEAKER = re.compile(r"s[pi]?$")
_FURTHEST_CHILD, _MOST_WORDS_BETWEEN = 9, 2


def find(message: Message) -> Iterator[Entity]:
    """Ages said of a child, or given as a bare answer; longer readings win."""
    found: list[Entity] = []
    for language in sorted(candidates(message)):
        sentence = parts(message, language)
        if sentence:
            found.extend(_find(message, sentence))
    taken: list[Entity] = []
    for entity in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if not any(entity.start < other.end and other.start < entity.end for other in taken):
            taken.append(entity)
    yield from sorted(taken, key=lambda one: one.start)


def _find(message: Message, sentence: Sequence[Part]) -> Iterator[Entity]:
    symbols = "".join(part.symbol for part in sentence)
    bare = bool(_ONLY_AN_AGE.fullmatch(symbols))
    covered: list[tuple[int, int]] = []
    for match in _QUANTITY.finditer(symbols):
        covered.append(match.span())
        if _is_age(sentence, symbols, match, bare):
            yield from _entities(message, sentence[match.start() : match.end()])
    for match in _UNITLESS.finditer(symbols):
        start, end = match.span("numbers")
        overlaps = any(start < other and begin < end for begin, other in covered)
        if not overlaps and _is_unitless_age(sentence, symbols, match):
            yield from _entities(message, sentence[start:end])


def _is_age(sentence: Sequence[Part], symbols: str, match: re.Match[str], bare: bool) -> bool:
    start, end = match.span()
    if _OF_SPEAKER.search(symbols[:start]) or symbols[end : end + 1] == "S":
        return False
    # The end of a range ("3 to 6 years") and of a long number ("thirty two years").
    if symbols[:start].endswith(("nr", "yr")) or _is_tail_of_number(sentence, start):
        return False
    said = match.group()
    if said in ("f", "z"):
        return not _ruled_out_after(sentence, end, 1)
    if symbols[end : end + 1] in ("o", "B") or "Y" in said or "M" in said:
        return not _ruled_out_after(sentence, end, 1)
    if _LABELLED.search(symbols[:start]):
        return True
    if bare:
        return not _ruled_out_after(sentence, end, 1)
    if _ruled_out_before(sentence, start) or _ruled_out_after(sentence, end, 2):
        return False
    return symbols[end : end + 1] == "c" or _is_said_of_child(symbols, start)


def _is_tail_of_number(sentence: Sequence[Part], start: int) -> bool:
    before = sentence[start - 1] if start else None
    return before is not None and before.symbol == "n" and before.value >= _TENS


def _is_said_of_child(symbols: str, start: int) -> bool:
    others = commas = 0
    for index in range(start - 1, max(-1, start - _FURTHEST_CHILD), -1):
        symbol = symbols[index]
        others += symbol == "_"
        commas += symbol == ","
        if symbol in ".sS" or others > _MOST_WORDS_BETWEEN or (others and commas):
            return False
        if symbol in "cAB":
            return True
        if symbol in "tg" and not symbols[index + 1 : start].strip("pia"):
            return True
    return False


def _is_unitless_age(sentence: Sequence[Part], symbols: str, match: re.Match[str]) -> bool:
    end = match.end()
    following = symbols[end : end + 1]
    numbers = [part for part in sentence[match.start("numbers") : end] if part.symbol == "n"]
    if not numbers or any(part.value * _MONTHS_PER_YEAR > HIGHEST for part in numbers):
        return False
    # "one" is an article in most languages: "my son is a student".
    if numbers[0].value == 1 and not numbers[0].digits:
        return False
    if match["link"] is not None and following == "_":
        copula = "i" in match["link"] or "A" in match["link"] or "B" in match["link"]
        return copula and not _ruled_out_after(sentence, end, 1)
    if re.match(r"[i,]+n", symbols[end:]):
        return True
    return following in ("", ".", ",", "a", "_") and not _ruled_out_after(sentence, end, 1)


def _ruled_out_before(sentence: Sequence[Part], start: int) -> bool:
    for part in reversed(sentence[max(0, start - 2) : start]):
        if part.symbol in ".,cAot":
            return False
        if part.ruled_out_before:
            return True
    return False


def _ruled_out_after(sentence: Sequence[Part], end: int, reach: int) -> bool:
    for part in sentence[end : end + reach]:
        if part.symbol in ".,a":
            return False
        if part.ruled_out_after:
            return True
    return False


def _entities(message: Message, said: Sequence[Part]) -> Iterator[Entity]:
    ages = _months(said)
    if any(months > HIGHEST for months, _ in ages):
        return
    for index, (months, first) in enumerate(ages):
        last = ages[index + 1][1] if index + 1 < len(ages) else len(said)
        while said[last - 1].symbol in "a,":
            last -= 1
        span = message.span_of(said[first].first, said[last - 1].last)
        yield Entity(CHILD_AGE_MONTHS, int(months), *span)


def _months(said: Sequence[Part]) -> list[tuple[float, int]]:
    """The ages in a quantity, each with the place of the part at which it begins."""
    ages: list[tuple[float, int]] = []
    pending: list[tuple[float, int]] = []
    for index, part in enumerate(said):
        if part.symbol in ("n", "H"):
            pending.append((part.value, index))
        elif part.symbol == "h" and pending:
            pending[-1] = (pending[-1][0] + 0.5, pending[-1][1])
        elif part.symbol == "h":
            ages[-1] = (ages[-1][0] + _MONTHS_PER_YEAR / 2, ages[-1][1])
        elif part.symbol in "yYj":
            ages += [(v * _MONTHS_PER_YEAR, at) for v, at in pending] or [(_MONTHS_PER_YEAR, index)]
            pending = []
        elif part.symbol in "mMd" and ages:
            ages[-1] = (ages[-1][0] + (pending[-1][0] if pending else part.value), ages[-1][1])
            pending = []
        elif part.symbol in "mMk":
            ages += pending
            pending = []
        elif part.symbol == "w":
            ages += [(v * _DAYS_PER_WEEK / _DAYS_PER_MONTH, at) for v, at in pending]
            pending = []
        elif part.symbol in "Ddfz":
            ages.append((part.value, index))
    # Numbers without a unit are years.
    return ages + [(v * _MONTHS_PER_YEAR, at) for v, at in pending]
