"""Times and places in words, for summaries, for who comes second, and for the history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, time

from sqlalchemy.orm import Session

from bot.console.measures import place_rows, time_rows
from bot.console.measures.place_rows import PlaceRow
from bot.console.measures.rows_together import Rows, Stored
from bot.console.measures.time_rows import MONTHLY, ONCE, OTHER, WEEKLY, WHICH, TimeRow
from bot.i18n.texts import Texts, source_text
from bot.measures import own_places
from bot.measures.fields import Json
from bot.measures.hsds.derive import DAYS
from bot.measures.models import Change

FIELD_NAMES = {"schedules": source_text("Times"), "places": source_text("Places")}


def time_words(row: TimeRow, texts: Texts, stored: Json | None = None) -> str:
    """A row of times as one line; ``stored`` tells the rule that the form has no fields for."""
    parts = [_days(row, texts, stored), _hours(row, texts)]
    if row.first and row.repeat != ONCE:
        parts.append(texts.gettext("from {day}", day=_day(row.first, texts)))
    if row.last:
        parts.append(texts.gettext("until {day}", day=_day(row.last, texts)))
    if row.closed:
        parts.append(texts.gettext("not on {days}", days=row.closed))
    parts.append(
        {
            "yes": texts.gettext("also on public holidays"),
            "no": texts.gettext("not on public holidays"),
        }.get(row.public_holidays, "")
    )
    if row.school_holidays == "no":
        parts.append(texts.gettext("not in school holidays"))
    return ", ".join(part for part in (*parts, row.note) if part)


def _days(row: TimeRow, texts: Texts, stored: Json | None) -> str:
    if row.repeat == ONCE:
        return _day(row.first, texts)
    if row.repeat == OTHER:
        return time_rows.rule_text(stored or {})
    days = ", ".join(texts.weekday(DAYS.index(code)) for code in row.days)
    if row.repeat == MONTHLY and row.which in WHICH:
        which = texts.gettext(WHICH[row.which])
        return texts.gettext("every month on {which} {days}", which=which, days=days)
    if row.repeat == WEEKLY or row.repeat not in time_rows.REPEATS:
        return days
    repeat = texts.gettext(time_rows.REPEATS[row.repeat])
    return f"{repeat}: {days}" if days else repeat


def _hours(row: TimeRow, texts: Texts) -> str:
    try:
        return texts.hours(time.fromisoformat(row.opens), time.fromisoformat(row.closes))
    except ValueError:
        return "–".join(part for part in (row.opens, row.closes) if part)


def _day(written: str, texts: Texts) -> str:
    try:
        return texts.date(date.fromisoformat(written))
    except ValueError:
        return written


def place_words(row: PlaceRow, texts: Texts) -> str:
    """A place as one line."""
    kind = "" if row.kind == place_rows.PHYSICAL else texts.gettext(place_rows.KINDS[row.kind])
    name = "" if row.name == row.street else row.name
    district = f"({row.district})" if row.district else ""
    address = " ".join(part for part in (row.address, district) if part)
    parts = (name, address, row.position, row.url, row.way, kind)
    return " · ".join(part for part in parts if part)


def in_words(rows: Rows, texts: Texts, known: Stored) -> tuple[list[str], list[str]]:
    """All times and all places, one line each."""
    names = place_rows.names(rows.places)
    times = []
    for row in rows.times:
        stored, _ = known.times.get(row.of) or known.house.get(row.of) or (None, "")
        words = time_words(row, texts, stored)
        times.append(f"{names[row.at]}: {words}" if row.at in names else words)
    return times, [place_words(row, texts) for row in rows.places]


def history(
    session: Session, changes: Sequence[Change], texts: Texts
) -> dict[int, tuple[list[str], list[str]]]:
    """Changed times and places in words, by the number of the change: before and after."""
    parsed = {
        change.id: (_rows(change.previous_value), _rows(change.replacement_value))
        for change in changes
        if change.field_name in FIELD_NAMES
    }
    locations = own_places.read(
        session,
        [
            link["location_id"]
            for values in parsed.values()
            for rows in values
            for link in rows
            if "location_id" in link
        ],
    )

    def words(row: Json) -> list[str]:
        if "location_id" not in row:
            return [time_words(time_rows.shown(row), texts, row)]
        place = place_words(place_rows.shown(row, locations.get(row["location_id"], {})), texts)
        times = [
            time_words(time_rows.shown(each), texts, each) for each in row.get("schedules", ())
        ]
        return [place, *(f"{place}: {each}" for each in times)]

    return {
        number: (
            [line for row in before for line in words(row)],
            [line for row in after for line in words(row)],
        )
        for number, (before, after) in parsed.items()
    }


def _rows(written: str) -> list[Json]:
    try:
        found = json.loads(written)
    except ValueError:
        return []
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict)]
