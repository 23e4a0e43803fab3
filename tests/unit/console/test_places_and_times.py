"""Editing where and when: what is written, refused, told, taken back, kept from imports."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.counsellors.models import Role
from bot.db.session import Database
from bot.measures import editing
from bot.measures.exporters import ical
from bot.measures.hsds import render
from bot.measures.models import Measure
from bot.measures.opening import is_open, schedules_of, stuttgart_calendar
from bot.measures.search.entries import catch_up
from bot.measures.search.models import SearchEntry
from tests.conftest import Clock
from tests.support.console import Browser, Console, console_services, new_account, new_organization
from tests.support.hsds import example, load, problems
from tests.support.measures import new_measure

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EVERY_FIELD = "ac148810-d857-441c-9679-408f346de14b"
ADDRESS = {"address_1": "Ring 1", "city": "Stuttgart", "postal_code": "70173", "country": "DE"}


@pytest.fixture
def pages(database: Database, clock: Clock) -> Console:
    return Console(console_services(database, clock))


@pytest.fixture
async def editor(pages: Console, database: Database, clock: Clock) -> Browser:
    return await pages.signed_in(new_account(database, clock, Role.EDITOR))


def document(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A service on Mondays, in a house that it shares with others."""
    house = {
        "id": "00000000-0000-4000-8000-0000000000aa",
        "location_type": "physical",
        "name": "House",
        "latitude": 48.7758,
        "longitude": 9.1829,
        "transportation": "Tram 4",
        "accessibility": [{"id": "00000000-0000-4000-8000-0000000000ab", "description": "Lift"}],
        "addresses": [
            {
                "id": "00000000-0000-4000-8000-0000000000ac",
                "state_province": "BW",
                "region": "Mitte",
                "address_type": "physical",
                **ADDRESS,
            }
        ],
    }
    schedule = {
        "id": f"00000000-0000-4000-8000-00000000010{number}",
        "freq": "WEEKLY",
        "byday": "MO",
        "opens_at": "09:00:00+01:00",
        "closes_at": "12:00:00",
        "description": "Mondays",
        "attending_type": "in person",
    }
    service = {
        "id": f"00000000-0000-4000-8000-00000000000{number}",
        "name": f"Course {number}",
        "status": "active",
        "url": "https://example.org/",
        "schedules": [schedule],
        "service_at_locations": [
            {
                "id": f"00000000-0000-4000-8000-00000000020{number}",
                "description": "Second floor",
                "location": house,
            }
        ],
    }
    return {**service, **changes}


@pytest.fixture
def course(database: Database) -> str:
    load(database, [document(1), document(2)])
    return document(1)["id"]  # type: ignore[no-any-return]


def path(key: str) -> str:
    return f"/console/measures/{key}/places-and-times"


def form_in(page: str) -> dict[str, Any]:
    """What a browser would send of the form, without its buttons."""
    start = page.index('id="rows"')
    body = page[start : page.index("</form>", start)]
    values: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        value = html.unescape(found.get("value", ""))
        if found["type"] != "checkbox":
            values[found["name"]] = value
        elif " checked" in tag:
            values.setdefault(found["name"], []).append(value)
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        values[name] = html.unescape((chosen or first)[1]) if first else ""  # type: ignore[index]
    for name, text in re.findall(
        r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL
    ):
        values[name] = html.unescape(text).replace("\n", "\r\n")
    return values


async def opened(browser: Browser, key: str) -> dict[str, Any]:
    page = await browser.get(path(key))
    assert page.status_code == 200, page.text
    return form_in(page.text)


async def pressed(browser: Browser, key: str, form: dict[str, Any], button: str) -> dict[str, Any]:
    answer = await browser.post(path(key), data={**form, "do": button})
    assert answer.status_code == 200, answer.text
    return form_in(answer.text)


async def saved(browser: Browser, key: str, form: dict[str, Any]) -> None:
    answer = await browser.post(path(key), data=form)
    assert answer.status_code == 303, answer.text


def fields(database: Database, key: str) -> editing.Fields:
    with database.reading() as session:
        return editing.fields_of(session, key)


def is_open_at(database: Database, key: str, moment: datetime) -> bool | None:
    with database.reading() as session:
        schedules = schedules_of(session.get_one(Measure, key))
        return is_open(schedules, moment, stuttgart_calendar())


def exported(database: Database, key: str) -> dict[str, Any]:
    with database.reading() as session:
        [service] = render.services(session, [key])
    assert problems("service", service) == []
    return service


