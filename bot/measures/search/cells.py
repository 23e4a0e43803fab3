"""Cells of like meaning: how near entries are found among very many without reading all.

All vectors are cut into cells around centres (spherical k-means), and each entry carries
the cells of its vectors as terms. A search asks for entries in the cells nearest to the
question, together with its other wishes, by the same full-text index; so the cells are
as current as the rows, work in several processes and need no file of their own. Small
databases have no cells, and there every entry that the wishes leave is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot.db.session import Database
from bot.measures.search.codes import Matrix, Vector, code_size, unpack
from bot.measures.search.models import SearchCell, SearchEntry

WORTH_IT = 5_000
"""Entries from which cells save time."""

ENTRIES_PER_CELL = 250
MOST_CELLS = 4_096
SAMPLE = 40_000
ROUNDS = 8
PREFIX = "cell_"
_BATCH = 1_000


@dataclass(frozen=True)
class Cells:
    """Centres with their numbers; none for a small database."""

    numbers: tuple[int, ...] = ()
    centres: Matrix = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def nearest(self, query: Vector) -> list[str]:
        """The terms of all cells, nearest first."""
        order = np.argsort(-(self.centres @ query), kind="stable")
        return [f"{PREFIX}{self.numbers[index]}" for index in order]

    def of(self, codes: Sequence[bytes]) -> list[list[str]]:
        """For each entry's vectors the terms of the cells in which they lie."""
        vectors = unpack(b"".join(codes), self.centres.shape[1])
        owners = iter(np.argmax(vectors @ self.centres.T, axis=1).tolist())
        width = code_size(self.centres.shape[1])
        return [
            sorted({f"{PREFIX}{self.numbers[next(owners)]}" for _ in range(len(code) // width)})
            for code in codes
        ]


class CellReader:
    """Gives the cells that are ready and keeps them until they change. Threads may share it."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, int], Cells] | None = None

    def read(self, session: Session, model: str) -> Cells:
        """The cells of a model's vectors."""
        newest = session.scalar(
            select(func.max(SearchCell.number)).where(
                SearchCell.model == model, SearchCell.ready.is_(True)
            )
        )
        key = (model, newest or 0)
        known = self._known
        if known is None or known[0] != key:
            known = (key, _read(session, model, ready=True))
            self._known = known
        return known[1]


def read_all(session: Session, model: str) -> list[Cells]:
    """The cells in use, and those being made, if there are any."""
    sets = (_read(session, model, ready=ready) for ready in (True, False))
    return [cells for cells in sets if cells.numbers]


def _read(session: Session, model: str, *, ready: bool) -> Cells:
    rows = session.execute(
        select(SearchCell.number, SearchCell.centre)
        .where(SearchCell.model == model, SearchCell.ready.is_(ready))
        .order_by(SearchCell.number)
    ).all()
    if not rows:
        return Cells()
    centres = np.frombuffer(b"".join(row.centre for row in rows), dtype="<f4")
    return Cells(tuple(row.number for row in rows), centres.reshape(len(rows), -1))


def place(entries: Sequence[SearchEntry], cells: Cells) -> None:
    """Adds the terms of the cells in which the entries' vectors lie."""
    for entry, found in zip(entries, cells.of([entry.vectors for entry in entries]), strict=True):
        known = entry.terms.split(" ")
        entry.terms = " ".join([*known, *(term for term in found if term not in known)])


def cells_for(entries: int) -> int:
    """How many cells a database of so many entries should have; 0 for a small one."""
    return 0 if entries < WORTH_IT else min(MOST_CELLS, entries // ENTRIES_PER_CELL)


def are_due(session: Session, model: str) -> bool:
    """Whether there are so many more entries than cells that new ones are worth their time."""
    ready = session.scalar(
        select(func.count()).where(SearchCell.model == model, SearchCell.ready.is_(True))
    )
    return cells_for(_count(session, model)) > 4 * (ready or 0)


def rebuild(database: Database, model: str, dimensions: int) -> int:
    """Cuts the space of a model's vectors anew; returns how many cells there are now.

    Takes minutes for a million entries, in short transactions: searches go on with the
    cells there were, and entries that change meanwhile are placed in both. When it is
    interrupted, the next call begins anew.
    """
    with database.reading() as session:
        centres = fit(_sample(session, model, dimensions), cells_for(_count(session, model)))
    with database.transaction() as session:
        session.execute(delete(SearchCell).where(SearchCell.ready.is_(False)))
        added = [SearchCell(model=model, centre=row.astype("<f4").tobytes()) for row in centres]
        session.add_all(added)
    cells = Cells(tuple(cell.number for cell in added), centres)
    last = 0
    while cells.numbers:
        with database.transaction() as session:
            entries = session.scalars(
                select(SearchEntry)
                .where(SearchEntry.model == model, SearchEntry.number > last)
                .order_by(SearchEntry.number)
                .limit(_BATCH)
            ).all()
            if not entries:
                break
            place(entries, cells)
            last = entries[-1].number
    with database.transaction() as session:
        session.execute(delete(SearchCell).where(SearchCell.ready.is_(True)))
        session.execute(update(SearchCell).values(ready=True))
    return len(added)


def fit(vectors: Matrix, count: int) -> Matrix:
    """The centres of ``count`` cells; the same for the same vectors."""
    if count == 0 or not len(vectors):
        return np.empty((0, vectors.shape[1]), dtype=np.float32)
    random = np.random.default_rng(0)
    centres = vectors[random.choice(len(vectors), size=min(count, len(vectors)), replace=False)]
    for _ in range(ROUNDS):
        owners = np.concatenate([np.argmax(part @ centres.T, axis=1) for part in _parts(vectors)])
        sums = np.zeros_like(centres)
        np.add.at(sums, owners, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A cell that lost all its vectors keeps its centre.
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return np.asarray(centres, dtype=np.float32)


def _parts(vectors: Matrix) -> Iterator[Matrix]:
    for start in range(0, len(vectors), _BATCH):
        yield vectors[start : start + _BATCH]


def _count(session: Session, model: str) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(SearchEntry).where(SearchEntry.model == model)
        )
        or 0
    )


def _sample(session: Session, model: str, dimensions: int) -> Matrix:
    step = max(1, _count(session, model) // SAMPLE)
    codes: Sequence[bytes] = session.scalars(
        select(SearchEntry.vectors)
        .where(SearchEntry.model == model, SearchEntry.number % step == 0)
        .limit(SAMPLE)
    ).all()
    return unpack(b"".join(codes), dimensions)
