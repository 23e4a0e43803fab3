"""What the counsellors' desk is told about appointments: when and with whom, never by whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.models import AppointmentEvent, AppointmentState
from bot.booking.presentation import in_language
from bot.booking.taking import PERSON
from bot.i18n.texts import Texts

# What is older was told nobody in time; it stands in the console.
FRESH = timedelta(hours=12)
_TOLD = (AppointmentState.BOOKED, AppointmentState.MOVED, AppointmentState.CANCELLED)


def take(session: Session, texts: Texts, *, now: datetime, limit: int) -> list[str]:
    """Marks what people did as told and returns a line for each, oldest first."""
    events = session.scalars(
        select(AppointmentEvent)
        .where(
            AppointmentEvent.desk_told_at.is_(None),
            AppointmentEvent.actor == PERSON,
            AppointmentEvent.state.in_(_TOLD),
            AppointmentEvent.at > now - FRESH,
        )
        .order_by(AppointmentEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=AppointmentEvent)
    ).all()
    lines = []
    for event in events:
        event.desk_told_at = now
        row = event.appointment
        template = {
            AppointmentState.BOOKED: texts.gettext("📅 Booked: {time}, {service}, {name}"),
            AppointmentState.MOVED: texts.gettext("📅 Given up for another time: {time}, {name}"),
            AppointmentState.CANCELLED: texts.gettext("📅 Cancelled: {time}, {service}, {name}"),
        }[event.state]
        lines.append(
            template.format(
                time=texts.day_and_time(row.starts_at.astimezone(ZoneInfo(row.service.zone))),
                service=in_language(row.service.title, texts.language),
                name=row.calendar.name,
            )
        )
    return lines
