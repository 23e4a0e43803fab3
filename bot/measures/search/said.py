"""Which measures say certain words, for lists that are filtered and not ranked."""

from __future__ import annotations

from sqlalchemy import ColumnElement, cast, column, literal, literal_column, select, table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from bot.measures.models import Measure
from bot.measures.search.candidates import is_sqlite, question_of
from bot.measures.search.models import SearchEntry
from bot.measures.search.terms import words


def says(session: Session, said: str) -> ColumnElement[bool] | None:
    """That a published measure says all these words, in any of its languages.

    Upper case, accents and common German endings make no difference. None where no word
    is long enough to be in the index.
    """
    groups = [[word] for word in words(said)]
    if not groups:
        return None
    wanted = literal(question_of(session, groups))
    if is_sqlite(session):
        index = table("measure_terms", column("rowid"))
        rows = select(index.c.rowid).where(literal_column("measure_terms").op("MATCH")(wanted))
        matches = SearchEntry.number.in_(rows)
    else:
        matches = literal_column("measure_search.terms_index").bool_op("@@")(cast(wanted, TSQUERY))
    return Measure.id.in_(select(SearchEntry.measure_id).where(matches))
