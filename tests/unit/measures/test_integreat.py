"""Integreat's answers become guides and offers, in all their languages, as plain text."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures.importers import integreat
from bot.measures.importers.chat_text import chat_text
from bot.measures.importers.records import Rejected
from bot.measures.importers.store import ImportReport, store
from bot.measures.models import Measure
from tests.support.measures import NOW


def page(language: str = "de", **changes: Any) -> dict[str, Any]:
    titles = {"de": "Wohngeld", "en": "Housing benefit", "ar": "إعانة السكن"}
    numbers = {"de": 7, "en": 8, "ar": 9}
    paths = {
        code: f"/musterkreis/{code}/{'wohnen/wohngeld' if code == 'de' else 'x'}/"
        for code in numbers
    }
    return {
        "id": numbers[language],
        "url": f"https://admin.integreat-app.de{paths[language]}",
        "path": paths[language],
        "title": titles[language],
        "last_updated": "2026-01-22T13:52:13.616+01:00",
        "content": "<p>Sie können <b>Wohngeld</b> bekommen.</p><ul><li>Antrag</li></ul>",
        "available_languages": {
            code: {"id": number, "path": paths[code]}
            for code, number in numbers.items()
            if code != language
        },
        "organization": {"id": 1, "name": "Wohngeldstelle"},
        **changes,
    }


def location(**changes: Any) -> dict[str, Any]:
    open_day = {
        "timeSlots": [{"start": "10:00", "end": "13:00"}, {"start": "15:00", "end": "18:00"}]
    }
    closed = {"closed": True, "timeSlots": []}
    return {
        "id": 2,
        "url": "https://integreat.app/musterkreis/de/locations/amt/",
        "path": "/musterkreis/de/locations/amt/",
        "title": "Amt",
        "last_updated": "2026-01-22T13:52:13+01:00",
        "content": "<p>Beratung</p>",
        "contacts": [{"name": "Frau W.", "phone_number": "0711 1", "email": "a@example.org"}],
        "available_languages": {},
        "temporarily_closed": False,
        "opening_hours": [
            *(
                open_day,
                open_day,
                closed,
                {"appointmentOnly": True},
                {"allDay": True},
                closed,
                closed,
            )
        ],
        "location": {
            **{"name": "Amt", "address": "Ring 2", "town": "Musterstadt", "postcode": "70000"},
            **{"latitude": 48.37, "longitude": 10.88},
        },
        "barrier_free": True,
        **changes,
    }


def event(day: str = "2030-01-01", **changes: Any) -> dict[str, Any]:
    return {
        "id": 2,
        "url": f"https://integreat.app/musterkreis/de/events/cafe${day}/",
        "path": f"/musterkreis/de/events/cafe${day}/",
        "title": "Sprachcafé",
        "last_updated": "2026-01-22T13:46:33+01:00",
        "content": "<p>Deutsch sprechen</p>",
        "available_languages": {},
        "location": {"id": None, "address": None, "town": None},
        "meeting_url": None,
        "event": {
            "start": f"{day}T13:00:00+01:00",
            "end": f"{day}T15:00:00+01:00",
            "all_day": False,
        },
        "recurrence_rule": (
            "DTSTART:20300101T120000\nRRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20310101T235959;BYDAY=TU,TH"
        ),
        **changes,
    }


def load(database: Database, *entries: dict[str, Any]) -> ImportReport:
    content = io.BytesIO(json.dumps(entries).encode())
    with database.transaction() as session:
        return store(session, integreat.records(content), source="import:integreat", now=NOW)


def only(database: Database) -> Measure:
    with database.reading() as session:
        measure = session.scalars(select(Measure)).one()
        # Loaded while the session is open.
        for each in (*measure.places, *measure.schedules):
            assert each.id
        return measure


def test_a_page_becomes_a_guide(database: Database) -> None:
    assert load(database, page()).added == 1
    guide = only(database)
    assert (guide.kind, guide.status, guide.source_date) == ("guide", "published", "2026-01-22")
    assert guide.source_url == "https://integreat.app/musterkreis/de/wohnen/wohngeld/"
    assert [entry.topic for entry in guide.topics] == ["housing"]
    assert guide.organization is not None
    assert guide.organization.name == "Wohngeldstelle"
    german = guide.text("de")
    assert german is not None
    assert (german.title, german.state) == ("Wohngeld", "original")
    assert german.description == "Sie können Wohngeld bekommen.\n• Antrag"


@pytest.mark.parametrize("order", [("de", "en", "ar"), ("ar", "en", "de")])
def test_the_languages_of_a_page_come_together_in_any_order(
    sqlite: Database, order: tuple[str, ...]
) -> None:
    for language in order:
        load(sqlite, page(language))
    guide = only(sqlite)
    assert {text.language: text.title for text in guide.texts} == {
        "de": "Wohngeld",
        "en": "Housing benefit",
        "ar": "إعانة السكن",
    }
    assert {text.language: text.state for text in guide.texts} == {
        "de": "original",
        "en": "draft",
        "ar": "draft",
    }
    assert guide.source_url
    for language in order:
        assert load(sqlite, page(language)).unchanged == 1


def test_a_location_becomes_an_offer_with_hours_and_place(database: Database) -> None:
    load(database, location())
    offer = only(database)
    assert (offer.kind, offer.address, offer.postal_code) == ("offer", "Ring 2", "70000")
    assert (offer.phone, offer.email, offer.formats) == ("0711 1", "a@example.org", ["in_person"])
    assert [(s.byday, str(s.opens_at), str(s.closes_at)) for s in offer.schedules] == [
        ("MO,TU", "10:00:00", "13:00:00"),
        ("MO,TU", "15:00:00", "18:00:00"),
        ("FR", "00:00:00", "00:00:00"),
    ]
    [place] = offer.places
    assert (place.location.latitude, place.location.longitude) == (48.37, 10.88)
    assert load(database, location()).unchanged == 1


def test_a_location_of_an_older_answer_has_its_contact_on_top(sqlite: Database) -> None:
    older = location(email="b@example.org", phone_number="0711 2", website="https://example.org")
    del older["contacts"]
    load(sqlite, older)
    offer = only(sqlite)
    assert (offer.phone, offer.email, offer.website) == (
        "0711 2",
        "b@example.org",
        "https://example.org",
    )


def test_a_location_closed_for_a_while_is_a_draft(sqlite: Database) -> None:
    load(sqlite, location(temporarily_closed=True))
    assert only(sqlite).status == "draft"


def test_an_event_listed_for_each_day_is_one_offer_with_its_rule(database: Database) -> None:
    report = load(database, event("2030-01-01"), event("2030-01-03"))
    assert report.added == 1
    [schedule] = only(database).schedules
    assert (schedule.freq, schedule.interval, schedule.byday) == ("WEEKLY", 2, "TU,TH")
    assert (str(schedule.dtstart), str(schedule.until)) == ("2030-01-01", "2031-01-01")
    assert (str(schedule.opens_at), str(schedule.closes_at)) == ("13:00:00", "15:00:00")


def test_a_page_without_text_of_its_own_is_left_out(sqlite: Database) -> None:
    assert load(sqlite, page(), page(id=99, content="", available_languages={})).added == 1


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (page(title=None), "entry 1, title: is missing"),
        (page(title=["a"]), "entry 1, title: is not text"),
        (page(path="/"), "entry 1, path: '/' names no region and language"),
        (page(id="7"), "entry 1, id: is not a number"),
        (location(opening_hours=[]), "entry 1, opening_hours: does not hold seven days"),
        (
            location(opening_hours=[{"timeSlots": [{"start": "25:00", "end": "1"}]}] * 7),
            "entry 1, opening_hours: '25:00' is not a time of day",
        ),
        (
            event(recurrence_rule="RRULE:FREQ=SOMETIMES"),
            "entry 1, recurrence_rule: is not understood",
        ),
        (event(event={"start": "soon"}), "entry 1, event, start: is not a moment"),
    ],
)
def test_a_bad_entry_is_named(sqlite: Database, entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(ImportRejectedError) as rejected:
        load(sqlite, entry)
    assert rejected.value.problems == [problem]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    entry=st.sampled_from([page(), location(), event()]),
    name=st.sampled_from(sorted({*page(), *location(), *event()})),
    value=JSON,
)
def test_any_value_in_any_field_is_taken_or_named(
    entry: dict[str, Any], name: str, value: Any
) -> None:
    content = io.BytesIO(json.dumps([{**entry, name: value}]).encode())
    for record in integreat.records(content):
        if isinstance(record, Rejected):
            assert record.problems[0].startswith("entry 1")


# HTML


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("One<br>Two", "One\nTwo"),
        ("<h2>Head</h2><ul><li>a</li><li>b <b>c</b></li></ul>", "Head\n• a\n• b c"),
        ('<a href="https://example.org/x">Form</a>', "Form (https://example.org/x)"),
        ('<a href="https://example.org">https://example.org</a>', "https://example.org"),
        ('<a href="mailto:a@example.org">Mail</a>', "Mail (a@example.org)"),
        ('<a href="javascript:alert(1)">Click</a>', "Click"),
        ('<img src="x" onerror="alert(1)">Text', "Text"),
        ("<script>alert(1)</script><style>p{}</style>Text", "Text"),
        ("<svg><script>alert(1)</script></svg>Text", "Text"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("&#252;ber &amp; mehr", "über & mehr"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("", ""),
    ],
)
def test_pages_become_lines(html: str, text: str) -> None:
    assert chat_text(html) == text


@given(st.text(alphabet="<>/a=\"' \n&;#x0!-[]script", max_size=300))
def test_no_html_breaks_the_reader(html: str) -> None:
    assert "\n\n" not in chat_text(html)


def test_deep_and_endless_html_ends() -> None:
    assert chat_text("<div>" * 50_000 + "Text") == "Text"
    assert len(chat_text("<p>" + "x" * 5_000_000)) <= 1_000_000
