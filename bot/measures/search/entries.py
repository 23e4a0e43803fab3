"""Keeping search entries as their measures are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from bot.db.session import Database
from bot.measures.models import Measure, MeasureText, Status
from bot.measures.opening import WITH_SCHEDULES
from bot.measures.presentation import checked_on
from bot.measures.search.codes import pack
from bot.measures.search.meanings import Meanings
from bot.measures.search.models import SearchEntry
from bot.measures.search.sorting import mark_unsorted
from bot.measures.search.terms import facts, positions, words

PASSAGE = 500
"""Characters of text that one vector stands for, beside its title."""

_MOST_WORDS = 2_000


@dataclass(frozen=True)
class Lacking:
    """An entry without vectors, by its number, and the ``texts`` these are to be made of.

    ``texts_hash`` is what the entry says of its texts while it lacks vectors.
    """

    number: int
    texts_hash: str
    texts: tuple[str, ...]


def refresh(session: Session, measures: Sequence[Measure]) -> None:
    """Makes the entries of these measures anew, in the caller's transaction.

    Call it whenever a measure, its texts, places or schedules changed; what was
    forgotten, ``catch_up`` finds. Vectors of changed texts are given up and left to
    ``make_vectors``. Measures that are not published lose their entry.
    """
    session.flush()
    present = session.scalars(
        select(SearchEntry).where(SearchEntry.measure_id.in_([m.id for m in measures]))
    )
    entries = {entry.measure_id: entry for entry in present}
    known = {entry.number: (entry.vectors, entry.model) for entry in entries.values()}
    filled: list[SearchEntry] = []
    for measure in measures:
        entry = entries.get(measure.id)
        if measure.status != Status.PUBLISHED.value:
            if entry is not None:
                session.delete(entry)
            continue
        if entry is None:
            entry = SearchEntry(measure_id=measure.id, vectors=b"", texts_hash="", model="")
        texts_hash = _hash(_passages(measure))
        if entry.texts_hash != texts_hash:
            entry.texts_hash, entry.model, entry.vectors = texts_hash, "", b""
        _fill(entry, measure)
        filled.append(entry)
    # Added when they are complete: reading rows that were not loaded flushes the session.
    session.add_all(filled)
    session.flush()
    mark_unsorted(session, {entry.number: (b"", "") for entry in filled} | known)


def catch_up(session: Session, *, limit: int) -> int:
    """Refreshes facts and words of measures that changed unnoticed; returns how many.

    At most ``limit`` at once. Vectors of changed texts are left to ``make_vectors``.
    """
    drafts = select(Measure.id).where(Measure.status != Status.PUBLISHED.value)
    removed = session.execute(
        delete(SearchEntry)
        .where(SearchEntry.measure_id.in_(drafts))
        .returning(SearchEntry.number, SearchEntry.vectors, SearchEntry.model)
    )
    mark_unsorted(session, {row.number: (row.vectors, row.model) for row in removed})
    unnoticed = or_(
        SearchEntry.number.is_(None), SearchEntry.measure_updated_at != Measure.updated_at
    )
    statement = (
        select(Measure)
        .outerjoin(SearchEntry, SearchEntry.measure_id == Measure.id)
        .where(Measure.status == Status.PUBLISHED.value, unnoticed)
        .options(*WITH_SCHEDULES)
        .order_by(Measure.external_id)
        .limit(limit)
    )
    behind = session.scalars(statement).unique().all()
    refresh(session, behind)
    return len(behind)


def forget_other_models(session: Session, meanings: Meanings) -> None:
    """Gives up vectors that cannot be compared with those of ``meanings``."""
    session.execute(
        update(SearchEntry)
        .where(SearchEntry.model.not_in(["", meanings.name]))
        .values(model="", vectors=b"")
    )


def make_vectors(database: Database, *, meanings: Meanings, limit: int) -> int:
    """Makes the vectors of up to ``limit`` entries that have none; returns of how many.

    No transaction is open while texts are read for their meaning. Where an entry's texts
    change meanwhile, it goes on lacking vectors.
    """
    with database.reading() as session:
        some = lacking(session, limit=limit)
    if some:
        made = vectors_of(some, meanings)
        with database.transaction() as session:
            keep_vectors(session, some, made, model=meanings.name)
    return len(some)


def lacking(session: Session, *, limit: int) -> list[Lacking]:
    """The first entries without vectors, at most ``limit``."""
    statement = (
        select(SearchEntry.number, SearchEntry.texts_hash, Measure)
        .join(Measure, SearchEntry.measure_id == Measure.id)
        .where(SearchEntry.model == "")
        .order_by(SearchEntry.number)
        .limit(limit)
    )
    rows = session.execute(statement).unique()
    return [
        Lacking(number, texts_hash, tuple(_passages(measure)))
        for number, texts_hash, measure in rows
    ]


def vectors_of(some: Sequence[Lacking], meanings: Meanings) -> list[bytes]:
    """For each entry the codes of its texts' vectors."""
    every = [text for each in some for text in each.texts]
    vectors = meanings.passages(every) if every else None
    codes, start = [], 0
    for each in some:
        end = start + len(each.texts)
        codes.append(b"" if vectors is None else pack(vectors[start:end]))
        start = end
    return codes


def keep_vectors(
    session: Session, some: Sequence[Lacking], made: Sequence[bytes], *, model: str
) -> None:
    """Gives entries the vectors ``made`` by ``model``, unless their texts changed since."""
    kept: list[int] = []
    for each, vectors in zip(some, made, strict=True):
        changed = session.execute(
            update(SearchEntry)
            .where(
                SearchEntry.number == each.number,
                SearchEntry.model == "",
                SearchEntry.texts_hash == each.texts_hash,
            )
            .values(model=model, vectors=vectors, texts_hash=_hash(each.texts))
            .returning(SearchEntry.number)
        )
        kept += changed.scalars()
    mark_unsorted(session, dict.fromkeys(kept, (b"", "")))


def _fill(entry: SearchEntry, measure: Measure) -> None:
    entry.measure_updated_at = measure.updated_at
    entry.provider = measure.organization_id or ""
    entry.fresh_on = checked_on(measure)
    entry.positions = [list(position) for position in positions(measure)]
    found = dict.fromkeys(word for text in _all_texts(measure) for word in words(text))
    entry.terms = " ".join([*sorted(facts(measure)), *list(found)[:_MOST_WORDS]])


def _all_texts(measure: Measure) -> Iterator[str]:
    if measure.organization is not None:
        yield measure.organization.name
    for text in sorted(measure.texts, key=lambda text: text.language):
        yield from (text.title, text.description, text.target_group)


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _passages(measure: Measure) -> Iterator[str]:
    """What is embedded: every text, in parts with their title.

    Translations count too: a question is nearest to what is said in its own language,
    and several wordings of one offer are met more often than one.
    """
    for text in sorted(measure.texts, key=lambda text: text.language):
        yield from passages(text)


def passages(text: MeasureText) -> Iterator[str]:
    """A text in parts of about ``PASSAGE`` characters, each behind the title."""
    body = [text.description, text.target_group]
    lines = [line.strip() for part in body for line in part.splitlines() if line.strip()]
    yield from chunks(text.title, lines)


def chunks(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Lines together up to ``PASSAGE`` characters, each part behind the title.

    A text without lines gives its title.
    """
    part: list[str] = []
    for line in lines:
        if part and sum(map(len, part)) + len(line) > PASSAGE:
            yield f"{title}. {' '.join(part)}"
            part = []
        part.append(line)
    if part or not lines:
        yield f"{title}. {' '.join(part)}".strip()
