"""Which measures are exported, in which order, and in portions that fit into memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.measures.models import Measure, Status

PORTION = 200


def portions(session: Session, *, drafts: bool) -> Iterator[list[str]]:
    """Ids of published measures, of drafts and archived ones too if asked, by external id."""
    statement = select(Measure.id).order_by(Measure.external_id)
    if not drafts:
        statement = statement.where(Measure.status == Status.PUBLISHED.value)
    ids = iter(session.scalars(statement).all())
    while portion := list(itertools.islice(ids, PORTION)):
        yield portion
