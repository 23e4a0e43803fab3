"""Values of HSDS documents: what a column can hold, and what no database stores."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Numeric, String, Text

from bot.measures.fields import CONVERTERS, Json, plain, table_of
from bot.measures.hsds.names import Names

Document = dict[str, Any]
MAXIMUM_TEXT = 100_000
# Deeper than any HSDS document nests.
MAXIMUM_DEPTH = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


class ProblemError(Exception):
    """Something in a document that cannot be taken, with its place in it."""


def split(
    document: Document, columns: Names, where: str
) -> tuple[dict[str, Json], dict[str, Json]]:
    """The values that fit the columns, and everything else of a document word for word."""
    values: dict[str, Json] = {}
    extra: dict[str, Json] = {}
    table = table_of(columns.model)
    for name, value in document.items():
        column_name = columns.columns.get(name)
        if column_name is None:
            extra[name] = value
            continue
        column = table.columns[column_name]
        fitting = _fitting(column, value, f"{where}, {name}")
        if fitting is not None:
            values[column_name] = fitting
        if fitting != value or value == "":
            extra[name] = value
    return values, extra


def _fitting(column: Column[Any], value: Json, where: str) -> Json | None:
    """A value in the form in which it is read back from its column; None when it has no room."""
    if value is None:
        return None
    kind = column.type.python_type
    wants_number = kind in (int, float, Decimal)
    if wants_number and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ProblemError(f"{where}: {_short(value)} is not a number")
    if not wants_number and not isinstance(value, str):
        raise ProblemError(f"{where}: {_short(value)} is not text")
    if isinstance(column.type, String) and not isinstance(column.type, Text):
        return value if len(value) <= (column.type.length or MAXIMUM_TEXT) else None
    if kind in (date, time):
        try:
            moment = CONVERTERS[kind](value)
        except ValueError:
            return None
        return plain(moment.replace(tzinfo=None) if isinstance(moment, time) else moment)
    if kind is int:
        return int(value) if 0 <= value < 2**31 else None
    if kind is float:
        return float(value) if abs(value) < 10**9 else None
    if isinstance(column.type, Numeric) and kind is Decimal:
        fits = abs(value) < 10**9 and round(value, 2) == value
        return plain(Decimal(str(value))) if fits else None
    return value


def check_texts(value: Json, where: str, depth: int = 0) -> None:
    """Refuses what no database stores: NUL, half characters, endless texts and nesting."""
    if isinstance(value, str):
        if len(value) > MAXIMUM_TEXT:
            raise ProblemError(f"{where}: longer than {MAXIMUM_TEXT} characters")
        if "\x00" in value:
            raise ProblemError(f"{where}: holds a NUL character")
        if not value.isascii() and _SURROGATE.search(value):
            raise ProblemError(f"{where}: holds half a character")
    elif isinstance(value, dict | list):
        if depth >= MAXIMUM_DEPTH:
            raise ProblemError(f"{where}: nested deeper than {MAXIMUM_DEPTH} levels")
        if isinstance(value, dict):
            for name, item in value.items():
                check_texts(name, where, depth + 1)
                check_texts(item, f"{where}, {name}" if depth == 0 else where, depth + 1)
        else:
            for item in value:
                check_texts(item, where, depth + 1)
    elif isinstance(value, float) and (value != value or abs(value) == float("inf")):
        raise ProblemError(f"{where}: is not a number that can be stored")


def _short(value: Json) -> str:
    return repr(value)[:40]
