"""What editors look through: lists with filters, stale rows, similar rows, hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import Session

from bot.measures.models import (
    Correction,
    CorrectionState,
    Measure,
    MeasureText,
    MeasureTopic,
    Organization,
    Status,
)

PAGE = 50
MAXIMUM_WORDS = 8
SIMILAR = 0.5
SHOWN_SIMILAR = 5


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an editor looks for. ``organization_id`` limits partners to their own rows."""

    words: str = ""
    topic: str = ""
    status: str = ""
    kind: str = ""
    organization_id: str | None = None


@dataclass(frozen=True)
class Listed:
    """One page of measures, and how many there are in all."""

    measures: Sequence[Measure]
    total: int


def find(session: Session, wanted: Wanted, *, page: int) -> Listed:
    """Measures by what was changed last."""
    statement = select(Measure).where(*_conditions(wanted))
    return _page(session, statement, page, Measure.updated_at.desc())


def stale(
    session: Session, *, today: date, after: timedelta, organization_id: str | None, page: int
) -> Listed:
    """Published measures not checked for longer than ``after``, and those due next.

    Rows whose wrong facts do harm come first, then those that were never checked, then
    the longest unchecked. Rows due within thirty days are listed too.
    """
    due = today - after + timedelta(days=30)
    conditions = [
        Measure.status == Status.PUBLISHED.value,
        or_(Measure.assured_date.is_(None), Measure.assured_date <= due),
    ]
    if organization_id is not None:
        conditions.append(Measure.organization_id == organization_id)
    never_first = case((Measure.assured_date.is_(None), 0), else_=1)
    return _page(
        session,
        select(Measure).where(*conditions),
        page,
        Measure.harm_if_stale.desc(),
        never_first,
        Measure.assured_date,
    )


def open_corrections(session: Session, *, organization_id: str | None) -> list[Correction]:
    """Hints that nobody has dealt with, oldest first."""
    statement = (
        select(Correction)
        .where(Correction.state == CorrectionState.OPEN.value)
        .order_by(Correction.id)
        .limit(200)
    )
    if organization_id is not None:
        statement = statement.join(Measure, Measure.id == Correction.measure_id).where(
            Measure.organization_id == organization_id
        )
    return list(session.scalars(statement))


def similar(session: Session, measure: Measure) -> list[tuple[Measure, float]]:
    """Measures that may be the same one: by words of the title, provider and place.

    Only rows that share a word of a title, the provider's or the address are looked at.
    """
    titles = [text.title for text in measure.texts]
    words = sorted({word for title in titles for word in _words(title)}, key=len)[-6:]
    alike: list[ColumnElement[bool]] = [
        exists().where(
            MeasureText.measure_id == Measure.id,
            MeasureText.title.icontains(word, autoescape=True),
        )
        for word in words
    ]
    if measure.address:
        alike.append(Measure.address == measure.address)
    if not alike:
        return []
    candidates = session.scalars(
        select(Measure)
        .where(
            Measure.id != measure.id,
            Measure.kind == measure.kind,
            Measure.status != Status.ARCHIVED.value,
            or_(*alike),
        )
        .order_by(Measure.updated_at.desc())
        .limit(300)
    ).unique()
    rated = [(other, likeness(measure, other)) for other in candidates]
    found = [entry for entry in rated if entry[1] >= SIMILAR]
    return sorted(found, key=lambda entry: -entry[1])[:SHOWN_SIMILAR]


def likeness(one: Measure, other: Measure) -> float:
    """From 0 to 1: shared words of the titles, raised by the same provider, place or phone."""
    titles = max(
        (
            _shared(_words(first.title), _words(second.title))
            for first in one.texts
            for second in other.texts
            if first.language == second.language
        ),
        default=0.0,
    )
    same = sum(
        (
            one.organization_id is not None and one.organization_id == other.organization_id,
            bool(one.address) and one.address == other.address,
            bool(one.phone) and one.phone == other.phone,
        )
    )
    return min(1.0, 0.8 * titles + 0.2 * same)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for word in wanted.words.replace("\x00", " ").split()[:MAXIMUM_WORDS]:
        conditions.append(
            or_(
                Measure.external_id == word,
                exists().where(
                    MeasureText.measure_id == Measure.id,
                    or_(
                        MeasureText.title.icontains(word, autoescape=True),
                        MeasureText.description.icontains(word, autoescape=True),
                    ),
                ),
                exists().where(
                    Organization.id == Measure.organization_id,
                    Organization.name.icontains(word, autoescape=True),
                ),
            )
        )
    if wanted.topic:
        conditions.append(
            exists().where(
                MeasureTopic.measure_id == Measure.id, MeasureTopic.topic == wanted.topic
            )
        )
    for column, value in ((Measure.status, wanted.status), (Measure.kind, wanted.kind)):
        if value:
            conditions.append(column == value)
    if wanted.organization_id is not None:
        conditions.append(Measure.organization_id == wanted.organization_id)
    return conditions


def _page(session: Session, statement: Select[Measure], page: int, *order: Any) -> Listed:
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(*order, Measure.id).limit(PAGE).offset((page - 1) * PAGE)
    return Listed(session.scalars(ordered).unique().all(), total)


def _words(text: str) -> set[str]:
    return {word for word in text.lower().replace("-", " ").split() if len(word) > 3}


def _shared(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
