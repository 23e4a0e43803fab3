"""Sorting entries into cells: one by one as they change, and all when there are many more.

One process at a time sorts (on PostgreSQL by a lock; SQLite serves one process). Until an
entry is sorted it stands in ``measure_unsorted``, whose entries every search compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

import numpy as np
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from bot.db.session import Database
from bot.measures.search import sketches
from bot.measures.search.cells import Cells, cells_for, cells_model, fit, read_ready
from bot.measures.search.codes import Matrix, code_size, unpack
from bot.measures.search.models import SearchCell, SearchEntry, Unsorted

SAMPLE = 40_000
"""Vectors of which the centres are made."""

_ENTRIES_AT_ONCE = 1_000
_CELLS_AT_ONCE = 500
# So many sketches, of about 30 MB, are collected before the cells are written.
_SKETCHES_AT_ONCE = 200_000
# Any number that nothing else locks in PostgreSQL.
_LOCK = 4_118_012
# Written even if it stands there, so that nobody takes it out before this is committed; its
# vectors stay, because they are what the cells know.
_MARKED = text(
    "INSERT INTO measure_unsorted (number, vectors, model) VALUES (:number, :vectors, :model)"
    " ON CONFLICT (number) DO UPDATE SET number = excluded.number"
)

_ByCell = dict[int, sketches.Sketches]


def mark_unsorted(session: Session, known: Mapping[int, tuple[bytes, str]]) -> None:
    """Says that entries changed, by their numbers: with which vectors of which model before."""
    marks = [
        {"number": number, "vectors": vectors, "model": model}
        for number, (vectors, model) in sorted(known.items())
    ]
    if marks:
        session.execute(_MARKED, marks)


def sort_changed(database: Database, model: str, *, limit: int) -> int:
    """Sorts up to ``limit`` entries that changed; returns how many.

    Nothing is sorted while another process sorts.
    """
    with database.transaction() as session:
        if not _locked(session):
            return 0
        waiting = session.execute(
            select(Unsorted.number, Unsorted.vectors, Unsorted.model)
            .order_by(Unsorted.number)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        numbers = [row.number for row in waiting]
        # Taken out before they are read: what changes after that is marked again.
        session.execute(delete(Unsorted).where(Unsorted.number.in_(numbers)))
        cells = read_ready(session, model)
        if numbers and cells.numbers:
            dimensions = cells.centres.shape[1]
            known = {row.number: row.vectors for row in waiting if row.model == model}
            gone = _cells_known(cells, known, dimensions)
            added = _by_cell(cells, *_sketched(session, model, dimensions, numbers))
            _write(session, dimensions, added, gone)
        return len(waiting)


def are_due(session: Session, model: str) -> bool:
    """Whether there are so many more entries than cells that new ones are worth their time."""
    ready = session.scalar(
        select(func.count()).where(
            SearchCell.model == cells_model(model), SearchCell.ready.is_(True)
        )
    )
    count = _count(session, model)
    return cells_for(count, count) > 4 * (ready or 0)


def rebuild(database: Database, model: str, dimensions: int) -> int:
    """Cuts the space of a model's vectors anew; returns how many cells there are now.

    Takes minutes for a million entries, in short transactions: searches go on with the
    cells there were, and entries that change meanwhile wait unsorted. When it is
    interrupted, the next call begins anew. Does nothing while another process sorts.
    """
    with _alone(database) as alone:
        if not alone:
            return 0
        cells = _new_cells(database, model, dimensions)
        for part in _all_by_cell(database, model, dimensions, cells):
            with database.transaction() as session:
                _write(session, dimensions, part, {})
        with database.transaction() as session:
            session.execute(delete(SearchCell).where(SearchCell.ready.is_(True)))
            session.execute(update(SearchCell).values(ready=True))
        return len(cells.numbers)


def _new_cells(database: Database, model: str, dimensions: int) -> Cells:
    with database.reading() as session:
        sample, passages = _sample(session, model, dimensions)
        count = _count(session, model)
    centres = fit(sample, cells_for(count, int(count * passages)))
    with database.transaction() as session:
        session.execute(delete(SearchCell).where(SearchCell.ready.is_(False)))
        added = [
            SearchCell(model=cells_model(model), centre=row.astype("<f4").tobytes(), members=b"")
            for row in centres
        ]
        session.add_all(added)
        session.flush()
        return Cells(tuple(cell.number for cell in added), centres)


def _all_by_cell(
    database: Database, model: str, dimensions: int, cells: Cells
) -> Iterator[_ByCell]:
    """Sketches of all entries by cell, in parts that fit into memory."""
    collected: dict[int, list[sketches.Sketches]] = defaultdict(list)
    last = held = 0
    while cells.numbers:
        with database.reading() as session:
            numbers = session.scalars(
                select(SearchEntry.number)
                .where(SearchEntry.model == model, SearchEntry.number > last)
                .order_by(SearchEntry.number)
                .limit(_ENTRIES_AT_ONCE)
            ).all()
            vectors, made = _sketched(session, model, dimensions, numbers)
        for number, some in _by_cell(cells, vectors, made).items():
            collected[number].append(some)
        held += len(made)
        if held >= _SKETCHES_AT_ONCE or not numbers:
            yield {number: np.concatenate(parts) for number, parts in collected.items()}
            collected.clear()
            held = 0
        if not numbers:
            return
        last = numbers[-1]


def _sketched(
    session: Session, model: str, dimensions: int, numbers: Sequence[int]
) -> tuple[Matrix, sketches.Sketches]:
    """The vectors of these entries and their sketches; none of another model's."""
    rows = session.execute(
        select(SearchEntry.number, SearchEntry.terms, SearchEntry.vectors).where(
            SearchEntry.number.in_(numbers), SearchEntry.model == model
        )
    ).all()
    vectors = unpack(b"".join(row.vectors for row in rows), dimensions)
    made, start = [sketches.none(dimensions)], 0
    for row in rows:
        end = start + len(row.vectors) // code_size(dimensions)
        made.append(sketches.sketches(row.number, row.terms.split(" "), vectors[start:end]))
        start = end
    return vectors, np.concatenate(made)


