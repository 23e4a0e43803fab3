"""Which rows a request asks for, and how many there are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from bot.measures import taxonomies
from bot.measures.facts import Attribute, Taxonomy, TaxonomyTerm
from bot.measures.models import Measure, MeasureText, MeasureTopic, Organization, Status
from bot.measures.places import ServiceAtLocation
from bot.measures.search import says

MAXIMUM_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class ServiceFilter:
    """What a request wants of services; None and empty mean everything."""

    search: str = ""
    taxonomy_term_id: str | None = None
    taxonomy_id: str | None = None
    organization_id: str | None = None
    modified_after: datetime | None = None
    postcode: str | None = None


@dataclass(frozen=True)
class Slice:
    """One page of ids, and how many rows there are in all."""

    ids: Sequence[Any]
    total: int


def services(session: Session, wanted: ServiceFilter, *, page: int, size: int) -> Slice:
    """Published services that fit, by their id."""
    statement = select(Measure.id).where(*_service_conditions(session, wanted)).order_by(Measure.id)
    return _slice(session, statement, page, size)


def is_published(session: Session, measure_id: str) -> bool:
    """Whether a service with this id is there for everybody."""
    found = session.scalar(select(Measure.id).where(Measure.id == measure_id, _published()))
    return found is not None


def links(session: Session, wanted: ServiceFilter, *, page: int, size: int) -> Slice:
    """Places of published services that fit, as pairs of the service's id and the link's own."""
    statement = (
        select(ServiceAtLocation.measure_id, ServiceAtLocation.hsds_id)
        .join(Measure, Measure.id == ServiceAtLocation.measure_id)
        .where(*_service_conditions(session, wanted))
        .order_by(ServiceAtLocation.id)
    )
    total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    rows = session.execute(statement.limit(size).offset((page - 1) * size))
    return Slice([(row.measure_id, row.hsds_id) for row in rows], total or 0)


def link(session: Session, link_id: str) -> tuple[str, str] | None:
    """The place of a published service by its own id."""
    row = session.execute(
        select(ServiceAtLocation.measure_id, ServiceAtLocation.hsds_id)
        .join(Measure, Measure.id == ServiceAtLocation.measure_id)
        .where(ServiceAtLocation.hsds_id == link_id, _published())
        .limit(1)
    ).first()
    return (row.measure_id, row.hsds_id) if row else None


def organizations(session: Session, search: str, *, page: int, size: int) -> Slice:
    """Organizations that have a published service, by their id."""
    statement = (
        select(Organization.id)
        .where(
            exists().where(Measure.organization_id == Organization.id, _published()),
            *(Organization.name.icontains(word, autoescape=True) for word in _words(search)),
        )
        .order_by(Organization.id)
    )
    return _slice(session, statement, page, size)


def services_of(session: Session, organization_id: str) -> list[str]:
    """Ids of an organization's published services."""
    statement = select(Measure.id).where(Measure.organization_id == organization_id, _published())
    return list(session.scalars(statement.order_by(Measure.id)))


def taxonomy_ids(session: Session, search: str, *, page: int, size: int) -> Slice:
    """Taxonomies, ours and others', by their id."""
    statement = (
        select(Taxonomy.id)
        .where(*(Taxonomy.name.icontains(word, autoescape=True) for word in _words(search)))
        .order_by(Taxonomy.id)
    )
    return _slice(session, statement, page, size)


def term_ids(
    session: Session,
    search: str,
    *,
    taxonomy_id: str | None,
    parent_id: str | None,
    top_only: bool,
    page: int,
    size: int,
) -> Slice:
    """Taxonomy terms, by their id."""
    conditions: list[ColumnElement[bool]] = [
        TaxonomyTerm.name.icontains(word, autoescape=True) for word in _words(search)
    ]
    if taxonomy_id is not None:
        conditions.append(TaxonomyTerm.taxonomy_id == taxonomy_id)
    if parent_id is not None:
        conditions.append(TaxonomyTerm.parent_id == parent_id)
    if top_only:
        conditions.append(TaxonomyTerm.parent_id.is_(None))
    statement = select(TaxonomyTerm.id).where(*conditions).order_by(TaxonomyTerm.id)
    return _slice(session, statement, page, size)


def identifier(value: str | None) -> str | None:
    """An id as it stands in the database; what is no UUID is no row's id."""
    if value is None:
        return None
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return ""


def _slice(session: Session, statement: Select[Any], page: int, size: int) -> Slice:
    total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    rows = session.scalars(statement.limit(size).offset((page - 1) * size)).all()
    return Slice(list(rows), total or 0)


def _published() -> ColumnElement[bool]:
    return Measure.status == Status.PUBLISHED.value


def _words(search: str) -> list[str]:
    # No row holds a NUL, and PostgreSQL takes none in a question either.
    return search.replace("\x00", " ").split()[:MAXIMUM_WORDS]


def _service_conditions(session: Session, wanted: ServiceFilter) -> list[ColumnElement[bool]]:
    conditions = [_published(), *(_says(session, word) for word in _words(wanted.search))]
    if wanted.organization_id is not None:
        conditions.append(Measure.organization_id == wanted.organization_id)
    if wanted.modified_after is not None:
        after = wanted.modified_after
        after = after if after.tzinfo else after.replace(tzinfo=UTC)
        conditions.append(Measure.updated_at >= after)
    if wanted.postcode is not None:
        conditions.append(Measure.postal_code == wanted.postcode.replace("\x00", ""))
    if wanted.taxonomy_term_id is not None:
        conditions.append(_has_term(wanted.taxonomy_term_id))
    if wanted.taxonomy_id is not None:
        conditions.append(_has_taxonomy(wanted.taxonomy_id))
    return conditions


def _says(session: Session, word: str) -> ColumnElement[bool]:
    found = says(session, word)
    if found is not None:
        return found
    # Short words and signs, such as "B1", are in no index; they may stand within a word.
    return exists().where(
        MeasureText.measure_id == Measure.id,
        or_(
            MeasureText.title.icontains(word, autoescape=True),
            MeasureText.description.icontains(word, autoescape=True),
        ),
    )


def _has_term(term_id: str) -> ColumnElement[bool]:
    vocabulary, code = taxonomies.BY_TERM_ID.get(term_id, (None, ""))
    if vocabulary is taxonomies.TOPICS:
        return exists().where(MeasureTopic.measure_id == Measure.id, MeasureTopic.topic == code)
    return exists().where(Attribute.measure_id == Measure.id, Attribute.taxonomy_term_id == term_id)


def _has_taxonomy(taxonomy_id: str) -> ColumnElement[bool]:
    if taxonomy_id == taxonomies.TOPICS.id:
        return exists().where(MeasureTopic.measure_id == Measure.id)
    return exists().where(
        Attribute.measure_id == Measure.id,
        Attribute.taxonomy_term_id == TaxonomyTerm.id,
        TaxonomyTerm.taxonomy_id == taxonomy_id,
    )
