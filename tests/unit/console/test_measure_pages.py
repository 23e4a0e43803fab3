"""Editors' pages: what they show, save and refuse, and that partners see their own rows only."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlalchemy import select

from bot.counsellors.models import Role
from bot.db.session import Database
from bot.measures.hsds import render
from bot.measures.models import Correction, Measure
from bot.measures.taxonomies import SDGS
from tests.conftest import Clock
from tests.support.console import Browser, Console, console_services, new_account, new_organization
from tests.support.hsds import load
from tests.support.measures import new_measure


@pytest.fixture
def pages(database: Database, clock: Clock) -> Console:
    return Console(console_services(database, clock))


@pytest.fixture
async def editor(pages: Console, database: Database, clock: Clock) -> Browser:
    return await pages.signed_in(new_account(database, clock, Role.EDITOR))


@pytest.fixture
def course(database: Database) -> str:
    with database.transaction() as session:
        return new_measure(session, title="Deutschkurs", provider="AWO", phone="0711 1").id


def row(database: Database, key: str) -> Measure:
    with database.reading() as session:
        return session.get_one(Measure, key)


def form_in(page: str, action: str) -> dict[str, Any]:
    """What a browser would send of a form: its fields as they stand in the page."""
    start = page.index(f'method="post" action="{action}"')
    body = page[start : page.index("</form>", start)]
    values: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found.get("type") == "checkbox" and " checked" not in tag:
            continue
        value = html.unescape(found.get("value", ""))
        if found.get("type") == "checkbox":
            values.setdefault(found["name"], []).append(value)
        elif "name" in found:
            values[found["name"]] = value
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        values[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        values[name] = html.unescape(text)
    return values


async def facts_form(browser: Browser, key: str) -> dict[str, Any]:
    page = await browser.get(f"/console/measures/{key}")
    assert page.status_code == 200, page.text
    return form_in(page.text, f"/console/measures/{key}")


async def test_the_list_is_searched(editor: Browser, course: str) -> None:
    page = await editor.get("/console/measures?q=deutschkurs&topic=language_course")
    assert f'href="/console/measures/{course}"' in page.text
    assert "1 entry" in page.text
    assert "Nothing found" in (await editor.get("/console/measures?q=nothing+of+it")).text


async def test_a_form_sent_as_it_stands_changes_nothing(
    editor: Browser, database: Database, course: str
) -> None:
    form = await facts_form(editor, course)
    answer = await editor.post(f"/console/measures/{course}", data=form)
    assert answer.status_code == 303
    assert row(database, course).revision == 1


async def test_facts_are_saved_with_the_rows_behind_them(
    editor: Browser, database: Database, course: str
) -> None:
    form = await facts_form(editor, course)
    form |= {
        "phone": "0711 2; 0711 3",
        "levels": ["A1", "A2"],
        "documents": "Pass\nMeldebescheinigung",
        "languages": "de, UK",
        "minimum_age": "16",
        "age_of": "person",
    }
    assert (await editor.post(f"/console/measures/{course}", data=form)).status_code == 303
    with database.reading() as session:
        measure = session.get_one(Measure, course)
        assert (measure.levels, measure.languages) == (["A1", "A2"], ["de", "uk"])
        assert [phone.number for phone in measure.phones] == ["0711 2", "0711 3"]
        assert [each.document for each in measure.required_documents] == [
            "Pass",
            "Meldebescheinigung",
        ]
        assert {"phone", "levels", "required_documents"} <= set(measure.hand_written)


async def test_numbers_and_documents_that_stay_keep_what_the_source_says_of_them(
    editor: Browser, database: Database
) -> None:
    phones = [{"id": f"{number:032}", "number": f"0711 {number}"} for number in (1, 2)]
    papers = [{"id": f"{number:032}", "document": f"Paper {number}"} for number in (3, 4)]
    phones[0] |= {"extension": 7, "description": "Mornings"}  # type: ignore[dict-item]
    papers[1]["uri"] = "https://example.org/paper"
    service = {"id": f"{9:032}", "name": "Advice", "status": "active", "url": "https://a.example/"}
    load(database, {**service, "phones": phones, "required_documents": papers})
    with database.reading() as session:
        key = session.scalars(select(Measure.id)).one()
    form = await facts_form(editor, key)
    form |= {"topics": ["job"], "phone": "0711 3; 0711 1", "documents": "Paper 4\nPass"}
    assert (await editor.post(f"/console/measures/{key}", data=form)).status_code == 303
    with database.reading() as session:
        [found] = render.services(session, [key])
    assert [phone.get("extension") for phone in found["phones"]] == [None, 7]
    assert found["phones"][1]["description"] == "Mornings"
    assert found["required_documents"][0]["uri"] == "https://example.org/paper"


async def test_the_goals_a_measure_serves_are_chosen_and_exported(
    editor: Browser, database: Database, course: str
) -> None:
    form = await facts_form(editor, course)
    form["sdgs"] = ["4", "10", "17"]
    assert (await editor.post(f"/console/measures/{course}", data=form)).status_code == 303
    assert row(database, course).sdgs == ["4", "10"], "the city reports by six of the goals"
    assert (await facts_form(editor, course))["sdgs"] == ["4", "10"]
    with database.reading() as session:
        [service] = render.services(session, [course])
    terms = {attribute["taxonomy_term"]["id"] for attribute in service["attributes"]}
    assert {SDGS.term_id("4"), SDGS.term_id("10")} <= terms


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"source_url": ""}, "A web address is needed"),
        ({"source_url": "javascript:alert(1)"}, "not a web address"),
        ({"email": "nobody"}, "not an e-mail address"),
        ({"minimum_age": "-1"}, "not an age"),
        ({"minimum_age": "9", "maximum_age": "3"}, "below the youngest"),
        ({"assured_date": "2026-02-30"}, "not a day"),
        ({"assured_date": "2999-01-01"}, "still to come"),
        ({"source_date": "May"}, "Write 2026"),
        ({"languages": "German"}, "codes of two letters"),
        ({"topics": []}, "at least one topic"),
        ({"email": "a@example.org" + "7" * 200}, "too long"),
    ],
)
async def test_what_is_wrong_is_marked_and_what_was_written_stays(
    editor: Browser, database: Database, course: str, change: dict[str, Any], problem: str
) -> None:
    form = await facts_form(editor, course) | {"note": "written with care"} | change
    answer = await editor.post(f"/console/measures/{course}", data=form)
    assert answer.status_code == 422
    assert problem in html.unescape(answer.text)
    assert "written with care" in answer.text
    assert row(database, course).revision == 1


async def test_two_editors_at_once_the_second_is_told_and_loses_nothing(
    pages: Console, editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    other = await pages.signed_in(
        new_account(database, clock, Role.EDITOR, email="second@example.org")
    )
    mine, theirs = await facts_form(editor, course), await facts_form(other, course)
    await other.post(f"/console/measures/{course}", data={**theirs, "phone": "0711 theirs"})
    answer = await editor.post(f"/console/measures/{course}", data={**mine, "phone": "0711 mine"})
    assert answer.status_code == 409
    assert "A colleague saved this entry" in answer.text
    assert "A colleague wrote: 0711 theirs" in answer.text
    assert row(database, course).phone == "0711 theirs"
    again = form_in(answer.text, f"/console/measures/{course}")
    assert again["phone"] == "0711 mine"
    assert (await editor.post(f"/console/measures/{course}", data=again)).status_code == 303
    assert row(database, course).phone == "0711 mine"


async def test_texts_are_written_beside_the_original(
    editor: Browser, database: Database, course: str
) -> None:
    path = f"/console/measures/{course}/texts/ar"
    page = await editor.get(path)
    assert "Deutschkurs (de)" in page.text
    assert 'dir="rtl" lang="ar"' in page.text
    form = form_in(page.text, path) | {"title": "دورة ألمانية", "state": "reviewed"}
    assert (await editor.post(path, data=form)).status_code == 303
    text = row(database, course).text("ar")
    assert text is not None
    assert (text.title, text.state) == ("دورة ألمانية", "reviewed")
    assert "دورة ألمانية" in (await editor.get(f"/console/measures/{course}")).text
    assert (await editor.post(path, data=form | {"title": " "})).status_code == 422
    assert (await editor.get(f"/console/measures/{course}/texts/xx")).status_code == 404


async def test_checked_today_published_archived_and_taken_back(
    editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    await editor.submit(f"/console/measures/{course}/checked")
    assert row(database, course).assured_date == clock().date()
    await editor.submit(f"/console/measures/{course}/status", {"status": "archived"})
    assert row(database, course).status == "archived"
    page = await editor.get(f"/console/measures/{course}/history")
    undo = re.findall(rf"/console/measures/{course}/undo/[0-9a-f-]+", page.text)[0]
    assert (await editor.submit(undo)).status_code == 303
    assert row(database, course).status == "published"


async def test_a_new_entry_is_a_draft(editor: Browser, database: Database) -> None:
    answer = await editor.submit("/console/measures/new", {"title": "Neuer Kurs", "kind": "offer"})
    key = answer.headers["location"].split("?")[0].rsplit("/", 1)[1]
    measure = row(database, key)
    assert (measure.status, measure.text("de").title) == (  # type: ignore[union-attr]
        "draft",
        "Neuer Kurs",
    )
    answer = await editor.submit(f"/console/measures/{key}/status", {"status": "published"})
    assert answer.status_code == 409


async def test_hints_are_shown_and_closed(
    editor: Browser, database: Database, clock: Clock, course: str
) -> None:
    with database.transaction() as session:
        session.add(
            Correction(measure_id=course, text="<b>closed</b>", language="en", created_at=clock())
        )
    page = await editor.get("/console/measures/corrections")
    assert "&lt;b&gt;closed&lt;/b&gt;" in page.text
    [path] = set(re.findall(r"/console/measures/corrections/\d+", page.text))
    assert (await editor.submit(path, {"state": "done"})).status_code == 303
    assert "No open hints" in (await editor.get("/console/measures/corrections")).text
    assert (await editor.submit(path, {"state": "done"})).status_code == 409


async def test_what_is_stale_is_listed(editor: Browser, database: Database) -> None:
    with database.transaction() as session:
        new_measure(session, title="Never checked", assured_date=None, harm_if_stale=True)
    page = await editor.get("/console/measures/stale")
    assert "Never checked" in page.text
    assert "can do harm" in page.text


async def test_a_partner_sees_and_changes_own_rows_only(
    pages: Console, database: Database, clock: Clock, course: str
) -> None:
    own_organization = new_organization(database, "Partner")
    partner = await pages.signed_in(
        new_account(database, clock, Role.PARTNER, organization_id=own_organization)
    )
    with database.transaction() as session:
        own = new_measure(session, title="Own", organization_id=own_organization).id
        session.add(Correction(measure_id=course, text="secret", language="en", created_at=clock()))
    with database.reading() as session:
        hint = session.scalars(select(Correction.id)).one()
    assert "Deutschkurs" not in (await partner.get("/console/measures")).text
    assert "Own" in (await partner.get("/console/measures")).text
    assert "Deutschkurs" not in (await partner.get("/console/measures/stale")).text
    assert "secret" not in (await partner.get("/console/measures/corrections")).text
    for path in ("", "/texts/de", "/history"):
        assert (await partner.get(f"/console/measures/{course}{path}")).status_code == 404
    form = await facts_form(partner, own)
    for path, sent in (
        ("", form),
        ("/texts/de", {"title": "Mine", "revision": "1"}),
        ("/checked", {}),
        ("/status", {"status": "archived"}),
        ("/undo/x", {}),
    ):
        answer = await partner.submit(f"/console/measures/{course}{path}", sent)
        assert answer.status_code == 404, path
    answer = await partner.submit(f"/console/measures/corrections/{hint}", {"state": "done"})
    assert answer.status_code == 404
    untouched = row(database, course)
    assert (untouched.revision, untouched.status) == (1, "published")
    sent = {**form, "phone": "0711 9", "organization": "another"}
    assert (await partner.submit(f"/console/measures/{own}", sent)).status_code == 303
    assert (row(database, own).phone, row(database, own).organization_id) == (
        "0711 9",
        own_organization,
    )
    await partner.submit(f"/console/measures/{own}/status", {"status": "draft"})
    answer = await partner.submit(f"/console/measures/{own}/status", {"status": "published"})
    assert (answer.status_code, row(database, own).status) == (409, "draft")
    made = await partner.submit("/console/measures/new", {"title": "By a partner"})
    key = made.headers["location"].split("?")[0].rsplit("/", 1)[1]
    assert row(database, key).organization_id == own_organization


async def test_hostile_words_are_shown_as_words(editor: Browser, database: Database) -> None:
    with database.transaction() as session:
        key = new_measure(session, title="<script>alert(1)</script>", note='"><img src=x>').id
    for path in ("", "/texts/de", "/history"):
        page = await editor.get(f"/console/measures/{key}{path}")
        assert "<script>alert" not in page.text
        assert "<img src=x>" not in page.text
    assert "<script>alert" not in (await editor.get("/console/measures?q=<script>alert")).text