@pytest.mark.parametrize("key", [document()["id"], EVERY_FIELD])
async def test_a_form_sent_as_it_stands_changes_nothing(
    editor: Browser, database: Database, course: str, key: str
) -> None:
    load(database, example("service_full"))
    before = fields(database, key)
    await saved(editor, key, await opened(editor, key))
    assert fields(database, key) == before
    with database.reading() as session:
        assert session.get_one(Measure, key).revision == 1


async def test_imported_hours_are_changed_and_the_rest_of_them_stays(
    editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    assert is_open_at(database, course, MONDAY) is True
    form = await opened(editor, course)
    assert (form["times.0.opens"], form["times.0.days"]) == ("09:00", ["MO"])
    clock.advance(60)
    await saved(editor, course, {**form, "times.0.opens": "13:00", "times.0.closes": "16:30"})
    assert is_open_at(database, course, MONDAY) is False
    assert is_open_at(database, course, MONDAY + timedelta(hours=4)) is True
    [schedule] = exported(database, course)["schedules"]
    assert schedule["opens_at"] == "13:00:00", "what the source wrote of it is gone"
    assert (schedule["description"], schedule["attending_type"]) == ("Mondays", "in person")
    assert schedule["id"] == document()["schedules"][0]["id"]
    with database.reading() as session:
        assert session.get_one(Measure, course).hand_written == ["schedules", "times"]
    assert fields(database, course)["times"] == ["afternoon"], "they followed the hours before"


async def test_every_kind_of_times_is_added_and_shown_again(
    editor: Browser, database: Database
) -> None:
    with database.transaction() as session:
        key = new_measure(session, title="Kurs").id
    form = await opened(editor, key)
    rows: list[dict[str, Any]] = [
        {"repeat": "weekly", "days": ["MO", "WE"], "opens": "09:00", "closes": "12:00"},
        {"repeat": "fortnightly", "days": ["TU"], "first": "2026-11-24", "last": "2027-03-30"},
        {"repeat": "monthly", "days": ["SA"], "which": "-1", "opens": "20:00", "closes": "00:00"},
        {"repeat": "once", "first": "2026-12-05", "opens": "22:00", "closes": "02:00"},
        {"repeat": "", "note": "By appointment"},
    ]
    rows[0] |= {"closed": "24.12.2026, 27.12.2026-06.01.2027", "public_holidays": "no"}
    rows[0] |= {"school_holidays": "no", "note": "Ring\r\ntwice"}
    rows[3]["overnight"] = ["yes"]
    for number, row in enumerate(rows):
        form = await pressed(editor, key, form, "add-times")
        form |= {f"times.{number}.{name}": value for name, value in row.items()}
    await saved(editor, key, form)
    again = await opened(editor, key)
    for number, row in enumerate(rows):
        for name, value in row.items():
            assert again[f"times.{number}.{name}"] == value, (number, name)
    weekly, fortnightly, monthly, once, _ = fields(database, key)["schedules"]
    assert weekly["except_dates"][0] == "2026-12-24"
    assert len(weekly["except_dates"]) == 12
    assert (fortnightly["interval"], fortnightly["dtstart"]) == (2, "2026-11-24")
    assert (monthly["freq"], monthly["byday"]) == ("MONTHLY", "-1SA")
    assert "freq" not in once
    assert is_open_at(database, key, datetime(2026, 12, 6, 0, 30, tzinfo=UTC)) is True
    exported(database, key)
    with database.reading() as session:
        calendar = ical.of_measure(session, key, now=MONDAY).decode()
    assert calendar.count("BEGIN:VEVENT") == 2
    assert "INTERVAL=2" in calendar
    await saved(editor, key, again)
    assert len(fields(database, key)["schedules"]) == len(rows)


async def test_an_imported_rule_without_fields_is_kept_until_it_is_replaced(
    editor: Browser, database: Database
) -> None:
    load(database, example("service_full"))
    form = await opened(editor, EVERY_FIELD)
    assert form["times.0.repeat"] == "other"
    before = fields(database, EVERY_FIELD)["schedules"][0]
    await saved(editor, EVERY_FIELD, {**form, "times.0.note": "Closed for now"})
    assert fields(database, EVERY_FIELD)["schedules"] == [{**before, "notes": "Closed for now"}]
    form = await opened(editor, EVERY_FIELD)
    form |= {"times.0.repeat": "weekly", "times.0.days": ["FR"], "times.0.count": ""}
    await saved(editor, EVERY_FIELD, form)
    [schedule] = fields(database, EVERY_FIELD)["schedules"]
    assert schedule["byday"] == "FR"
    assert not schedule.keys() & {"bymonthday", "byyearday", "byweekno", "count"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"times.0.days": []}, "at least one day of the week"),
        ({"times.0.closes": "08:00"}, "The end is before the beginning"),
        ({"times.0.closes": ""}, "Write both times, or none"),
        ({"times.0.opens": "noon"}, "not a time of day"),
        ({"times.0.first": "2026-02-30"}, "not a day"),
        ({"times.0.first": "2026-02-03", "times.0.last": "2026-02-01"}, "before the first one"),
        ({"times.0.repeat": "once"}, "A single date needs its day"),
        ({"times.0.repeat": "fortnightly"}, "counts from a first day"),
        ({"times.0.closed": "Christmas"}, "Write days with commas"),
        ({"times.0.closed": "01.01.2026-01.01.2029"}, "Write days with commas"),
        ({"times.0.count": "many"}, "not a number of dates"),
        ({"times.0.at": "gone"}, "Its place was removed"),
        ({"places.0.postal_code": "7017"}, "five digits"),
        ({"places.0.latitude": "91"}, "not a position"),
        ({"places.0.longitude": ""}, "needs both numbers"),
        ({"places.0.latitude": "9.18", "places.0.longitude": "48.77"}, "seem to be swapped"),
        ({"places.0.street": "Ring 2"}, "Mend the position too"),
        ({"places.0.url": "javascript:alert(1)"}, "not a web address"),
        ({"places.0.city": "x" * 121}, "too long"),
        ({"places.0.kind": "virtual", "places.0.name": ""}, "needs a name or a web address"),
    ],
)
async def test_what_is_wrong_is_marked_and_what_was_written_stays(
    editor: Browser, database: Database, course: str, change: dict[str, Any], problem: str
) -> None:
    form = await opened(editor, course) | {"times.0.note": "written with care"} | change
    answer = await editor.post(path(course), data=form)
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert problem in text
    [name] = re.findall(r'aria-describedby="(wrong-[^"]+)"', text)[:1]
    assert f'id="{name}"' in text
    again = form_in(answer.text)
    for key, value in {**change, "times.0.note": "written with care"}.items():
        assert again.get(key, []) == value
    assert fields(database, course)["schedules"][0].get("notes") is None


