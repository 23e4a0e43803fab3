"""Organization, measure, its topics and its texts; names follow Open Referral HSDS 3."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import Base, new_id


class Status(StrEnum):
    """Who sees a measure: editors only, everybody, or nobody any more."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class TextState(StrEnum):
    """How a text came about: from the source, checked by a person, or not checked yet."""

    ORIGINAL = "original"
    REVIEWED = "reviewed"
    DRAFT = "draft"


class Organization(Base):
    """A provider of measures (HSDS organization)."""

    __tablename__ = "organization"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(300), unique=True)


class Measure(Base):
    """One offer (HSDS service). None and empty mean unknown, never "no" or zero.

    ``assured_date`` is the day on which the facts were last checked;
    ``source_date`` is what the source page says of its own age (``2025``,
    ``2026-02``, ``2026-02-09``). Ages are whole years, of whom ``age_of`` says.
    ``embedding`` holds 384 little-endian float32 numbers made by ``embedding_model``.
    """

    __tablename__ = "measure"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(String(120), unique=True)
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"), index=True)
    status: Mapped[str] = mapped_column(String(20), index=True)
    confidence: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(40))

    levels: Mapped[list[str]]
    audience: Mapped[list[str]]
    formats: Mapped[list[str]]
    times: Mapped[list[str]]
    languages: Mapped[list[str]]
    childcare: Mapped[bool | None]
    free_of_charge: Mapped[bool | None]
    minimum_age: Mapped[int | None]
    maximum_age: Mapped[int | None]
    age_of: Mapped[str] = mapped_column(String(10), default="")

    address: Mapped[str] = mapped_column(Text, default="")
    district: Mapped[str] = mapped_column(String(120), default="")
    postal_code: Mapped[str] = mapped_column(String(10), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    website: Mapped[str] = mapped_column(Text, default="")

    source_url: Mapped[str] = mapped_column(Text)
    source_title: Mapped[str] = mapped_column(Text)
    source_date: Mapped[str] = mapped_column(String(20), default="")
    assured_date: Mapped[date | None]
    harm_if_stale: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")

    embedding: Mapped[bytes | None] = mapped_column(LargeBinary)
    embedding_model: Mapped[str] = mapped_column(String(80), default="")
    updated_at: Mapped[datetime]

    organization: Mapped[Organization | None] = relationship(lazy="joined")
    topics: Mapped[list[MeasureTopic]] = relationship(
        order_by="MeasureTopic.position", cascade="all, delete-orphan", lazy="selectin"
    )
    texts: Mapped[list[MeasureText]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    def text(self, language: str) -> MeasureText | None:
        """The texts in a language, or None."""
        return next((text for text in self.texts if text.language == language), None)


class MeasureTopic(Base):
    """One of a measure's topics; position 0 is what it is mainly about."""

    __tablename__ = "measure_topic"

    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), primary_key=True
    )
    topic: Mapped[str] = mapped_column(String(30), primary_key=True, index=True)
    position: Mapped[int]


class MeasureText(Base):
    """A measure's words in one language."""

    __tablename__ = "measure_text"

    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    target_group: Mapped[str] = mapped_column(Text, default="")
    cost: Mapped[str] = mapped_column(Text, default="")
    eligibility: Mapped[str] = mapped_column(Text, default="")
    opening_hours: Mapped[str] = mapped_column(Text, default="")
    registration: Mapped[str] = mapped_column(Text, default="")
