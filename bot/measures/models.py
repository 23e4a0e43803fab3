"""Organization, measure, its topics, texts and corrections; names follow Open Referral HSDS 3."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import NEVER_REUSE_IDS, Base, new_id
from bot.measures.facts import (
    Attribute,
    CostOption,
    OfferedLanguage,
    Phone,
    RequiredDocument,
    ServiceContact,
)
from bot.measures.places import Schedule, ServiceAtLocation


class Status(StrEnum):
    """Who sees a measure: editors only, everybody, or nobody any more."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Kind(StrEnum):
    """An offer that somebody can use, or a guide: a short explanation with its source."""

    OFFER = "offer"
    GUIDE = "guide"


class TextState(StrEnum):
    """How a text came about: from the source, checked by a person, or not checked yet.

    A text is ``outdated`` when the original changed after it was translated.
    """

    ORIGINAL = "original"
    REVIEWED = "reviewed"
    DRAFT = "draft"
    OUTDATED = "outdated"


class CorrectionState(StrEnum):
    """What became of a hint that something is wrong."""

    OPEN = "open"
    DONE = "done"
    DISMISSED = "dismissed"


class Organization(Base):
    """A provider of measures (HSDS organization).

    ``extra`` holds, word for word, what an imported HSDS document says beyond the
    columns; so it does in all tables of this room.
    """

    __tablename__ = "organization"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    external_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(300), index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    website: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Measure(Base):
    """One offer or guide (HSDS service). None and empty mean unknown, never "no" or zero.

    ``assured_date`` is the day on which the facts were last checked;
    ``source_date`` is what the source page says of its own age (``2025``,
    ``2026-02``, ``2026-02-09``). Ages are whole years, of whom ``age_of`` says.

    ``address``, ``district``, ``postal_code``, ``city`` and ``phone`` are what cards
    show and searches filter by; the structured facts behind them stand in the tables of
    ``bot.measures.places`` and ``bot.measures.facts``. ``revision`` grows with each
    change, so that two people cannot save over each other. ``hand_written`` names the
    fields that an editor wrote: imports leave them alone. ``origin`` names the file or
    address that listed the measure last; empty for what was entered in the console.
    """

    __tablename__ = "measure"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10), default=Kind.OFFER.value)
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"), index=True)
    status: Mapped[str] = mapped_column(String(20), index=True)
    confidence: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(40))

    levels: Mapped[list[str]]
    audience: Mapped[list[str]]
    formats: Mapped[list[str]]
    times: Mapped[list[str]]
    languages: Mapped[list[str]]
    sdgs: Mapped[list[str]] = mapped_column(default=list)
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
    assured_date: Mapped[date | None] = mapped_column(index=True)
    harm_if_stale: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    hand_written: Mapped[list[str]] = mapped_column(default=list)
    origin: Mapped[str] = mapped_column(String(200), default="")

    updated_at: Mapped[datetime] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(default=1)

    organization: Mapped[Organization | None] = relationship(lazy="joined")
    topics: Mapped[list[MeasureTopic]] = relationship(
        order_by="MeasureTopic.position", cascade="all, delete-orphan", lazy="selectin"
    )
    texts: Mapped[list[MeasureText]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    # Loaded only when asked for: lists of offers do without them.
    places: Mapped[list[ServiceAtLocation]] = relationship(
        order_by=ServiceAtLocation.id, cascade="all, delete-orphan"
    )
    schedules: Mapped[list[Schedule]] = relationship(
        order_by=Schedule.id, cascade="all, delete-orphan"
    )
    phones: Mapped[list[Phone]] = relationship(order_by=Phone.id, cascade="all, delete-orphan")
    contacts: Mapped[list[ServiceContact]] = relationship(
        order_by=ServiceContact.id, cascade="all, delete-orphan"
    )
    cost_options: Mapped[list[CostOption]] = relationship(
        order_by=CostOption.id, cascade="all, delete-orphan"
    )
    offered_languages: Mapped[list[OfferedLanguage]] = relationship(
        order_by=OfferedLanguage.id, cascade="all, delete-orphan"
    )
    required_documents: Mapped[list[RequiredDocument]] = relationship(
        order_by=RequiredDocument.id, cascade="all, delete-orphan"
    )
    attributes: Mapped[list[Attribute]] = relationship(
        order_by=Attribute.id, cascade="all, delete-orphan"
    )

    __table_args__ = (Index("ix_measure_kind", "kind", "status"),)
    # An update of a row that somebody else changed meanwhile raises StaleDataError.
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012

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


class Correction(Base):
    """A hint from the chat that something about a measure is wrong.

    It names no person and no conversation: editors need the hint, not its author.
    """

    __tablename__ = "correction"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: Mapped[int] = mapped_column(primary_key=True)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(10), index=True, default=CorrectionState.OPEN.value)
    created_at: Mapped[datetime]
    handled_by: Mapped[str | None] = mapped_column(String(120))
    handled_at: Mapped[datetime | None]


class Change(Base):
    """One field of a measure that was changed: who, when, what (HSDS metadata).

    Changes made together share ``batch``. Values are JSON texts; ``updated_by`` is the
    name of an account or ``import:…``.
    """

    __tablename__ = "measure_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    batch: Mapped[str] = mapped_column(String(36), index=True)
    last_action_date: Mapped[datetime]
    last_action_type: Mapped[str] = mapped_column(String(20))
    field_name: Mapped[str] = mapped_column(String(60))
    previous_value: Mapped[str] = mapped_column(Text)
    replacement_value: Mapped[str] = mapped_column(Text)
    updated_by: Mapped[str] = mapped_column(String(120))
