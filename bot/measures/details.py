"""An offer with all its facts: where it is on the map, when it is open, what to bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from bot.i18n.texts import Texts
from bot.measures.models import Measure
from bot.measures.opening import HolidayCalendar, is_open, schedules_of
from bot.measures.places import Location, Schedule
from bot.measures.presentation import STALE_AFTER, card
from bot.messages import Card, CardLine

MAP = "https://www.openstreetmap.org"
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def details_card(
    measure: Measure,
    texts: Texts,
    *,
    now: datetime,
    calendar: HolidayCalendar,
    stale_after: timedelta = STALE_AFTER,
) -> Card:
    """The card of an offer with everything known about it, as of ``now``.

    What the row does not know is left out; whether it is open is said only where the schedules
    leave no doubt.
    """
    offer = card(measure, texts, today=now.date(), short=False, stale_after=stale_after)
    schedules = schedules_of(measure)
    hours = opening_hours(schedules, texts)
    lines = [
        # Hours as rows are shown in the reader's format; the source's own words only without.
        line
        for line in offer.lines
        if not (hours and line.label == texts.gettext("Opening hours"))
    ]
    notes = [line for line in lines if line.kind == "note"]
    facts = [line for line in lines if line.kind != "note"]
    if hours:
        facts.append(CardLine(label=texts.gettext("Opening hours"), value=hours))
    if open_now := _open_now(schedules, texts, now=now, calendar=calendar):
        facts.append(CardLine(label="", value=open_now))
    if documents := [one.document for one in measure.required_documents if one.document]:
        value = texts.enumeration(documents)
        facts.append(CardLine(label=texts.gettext("Please bring"), value=value))
    if link := map_link(measure):
        facts.append(CardLine(label=texts.gettext("Map"), value=link, kind="url"))
    return replace(offer, lines=(*facts, *notes))


def map_link(measure: Measure) -> str:
    """A map with the offer's first place, by its position or else by its address; or nothing."""
    places: Iterable[Location] = (place.location for place in measure.places)
    for place in places:
        if place.latitude is not None and place.longitude is not None:
            at = {"mlat": f"{place.latitude:.6f}", "mlon": f"{place.longitude:.6f}"}
            return f"{MAP}/?{urlencode(at)}#map=17/{at['mlat']}/{at['mlon']}"
    if measure.address and measure.city:
        # A source may name several places; a map finds one.
        address = measure.address.split(";")[0]
        words = f"{address}, {measure.postal_code} {measure.city}"
        return f"{MAP}/search?{urlencode({'query': words})}"
    return ""


def opening_hours(schedules: Iterable[Schedule], texts: Texts) -> str:
    """Weekly hours in the reader's words and format: "Mon, Tue 9:00-12:00; Thu 14:00-18:00".

    Empty when no schedule names days of the week with hours.
    """
    days: dict[tuple[time, time], set[int]] = {}
    for schedule in schedules:
        named = [part.strip().upper() for part in schedule.byday.split(",") if part.strip()]
        weekly = schedule.freq.upper() == "WEEKLY" and (schedule.interval or 1) == 1
        if not weekly or schedule.opens_at is None or schedule.closes_at is None:
            continue
        hours = (schedule.opens_at, schedule.closes_at)
        days.setdefault(hours, set()).update(
            WEEKDAYS.index(day) for day in named if day in WEEKDAYS
        )
    rows = sorted((sorted(found), hours) for hours, found in days.items() if found)
    return "; ".join(
        f"{', '.join(texts.weekday(day) for day in found)} {texts.hours(*hours)}"
        for found, hours in rows
    )


def _open_now(
    schedules: Iterable[Schedule], texts: Texts, *, now: datetime, calendar: HolidayCalendar
) -> str:
    verdict = is_open(schedules, now, calendar)
    if verdict is None:
        return ""
    return texts.gettext("Open now") if verdict else texts.gettext("Closed now")
