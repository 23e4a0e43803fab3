"""Facts that hang on a measure, an organization or a location, and taxonomies (HSDS 3)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import Base, new_id


class Phone(Base):
    """A telephone number (HSDS phone) of a measure, an organization or a location."""

    __tablename__ = "phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str | None] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    location_id: Mapped[str | None] = mapped_column(
        ForeignKey("location.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(String(40), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ServiceContact(Base):
    """A person or desk to turn to (HSDS contact) of a measure, an organization or a location."""

    __tablename__ = "service_contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str | None] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    location_id: Mapped[str | None] = mapped_column(
        ForeignKey("location.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(Text, default="")
    title: Mapped[str] = mapped_column(Text, default="")
    department: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class CostOption(Base):
    """What a measure costs for whom (HSDS cost_option); ``amount`` in ``currency`` (ISO 4217)."""

    __tablename__ = "cost_option"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    option: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    amount_description: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class OfferedLanguage(Base):
    """A language in which a measure is offered (HSDS language); ``code`` after ISO 639."""

    __tablename__ = "offered_language"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    code: Mapped[str] = mapped_column(String(10), default="")
    name: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class RequiredDocument(Base):
    """Something to bring along (HSDS required_document)."""

    __tablename__ = "required_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    document: Mapped[str] = mapped_column(Text, default="")
    uri: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Taxonomy(Base):
    """A list of terms (HSDS taxonomy), ours or another city's."""

    __tablename__ = "taxonomy"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    uri: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[str] = mapped_column(String(60), default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class TaxonomyTerm(Base):
    """A term (HSDS taxonomy_term)."""

    __tablename__ = "taxonomy_term"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    taxonomy_id: Mapped[str | None] = mapped_column(
        ForeignKey("taxonomy.id", ondelete="CASCADE"), index=True
    )
    parent_id: Mapped[str | None] = mapped_column(String(36), index=True)
    code: Mapped[str] = mapped_column(String(120), default="", index=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(10), default="")
    term_uri: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)

    taxonomy: Mapped[Taxonomy | None] = relationship(lazy="joined")


class Attribute(Base):
    """A term that holds of a measure (HSDS attribute).

    Terms that this product works with (topic, level, audience and the like) stand in
    columns of the measure; this table holds those of other taxonomies.
    """

    __tablename__ = "attribute"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    taxonomy_term_id: Mapped[str | None] = mapped_column(ForeignKey("taxonomy_term.id"), index=True)
    link_type: Mapped[str] = mapped_column(Text, default="")
    link_entity: Mapped[str] = mapped_column(Text, default="")
    value: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)

    term: Mapped[TaxonomyTerm | None] = relationship(lazy="joined")
