"""The figures side by side, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.latency import Latency

_MISSING = "–"


class Side(StrEnum):
    """What is compared; the heads of the columns."""

    LOTSE = "Lotse"
    STOCK = "stock Rasa"


class Figure(StrEnum):
    """What is measured, in the order of the table."""

    TRAINING = "Training"
    FIRST_START = "First start, empty database: to first answer (REST)"
    START = "Start to first answer (REST)"
    START_PERSON = "Start to first answer to a person (Telegram)"
    ENGINE_MEMORY = "Memory of the engine (RSS, after all requests)"
    APPLICATION_MEMORY = "Memory of the application; stock: action server"
    PARSE = "One user: parse"
    REST_FIXED = "One user: REST reply of the engine, fixed answer"
    REST_ACTION = "One user: REST reply of the engine, custom action"
    WHOLE_FIXED = "One user: whole way, fixed answer"
    WHOLE_ACTION = "One user: whole way, custom action"
    MANY_REST_FIXED = "20 users: REST reply of the engine, fixed answer"
    MANY_REST_ACTION = "20 users: REST reply of the engine, custom action"
    MANY_WHOLE_FIXED = "20 users: whole way, fixed answer"
    MANY_WHOLE_ACTION = "20 users: whole way, custom action"


_WITH_THROUGHPUT = {
    Figure.MANY_REST_FIXED,
    Figure.MANY_REST_ACTION,
    Figure.MANY_WHOLE_FIXED,
    Figure.MANY_WHOLE_ACTION,
}


def seconds(value: float) -> str:
    """A cell."""
    return f"{value:.1f} s"


def megabytes(value: float | None) -> str:
    """A cell."""
    return _MISSING if value is None else f"{value:.0f} MB"


@dataclass
class Report:
    """Collects figures and prints them."""

    environment: str
    _cells: dict[tuple[Figure, Side], str] = field(default_factory=dict)
    _threads: dict[str, Latency] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    def add(self, figure: Figure, side: Side, value: str | Latency) -> None:
        """Fills one cell; requests that were not answered as expected become a note."""
        if isinstance(value, Latency):
            self._note_missed(f"{side.value}, {figure.value}", value)
            value = _latency(value, with_throughput=figure in _WITH_THROUGHPUT)
        self._cells[figure, side] = value

    def add_threads(self, setting: str, value: Latency) -> None:
        """One line of the table on ``OMP_NUM_THREADS``."""
        self._note_missed(f"OMP_NUM_THREADS {setting}", value)
        self._threads[setting] = value

    def note(self, text: str) -> None:
        """A sentence below the tables."""
        self._notes.append(text)

    def markdown(self) -> str:
        """Everything measured; figures that nobody asked for are left out."""
        lines = [self.environment]
        rows = list(self._rows())
        if rows:
            lines += ["", *_table(["", *Side], rows)]
            lines += ["", "Latencies are p50 / p95; `/s` is answers per second."]
        if self._threads:
            settings = [[name, _latency(found, True)] for name, found in self._threads.items()]
            lines += ["", *_table(["OMP_NUM_THREADS of the engine", "parse, 4 clients"], settings)]
        if self._notes:
            lines += ["", *(f"- {note}" for note in self._notes)]
        return "\n".join(lines)

    def _rows(self) -> Iterator[list[str]]:
        for figure in Figure:
            cells = [self._cells.get((figure, side), _MISSING) for side in Side]
            if any((figure, side) in self._cells for side in Side):
                yield [figure.value, *cells]

    def _note_missed(self, name: str, value: Latency) -> None:
        if value.missed:
            total = value.missed + len(value.milliseconds)
            self.note(f"{name}: {value.missed} of {total} without the expected answer, not timed.")


def _latency(value: Latency, with_throughput: bool) -> str:
    if not value.milliseconds:
        return "no answer"
    text = f"{value.p50:.1f} / {value.p95:.1f} ms"
    return f"{text}, {value.per_second:.1f}/s" if with_throughput else text


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    dashes = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(row, widths) for row in (head, dashes, *rows)]


def _line(row: list[str], widths: list[int]) -> str:
    first = row[0].ljust(widths[0])
    figures = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return f"| {' | '.join((first, *figures))} |"


def machine(values: Mapping[str, str]) -> str:
    """The line that says where the figures come from."""
    return "; ".join(f"{name} {value}" for name, value in values.items())
