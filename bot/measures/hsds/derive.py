"""What follows from the parts of an HSDS service for cards and filters."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.measures.fields import COLUMNS, Fields, Json

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKEND = {"SA", "SU"}
# The offsets of Central Europe: what a German directory means by them is its own zone.
USUAL_OFFSETS = (1, 2)


def derived(fields: Fields, locations: Sequence[Fields], organizations: Sequence[Fields]) -> Fields:
    """Flat facts of a measure from its places, phones, schedules, costs and languages."""
    by_id: dict[str, Fields] = {}
    for location in locations:
        by_id.setdefault(location["id"], {}).update(location)
    places = fields.get("places", [])
    at = [by_id.get(place["location_id"], {}) for place in places]
    schedules = [*fields.get("schedules", []), *_all(places, "schedules"), *_all(at, "schedules")]
    website = fields.get("website", "")
    organization: Fields = {}
    for document in organizations:
        if document["id"] == fields.get("organization"):
            organization = {**organization, **document}
    source = _address_of_web(website) or _address_of_web(organization.get("website", ""))
    return {
        **address(at),
        "phone": "; ".join(
            phone["number"] for phone in fields.get("phones", []) if "number" in phone
        ),
        "email": fields.get("email", ""),
        "website": website,
        "languages": _codes(fields.get("offered_languages", [])),
        "free_of_charge": _free(fields.get("cost_options", [])),
        "formats": formats(at),
        "times": times(schedules),
        "levels": [],
        "audience": [],
        "sdgs": [],
        "childcare": None,
        "source_url": source,
        "source_title": (organization.get("name") or urlsplit(source).hostname or "")[:300],
        "source_date": "",
        "confidence": "medium",
        "scope": "",
        "harm_if_stale": False,
    }


def address(locations: Sequence[Fields]) -> Fields:
    """What cards show as the address: the first one of the locations."""
    addresses: list[Json] = _all(locations, "addresses")
    first: Fields = addresses[0] if addresses else {}
    lines = (first.get("address_1", ""), first.get("address_2", ""))
    return {
        "address": ", ".join(line for line in lines if line),
        "district": _short(first.get("region", ""), "district"),
        "postal_code": _short(first.get("postal_code", ""), "postal_code"),
        "city": _short(first.get("city", ""), "city"),
    }


def _short(value: str, column: str) -> str:
    length = getattr(COLUMNS[column].type, "length", None)
    return value if length is None or len(value) <= length else ""


def _codes(languages: Sequence[Json]) -> list[str]:
    codes = [language.get("code", "").lower() for language in languages]
    return list(dict.fromkeys(code for code in codes if len(code) == 2))


def _free(options: Sequence[Json]) -> bool | None:
    amounts = [option.get("amount") for option in options]
    if not amounts or None in amounts:
        return None
    return not any(amounts)


def formats(locations: Sequence[Fields]) -> list[str]:
    """How one takes part, by the kinds of the locations."""
    found = {
        "online" if location.get("location_type") == "virtual" else "in_person"
        for location in locations
        if location.get("location_type") in ("virtual", "physical")
    }
    return sorted(found)


def times(schedules: Sequence[Json]) -> list[str]:
    """Times of day that weekly schedules cover: the parts of working days, and the weekend."""
    found: set[str] = set()
    for schedule in schedules:
        days = {day.strip()[-2:] for day in schedule.get("byday", "").split(",") if day.strip()}
        if days & WEEKEND:
            found.add("weekend")
        opens, closes = schedule.get("opens_at"), schedule.get("closes_at")
        if not opens or not closes or (days and days <= WEEKEND):
            continue
        closes = "24:00:00" if closes <= opens else closes
        found |= {"morning"} if opens < "12:00:00" else set()
        found |= {"afternoon"} if opens < "18:00:00" and closes > "12:00:00" else set()
        found |= {"evening"} if closes > "18:00:00" else set()
    return [time for time in ("morning", "afternoon", "evening", "weekend") if time in found]


def zone(offset: Json) -> str | None:
    """The zone that an HSDS offset in hours means, or None for the usual one."""
    if not isinstance(offset, int) or isinstance(offset, bool) or offset in USUAL_OFFSETS:
        return None
    # The signs of these zones are those of POSIX: Etc/GMT-3 is three hours ahead.
    return f"Etc/GMT{-offset:+d}" if -12 <= offset <= 14 and offset else None


def _all(rows: Sequence[Json], name: str) -> list[Json]:
    return [entry for row in rows for entry in row.get(name, [])]


def _address_of_web(value: str) -> str:
    return value if value.startswith(("https://", "http://")) else ""
