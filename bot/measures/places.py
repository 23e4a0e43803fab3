"""Where and when a measure takes place: location, address, schedule (HSDS 3)."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import Base, new_id
from bot.measures.facts import Phone, ServiceContact


class Location(Base):
    """A place (HSDS location); several measures may share it. Degrees are WGS 84."""

    __tablename__ = "location"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    external_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    location_type: Mapped[str] = mapped_column(String(20), default="physical")
    name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    transportation: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    district: Mapped[str] = mapped_column(String(120), default="", index=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)

    addresses: Mapped[list[Address]] = relationship(
        order_by="Address.id", cascade="all, delete-orphan"
    )
    phones: Mapped[list[Phone]] = relationship(order_by=Phone.id, cascade="all, delete-orphan")
    contacts: Mapped[list[ServiceContact]] = relationship(
        order_by=ServiceContact.id, cascade="all, delete-orphan"
    )
    schedules: Mapped[list[Schedule]] = relationship(
        order_by="Schedule.id", cascade="all, delete-orphan"
    )

    __table_args__ = (Index("ix_location_position", "latitude", "longitude"),)


class Address(Base):
    """How a location is written on a letter (HSDS address)."""

    __tablename__ = "address"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    location_id: Mapped[str] = mapped_column(
        ForeignKey("location.id", ondelete="CASCADE"), index=True
    )
    attention: Mapped[str] = mapped_column(Text, default="")
    address_1: Mapped[str] = mapped_column(Text, default="")
    address_2: Mapped[str] = mapped_column(Text, default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    region: Mapped[str] = mapped_column(String(120), default="")
    state_province: Mapped[str] = mapped_column(String(120), default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="", index=True)
    country: Mapped[str] = mapped_column(String(2), default="")
    address_type: Mapped[str] = mapped_column(String(20), default="physical")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ServiceAtLocation(Base):
    """That a measure takes place at a location (HSDS service_at_location)."""

    __tablename__ = "service_at_location"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id, index=True)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    location_id: Mapped[str] = mapped_column(ForeignKey("location.id"), index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)

    location: Mapped[Location] = relationship(lazy="joined")
    schedules: Mapped[list[Schedule]] = relationship(
        order_by="Schedule.id", cascade="all, delete-orphan"
    )


class Schedule(Base):
    """When something is open or takes place (HSDS schedule): a rule after RFC 5545.

    It belongs to a measure, to a location, or to a measure at a location. ``opens_at``
    and ``closes_at`` are local times in ``zone`` (IANA name); a ``closes_at`` at or
    before ``opens_at`` is on the next day. ``byday`` and its fellows are comma-separated
    as in an RRULE; ``freq`` may be empty for something that happens once, on ``dtstart``.
    ``except_dates`` (ISO days) are left out. ``in_school_holidays`` says whether it holds
    then too; ``on_public_holidays`` that it holds on every public holiday, whatever
    weekday that is, or on none; None is unknown.
    """

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(primary_key=True)
    hsds_id: Mapped[str] = mapped_column(String(36), default=new_id)
    measure_id: Mapped[str | None] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), index=True
    )
    location_id: Mapped[str | None] = mapped_column(
        ForeignKey("location.id", ondelete="CASCADE"), index=True
    )
    service_at_location_id: Mapped[int | None] = mapped_column(
        ForeignKey("service_at_location.id", ondelete="CASCADE"), index=True
    )
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    dtstart: Mapped[date | None]
    until: Mapped[date | None]
    count: Mapped[int | None]
    wkst: Mapped[str] = mapped_column(String(2), default="")
    freq: Mapped[str] = mapped_column(String(10), default="")
    interval: Mapped[int | None]
    byday: Mapped[str] = mapped_column(String(60), default="")
    byweekno: Mapped[str] = mapped_column(Text, default="")
    bymonthday: Mapped[str] = mapped_column(Text, default="")
    byyearday: Mapped[str] = mapped_column(Text, default="")
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None]
    zone: Mapped[str] = mapped_column(String(60), default="Europe/Berlin")
    except_dates: Mapped[list[str]] = mapped_column(default=list)
    in_school_holidays: Mapped[bool | None]
    on_public_holidays: Mapped[bool | None]
    description: Mapped[str] = mapped_column(Text, default="")
    schedule_link: Mapped[str] = mapped_column(Text, default="")
    attending_type: Mapped[str] = mapped_column(Text, default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
