"""Times and places of a measure in one form, and the fields that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot.console.measures import place_rows, time_rows
from bot.console.measures.place_rows import CARD, PlaceRow
from bot.console.measures.row_forms import MAXIMUM_ROWS, Do, raw_rows
from bot.console.measures.time_rows import TimeRow
from bot.db.base import new_id
from bot.measures import own_places
from bot.measures.fields import PLACES, Fields, Json, same
from bot.measures.hsds import derive

T = TypeVar("T")
HOUSE = "house-"
"""How the ids of rows begin that show hours of a place, not of the measure."""


@dataclass(frozen=True)
class Stored:
    """What the database holds: schedules and links by the ids of their rows, and locations."""

    fields: Fields
    times: Mapping[str, tuple[Json, str]]
    house: Mapping[str, tuple[Json, str]]
    links: Mapping[str, Json]
    locations: Mapping[str, Fields]

    def location(self, link: Json) -> Fields:
        """The location of a link."""
        return self.locations[link["location_id"]]

    def place(self, of: str) -> PlaceRow | None:
        """A place as the form shows it; None for one that is not stored."""
        if of == CARD:
            return place_rows.on_cards(self.fields)
        if of not in self.links:
            return None
        row = place_rows.shown(self.links[of], self.location(self.links[of]))
        row.of = row.key = of
        return row

    def time(self, of: str) -> TimeRow | None:
        """Times as the form shows them; None for those that are not stored."""
        found = self.times.get(of) or self.house.get(of)
        if found is None:
            return None
        row = time_rows.shown(*found)
        row.of = of
        return row


@dataclass
class Rows:
    """The form: what it shows, or what was sent."""

    times: list[TimeRow]
    places: list[PlaceRow]

    @property
    def is_wrong(self) -> bool:
        """Whether something was found wrong."""
        return any(row.wrong for row in (*self.times, *self.places))


def stored(session: Session, fields: Fields) -> Stored:
    """What the form is about."""
    links = dict(_named((link, link["hsds_id"]) for link in fields[PLACES]))
    locations = own_places.read(session, [link["location_id"] for link in links.values()])
    times: list[tuple[tuple[Json, str], str]] = [
        ((schedule, ""), schedule["hsds_id"]) for schedule in fields["schedules"]
    ]
    house: dict[str, tuple[Json, str]] = {}
    for key, link in links.items():
        times += [((each, key), each["hsds_id"]) for each in link.get("schedules", ())]
        for number, each in enumerate(locations[link["location_id"]]["schedules"]):
            # Taken over, they are rows of their own.
            house[f"{HOUSE}{key}-{number}"] = ({**each, "hsds_id": new_id()}, key)
    return Stored(fields, dict(_named(times)), house, links, locations)


def _named(rows: Iterable[tuple[T, str]]) -> Iterator[tuple[str, T]]:
    """Rows by their ids, which a source may have given twice."""
    seen: dict[str, int] = {}
    for row, key in rows:
        seen[key] = seen.get(key, 0) + 1
        yield (key if seen[key] == 1 else f"{key}-{seen[key]}"), row


def shown(known: Stored) -> Rows:
    """The form as it shows what is stored."""
    places = [known.place(of) for of in (*known.links, *([] if known.links else [CARD]))]
    times = [known.time(of) for of in known.times]
    return Rows([row for row in times if row], [row for row in places if row])


def sent(form: FormData, known: Stored) -> Rows:
    """The form as it was sent; what the editor touched stays unfolded."""
    rows = Rows(
        [time_rows.sent(raw) for raw in raw_rows(form, "times")],
        [place_rows.sent(raw) for raw in raw_rows(form, "places")],
    )
    for time in rows.times:
        time.unfolded = time != known.time(time.of)
    for place in rows.places:
        place.unfolded = place != known.place(place.of)
    return rows


def act(rows: Rows, asked: Do, known: Stored) -> None:
    """Adds or removes a row."""
    found: list[TimeRow] | list[PlaceRow] = rows.times if asked.rows == "times" else rows.places
    if asked.act == "remove" and 0 <= asked.number < len(found):
        del found[asked.number]
    elif asked.act == "add" and len(found) < MAXIMUM_ROWS:
        if asked.rows == "times":
            rows.times.append(TimeRow(unfolded=True))
        elif asked.rows == "places":
            city = next((place.city for place in rows.places), known.fields["city"])
            rows.places.append(PlaceRow(key=new_id(), city=city, unfolded=True))
        elif asked.rows == "house":
            rows.times += [row for of in known.house if (row := known.time(of))]


def check(rows: Rows, known: Stored) -> None:
    """Notes what is wrong; rows that were added and left blank are dropped first."""
    rows.times = [row for row in rows.times if not row.is_blank]
    rows.places = [
        row for row in rows.places if not row.is_blank or any(t.at == row.key for t in rows.times)
    ]
    for time in rows.times:
        if time != known.time(time.of):
            schedule, _ = known.times.get(time.of) or known.house.get(time.of) or (None, "")
            time_rows.check(time, schedule)
    time_rows.check_places(rows.times, [row.key for row in rows.places])
    for place in rows.places:
        before = known.place(place.of)
        if place != before:
            link = known.links.get(place.of)
            place_rows.check(place, before, known.location(link) if link else {})


def values(session: Session, rows: Rows, known: Stored) -> Fields:
    """The fields that a checked form asks for; stores locations that it makes."""
    schedules: dict[str, list[Json]] = {}
    for row in rows.times:
        schedules.setdefault(row.at, []).append(_schedule(row, known))
    before = shown(known)
    touched = rows.places != before.places or CARD in schedules
    links: list[Json] = []
    locations: list[Fields] = []
    for place in rows.places if touched else [row for row in rows.places if row.of != CARD]:
        link, location = _link(session, place, known)
        at = {"schedules": schedules[place.key]} if place.key in schedules else {}
        links.append({**link, **at})
        locations.append(location)
    found: Fields = {"schedules": schedules.get("", []), PLACES: links}
    if touched:
        found |= derive.address(locations)
    return found | _following(found, locations, known)


def _schedule(row: TimeRow, known: Stored) -> Json:
    schedule, _ = known.times.get(row.of) or known.house.get(row.of) or (None, "")
    return schedule if row == known.time(row.of) else time_rows.written(row, schedule)


def _link(session: Session, row: PlaceRow, known: Stored) -> tuple[Json, Fields]:
    """A place's link without its times, and its location."""
    link = known.links.get(row.of)
    if link is None:
        location = place_rows.written(row, None, {})
        return {"hsds_id": new_id(), "location_id": own_places.add(session, location)}, location
    kept = {name: value for name, value in link.items() if name != "schedules"}
    before, location = known.place(row.of), known.location(link)
    if row != before:
        location = place_rows.written(row, before, location)
        kept["location_id"] = own_places.add(session, location)
    return kept, location


def _following(found: Fields, locations: list[Fields], known: Stored) -> Fields:
    """What searches filter by, where it followed from times and places before."""
    old_locations = [known.location(link) for link in known.links.values()]
    old = {
        "times": derive.times(_all_times(known.fields, old_locations)),
        "formats": derive.formats(old_locations),
    }
    new = {
        "times": derive.times(_all_times(found, locations)),
        "formats": derive.formats(locations),
    }
    return {
        name: value
        for name, value in new.items()
        if same(known.fields[name], old[name]) and not same(value, old[name])
    }


def _all_times(fields: Fields, locations: list[Fields]) -> list[Json]:
    nested = [*fields[PLACES], *locations]
    return [*fields["schedules"], *(each for one in nested for each in one.get("schedules", ()))]
