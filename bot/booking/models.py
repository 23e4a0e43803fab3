"""Counselling services, counsellors' calendars, and the appointments booked in them.

Moments are stored in UTC. Weekly hours are stored as the wall clock shows them, because nine
o'clock stays nine o'clock when the clocks change.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import NEVER_REUSE_IDS, Base, new_id

# The name by which the database refuses overlapping appointments.
OVERLAP = "appointments_do_not_overlap"


class AppointmentState(StrEnum):
    """How far an appointment has come.

    ``HELD``: kept free for ten minutes while somebody decides. ``EXPIRED``: the ten minutes are
    over; the row no longer blocks the time, but may still be booked if nobody else took it.
    ``MOVED``: another row of the same booking has taken its place.
    """

    HELD = "held"
    EXPIRED = "expired"
    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    MISSED = "missed"


class Way(StrEnum):
    """How counsellor and person meet."""

    PLACE = "place"
    PHONE = "phone"
    VIDEO = "video"


class Span(StrEnum):
    """What a weekly time says about the counsellor."""

    OPEN = "open"
    BREAK = "break"


class BusyKind(StrEnum):
    """Why a counsellor is away: entered here, or read from their other calendar."""

    ABSENCE = "absence"
    EXTERNAL = "external"


class ReminderState(StrEnum):
    """Planned, handed to the outbox, or overtaken by events."""

    PLANNED = "planned"
    SENT = "sent"
    SKIPPED = "skipped"


class WaitingState(StrEnum):
    """Waiting for a free time, asked about one, or done with."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"


def _enum(kind: type[StrEnum]) -> Enum:
    # Stored as short text: a new member needs no change of a database type.
    return Enum(
        kind,
        native_enum=False,
        length=20,
        create_constraint=False,
        values_callable=lambda members: [member.value for member in members],
    )


class CounsellingService(Base):
    """Something that can be booked. Durations are minutes; ``zone`` is an IANA time zone.

    ``title``, ``audience`` and ``bring`` hold a text per language (ISO 639-1).
    ``maximum_child_age_months`` is the age of the youngest child up to which the service is
    meant; None when it does not matter. ``weekly_limit`` bounds the appointments of one
    counsellor in one calendar week; ``open_per_contact`` those that one person has before them.
    ``demo`` marks a set-up that shows how it works and is no real offer.
    """

    __tablename__ = "counselling_service"
    __table_args__ = (
        CheckConstraint("duration > 0", name="duration_positive"),
        CheckConstraint("step > 0", name="step_positive"),
        CheckConstraint("buffer_before >= 0 AND buffer_after >= 0", name="buffers_not_negative"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[dict[str, Any]]
    audience: Mapped[dict[str, Any]] = mapped_column(default=dict)
    bring: Mapped[dict[str, Any]] = mapped_column(default=dict)
    maximum_child_age_months: Mapped[int | None]
    duration: Mapped[int] = mapped_column(default=45)
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    step: Mapped[int] = mapped_column(default=30)
    ways: Mapped[list[str]]
    childcare: Mapped[bool] = mapped_column(default=False)
    place: Mapped[str] = mapped_column(String(300), default="")
    map_url: Mapped[str] = mapped_column(String(500), default="")
    notice: Mapped[int] = mapped_column(default=24 * 60)
    horizon_days: Mapped[int] = mapped_column(default=56)
    weekly_limit: Mapped[int | None]
    open_per_contact: Mapped[int] = mapped_column(default=1)
    zone: Mapped[str] = mapped_column(String(60), default="Europe/Berlin")
    holiday_region: Mapped[str] = mapped_column(String(10), default="BW")
    measure_external_id: Mapped[str | None] = mapped_column(String(120))
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    calendars: Mapped[list[CounsellorCalendar]] = relationship(
        secondary="calendar_service",
        back_populates="services",
        order_by="CounsellorCalendar.id",
    )


class CounsellorCalendar(Base):
    """The bookable time of one counsellor.

    ``name`` is what the person is told, a first name. ``feed_token_hash`` is the SHA-256 of the
    token in the address of the counsellor's private calendar feed.
    """

    __tablename__ = "counsellor_calendar"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str | None] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    languages: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    feed_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    events_seen_at: Mapped[datetime | None]

    services: Mapped[list[CounsellingService]] = relationship(
        secondary="calendar_service", back_populates="calendars"
    )
    weekly_times: Mapped[list[WeeklyTime]] = relationship(
        back_populates="calendar",
        cascade="all, delete-orphan",
        order_by="(WeeklyTime.weekday, WeeklyTime.starts)",
    )


calendar_service = Table(
    "calendar_service",
    Base.metadata,
    Column(
        "calendar_id",
        ForeignKey("counsellor_calendar.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column(
        "service_id",
        ForeignKey("counselling_service.id", ondelete="CASCADE"),
        primary_key=True,
    ),
)
"""Which counsellor gives which service."""


class WeeklyTime(Base):
    """A stretch of every week, by the wall clock: hours in which to book, or a break in them.

    ``weekday`` counts from Monday = 0; ``starts`` and ``ends`` are minutes after midnight.
    Both days of validity belong to it; None means without bound.
    """

    __tablename__ = "weekly_time"
    __table_args__ = (
        CheckConstraint("weekday >= 0 AND weekday <= 6", name="weekday"),
        CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name="within_a_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("counsellor_calendar.id", ondelete="CASCADE"), index=True
    )
    span: Mapped[Span] = mapped_column(_enum(Span), default=Span.OPEN)
    weekday: Mapped[int]
    starts: Mapped[int]
    ends: Mapped[int]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]

    calendar: Mapped[CounsellorCalendar] = relationship(back_populates="weekly_times")


class BusyTime(Base):
    """A time in which a counsellor gives no counselling. ``note`` is for counsellors only."""

    __tablename__ = "busy_time"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="ends_after_it_starts"),
        Index("ix_busy_time_calendar", "calendar_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("counsellor_calendar.id", ondelete="CASCADE")
    )
    kind: Mapped[BusyKind] = mapped_column(_enum(BusyKind), default=BusyKind.ABSENCE)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")
    source_id: Mapped[int | None] = mapped_column(
        ForeignKey("busy_source.id", ondelete="CASCADE"), index=True
    )


