"""Cells of like meaning: how near entries are found among very many without reading all.

The space of all vectors is cut into cells around centres (spherical k-means), and each
cell holds sketches of the vectors in it. A search reads the cells nearest to the question
and the entries that look best there. Cells stand in the database, so they need no file of
their own and serve any number of processes; ``sorting.py`` keeps them. Small databases
have none, and there every entry that the wishes leave is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from bot.measures.search import sketches
from bot.measures.search.codes import Matrix, Vector
from bot.measures.search.models import SearchCell

WORTH_IT = 5_000
"""Entries from which cells save time."""

VECTORS_PER_CELL = 250
MOST_CELLS = 4_096
ROUNDS = 8
_BATCH = 1_000
# Made once: to build and to recognise a statement takes longer than to answer it.
_NEWEST = select(func.max(SearchCell.number)).where(
    SearchCell.model == bindparam("model"), SearchCell.ready.is_(True)
)
_MEMBERS = select(SearchCell.members).where(
    SearchCell.number.in_(bindparam("numbers", expanding=True))
)
_MEMBERS_ON_POSTGRESQL = "SELECT members FROM measure_cell WHERE number = ANY(%s)"


@dataclass(frozen=True)
class Cells:
    """Centres with their numbers; none for a small database."""

    numbers: tuple[int, ...] = ()
    centres: Matrix = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def nearest(self, query: Vector, most: int) -> list[int]:
        """The numbers of at most ``most`` cells, nearest first."""
        distances = -(self.centres @ query)
        order = np.argsort(distances, kind="stable")[:most]
        return [self.numbers[index] for index in order.tolist()]

    def of(self, vectors: Matrix) -> NDArray[np.int64]:
        """For each vector the number of the cell in which it lies."""
        owners = [np.argmax(part @ self.centres.T, axis=1) for part in _parts(vectors)]
        return np.asarray(np.array(self.numbers)[np.concatenate(owners)], dtype=np.int64)


class CellReader:
    """Gives the cells that are ready and keeps them until they change. Threads may share it."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, int], Cells] | None = None

    def read(self, session: Session, model: str) -> Cells:
        """The cells of a model's vectors."""
        newest = session.scalar(_NEWEST, {"model": cells_model(model)})
        key = (model, newest or 0)
        known = self._known
        if known is None or known[0] != key:
            known = (key, read_ready(session, model))
            self._known = known
        return known[1]


def cells_model(model: str) -> str:
    """What is written to cells of a model's vectors: the model, and the kind of sketch."""
    return f"{model}/{sketches.VERSION}"


def read_ready(session: Session, model: str) -> Cells:
    """The cells in use."""
    rows = session.execute(
        select(SearchCell.number, SearchCell.centre)
        .where(SearchCell.model == cells_model(model), SearchCell.ready.is_(True))
        .order_by(SearchCell.number)
    ).all()
    if not rows:
        return Cells()
    centres = np.frombuffer(b"".join(row.centre for row in rows), dtype="<f4")
    return Cells(tuple(row.number for row in rows), centres.reshape(len(rows), -1))


def members(session: Session, numbers: Sequence[int], dimensions: int) -> sketches.Sketches:
    """Sketches of all that lies in these cells."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        stored = list(connection.scalars(_MEMBERS, {"numbers": numbers}))
    else:
        # Megabytes: as bytes, not in the hexadecimal digits that are the driver's default.
        driver: Any = connection.connection.driver_connection
        with driver.cursor(binary=True) as cursor:
            stored = [row[0] for row in cursor.execute(_MEMBERS_ON_POSTGRESQL, [list(numbers)])]
    return sketches.read(stored, dimensions)


def cells_for(entries: int, vectors: int) -> int:
    """How many cells a database should have; 0 for one of few entries."""
    return 0 if entries < WORTH_IT else min(MOST_CELLS, max(1, vectors // VECTORS_PER_CELL))


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
    for start in range(0, max(len(vectors), 1), _BATCH):
        yield vectors[start : start + _BATCH]
