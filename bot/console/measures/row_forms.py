"""Lists of rows in a form: how they are named, read, added to and taken from.

A field of a row is called ``times.3.opens``: the list, the row's number, the field. Buttons
that add or remove a row send ``do``; what they do is undone by not saving.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from bot.console.access import MAXIMUM_FIELDS

MAXIMUM_ROWS = 200
MAXIMUM_LINE, MAXIMUM_NOTE = 500, 4_000
_NAME = re.compile(r"(?P<list>[a-z]+)\.(?P<number>\d{1,5})\.(?P<field>[a-z_]+)")

RawRow = Mapping[str, Sequence[str]]


async def _sent(request: Request) -> FormData:
    return await request.form(max_fields=MAXIMUM_FIELDS)


Sent = Annotated[FormData, Depends(_sent)]


@dataclass(frozen=True)
class Do:
    """What a button asks for: ``add`` or ``remove`` of a list's row, or nothing: to save."""

    act: str = ""
    rows: str = ""
    number: int = -1


def do(form: FormData) -> Do:
    """What the pressed button asks for; anything unknown asks for nothing but to show the form."""
    written = str(form.get("do") or "")
    if not written:
        return Do()
    act, _, rest = written.partition("-")
    rows, _, number = rest.partition("-")
    return Do(act, rows, int(number) if number.isascii() and number.isdecimal() else -1)


def raw_rows(form: FormData, name: str) -> list[RawRow]:
    """The rows of a list in the order of their numbers."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, value in form.multi_items():
        match = _NAME.fullmatch(key)
        if match and match["list"] == name and isinstance(value, str):
            found[int(match["number"])][match["field"]].append(value)
    return [found[number] for number in sorted(found)]


def line(raw: RawRow, name: str) -> str:
    """A field of one line, without needless spaces."""
    return clean_line(raw.get(name, ("",))[0])


def clean_line(value: str) -> str:
    """As a field of one line shows a value."""
    return " ".join(value.replace("\x00", " ").split())


def clean_text(value: str) -> str:
    """As a field of several lines shows a value."""
    return value.replace("\x00", " ").replace("\r\n", "\n").replace("\r", "\n").strip()


def day(written: str) -> date | None:
    """A day as ISO or Germans write it; None when it is none."""
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", written):
        written = f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}"
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


@dataclass(kw_only=True)
class Row:
    """A row of a form. ``of`` names the stored row that it shows; new ones have none.

    ``wrong`` holds what is wrong by the name of the field; ``unfolded`` rows show their
    fields without being asked to. Rows that say the same are equal.
    """

    of: str = ""
    wrong: dict[str, str] = field(default_factory=dict, compare=False)
    unfolded: bool = field(default=False, compare=False)
