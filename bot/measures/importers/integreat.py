"""Imports what Integreat's interface gives: pages as guides, locations and events as offers.

Each answer is in one language; importing the answers of several languages adds their
texts to the same guides and offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from dateutil.rrule import rrulestr

from bot.measures.fields import Fields, Json
from bot.measures.hsds.derive import DAYS, times
from bot.measures.hsds.values import ProblemError, check_texts
from bot.measures.importers import json_stream
from bot.measures.importers.chat_text import chat_text
from bot.measures.importers.records import Record, Rejected, stable_id
from bot.measures.models import Kind, Status, TextState
from bot.measures.topics import Topic

MAIN_LANGUAGE = "de"
MAXIMUM_TITLE = 300
MAXIMUM_DESCRIPTION = 20_000
# What the German path of a page, its last part first, says of its topic.
_TOPICS = (
    ("notfall", Topic.EMERGENCY),
    ("sprachkurs|deutschkurs|integrationskurs|deutsch-lernen|sprache", Topic.LANGUAGE_COURSE),
    ("anerkennung", Topic.RECOGNITION),
    ("kinderbetreuung|kindertages|kita|kindergarten|tagespflege", Topic.CHILDCARE),
    ("wohn|miete|energie", Topic.HOUSING),
    ("gesundheit|arzt|krankenhaus|kranken|schwanger", Topic.HEALTH),
    ("asyl|aufenthalt|einreise|ausl%C3%A4nder|ausländer|einbürgerung|migration", Topic.RESIDENCE),
    ("geld|finanz|leistung|unterstützung|steuer|konto", Topic.BENEFITS),
    ("arbeit|ausbildung|beruf|job|bewerbung", Topic.JOB),
    ("schule|studium|bildung|hochschul", Topic.EDUCATION),
    ("beratung|hilfe|behörde", Topic.COUNSELLING),
    ("freizeit|ehrenamt|begegnung|verein|sport|kultur|religion", Topic.COMMUNITY),
)
_PATH = re.compile(r"/(?P<region>[^/]+)/(?P<language>[a-z]{2,3}(?:-[a-z]+)?)/(?P<rest>.*)")


def records(file: BinaryIO, *, topic: str = "") -> Iterator[Record | Rejected]:
    """The records of an answer; pages without text of their own are left out.

    ``topic`` is for entries whose path tells none. An event that is listed once for each
    of its days is one record.
    """
    seen: set[str] = set()
    for number, entry in enumerate(json_stream.values(file), start=1):
        where = f"entry {number}"
        try:
            record = _record(entry, where, topic)
        except ProblemError as problem:
            yield Rejected([str(problem)])
            continue
        if record is None or (record.external_id in seen and _is_event(entry)):
            continue
        seen.add(record.external_id)
        yield record


def _record(entry: Json, where: str, topic: str) -> Record | None:
    if not isinstance(entry, dict):
        raise ProblemError(f"{where}: is not an object")
    title, path = _text(entry, "title", where), unquote(_text(entry, "path", where))
    match = _PATH.fullmatch(path)
    if match is None:
        raise ProblemError(f"{where}, path: {path[:60]!r} names no region and language")
    if not title:
        raise ProblemError(f"{where}, title: is missing")
    language = match["language"]
    key = _key(entry, match, where)
    description = chat_text(_text(entry, "content", where))[:MAXIMUM_DESCRIPTION]
    kind = Kind.OFFER if _is_event(entry) or _is_location(entry) else Kind.GUIDE
    if kind is Kind.GUIDE and not description:
        return None
    main = language == MAIN_LANGUAGE or MAIN_LANGUAGE not in _languages(entry)
    state = TextState.ORIGINAL if main else TextState.DRAFT
    texts = {
        f"text.{language}.title": title[:MAXIMUM_TITLE],
        f"text.{language}.description": description,
        f"text.{language}.state": state.value,
    }
    found = _topic(_german_path(entry, path)) or topic
    facts: Fields = {
        "kind": kind.value,
        "status": (
            Status.DRAFT if entry.get("temporarily_closed") is True else Status.PUBLISHED
        ).value,
        "confidence": "medium",
        "source_url": _address(entry, path, where),
        "source_title": title[:MAXIMUM_TITLE],
        "source_date": _day(entry, where),
        "scope": match["region"][:40],
        "topics": [found] if found else [],
        "age_of": "",
    }
    locations: list[Fields] = []
    if kind is Kind.OFFER:
        facts.update(_place(entry, key, where, locations))
        facts.update(_contacts(entry, key, where))
        facts["schedules"] = (
            _event_schedule(entry, key, where) if _is_event(entry) else _hours(entry, key, where)
        )
        facts["times"] = times(facts["schedules"])
        if _is_event(entry):
            facts["topics"] = [found or Topic.COMMUNITY.value]
    organization = entry.get("organization")
    provider = organization.get("name") if isinstance(organization, dict) else ""
    provider = provider[:300] if isinstance(provider, str) else ""
    record = {**texts, **(facts if main else {})}
    check_texts(record, where)
    return Record(
        where=where,
        external_id=key,
        id=stable_id("integreat", key),
        fields=record,
        defaults={} if main else facts,
        provider=provider if main else "",
        locations=locations,
    )


def _is_event(entry: Json) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("event"), dict)


def _is_location(entry: dict[str, Any]) -> bool:
    return "opening_hours" in entry or isinstance(entry.get("location"), dict)


def _languages(entry: dict[str, Any]) -> dict[str, Any]:
    found = entry.get("available_languages")
    return found if isinstance(found, dict) else {}


def _key(entry: dict[str, Any], match: re.Match[str], where: str) -> str:
    """The same for all languages of an entry: the number or path of the German one."""
    german = _languages(entry).get(MAIN_LANGUAGE)
    german = german if isinstance(german, dict) else {}
    is_main = match["language"] == MAIN_LANGUAGE
    kind = "event" if _is_event(entry) else "location" if _is_location(entry) else "page"
    if kind == "event":
        # Each day of an event has a path of its own and no number.
        path = match["rest"] if is_main else str(german.get("path") or match["rest"])
        name = path.rstrip("/").split("/")[-1].split("$")[0]
    else:
        number = entry.get("id") if is_main or not german.get("id") else german["id"]
        if not isinstance(number, int) or isinstance(number, bool):
            raise ProblemError(f"{where}, id: is not a number")
        name = str(number)
    return f"integreat:{match['region'][:30]}:{kind}:{name[:60]}"


def _german_path(entry: dict[str, Any], path: str) -> str:
    german = _languages(entry).get(MAIN_LANGUAGE)
    found = german.get("path") if isinstance(german, dict) else None
    return unquote(found) if isinstance(found, str) else path


def _topic(path: str) -> str:
    for part in reversed([part for part in path.split("/") if part][2:]):
        for words, topic in _TOPICS:
            if re.search(words, part.lower()):
                return topic.value
    return ""


def _address(entry: dict[str, Any], path: str, where: str) -> str:
    """Where people find the page: editing systems and test servers are not shown."""
    url = _text(entry, "url", where)
    host = urlsplit(url).hostname if url.startswith("https://") else None
    if host and not host.startswith(("admin.", "cms.")):
        return url
    return f"https://integreat.app{quote(path)}"


def _day(entry: dict[str, Any], where: str) -> str:
    written = _text(entry, "last_updated", where) or _text(entry, "modified_gmt", where)
    return written[:10] if re.match(r"\d{4}-\d{2}-\d{2}", written) else ""


def _place(entry: dict[str, Any], key: str, where: str, locations: list[Fields]) -> Fields:
    place = entry.get("location")
    place = place if isinstance(place, dict) else {}
    street, town = _text(place, "address", where), _text(place, "town", where)
    if not street and not town:
        return {"formats": ["online"] if entry.get("meeting_url") else []}
    code = _text(place, "postcode", where)
    location = stable_id("location", key)
    row: Fields = {
        "id": location,
        "name": _text(place, "name", where) or street,
        "addresses": [
            {
                "hsds_id": stable_id("address", key),
                "address_1": street,
                "city": town[:120],
                "postal_code": code[:20],
                "country": "DE",
            }
        ],
    }
    for name, limit in (("latitude", 90), ("longitude", 180)):
        degrees = place.get(name)
        if isinstance(degrees, int | float) and abs(degrees) <= limit and degrees:
            row[name] = degrees
    if isinstance(entry.get("barrier_free"), bool):
        row["extra"] = {"barrier_free": entry["barrier_free"]}
    locations.append(row)
    return {
        "address": street,
        "postal_code": code[:10],
        "city": town[:120],
        "formats": ["in_person"],
        "places": [{"hsds_id": stable_id("service_at_location", key), "location_id": location}],
    }


def _contacts(entry: dict[str, Any], key: str, where: str) -> Fields:
    """Telephone, e-mail and website: of the contacts, or of the entry in older answers."""
    contacts = entry.get("contacts")
    listed = (
        [each for each in contacts if isinstance(each, dict)] if isinstance(contacts, list) else []
    )
    entries = [*listed, entry]
    numbers = _first_texts(entries, ("phone_number", "mobile_number"), where)
    return {
        "phone": "; ".join(numbers),
        "phones": [
            {"hsds_id": stable_id("phone", key, str(index)), "type": "voice", "number": number}
            for index, number in enumerate(numbers)
        ],
        "email": next((m for m in _first_texts(entries, ("email",), where) if len(m) <= 200), ""),
        "website": next(iter(_first_texts(entries, ("website", "appointment_url"), where)), ""),
    }


def _first_texts(entries: list[dict[str, Any]], names: tuple[str, ...], where: str) -> list[str]:
    found = [_text(entry, name, where) for entry in entries for name in names]
    return list(dict.fromkeys(text for text in found if text))[:10]


def _hours(entry: dict[str, Any], key: str, where: str) -> list[Json]:
    """Weekly hours, days with the same hours together; appointments are no opening hours."""
    week = entry.get("opening_hours")
    if week is None:
        return []
    if not isinstance(week, list) or len(week) != len(DAYS):
        raise ProblemError(f"{where}, opening_hours: does not hold seven days")
    by_hours: dict[tuple[str, str], list[str]] = {}
    for code, day in zip(DAYS, week, strict=True):
        if not isinstance(day, dict) or day.get("closed") or day.get("appointmentOnly"):
            continue
        slots = [{"start": "00:00", "end": "00:00"}] if day.get("allDay") else day.get("timeSlots")
        for slot in slots if isinstance(slots, list) else []:
            hours = (_clock(slot, "start", where), _clock(slot, "end", where))
            by_hours.setdefault(hours, []).append(code)
    return [
        {
            "hsds_id": stable_id("schedule", key, opens, closes),
            "freq": "WEEKLY",
            "byday": ",".join(codes),
            "opens_at": opens,
            "closes_at": closes,
        }
        for (opens, closes), codes in by_hours.items()
    ]


def _clock(slot: Json, name: str, where: str) -> str:
    value = slot.get(name) if isinstance(slot, dict) else None
    if not isinstance(value, str) or not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d", value):
        raise ProblemError(f"{where}, opening_hours: {str(value)[:20]!r} is not a time of day")
    return f"{value}:00"


def _event_schedule(entry: dict[str, Any], key: str, where: str) -> list[Json]:
    event = entry["event"]
    start, end = _moment(event, "start", where), _moment(event, "end", where)
    schedule: dict[str, Json] = {
        "hsds_id": stable_id("schedule", key),
        "dtstart": start.date().isoformat(),
        "freq": "",
    }
    if not event.get("all_day"):
        schedule["opens_at"] = start.time().isoformat()
        schedule["closes_at"] = end.time().isoformat()
    if rule := _text(entry, "recurrence_rule", where):
        schedule.update(_rule(rule, where))
    else:
        schedule["valid_to"] = end.date().isoformat()
    return [{name: value for name, value in schedule.items() if value not in ("", None)}]


def _rule(written: str, where: str) -> dict[str, Json]:
    try:
        rrulestr(written, ignoretz=True)
        line = next(part for part in written.splitlines() if part.startswith("RRULE:"))
        parts = dict(part.split("=", 1) for part in line.removeprefix("RRULE:").split(";"))
        start = re.search(r"DTSTART:(\d{8})", written)
        until = parts.get("UNTIL", "")[:8]
        found: dict[str, Json] = {
            "freq": parts["FREQ"],
            "interval": int(parts.get("INTERVAL", 1)),
            "byday": parts.get("BYDAY", ""),
            "bymonthday": parts.get("BYMONTHDAY", ""),
            "until": datetime.strptime(until, "%Y%m%d").date().isoformat() if until else None,
            "count": int(parts["COUNT"]) if "COUNT" in parts else None,
        }
        if start:
            found["dtstart"] = datetime.strptime(start[1], "%Y%m%d").date().isoformat()
    except (ValueError, KeyError, StopIteration, TypeError, OverflowError) as error:
        raise ProblemError(f"{where}, recurrence_rule: is not understood") from error
    if len(found["byday"]) > 60:
        raise ProblemError(f"{where}, recurrence_rule: is not understood")
    return found


def _moment(event: dict[str, Any], name: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(str(event.get(name)))
    except ValueError as error:
        raise ProblemError(f"{where}, event, {name}: is not a moment") from error


def _text(entry: dict[str, Any], name: str, where: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProblemError(f"{where}, {name}: is not text")
    check = value.replace("\x00", "")
    return check.strip()
