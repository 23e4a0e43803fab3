"""Reading entries by their terms: SQLite FTS5 and PostgreSQL tsvector behind one interface.

Both indexes hold the same terms and answer the same question, an AND of ORs, so that a
search finds the same on either. Scores are computed elsewhere, from the rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

Groups = Sequence[Sequence[str]]
"""Terms of which every group must be met by one of its own."""

# How often a word stands in the database is counted up to here. PostgreSQL looks at each row
# that it counts, and knows from its statistics how frequent the frequent words are.
_COUNTED_ON_SQLITE = 501
_COUNTED_ON_POSTGRESQL = 101

_SAFE = re.compile(r"\w+")
# Without SQLAlchemy's types: of hundreds of rows few values are used.
_READ = (
    "SELECT number, measure_id, provider, fresh_on, terms, vectors, model, positions"
    " FROM measure_search WHERE {}"
)
_ON_SQLITE = text(
    _READ.format(
        "number IN (SELECT rowid FROM measure_terms WHERE measure_terms MATCH :wanted LIMIT :limit)"
    )
)
_ON_POSTGRESQL = text(_READ.format("terms_index @@ CAST(:wanted AS tsquery) LIMIT :limit"))
_NUMBERED = (
    "number IN (SELECT {} UNION"
    " SELECT number FROM (SELECT number FROM measure_unsorted LIMIT :limit) AS waiting)"
)
_NUMBERED_ON_SQLITE = text(_READ.format(_NUMBERED.format("value FROM json_each(:numbers)")))
_NUMBERED_ON_POSTGRESQL = text(
    _READ.format(_NUMBERED.format("unnest(CAST(:numbers AS integer[]))"))
)
_COUNT_ON_SQLITE = (
    "(SELECT count(*) FROM"
    " (SELECT 1 FROM measure_terms WHERE measure_terms MATCH :{name} LIMIT :limit))"
)
_COUNT_ON_POSTGRESQL = (
    "(SELECT count(*) FROM (SELECT 1 FROM measure_search"
    " WHERE terms_index @@ CAST(:{name} AS tsquery) LIMIT :limit) AS counted)"
)
# The planner's statistics of the terms that are frequent.
_SHARES = text(
    "SELECT known.term, known.share FROM pg_stats AS s,"
    " unnest(CAST(CAST(s.most_common_elems AS text) AS text[]), s.most_common_elem_freqs)"
    " AS known(term, share)"
    " WHERE s.schemaname = current_schema() AND s.tablename = 'measure_search'"
    " AND s.attname = 'terms_index'"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of ``SearchEntry`` as the driver gave it.

    ``terms`` begin and end with a space. ``fresh_on`` is an ISO day, or empty.
    ``stored_positions`` are read by ``positions`` where somebody asks for them.
    """

    number: int
    measure_id: str
    provider: str
    fresh_on: str
    terms: str
    vectors: bytes
    model: str
    stored_positions: Any

    def positions(self) -> list[tuple[float, float]]:
        """Where the offer takes place, in degrees."""
        stored = self.stored_positions
        return [tuple(pair) for pair in (json.loads(stored) if isinstance(stored, str) else stored)]


def matching(session: Session, groups: Groups, *, limit: int) -> list[Entry]:
    """Entries that meet every group, at most ``limit`` of them, in no certain order."""
    if not all(groups):
        return []
    sql = _ON_SQLITE if is_sqlite(session) else _ON_POSTGRESQL
    return _entries(session, sql, {"wanted": question_of(session, groups), "limit": limit})


def numbered(session: Session, numbers: Sequence[int], *, unsorted: int) -> list[Entry]:
    """The entries with these numbers, as far as there are any, in no certain order.

    With them come at most ``unsorted`` of those that the cells do not know as they are.
    """
    sqlite = is_sqlite(session)
    sql = _NUMBERED_ON_SQLITE if sqlite else _NUMBERED_ON_POSTGRESQL
    wanted = json.dumps(list(numbers)) if sqlite else list(numbers)
    return _entries(session, sql, {"numbers": wanted, "limit": unsorted})


def meeting(entries: Sequence[Entry], groups: Groups) -> list[Entry]:
    """Those that have a term of every group, as ``matching`` would find them."""
    padded = [[f" {term} " for term in group] for group in groups]
    return [
        entry
        for entry in entries
        if all(any(term in entry.terms for term in group) for group in padded)
    ]


def _entries(session: Session, sql: TextClause, parameters: dict[str, Any]) -> list[Entry]:
    rows = session.execute(sql, parameters).all()
    return [
        Entry(
            number, measure_id, provider, str(fresh_on or ""), f" {terms} ", vectors, model, where
        )
        for number, measure_id, provider, fresh_on, terms, vectors, model, where in rows
    ]


def size(session: Session) -> int:
    """About how many entries there are; costs nothing."""
    return session.scalar(text("SELECT max(number) FROM measure_search")) or 0


def frequent_terms(session: Session) -> dict[str, float]:
    """The shares of all entries that have each frequent term, as PostgreSQL's statistics say.

    None are known to SQLite, which does not need them to count quickly.
    """
    if is_sqlite(session):
        return {}
    return {row.term: row.share for row in session.execute(_SHARES)}


def frequencies(
    session: Session, words: Sequence[str], total: int, frequent: Mapping[str, float]
) -> dict[str, int]:
    """In how many of ``total`` entries each word stands.

    Rare words are counted, up to a few hundred. PostgreSQL cannot stop counting early: there
    the ``frequent_terms`` are estimated.
    """
    found = {word: int(frequent[word] * total) for word in words if word in frequent}
    rare = [word for word in words if word not in found]
    if rare:
        count, limit = (
            (_COUNT_ON_SQLITE, _COUNTED_ON_SQLITE)
            if is_sqlite(session)
            else (_COUNT_ON_POSTGRESQL, _COUNTED_ON_POSTGRESQL)
        )
        wanted = {f"word{i}": question_of(session, [[word]]) for i, word in enumerate(rare)}
        counts = ", ".join(count.format(name=name) for name in wanted)
        row = session.execute(text(f"SELECT {counts}"), {**wanted, "limit": limit}).one()
        found |= dict(zip(rare, row, strict=True))
    return found


def question_of(session: Session, groups: Groups) -> str:
    """The groups as a question to the database's full-text index.

    Raises ``ValueError`` for a term with other than word signs, which could be an operator.
    """
    quote, any_of, all_of = ('"', " OR ", " AND ") if is_sqlite(session) else ("'", " | ", " & ")
    for term in (term for group in groups for term in group):
        if not _SAFE.fullmatch(term):
            raise ValueError("a term holds word signs only")
    return all_of.join(
        f"({any_of.join(f'{quote}{term}{quote}' for term in group)})" for group in groups
    )


def is_sqlite(session: Session) -> bool:
    """Whether the index is that of SQLite."""
    return session.get_bind().dialect.name == "sqlite"
