"""Files with one endless line, text, number or entry: refused at once, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.config import PROJECT, Settings
from bot.db import migrate
from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers.run import Format, Limits, run
from bot.measures.models import Measure

STATUS = Path("/proc/self/status")
SIZE = 100_000_000
# The program itself takes about 130 MB; a file read whole would take 100 MB more, and more
# than once that for its text.
MAXIMUM_MEGABYTES = 220
COLUMNS = "id,topics,title_de,title_en,description_facts,source_url"
SERVICE = '{"id": "1", "name": "Advice", "status": "active"'

# Name of the file: its beginning, what is repeated up to 100 MB, its end, and the complaint.
FILES: dict[str, tuple[str, str, str, str]] = {
    "cell.csv": (f"{COLUMNS}\nx,job,T,T,", "x" * 1000, ",https://example.org\n", "line 2: "),
    "quoted.csv": (f'{COLUMNS}\nx,job,T,T,"', 'x ""\n' * 200, '",https://e.org\n', "line 2: "),
    "cells.csv": (f"{COLUMNS}\nx", ",aä" * 300, "\n", "line 2: "),
    "cells_over_lines.csv": (f"{COLUMNS}\nx", ',"a\nä"' * 200, "\n", "line 2: "),
    "header.csv": (COLUMNS, ",x" * 500, "\n", "line 1: "),
    "no_end.csv": (f'{COLUMNS}\n"', "\n" * 1000, "", "line 2: "),
    "text.json": (f'[{SERVICE}, "description": "', "x" * 1000, '"}]', "holds a text or number"),
    "escapes.json": (f'[{SERVICE}, "description": "', '\\"' * 500, '"}]', "holds a text or number"),
    "key.json": (f'[{SERVICE}, "', "x" * 1000, '": 1}]', "holds a text or number"),
    "number.json": (f'[{SERVICE}, "minimum_age": ', "9" * 1000, "}]", "the file"),
    "entry.json": (f'[{SERVICE}, "x": [""', ', "ab"' * 200, "]}]", "entry 1: holds more than"),
    "page.json": ('{"x": "', "x" * 1000, '", "contents": []}', "holds a text or number"),
    "one_a_line.json": (f'{SERVICE}}}\n{SERVICE}, "url": "', "x" * 1000, '"}', "holds a text or"),
}


def write(path: Path, head: str, middle: str, tail: str) -> None:
    block = (middle * (1_000_000 // len(middle.encode()))).encode()
    with path.open("wb") as file:
        file.write(head.encode())
        while file.tell() < SIZE:
            file.write(block)
        file.write(tail.encode())


@pytest.mark.skipif(not STATUS.exists(), reason="peak memory is read from Linux's /proc")
def test_endless_lines_are_refused_in_little_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    told = {name: problems[0] for name, problems in found["problems"].items()}
    wanted = {name: start for name, (*_, start) in FILES.items()} | {
        "text.json as integreat": "holds a text or number",
        "tables": "line 2: ",
    }
    assert told.keys() == wanted.keys()
    assert {name: told[name] for name in told if wanted[name] not in told[name]} == {}
    assert [name for name, words in told.items() if len(words) > 300] == []
    assert found["measures"] == 0
    assert found["megabytes"] < MAXIMUM_MEGABYTES


def _sources(directory: Path) -> Iterator[tuple[str, Path, Format]]:
    """Each file for as long as it is imported, so that the disk holds one at a time."""
    for name, (head, middle, tail, _) in FILES.items():
        path = directory / name
        write(path, head, middle, tail)
        yield name, path, Format.of(name)
        if name == "text.json":
            yield "text.json as integreat", path, Format.INTEGREAT
        path.unlink()
    tables = directory / "tables"
    tables.mkdir()
    write(tables / "services.csv", "id,name,status\n1,", "x" * 1000, ",active\n")
    yield "tables", tables, Format.HSDS_CSV
    (tables / "services.csv").unlink()


def _import_all(directory: Path) -> None:
    """Imports each file in turn and prints what was said, what is stored and the memory."""
    database = Database(f"sqlite:///{directory / 'm.db'}")
    migrate.upgrade(database)
    limits = Limits(
        maximum_bytes=Settings.model_fields["import_max_bytes"].default,
        seconds=10,
        private_addresses=False,
    )
    said: dict[str, list[str]] = {}
    for name, path, file_format in _sources(directory):
        try:
            run(
                database,
                str(path),
                file_format=file_format,
                now=datetime.now(UTC),
                limits=limits,
                assume=Assumptions(),
            )
            said[name] = ["nothing"]
        except ImportRejectedError as error:
            said[name] = error.problems
    with database.reading() as session:
        stored = session.scalar(select(func.count()).select_from(Measure))
    print(json.dumps({"problems": said, "measures": stored, "megabytes": _peak_megabytes()}))


def _peak_megabytes() -> int:
    # Not getrusage: its figure is at least that of the process which started this one.
    [line] = [line for line in STATUS.read_text("utf-8").splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    _import_all(Path(sys.argv[1]))
