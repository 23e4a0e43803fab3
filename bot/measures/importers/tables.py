"""Reading CSV files strictly: every row has its columns, and lines are named."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from bot.errors import ImportRejectedError

Row = dict[str, str]


def rows(
    path: Path, required: Collection[str], *, strip: bool = True
) -> Iterator[tuple[int, Row, int]]:
    """The first line of each row, the row itself and how many cells it has in the file."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = next(reader, [])
            if missing := [name for name in required if name not in names]:
                raise ImportRejectedError([f"line 1: column {name} is missing" for name in missing])
            if len(set(names)) < len(names):
                raise ImportRejectedError(["line 1: two columns have the same name"])
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    row = dict.fromkeys(names, "")
                    row.update(
                        zip(
                            names,
                            (plain(cell.strip() if strip else cell) for cell in cells),
                            strict=False,
                        )
                    )
                    yield line, row, len(cells)
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportRejectedError([f"the file is not UTF-8 (byte {error.start})"]) from error
    except csv.Error as error:
        raise ImportRejectedError([f"line {line}: not CSV: {error}"]) from error
    except OSError as error:
        raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error


# A cell that begins so is a formula to a spreadsheet, unless it is a plain number.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?[\d][\d ()/.,-]*")


def safe(value: str) -> str:
    """A cell that no spreadsheet takes for a formula; ``plain`` gives the value back."""
    if _FORMULA.match(value.lstrip("'")) and not _PLAIN_NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def plain(value: str) -> str:
    """The value of a cell written by ``safe``."""
    if value.startswith("'") and _FORMULA.match(value.lstrip("'")):
        return value[1:]
    return value