async def test_a_changed_place_is_the_measures_own_and_others_keep_theirs(
    editor: Browser, database: Database, course: str
) -> None:
    other = document(2)["id"]
    before = fields(database, other)
    form = await opened(editor, course)
    form |= {
        "places.0.street": "Weg 7",
        "places.0.postal_code": "70469",
        "places.0.district": "Feuerbach",
        "places.0.latitude": "48.8093, 9.1566",
        "places.0.longitude": "",
    }
    await saved(editor, course, form)
    found = fields(database, course)
    assert (found["address"], found["district"], found["postal_code"]) == (
        *("Weg 7", "Feuerbach", "70469"),
    )
    assert fields(database, other) == before
    link = exported(database, course)["service_at_locations"][0]
    location, [address] = link["location"], link["location"]["addresses"]
    assert (link["description"], location["transportation"]) == ("Second floor", "Tram 4")
    assert (location["latitude"], location["longitude"]) == (48.8093, 9.1566)
    assert location["accessibility"][0]["description"] == "Lift"
    assert (address["address_1"], address["region"], address["state_province"]) == (
        *("Weg 7", "Feuerbach", "BW"),
    )
    old = exported(database, other)["service_at_locations"][0]["location"]
    assert old["addresses"][0]["address_1"] == "Ring 1"
    assert not {location["id"], address["id"]} & {old["id"], old["addresses"][0]["id"]}


async def test_places_are_added_and_removed_with_their_own_times(
    editor: Browser, database: Database, course: str
) -> None:
    form = await pressed(editor, course, await opened(editor, course), "add-places")
    assert form["places.1.city"] == "Stuttgart"
    form |= {"places.1.street": "Platz 3", "places.1.postal_code": "70174"}
    form = await pressed(editor, course, form, "add-times")
    form |= {
        "times.1.days": ["TU"],
        "times.1.opens": "18:00",
        "times.1.closes": "20:00",
        "times.1.at": form["places.1.key"],
    }
    await saved(editor, course, form)
    first, second = fields(database, course)["places"]
    assert [each["byday"] for each in second["schedules"]] == ["TU"]
    assert "schedules" not in first
    assert "evening" in fields(database, course)["times"]
    page = await editor.get(path(course))
    assert "Platz 3: Tue" in page.text
    form = await pressed(editor, course, form_in(page.text), "remove-places-1")
    answer = await editor.post(path(course), data=form)
    assert answer.status_code == 422, "times at a place that is removed are not dropped silently"
    form = form_in(answer.text) | {"times.1.at": ""}
    form = await pressed(editor, course, form, "remove-places-0")
    await saved(editor, course, form)
    found = fields(database, course)
    assert (found["places"], found["address"], found["city"]) == ([], "", "")
    assert [each["byday"] for each in found["schedules"]] == ["MO", "TU"]
    exported(database, course)