class BusySource(Base):
    """An address from which a counsellor's other appointments are read, as times only."""

    __tablename__ = "busy_source"
    __table_args__ = (UniqueConstraint("calendar_id", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("counsellor_calendar.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(String(1000))
    read_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(200), default="")


# The database itself refuses a second appointment in a time that is taken: see
# migrations/versions/*_booking.py for the exclusion constraint and the triggers.
class Appointment(Base):
    """One time kept for one person; ``booking_id`` stays the same when it is moved.

    ``blocked_from`` and ``blocked_until`` are the appointment with its buffers: no two rows
    ``held`` or ``booked`` in one calendar may overlap in them. ``sequence`` counts the changes
    that calendar files announce (RFC 5545). ``notes`` are the counsellor's own.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint(
            "blocked_from <= starts_at AND starts_at < ends_at AND ends_at <= blocked_until",
            name="times_in_order",
        ),
        Index("ix_appointment_calendar", "calendar_id", "blocked_until"),
        Index("ix_appointment_booking", "booking_id", "sequence"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    booking_id: Mapped[str] = mapped_column(String(36), default=new_id)
    service_id: Mapped[str] = mapped_column(ForeignKey("counselling_service.id"), index=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("counsellor_calendar.id"))
    contact_id: Mapped[str | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    conversation_id: Mapped[str | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[AppointmentState] = mapped_column(_enum(AppointmentState))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    blocked_from: Mapped[datetime]
    blocked_until: Mapped[datetime]
    held_until: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(default=0)
    way: Mapped[Way] = mapped_column(_enum(Way))
    language: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(120), default="")
    reach: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str] = mapped_column(String(500), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    reminders_wanted: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]

    service: Mapped[CounsellingService] = relationship(lazy="joined", innerjoin=True)
    calendar: Mapped[CounsellorCalendar] = relationship(lazy="joined", innerjoin=True)


class AppointmentEvent(Base):
    """What happened to an appointment, when, and by whom. Holds nothing about the person.

    ``actor`` is ``person``, ``system``, or a counsellor's account id. ``desk_told_at`` says when
    the counsellors' desk outside of the console was told.
    """

    __tablename__ = "appointment_event"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[str] = mapped_column(
        ForeignKey("appointment.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[AppointmentState] = mapped_column(_enum(AppointmentState))
    actor: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(index=True)
    desk_told_at: Mapped[datetime | None]

    appointment: Mapped[Appointment] = relationship()


class AppointmentLink(Base):
    """A secret address of a booking; the token itself is known to the person only."""

    __tablename__ = "appointment_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    booking_id: Mapped[str] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime]


class Reminder(Base):
    """One reminder to be sent at ``due_at``; whoever turns it into ``sent`` sends it."""

    __tablename__ = "appointment_reminder"
    __table_args__ = (
        UniqueConstraint("appointment_id", "hours_before"),
        Index("ix_appointment_reminder_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[str] = mapped_column(ForeignKey("appointment.id", ondelete="CASCADE"))
    hours_before: Mapped[int]
    due_at: Mapped[datetime]
    state: Mapped[ReminderState] = mapped_column(
        _enum(ReminderState), default=ReminderState.PLANNED
    )

    appointment: Mapped[Appointment] = relationship(lazy="joined", innerjoin=True)


class WaitingEntry(Base):
    """Somebody who wants to be asked when a time becomes free.

    ``wishes`` is a ``Wishes`` as data; ``offered_id`` the appointment held for them now.
    """

    __tablename__ = "booking_waiting_entry"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(
        ForeignKey("counselling_service.id", ondelete="CASCADE"), index=True
    )
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    way: Mapped[Way] = mapped_column(_enum(Way))
    language: Mapped[str] = mapped_column(String(8))
    wishes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[WaitingState] = mapped_column(_enum(WaitingState), default=WaitingState.WAITING)
    offered_id: Mapped[str | None] = mapped_column(
        ForeignKey("appointment.id", ondelete="SET NULL")
    )
    offered_until: Mapped[datetime | None]
    passed: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]

    service: Mapped[CounsellingService] = relationship(lazy="joined", innerjoin=True)
