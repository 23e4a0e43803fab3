"""Measuring and dividing text the way Telegram counts it: in UTF-16 code units."""

from __future__ import annotations

import re
import unicodedata

MAXIMUM_UNITS = 4096

_ZERO_WIDTH_JOINER = "\u200d"
_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
_TAG_CHARACTERS = range(0xE0020, 0xE0080)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units: characters beyond the basic plane count twice."""
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def well_formed(text: str) -> str:
    """The text with halves of surrogate pairs replaced, so that it can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_blank(text: str) -> bool:
    """Whether nothing of it would be visible; Telegram refuses such texts."""
    return all(unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp") for char in text)


def split(text: str, limit: int = MAXIMUM_UNITS) -> list[tuple[int, int]]:
    """Where to cut a text into pieces of at most ``limit`` units each.

    Returns (start, end) positions in order. Cuts stand between paragraphs where
    that leaves the piece at least half full, else between lines, else between
    words, and only in a word that is longer than a piece, there between whole
    visible characters. White space at the cuts and at both ends is left out, and
    nothing else. ``limit`` is at least 2.
    """
    pieces = []
    start = _skip_space(text, 0)
    while start < len(text):
        reach = _reach(text, start, limit)
        cut = len(text) if reach == len(text) else _boundary(text, start, reach)
        pieces.append((start, start + len(text[start:cut].rstrip())))
        start = _skip_space(text, cut)
    return pieces


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _reach(text: str, start: int, limit: int) -> int:
    """The furthest end of a piece that begins at ``start``."""
    units = 0
    for position in range(start, len(text)):
        units += 2 if ord(text[position]) > 0xFFFF else 1
        if units > limit:
            return position
    return len(text)


def _boundary(text: str, start: int, reach: int) -> int:
    half = start + (reach - start) // 2
    for separator in ("\n\n", "\n"):
        found = text.rfind(separator, half, reach + len(separator))
        if found > start:
            return found
    spaces = [match.start() for match in re.finditer(r"\s", text[start : reach + 1])]
    if spaces and spaces[-1] > 0:
        return start + spaces[-1]
    return _between_characters(text, start, reach)


def _between_characters(text: str, start: int, reach: int) -> int:
    cut = reach
    while cut > start + 1 and _belongs_to_previous(text, cut):
        cut -= 1
    # A single endless cluster is cut where it must be.
    return cut if cut > start + 1 else reach


def _belongs_to_previous(text: str, position: int) -> bool:
    char = text[position]
    return (
        unicodedata.category(char).startswith("M")
        or char == _ZERO_WIDTH_JOINER
        or text[position - 1] == _ZERO_WIDTH_JOINER
        or ord(char) in _EMOJI_MODIFIERS
        or ord(char) in _TAG_CHARACTERS
    )
