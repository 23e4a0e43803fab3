"""Exports dates of courses and events as a calendar (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from bot.i18n.calendar_zones import timezone_component
from bot.measures import fields as measure_fields
from bot.measures.exporters.select import portions
from bot.measures.fields import Fields, Json
from bot.measures.hsds.render import main_language

DAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}


def write(session: Session, file: BinaryIO, *, now: datetime, drafts: bool = False) -> int:
    """Writes a calendar of all dates; returns how many entries it holds."""
    calendar = _calendar()
    count = 0
    for ids in portions(session, drafts=drafts):
        for key, fields in measure_fields.read(session, ids).items():
            for event in events(key, fields, now=now):
                calendar.add_component(event)
                count += 1
    _add_zones(calendar)
    file.write(calendar.to_ical())
    return count


def of_measure(session: Session, measure_id: str, *, now: datetime) -> bytes:
    """The calendar of one measure, empty when it has no dates."""
    calendar = _calendar()
    for key, fields in measure_fields.read(session, [measure_id]).items():
        for event in events(key, fields, now=now):
            calendar.add_component(event)
    _add_zones(calendar)
    return bytes(calendar.to_ical())


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Lotse//measures//")
    calendar.add("version", "2.0")
    return calendar


def _add_zones(calendar: Calendar) -> None:
    starts = [event.decoded("dtstart") for event in calendar.walk("VEVENT")]
    years: dict[ZoneInfo, int] = {}
    for start in starts:
        if isinstance(start, datetime) and isinstance(start.tzinfo, ZoneInfo):
            years[start.tzinfo] = min(start.year, years.get(start.tzinfo, start.year))
    for zone, year in years.items():
        calendar.add_component(timezone_component(zone, year))


def events(measure_id: str, fields: Fields, *, now: datetime) -> Iterator[Event]:
    """An entry for each schedule that begins on a known day.

    Opening hours, which begin on no day, are no dates.
    """
    language = main_language(fields)
    at_places = [entry for place in fields["places"] for entry in place.get("schedules", [])]
    for schedule in [*fields["schedules"], *at_places]:
        first = _first_day(schedule)
        if first is None:
            continue
        event = Event()
        event.add("uid", f"{schedule['hsds_id']}-{measure_id}@lotse")
        event.add("dtstamp", now)
        event.add("summary", fields.get(f"text.{language}.title", ""))
        if text := fields.get(f"text.{language}.description"):
            event.add("description", text)
        if place := ", ".join(part for part in (fields["address"], fields["city"]) if part):
            event.add("location", place)
        if fields["source_url"]:
            event.add("url", fields["source_url"])
        zone = _zone(schedule)
        opens = _time(schedule, "opens_at")
        if opens is None:
            event.add("dtstart", first)
        else:
            event.add("dtstart", datetime.combine(first, opens, zone))
            event.add("dtend", _end(first, opens, _time(schedule, "closes_at"), zone))
        if rule := _rule(schedule, opens, zone):
            event.add("rrule", rule)
        for day in schedule.get("except_dates", []):
            skipped = date.fromisoformat(day)
            event.add("exdate", datetime.combine(skipped, opens, zone) if opens else skipped)
        yield event


def _first_day(schedule: Json) -> date | None:
    """The first day on which it takes place, on or after the day from which it is valid."""
    written = schedule.get("dtstart") or schedule.get("valid_from")
    if not written:
        return None
    day = date.fromisoformat(written)
    weekdays = {DAYS[code] for code in _codes(schedule) if code in DAYS}
    if schedule.get("freq") != "WEEKLY" or not weekdays:
        return day
    return next(
        later
        for later in (day + timedelta(days=number) for number in range(7))
        if later.weekday() in weekdays
    )


def _rule(schedule: Json, opens: time | None, zone: ZoneInfo) -> dict[str, Json]:
    if not schedule.get("freq"):
        return {}
    rule: dict[str, Json] = {"freq": schedule["freq"]}
    if schedule.get("interval"):
        rule["interval"] = schedule["interval"]
    if schedule.get("count"):
        rule["count"] = schedule["count"]
    elif until := schedule.get("until") or schedule.get("valid_to"):
        last = date.fromisoformat(until)
        # With a time of day, UNTIL is a moment in UTC.
        rule["until"] = (
            datetime.combine(last, time(23, 59, 59), zone).astimezone(ZoneInfo("UTC"))
            if opens
            else last
        )
    for name in ("byday", "bymonthday"):
        if schedule.get(name):
            rule[name] = [part.strip() for part in schedule[name].split(",") if part.strip()]
    if schedule.get("wkst"):
        rule["wkst"] = schedule["wkst"]
    return rule


def _end(first: date, opens: time, closes: time | None, zone: ZoneInfo) -> datetime:
    closes = closes or opens
    last = first + timedelta(days=1) if closes < opens else first
    return datetime.combine(last, closes, zone)


def _codes(schedule: Json) -> list[str]:
    return [code.strip() for code in schedule.get("byday", "").split(",") if code.strip()]


def _time(schedule: Json, name: str) -> time | None:
    written = schedule.get(name)
    return time.fromisoformat(written) if written else None


def _zone(schedule: Json) -> ZoneInfo:
    try:
        return ZoneInfo(schedule.get("zone") or "Europe/Berlin")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("Europe/Berlin")
