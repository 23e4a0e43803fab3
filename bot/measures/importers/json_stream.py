"""The values of a JSON file, one after the other: memory does not grow with the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from bot.errors import ImportRejectedError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})
# Deeper than any HSDS document nests, a page of them included.
MAXIMUM_DEPTH = 60
# The longest text that is imported takes 1.2 MB when it is written in escapes only.
MAXIMUM_TOKEN = 2_000_000
# Values in one entry: an organization may come with thousands of services.
MAXIMUM_VALUES = 1_000_000
# A quote that no escape precedes begins or ends a text, wherever it stands.
_END_OF_TEXT = re.compile(rb'[^\\]"')


def values(file: BinaryIO) -> Iterator[Any]:
    """The entries of a list, of a page of an API, or of a file with one object a line.

    The file must allow reading from its beginning again. Raises ``ImportRejectedError``
    when it is not JSON.
    """
    try:
        yield from _values(file)
    except ijson.JSONError as error:
        reason = " ".join(str(error).split())[:200]
        raise ImportRejectedError([f"the file is not JSON: {reason}"]) from error
    except UnicodeDecodeError as error:
        raise ImportRejectedError(["the file is not UTF-8"]) from error


def _values(file: BinaryIO) -> Iterator[Any]:
    start = len(_BYTE_ORDER_MARK) if file.read(3) == _BYTE_ORDER_MARK else 0
    file.seek(start)
    head = file.read(1)
    while head and head in _SPACE:
        head = file.read(1)
    if head not in (b"[", b"{"):
        raise ImportRejectedError(["the file is not JSON: it begins with neither { nor ["])
    file.seek(start)
    if head == b"[":
        return _built(file, level=1)
    page = _is_page(file)
    file.seek(start)
    return _built(file, level=2, inside="contents") if page else _built(file, level=0)


class _BoundedTokens:
    """A file whose texts and numbers end: the parser would gather an endless one in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._since_text = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises ``ImportRejectedError`` when no text ends for too long."""
        chunk = self._file.read(size)
        self._since_text = 0 if _END_OF_TEXT.search(chunk) else self._since_text + len(chunk)
        if self._since_text > MAXIMUM_TOKEN:
            raise ImportRejectedError(
                [f"the file holds a text or number of more than {MAXIMUM_TOKEN} bytes"]
            )
        return chunk


def _events(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    # With floats, numbers that no float holds are errors of the parser and not of Python.
    events: Iterator[tuple[str, Any]] = ijson.basic_parse(
        _BoundedTokens(file), multiple_values=True, use_float=True
    )
    return events


def _is_page(file: BinaryIO) -> bool:
    """Whether the first object holds its entries in ``contents``, as pages of an API do."""
    key, depth = None, 0
    for event, value in _events(file):
        if event == "map_key" and depth == 1:
            key = value
        elif event == "start_array" and depth == 1 and key == "contents":
            return True
        depth += event in _OPENING
        depth -= event in _CLOSING
        if not 0 < depth <= MAXIMUM_DEPTH:
            return False
    return False


def _built(file: BinaryIO, *, level: int, inside: str = "") -> Iterator[Any]:
    """The values at a level of nesting, one after the other.

    ijson's own ``items`` keeps the path to each level, which a file of nothing but
    brackets makes endless; here nesting ends at ``MAXIMUM_DEPTH``.
    """
    stack: list[Any] = []
    keys: list[str] = []
    depth, outer = 0, ""
    count, number = 0, 1
    for event, value in _events(file):
        if event == "map_key":
            if stack:
                keys[-1] = value
            elif depth == 1:
                outer = value
            continue
        if event in _CLOSING:
            depth -= 1
            if not stack:
                continue
            value = stack.pop()
            keys.pop()
        elif event in _OPENING:
            if stack or (depth == level and outer == inside):
                stack.append({} if event == "start_map" else [])
                keys.append("")
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise ImportRejectedError([f"the file nests deeper than {MAXIMUM_DEPTH} levels"])
            continue
        elif not stack and (depth != level or outer != inside):
            continue
        count += 1
        if count > MAXIMUM_VALUES:
            raise ImportRejectedError([f"entry {number}: holds more than {MAXIMUM_VALUES} values"])
        if not stack:
            count, number = 0, number + 1
            yield value
        elif isinstance(stack[-1], dict):
            stack[-1][keys[-1]] = value
        else:
            stack[-1].append(value)