async def test_the_position_stays_when_the_editor_says_so(
    editor: Browser, database: Database, course: str
) -> None:
    form = await opened(editor, course) | {"places.0.street": "Ring 1 a"}
    answer = await editor.post(path(course), data=form)
    assert "still_right" in answer.text
    form = form_in(answer.text) | {"places.0.still_right": "yes"}
    await saved(editor, course, form)
    assert "48.7758" in (await opened(editor, course))["places.0.latitude"]


async def test_an_address_of_cards_alone_becomes_a_place_when_it_is_changed(
    editor: Browser, database: Database
) -> None:
    with database.transaction() as session:
        key = new_measure(session, title="Kurs", district="Wangen", city="Stuttgart").id
    form = await opened(editor, key)
    await saved(editor, key, form)
    assert fields(database, key)["places"] == []
    await saved(editor, key, {**form, "places.0.street": "Ring 1"})
    found = fields(database, key)
    assert (len(found["places"]), found["address"], found["district"]) == (1, "Ring 1", "Wangen")


async def test_hours_of_the_house_are_taken_over(editor: Browser, database: Database) -> None:
    shared = document(1, schedules=[])
    shared["service_at_locations"][0]["location"]["schedules"] = document(1)["schedules"]
    load(database, [shared])
    key = shared["id"]
    page = await editor.get(path(key))
    assert "those of the place count" in page.text
    form = await pressed(editor, key, form_in(page.text), "add-house")
    await saved(editor, key, {**form, "times.0.days": ["TH"]})
    [place] = fields(database, key)["places"]
    [schedule] = place["schedules"]
    assert (schedule["byday"], schedule["description"]) == ("TH", "Mondays")
    assert schedule["hsds_id"] != document(1)["schedules"][0]["id"]
    assert is_open_at(database, key, MONDAY) is False


async def test_history_tells_old_and_new_in_words_and_takes_back(
    editor: Browser, database: Database, course: str
) -> None:
    before = fields(database, course)
    form = await opened(editor, course)
    form |= {
        "times.0.days": ["TU"],
        "places.0.street": "Weg 7",
        "places.0.latitude": "",
        "places.0.longitude": "",
    }
    await saved(editor, course, form)
    after = fields(database, course)
    page = await editor.get(f"/console/measures/{course}/history")
    text = html.unescape(page.text)
    assert re.search(r"<del>Mon, [^<]*</del>.*<ins>Tue, [^<]*</ins>", text, re.DOTALL)
    assert re.search(r"<del>House · Ring 1, [^<]*</del>.*<ins>House · Weg 7", text, re.DOTALL)
    for expected in (before, after):
        page = await editor.get(f"/console/measures/{course}/history")
        undo = re.findall(rf"/console/measures/{course}/undo/[0-9a-f-]+", page.text)[0]
        assert (await editor.submit(undo)).status_code == 303
        assert fields(database, course) == expected