def _by_cell(cells: Cells, vectors: Matrix, made: sketches.Sketches) -> _ByCell:
    """The vectors' sketches by the cells in which the vectors lie."""
    owners = cells.of(vectors)
    order = np.argsort(owners, kind="stable")
    numbers, starts = np.unique(owners[order], return_index=True)
    parts = np.split(made[order], starts[1:]) if len(made) else []
    return dict(zip(numbers.tolist(), parts, strict=True))


def _cells_known(
    cells: Cells, vectors: Mapping[int, bytes], dimensions: int
) -> dict[int, set[int]]:
    """Numbers of entries by the cells in which these vectors of theirs lie."""
    width = code_size(dimensions)
    entries = [number for number, codes in vectors.items() for _ in range(len(codes) // width)]
    owners = cells.of(unpack(b"".join(vectors.values()), dimensions))
    found: dict[int, set[int]] = defaultdict(set)
    for cell, entry in zip(owners.tolist(), entries, strict=True):
        found[cell].add(entry)
    return found


def _write(session: Session, dimensions: int, added: _ByCell, gone: Mapping[int, Set[int]]) -> None:
    """Adds sketches to cells, and takes out what these held of the same entries before."""
    numbers = sorted({*added, *gone})
    nothing = sketches.none(dimensions)
    for start in range(0, len(numbers), _CELLS_AT_ONCE):
        present = session.execute(
            select(SearchCell.number, SearchCell.members).where(
                SearchCell.number.in_(numbers[start : start + _CELLS_AT_ONCE])
            )
        ).all()
        changed = [
            {
                "number": number,
                "members": sketches.merged(
                    held, added.get(number, nothing), without=gone.get(number, set())
                ),
            }
            for number, held in present
        ]
        session.execute(update(SearchCell), changed)


def _count(session: Session, model: str) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(SearchEntry).where(SearchEntry.model == model)
        )
        or 0
    )


def _sample(session: Session, model: str, dimensions: int) -> tuple[Matrix, float]:
    """One vector each of some entries, and how many vectors an entry has on average."""
    step = max(1, _count(session, model) // SAMPLE)
    width = code_size(dimensions)
    chosen, passages = [], 0
    statement = (
        select(SearchEntry.number, SearchEntry.vectors)
        .where(SearchEntry.model == model, SearchEntry.number % step == 0)
        .limit(SAMPLE)
    )
    for row in session.execute(statement.execution_options(yield_per=_ENTRIES_AT_ONCE)):
        count = len(row.vectors) // width
        passages += count
        if count:
            # Another passage of each: the first ones are all of the same language.
            start = row.number // step % count * width
            chosen.append(row.vectors[start : start + width])
    return unpack(b"".join(chosen), dimensions), passages / max(len(chosen), 1)


def _locked(session: Session) -> bool:
    """Whether this transaction alone may sort."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))


@contextmanager
def _alone(database: Database) -> Iterator[bool]:
    """Whether this process alone may sort, for as long as the block takes."""
    if database.is_sqlite:
        yield True
        return
    with database.reading() as session:
        # Nothing else happens in this transaction, so the lock lasts as long as the block.
        yield _locked(session)
