"""Reading entries by their terms: SQLite FTS5 and PostgreSQL tsvector behind one interface.

Both indexes hold the same terms and answer the same question, an AND of ORs, so that a
search finds the same on either. Scores are computed elsewhere, from the rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.measures.search.models import SearchEntry

Groups = Sequence[Sequence[str]]
"""Terms of which every group must be met by one of its own."""

COUNTED = 501
"""How often a word stands in the database is counted up to here where it is rare."""

_SAFE = re.compile(r"\w+")
_COLUMNS = "number, measure_id, provider, fresh_on, positions, terms, vectors, model"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of ``SearchEntry``; ``terms`` begin and end with a space."""

    number: int
    measure_id: str
    provider: str
    fresh_on: date | None
    positions: Sequence[tuple[float, float]]
    terms: str
    vectors: bytes
    model: str


def matching(session: Session, groups: Groups, *, limit: int) -> list[Entry]:
    """Entries that meet every group, at most ``limit`` of them, in no certain order."""
    if not all(groups):
        return []
    rows = session.execute(_statement(session), {"wanted": _query(session, groups), "limit": limit})
    return [_entry(row) for row in rows]


def _statement(session: Session) -> Any:
    if _is_sqlite(session):
        sql = (
            f"SELECT {_COLUMNS} FROM measure_search WHERE number IN"  # noqa: S608
            " (SELECT rowid FROM measure_terms WHERE measure_terms MATCH :wanted LIMIT :limit)"
        )
    else:
        sql = (
            f"SELECT {_COLUMNS} FROM measure_search"  # noqa: S608
            " WHERE terms_index @@ CAST(:wanted AS tsquery) LIMIT :limit"
        )
    return text(sql).columns(
        **{name: getattr(SearchEntry, name).type for name in _COLUMNS.split(", ")}
    )


def _entry(row: Any) -> Entry:
    return Entry(
        number=row.number,
        measure_id=row.measure_id,
        provider=row.provider,
        fresh_on=row.fresh_on,
        positions=row.positions,
        terms=f" {row.terms} ",
        vectors=bytes(row.vectors),
        model=row.model,
    )


def size(session: Session) -> int:
    """About how many entries there are; costs nothing."""
    return session.scalar(text("SELECT max(number) FROM measure_search")) or 0


def frequencies(session: Session, words: Sequence[str]) -> dict[str, int]:
    """In how many entries each word stands: 0 for none, rough for frequent ones."""
    if not words:
        return {}
    if _is_sqlite(session):
        return _sqlite_frequencies(session, words)
    return _postgresql_frequencies(session, words)


def _sqlite_frequencies(session: Session, words: Sequence[str]) -> dict[str, int]:
    names = {f"word{index}": word for index, word in enumerate(words)}
    listed = ", ".join(f":{name}" for name in names)
    rows = session.execute(
        text(f"SELECT term, doc FROM measure_terms_frequency WHERE term IN ({listed})"),  # noqa: S608
        names,
    )
    return {**dict.fromkeys(words, 0), **{row.term: row.doc for row in rows}}


def _postgresql_frequencies(session: Session, words: Sequence[str]) -> dict[str, int]:
    """Of the planner's statistics; words that are in none of them are rare, and counted."""
    total = size(session)
    rows = session.execute(
        text(
            "SELECT known.term, known.share FROM pg_stats AS s,"
            " unnest(CAST(CAST(s.most_common_elems AS text) AS text[]), s.most_common_elem_freqs)"
            " AS known(term, share)"
            " WHERE s.schemaname = current_schema() AND s.tablename = 'measure_search'"
            " AND s.attname = 'terms_index' AND known.term = ANY(:words)"
        ),
        {"words": list(words)},
    )
    found = {row.term: int(row.share * total) for row in rows}
    for word in words:
        if word not in found:
            found[word] = (
                session.scalar(
                    text(
                        "SELECT count(*) FROM (SELECT 1 FROM measure_search"
                        " WHERE terms_index @@ CAST(:wanted AS tsquery) LIMIT :limit) AS some"
                    ),
                    {"wanted": _query(session, [[word]]), "limit": COUNTED},
                )
                or 0
            )
    return found


def _query(session: Session, groups: Groups) -> str:
    """The groups in the language of the database's index; terms hold word signs only."""
    quote, any_of, all_of = ('"', " OR ", " AND ") if _is_sqlite(session) else ("'", " | ", " & ")
    for term in (term for group in groups for term in group):
        if not _SAFE.fullmatch(term):
            raise ValueError("a term holds word signs only")
    return all_of.join(
        f"({any_of.join(f'{quote}{term}{quote}' for term in group)})" for group in groups
    )


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
