"""Places of a measure as rows of a form.

A place that was not touched is kept as it is. Of one that was touched only what the editor
changed is written, on a copy: the location itself may belong to others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.console.measures.forms import TOO_LONG
from bot.console.measures.row_forms import MAXIMUM_LINE, MAXIMUM_NOTE, RawRow, Row, clean_line, line
from bot.db.base import new_id
from bot.i18n.texts import source_text
from bot.measures.fields import Fields, Json
from bot.measures.hsds.names import ADDRESS, LOCATION
from bot.measures.places import Address

PHYSICAL, VIRTUAL, POSTAL = "physical", "virtual", "postal"
KINDS = {
    PHYSICAL: source_text("people go there"),
    VIRTUAL: source_text("online"),
    POSTAL: source_text("for letters only"),
}
# The key of what cards show as the address of a measure without any location.
CARD = "card"
# Field of a row → column of a location, or of its first address.
LOCATION_COLUMNS = {
    "kind": "location_type",
    "name": "name",
    "district": "district",
    "latitude": "latitude",
    "longitude": "longitude",
    "way": "transportation",
    "url": "url",
}
ADDRESS_COLUMNS = {
    "street": "address_1",
    "more": "address_2",
    "postal_code": "postal_code",
    "city": "city",
    "district": "region",
}
WRITTEN = ("street", "postal_code", "city")
# Where a swapped position would lie: Germany, in degrees.
_LATITUDES, _LONGITUDES = (47.2, 55.1), (5.8, 15.1)

NEEDS_ADDRESS = source_text("Write at least a street, a district, a city or a position.")
NEEDS_WEB = source_text("An online place needs a name or a web address.")
NOT_POSTAL_CODE = source_text("A postal code has five digits.")
NOT_DEGREES = source_text("This is not a position. Write for example 48.7758.")
BOTH_DEGREES = source_text("A position needs both numbers.")
SWAPPED = source_text("Latitude and longitude seem to be swapped.")
ADDRESS_MOVED = source_text(
    "The address changed. Mend the position too, empty it, or say that it is still right."
)
NOT_WEB = source_text("This is not a web address: it begins with https://.")


@dataclass(kw_only=True)
class PlaceRow(Row):
    """One place. ``key`` is how rows of times name it; ``of`` is the id of the stored link."""

    key: str = field(default="", compare=False)
    kind: str = PHYSICAL
    name: str = ""
    street: str = ""
    more: str = ""
    postal_code: str = ""
    city: str = ""
    district: str = ""
    latitude: str = ""
    longitude: str = ""
    way: str = ""
    url: str = ""
    still_right: bool = field(default=False, compare=False)

    @property
    def is_blank(self) -> bool:
        """Whether a row that was added holds nothing yet but the city it began with."""
        return not self.of and self == PlaceRow(kind=self.kind, city=self.city)

    @property
    def address(self) -> str:
        """Street and city in one line."""
        town = f"{self.postal_code} {self.city}".strip()
        return ", ".join(part for part in (self.street, self.more, town) if part)

    @property
    def position(self) -> str:
        """Latitude and longitude, or nothing."""
        return f"{self.latitude}, {self.longitude}" if self.latitude and self.longitude else ""


def shown(link: Json, location: Fields) -> PlaceRow:
    """A stored place as the form shows it."""
    address = _first_address(location)
    row = PlaceRow(of=link.get("hsds_id", ""), key=link.get("hsds_id", ""))
    for name, column in ADDRESS_COLUMNS.items():
        setattr(row, name, clean_line(address.get(column, "")))
    for name, column in LOCATION_COLUMNS.items():
        value = location.get(column)
        if isinstance(value, int | float):
            setattr(row, name, f"{value:.6f}".rstrip("0").rstrip("."))
        elif value:
            setattr(row, name, clean_line(value))
    return row


def _first_address(location: Fields) -> Fields:
    addresses: list[Fields] = location.get("addresses", [])
    return addresses[0] if addresses else {}


def on_cards(fields: Fields) -> PlaceRow | None:
    """The address that cards show of a measure without locations, if it is more than a city."""
    if not any(fields[name] for name in ("address", "district", "postal_code")):
        return None
    return PlaceRow(
        of=CARD,
        key=CARD,
        street=clean_line(fields["address"]),
        postal_code=clean_line(fields["postal_code"]),
        city=clean_line(fields["city"]),
        district=clean_line(fields["district"]),
    )


def sent(raw: RawRow) -> PlaceRow:
    """A row as it was sent."""
    row = PlaceRow(
        of=line(raw, "of"),
        key=line(raw, "key") or new_id(),
        still_right=bool(line(raw, "still_right")),
    )
    for name in ("kind", "name", "street", "more", "postal_code", "city", "district", "way", "url"):
        setattr(row, name, line(raw, name))
    row.latitude, row.longitude = _degrees(line(raw, "latitude"), line(raw, "longitude"))
    return row


def _degrees(latitude: str, longitude: str) -> tuple[str, str]:
    """Both numbers; a position that was pasted whole into the first field is taken apart."""
    both = re.fullmatch(r"(-?\d+\.\d+)[,;\s]\s*(-?\d+\.\d+)", latitude)
    if both and not longitude:
        return both[1], both[2]
    return latitude.replace(",", "."), longitude.replace(",", ".")


def check(row: PlaceRow, before: PlaceRow | None, location: Fields) -> None:
    """Notes in ``row.wrong`` what is wrong with a row that was touched."""
    wrong = row.wrong
    row.kind = row.kind if row.kind in KINDS else PHYSICAL
    if row.kind == VIRTUAL:
        if not row.name and not row.url:
            wrong["url"] = NEEDS_WEB
    elif not (row.street or row.city or row.district or row.position):
        wrong["street"] = NEEDS_ADDRESS
    old = before or PlaceRow()
    german = _first_address(location).get("country", "DE") == "DE"
    new_code = row.postal_code not in ("", old.postal_code)
    if german and new_code and not re.fullmatch(r"\d{5}", row.postal_code, re.ASCII):
        wrong["postal_code"] = NOT_POSTAL_CODE
    if row.url != old.url and row.url and not _is_web(row.url):
        wrong["url"] = NOT_WEB
    for name, column in (*LOCATION_COLUMNS.items(), *ADDRESS_COLUMNS.items()):
        if len(getattr(row, name)) > _longest(name, column):
            wrong[name] = TOO_LONG
    _check_position(row, old)


def _longest(name: str, column: str) -> int:
    if name == "way":
        return MAXIMUM_NOTE
    known = Address.__table__.columns.get(column)
    return getattr(known.type, "length", None) or MAXIMUM_LINE if known is not None else 120


def _check_position(row: PlaceRow, old: PlaceRow) -> None:
    numbers = []
    for name, limit in (("latitude", 90), ("longitude", 180)):
        written = getattr(row, name)
        if not written:
            continue
        if not re.fullmatch(r"-?\d{1,3}(\.\d{1,12})?", written, re.ASCII) or (
            abs(float(written)) > limit
        ):
            row.wrong[name] = NOT_DEGREES
            return
        numbers.append(float(written))
    if len(numbers) == 1:
        row.wrong["longitude" if row.latitude else "latitude"] = BOTH_DEGREES
    if len(numbers) != 2:
        return
    latitude, longitude = numbers
    if not _within(latitude, longitude) and _within(longitude, latitude):
        row.wrong["latitude"] = SWAPPED
    moved = any(getattr(row, name) != getattr(old, name) for name in WRITTEN)
    if old.position and moved and row.position == old.position and not row.still_right:
        row.wrong["latitude"] = ADDRESS_MOVED


def _within(latitude: float, longitude: float) -> bool:
    return (
        _LATITUDES[0] <= latitude <= _LATITUDES[1] and _LONGITUDES[0] <= longitude <= _LONGITUDES[1]
    )


def _is_web(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in value


def written(row: PlaceRow, before: PlaceRow | None, stored: Fields) -> Fields:
    """The location that a checked row asks for; ``stored`` is the one that it was."""
    location = dict(stored)
    changed = _changed(row, before, LOCATION_COLUMNS)
    if before and row.name == before.name == before.street:
        # A place that was called by its street moves with it.
        changed["name"] = row.street
    for name in ("latitude", "longitude"):
        if name in changed:
            changed[name] = float(changed[name]) if changed[name] else None
    location |= changed
    location["extra"] = _still_true(stored.get("extra", {}), changed, LOCATION.columns)
    addresses = [dict(one) for one in stored.get("addresses", ())]
    parts = _changed(row, before, ADDRESS_COLUMNS)
    if not addresses and any(parts.values()):
        addresses.append({"hsds_id": new_id(), "country": "DE"})
    if addresses and parts:
        first = {**addresses[0], **parts}
        first["extra"] = _still_true(first.get("extra", {}), parts, ADDRESS.columns)
        addresses[0] = {name: value for name, value in first.items() if value not in ("", {})}
    location["addresses"] = addresses
    return location


def _changed(row: PlaceRow, before: PlaceRow | None, columns: dict[str, str]) -> dict[str, Json]:
    return {
        column: getattr(row, name)
        for name, column in columns.items()
        if before is None or getattr(row, name) != getattr(before, name)
    }


def _still_true(extra: Json, changed: dict[str, Json], columns: Json) -> Json:
    """What a source wrote beside columns, without those that are written anew."""
    stale = {name for name, column in columns.items() if column in changed}
    return {name: extra[name] for name in extra.keys() - stale}


def names(rows: Sequence[PlaceRow]) -> dict[str, str]:
    """How rows of times call the places, by their key."""
    return {row.key: row.name or row.street or row.address or row.url or "–" for row in rows}