async def test_of_two_editors_the_second_is_told_and_loses_nothing(
    pages: Console, editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    other = await pages.signed_in(
        new_account(database, clock, Role.EDITOR, email="second@example.org")
    )
    mine, theirs = await opened(editor, course), await opened(other, course)
    await saved(other, course, {**theirs, "times.0.closes": "11:00"})
    answer = await editor.post(
        path(course), data={**mine, "times.0.days": ["FR"], "places.0.name": "Mine"}
    )
    assert answer.status_code == 409
    assert "11:00" in answer.text, "the colleague's version is told"
    assert fields(database, course)["schedules"][0]["closes_at"] == "11:00:00"
    again = form_in(answer.text)
    assert (again["times.0.days"], again["places.0.name"]) == (["FR"], "Mine")
    await saved(editor, course, again)
    [schedule] = fields(database, course)["schedules"]
    assert (schedule["byday"], schedule["closes_at"]) == ("FR", "12:00:00")


async def test_an_import_keeps_what_was_written_by_hand_unless_it_is_forced(
    editor: Browser, database: Database, course: str
) -> None:
    form = await opened(editor, course)
    form |= {"times.0.days": ["TU"], "places.0.street": "Weg 7", "places.0.still_right": "yes"}
    await saved(editor, course, form)
    by_hand = exported(database, course)
    changed = document(1)
    changed["schedules"][0]["byday"] = "SU"
    changed["service_at_locations"][0]["location"]["name"] = "Palace"
    load(database, [changed])
    kept = exported(database, course)
    assert kept["schedules"][0]["byday"] == "TU"
    assert kept["service_at_locations"][0]["location"]["name"] == "House"
    assert fields(database, course)["address"] == "Weg 7"
    # A neighbour that was given our export, and changed it, gives it back.
    returned = {**by_hand, "service_at_locations": [dict(by_hand["service_at_locations"][0])]}
    location = {**returned["service_at_locations"][0]["location"], "name": "Castle"}
    returned["service_at_locations"][0]["location"] = location
    load(database, [returned])
    assert exported(database, course)["service_at_locations"][0]["location"]["name"] == "House"
    load(database, [changed], force=True)
    forced = exported(database, course)
    assert forced["schedules"][0]["byday"] == "SU"
    assert forced["service_at_locations"][0]["location"]["name"] == "Palace"
    load(database, [returned], force=True)
    assert exported(database, course)["service_at_locations"][0]["location"]["name"] == "Castle"


async def test_searches_find_the_new_times_and_places(
    editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    with database.transaction() as session:
        catch_up(session, limit=10)
    clock.advance(60)
    form = await opened(editor, course)
    form |= {"times.0.days": ["TH"], "places.0.district": "Feuerbach"}
    form |= {"places.0.latitude": "48.8093", "places.0.longitude": "9.1566"}
    await saved(editor, course, form)
    with database.transaction() as session:
        catch_up(session, limit=10)
    with database.reading() as session:
        entry = session.query(SearchEntry).filter_by(measure_id=course).one()
        terms = entry.terms.split()
        assert {"day_th", "district_feuerbach", "open_th_9"} <= set(terms)
        assert not {"day_mo", "district_mitte"} & set(terms)
        assert entry.positions == [[48.8093, 9.1566]]


async def test_a_partner_changes_own_rows_only_and_nobody_elses_places(
    pages: Console, database: Database, clock: Clock, course: str
) -> None:
    own_organization = new_organization(database, "Partner")
    partner = await pages.signed_in(
        new_account(database, clock, Role.PARTNER, organization_id=own_organization)
    )
    form = await opened_as_own(database, partner, course, own_organization)
    assert (await partner.get(path(document(2)["id"]))).status_code == 404
    answer = await partner.submit(path(document(2)["id"]), form)
    assert answer.status_code == 404
    foreign = {**form, "places.0.of": document(2)["service_at_locations"][0]["id"]}
    await saved(partner, course, {**foreign, "places.0.name": "Taken"})
    assert fields(database, document(2)["id"])["places"][0]["hsds_id"] == foreign["places.0.of"]
    assert fields(database, course)["places"][0]["hsds_id"] != foreign["places.0.of"]
    name = exported(database, document(2)["id"])["service_at_locations"][0]["location"]["name"]
    assert name == "House"


async def opened_as_own(
    database: Database, browser: Browser, key: str, organization: str
) -> dict[str, Any]:
    with database.transaction() as session:
        session.get_one(Measure, key).organization_id = organization
    return await opened(browser, key)


async def test_long_lists_and_hostile_forms_are_answered(
    editor: Browser, database: Database, course: str
) -> None:
    form = await opened(editor, course)
    many = {
        f"times.{number}.{name}": value
        for number in range(1, 150)
        for name, value in {"of": "", "repeat": "once", "first": "2026-12-05", "at": ""}.items()
    }
    many |= {f"times.{number}.note": f"{number}" for number in range(1, 150)}
    many |= {f"times.{number}.{name}": "" for number in range(1, 150) for name in ("a", "b", "c")}
    await saved(editor, course, {**form, **many})
    assert len(fields(database, course)["schedules"]) == 150
    for hostile in (
        {"do": "remove-times-99999"},
        {"do": "explode"},
        {"revision": "x"},
        {"times.0.repeat": "other"},
        {"times.0.repeat": "<b>never</b>"},
        {"places.0.kind": "castle", "places.0.key": ""},
        {"times.0.count": "9" * 40, "times.0.which": "9", "times.0.note": "<script>\x00"},
    ):
        form = await opened(editor, course)
        answer = await editor.post(path(course), data={**form, **hostile})
        assert answer.status_code in (200, 303, 409, 422), hostile
        assert "<script>\x00" not in answer.text
