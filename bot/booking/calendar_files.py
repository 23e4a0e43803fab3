"""Calendar files (RFC 5545): one appointment for its person, a feed for its counsellor."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from bot.booking.clocktime import comes_twice
from bot.booking.models import Appointment, AppointmentState
from bot.i18n.calendar_zones import timezone_component
from bot.messages import Card

PRODUCT = "-//Lotse//Booking//EN"
ALARMS = (timedelta(hours=-24), timedelta(hours=-2))
REFRESH = timedelta(minutes=15)


def appointment_file(row: Appointment, card: Card, *, site_url: str, now: datetime) -> str:
    """The file that puts an appointment into the person's calendar, or takes it out again.

    UID stays the same through all moves and SEQUENCE grows, so a later file replaces an earlier
    one. ``card`` holds the words, in the reader's language.
    """
    calendar = _calendar("CANCEL" if row.state == AppointmentState.CANCELLED else "PUBLISH")
    event = _event(row, site_url=site_url, stamp=now)
    event.add("summary", card.title)
    if row.service.place and row.way == "place":
        event.add("location", row.service.place)
    facts = [f"{line.label}: {line.value}" if line.label else line.value for line in card.lines]
    event.add("description", "\n".join(facts))
    organizer = vCalAddress(f"mailto:noreply@{_host(site_url)}")
    organizer.params["cn"] = vText("Lotse")
    event.add("organizer", organizer)
    if row.state == AppointmentState.BOOKED:
        for before in ALARMS:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", card.title)
            alarm.add("trigger", before)
            event.add_component(alarm)
    calendar.add_component(timezone_component(ZoneInfo(row.service.zone), row.starts_at.year))
    calendar.add_component(event)
    return _written(calendar)


def feed_file(
    rows: Iterable[tuple[Appointment, str]], *, name: str, site_url: str, now: datetime
) -> str:
    """A counsellor's appointments with their titles, for a calendar that asks again and again.

    Nothing about the people stands in it: such calendars are often kept by other companies.
    """
    calendar = _calendar("PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    zones: set[str] = set()
    for row, title in rows:
        if row.service.zone not in zones:
            zones.add(row.service.zone)
            zone = ZoneInfo(row.service.zone)
            calendar.add_component(timezone_component(zone, row.starts_at.year))
        event = _event(row, site_url=site_url, stamp=now)
        event.add("summary", title)
        if row.service.place and row.way == "place":
            event.add("location", row.service.place)
        calendar.add_component(event)
    return _written(calendar)


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event(row: Appointment, *, site_url: str, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"{row.booking_id}@{_host(site_url)}")
    event.add("sequence", row.sequence)
    event.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    event.add("last-modified", row.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", _local(row.starts_at, row.service.zone))
    event.add("dtend", _local(row.ends_at, row.service.zone))
    cancelled = row.state in (AppointmentState.CANCELLED, AppointmentState.MOVED)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    return event


def _local(moment: datetime, zone: str) -> datetime:
    """The time by the wall clock; in UTC where the clock shows it twice that day."""
    local = moment.astimezone(ZoneInfo(zone))
    return moment.astimezone(UTC) if comes_twice(local) else local


def _written(calendar: Calendar) -> str:
    written: bytes = calendar.to_ical()
    return written.decode()


def _host(site_url: str) -> str:
    return urlsplit(site_url).hostname or "lotse.invalid"
