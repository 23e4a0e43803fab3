"""Reading CSV files strictly: every row has its columns, and lines are named."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO

from bot.errors import ImportRejectedError

Row = dict[str, str]
# A row is held in memory whole, also when a mark left out makes one of all that follow.
MAXIMUM_ROW = 2_000_000
MAXIMUM_COLUMNS = 1_000


def rows(
    path: Path, required: Collection[str], *, strip: bool = True
) -> Iterator[tuple[int, Row, int]]:
    """The first line of each row, the row itself and how many cells it has in the file."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _BoundedLines(file)
            reader = csv.reader(lines, strict=True)
            names = next(reader, [])
            if len(names) > MAXIMUM_COLUMNS:
                raise ImportRejectedError([f"line 1: has more than {MAXIMUM_COLUMNS} columns"])
            if missing := [name for name in required if name not in names]:
                raise ImportRejectedError([f"line 1: column {name} is missing" for name in missing])
            if len(set(names)) < len(names):
                raise ImportRejectedError(["line 1: two columns have the same name"])
            line = reader.line_num + 1
            lines.begin_row()
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
                lines.begin_row()
    except UnicodeDecodeError as error:
        raise ImportRejectedError([f"the file is not UTF-8 (byte {error.start})"]) from error
    except csv.Error as error:
        raise ImportRejectedError([f"line {line}: not CSV: {error}"]) from error
    except _RowTooLongError as error:
        raise ImportRejectedError(
            [f"line {line}: the row is longer than {MAXIMUM_ROW} characters"]
        ) from error
    except OSError as error:
        raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error


class _RowTooLongError(Exception):
    """A row has no end within ``MAXIMUM_ROW`` characters."""


class _BoundedLines:
    """The lines of a file, of which no row may take more than ``MAXIMUM_ROW`` characters."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._room = MAXIMUM_ROW

    def begin_row(self) -> None:
        """Says that the next line begins a row."""
        self._room = MAXIMUM_ROW

    def __iter__(self) -> _BoundedLines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._room + 1)
        if not line:
            raise StopIteration
        self._room -= len(line)
        if self._room < 0:
            raise _RowTooLongError
        return line


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
