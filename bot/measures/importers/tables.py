"""Reading CSV files strictly: every row has its columns, and lines are named."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from bot.errors import ImportRejectedError

Row = dict[str, str]


def rows(path: Path, required: Collection[str]) -> Iterator[tuple[int, Row, int]]:
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
                    row.update(zip(names, (cell.strip() for cell in cells), strict=False))
                    yield line, row, len(cells)
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportRejectedError([f"the file is not UTF-8 (byte {error.start})"]) from error
    except csv.Error as error:
        raise ImportRejectedError([f"line {line}: not CSV: {error}"]) from error
    except OSError as error:
        raise ImportRejectedError([f"the file cannot be read: {error.strerror}"]) from error
