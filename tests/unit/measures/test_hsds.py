"""HSDS 3: official examples go in and out unchanged, and what goes out is valid."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.db.session import Database
from bot.errors import ImportRejectedError
from bot.measures import fields, taxonomies
from bot.measures.facts import CostOption, Phone
from bot.measures.hsds import render
from bot.measures.hsds.parse import Assumptions, read
from bot.measures.importers.records import Rejected
from bot.measures.models import Change, Measure, MeasureTopic, Organization
from bot.measures.places import Address, Location, Schedule
from bot.measures.taxonomies import AUDIENCE, LEVELS
from tests.support.hsds import example, load, problems
from tests.support.measures import import_starter_measures


def ids(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Measure.id).order_by(Measure.external_id)))


def exported(database: Database, *, full: bool = True) -> list[dict[str, Any]]:
    with database.reading() as session:
        return render.services(
            session, list(session.scalars(select(Measure.id).order_by(Measure.id))), full=full
        )


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# The official examples


def test_a_service_goes_out_as_it_came_in(database: Database) -> None:
    document = example("service_full")
    report = load(database, document)
    assert (report.added, report.changed, report.unchanged) == (1, 0, 0)
    assert exported(database) == [document]
    assert problems("service", document) == []


def test_an_organization_goes_out_with_its_services_as_it_came_in(database: Database) -> None:
    document = example("organization_full")
    load(database, document)
    services = [
        {name: value for name, value in service.items() if name != "organization"}
        for service in exported(database)
    ]
    with database.reading() as session:
        [organization] = render.organizations(session, [document["id"]])
    assert {**organization, "services": services} == document
    assert problems("organization", {**organization, "services": services}) == []


def test_a_service_at_a_location_goes_out_as_it_came_in(database: Database) -> None:
    document = example("service_at_location_full")
    load(database, document)
    with database.reading() as session:
        [out] = render.at_locations(session, [(document["service"]["id"], document["id"])])
    assert out == document
    assert problems("service_at_location", out) == []


def test_a_page_of_summaries_goes_out_as_it_came_in(database: Database) -> None:
    page = example("service_list")
    load(database, page)
    assert exported(database, full=False) == page["contents"]
    assert [problems("service_list", entry) for entry in exported(database, full=False)] == [[]]


@pytest.mark.parametrize("name", ["service_full", "organization_full", "service_at_location_full"])
def test_the_same_document_again_changes_nothing(database: Database, name: str) -> None:
    load(database, example(name))
    counts = [count(database, model) for model in (Phone, Schedule, Location, Address, Change)]
    report = load(database, example(name))
    assert (report.added, report.changed, report.unchanged) == (0, 0, 1)
    assert counts == [
        count(database, model) for model in (Phone, Schedule, Location, Address, Change)
    ]


def test_a_summary_takes_nothing_from_what_is_known(database: Database) -> None:
    document = example("service_full")
    load(database, document)
    load(database, example("service_list"))
    assert exported(database) == [document]


def test_facts_for_cards_and_filters_follow_from_the_parts(sqlite: Database) -> None:
    load(sqlite, example("service_full"))
    with sqlite.reading() as session:
        measure = session.scalars(select(Measure)).one()
        assert (measure.address, measure.city, measure.postal_code) == (
            "1-30 Main Street, MyVillage",
            "MyCity",
            "ABC 1234",
        )
        assert (measure.minimum_age, measure.maximum_age, measure.age_of) == (12, 100, "person")
        assert (measure.languages, measure.free_of_charge) == (["ur"], False)
        assert (measure.formats, measure.times) == (["in_person"], ["morning", "afternoon"])
        assert measure.source_url == "http://example.com/counselling"
        assert measure.text("en").title == "Community Counselling"  # type: ignore[union-attr]
        [cost] = measure.cost_options
        assert (cost.amount, cost.currency) == (35, "gbp")
        [place] = measure.places
        assert place.location.latitude == 100
        # HSDS gives the offset in hours; +3 is not Central Europe.
        assert {schedule.zone for schedule in measure.schedules} == {"Etc/GMT-3"}


def test_terms_of_open_eligibility_give_a_topic(sqlite: Database) -> None:
    document = example("service_full")
    document["attributes"][0]["taxonomy_term"]["name"] = "Help Find Work"
    load(sqlite, document)
    with sqlite.reading() as session:
        assert session.scalars(select(MeasureTopic.topic)).all() == ["job"]


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("active", "published"),
        ("inactive", "draft"),
        ("defunct", "archived"),
        ("temporarily closed", "archived"),
    ],
)
def test_each_status_has_its_place_and_goes_out_again(
    sqlite: Database, status: str, ours: str
) -> None:
    load(sqlite, {**example("service_full"), "status": status})
    with sqlite.reading() as session:
        assert session.scalars(select(Measure.status)).one() == ours
    assert exported(sqlite)[0]["status"] == status


def test_ids_that_are_no_uuids_become_the_same_uuids_each_time(sqlite: Database) -> None:
    document = {"id": 17, "name": "Advice", "status": "active", "phones": [{"number": "115"}]}
    for _ in range(2):
        load(sqlite, document)
    assert count(sqlite, Phone) == 1
    [out] = exported(sqlite)
    assert problems("service", out) == []


# Our own rows


def test_starter_measures_are_valid_and_come_back_unchanged(database: Database) -> None:
    import_starter_measures(database)
    documents = exported(database)
    assert [problems("service", document) for document in documents] == [[]] * 144
    assert [problems("service_list", entry) for entry in exported(database, full=False)] == (
        [[]] * 144
    )
    report = load(database, documents)
    assert (report.added, report.changed, report.unchanged) == (0, 0, 144), report.differences[:5]


def test_another_city_gets_the_same_fields(sqlite: Database, postgres: Database) -> None:
    import_starter_measures(sqlite)
    load(postgres, exported(sqlite))
    with sqlite.reading() as here, postgres.reading() as there:
        keys = list(here.scalars(select(Measure.id)))
        ours, theirs = fields.read(here, keys), fields.read(there, keys)
    for key in keys:
        # Notes are the editors' own and stay here.
        different = fields.differences(theirs[key], {**ours[key], "note": "", "extra": {}})
        assert set(different) <= {"extra"}


def test_our_terms_are_the_same_in_every_installation() -> None:
    assert taxonomies.TOPICS.term_id("job") == "e019a966-61f1-5228-979d-dfb7a028e408"
    assert len(taxonomies.BY_TERM_ID) == sum(len(each.terms) for each in taxonomies.ALL)


# Two sources, and editors


def test_what_an_editor_wrote_stays(database: Database) -> None:
    load(database, example("service_full"))
    with database.transaction() as session:
        measure = session.scalars(select(Measure)).one()
        measure.email = "new@example.org"
        measure.hand_written = ["email"]
    changed = {**example("service_full"), "email": "feed@example.org", "url": "http://new.example"}
    report = load(database, changed)
    assert (report.changed, report.kept) == (1, 1)
    assert exported(database)[0]["email"] == "new@example.org"
    assert exported(database)[0]["url"] == "http://new.example"
    report = load(database, changed, force=True)
    assert (report.changed, report.kept) == (1, 0)
    assert exported(database)[0]["email"] == "feed@example.org"


def test_a_changed_original_leaves_its_translations_outdated(sqlite: Database) -> None:
    load(sqlite, example("service_full"))
    with sqlite.transaction() as session:
        [measure_id] = session.scalars(select(Measure.id))
        fields.change(
            session, measure_id, {"text.tr.title": "Danışma", "text.tr.state": "reviewed"}
        )
    load(sqlite, {**example("service_full"), "name": "New name"})
    with sqlite.reading() as session:
        measure = session.scalars(select(Measure)).one()
        assert {text.language: text.state for text in measure.texts} == {
            "en": "original",
            "tr": "outdated",
        }


def test_the_history_says_what_an_import_changed(sqlite: Database) -> None:
    load(sqlite, example("service_full"))
    load(sqlite, {**example("service_full"), "email": "new@example.org"}, source="import:feed")
    with sqlite.reading() as session:
        created, changed = session.scalars(select(Change).order_by(Change.id))
    assert created.last_action_type == "create"
    assert (changed.field_name, changed.previous_value, changed.replacement_value) == (
        "email",
        "email@example.com",
        "new@example.org",
    )
    assert changed.updated_by == "import:feed"


# Bad documents


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


def broken(**changes: Any) -> dict[str, Any]:
    return {**example("service_full"), **changes}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (broken(id=None), "entry 1, id: is missing"),
        (broken(id="x" * 121), "entry 1, id: longer than 120 characters"),
        (broken(name=" "), "entry 1, name: is missing"),
        (broken(name=7), "entry 1, name: is missing"),
        (broken(status="open"), "entry 1, status: 'open' is not one of active, inactive"),
        (broken(minimum_age="12"), "entry 1, minimum_age: '12' is not a number"),
        (broken(minimum_age=True), "entry 1, minimum_age: True is not a number"),
        (broken(email=["a"]), "entry 1, email: ['a'] is not text"),
        (broken(description={}), "entry 1, description: is not text"),
        (broken(phones={}), "entry 1, phones: is not a list"),
        (broken(phones=["115"]), "entry 1, phones[0]: is not an object"),
        (
            broken(phones=[{"id": "1", "number": 115}]),
            "entry 1, phones[0], number: 115 is not text",
        ),
        (broken(organization="AWO"), "entry 1, organization: is not an object"),
        (broken(organization={"name": "AWO"}), "entry 1, organization, id: is missing"),
        (broken(service_at_locations=[{"id": "1"}]), "location: is missing"),
        (broken(attributes=[7]), "entry 1, attributes[0]: is not an object"),
        (
            broken(attributes=[{"taxonomy_term": AUDIENCE.term("wizards")}]),
            "entry 1, attributes[0], audience: 'wizards' is not one of adults, children, ",
        ),
        (
            broken(attributes=[{"taxonomy_term": LEVELS.term(level)} for level in ("A1", "D9")]),
            "entry 1, attributes[1], levels: 'D9' is not one of A1, A2, B1, B2, C1, C2",
        ),
        (broken(description="a\x00b"), "entry 1, description: holds a NUL character"),
        (broken(description="x" * 100_001), "entry 1, description: longer than 100000"),
        (broken(extra=nested(45)), "nested deeper than 40 levels"),
        ({"mood": "happy"}, "entry 1: is no HSDS service, organization, location or term"),
        ([[]], "entry 1: is not an object"),
        ([7], "entry 1: is not an object"),
    ],
)
def test_a_bad_entry_is_named_and_nothing_is_imported(
    sqlite: Database, document: Any, problem: str
) -> None:
    good = {"id": "good", "name": "Advice", "status": "active"}
    entries = document if isinstance(document, list) else [document]
    with pytest.raises(ImportRejectedError) as rejected:
        load(sqlite, [*entries, good])
    [found] = rejected.value.problems
    assert problem in found
    assert count(sqlite, Measure) == count(sqlite, Organization) == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "begins with neither"),
        (b"id,name\n", "begins with neither"),
        (b"[", "the file is not JSON"),
        (b'{"id": "1", "status"', "the file is not JSON"),
        (b'[{"id": NaN}]', "the file is not JSON"),
        ('[{"id": "ä"}]'.encode("latin-1"), "the file is not JSON"),
        ('[{"id": "1"}]'.encode("utf-16"), "begins with neither"),
        (b'[{"id": ' + b"9" * 5_000 + b"}]", "the file is not JSON"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "the file is not JSON"),
        (b'{"id": 1e' + b"9" * 5_000 + b"}", "the file is not JSON"),
        (b"[" * 1_000_000, "the file nests deeper than 60 levels"),
        (b'{"a":' * 1_000_000, "the file nests deeper than 60 levels"),
        (b"[]", "the file holds no entries"),
        (b'{"contents": []}', "the file holds no entries"),
    ],
)
def test_a_file_that_is_not_json_is_refused(sqlite: Database, content: bytes, problem: str) -> None:
    with pytest.raises(ImportRejectedError) as rejected:
        load(sqlite, content)
    assert problem in rejected.value.problems[0]
    assert count(sqlite, Measure) == 0


def test_half_a_character_is_named() -> None:
    [record] = read(broken(description="a\ud800"), "entry 1", Assumptions())
    assert record == Rejected(["entry 1, description: holds half a character"])


def test_an_entry_that_stands_there_twice_is_refused(sqlite: Database) -> None:
    with pytest.raises(ImportRejectedError, match="1 problems"):
        load(sqlite, [example("service_full")] * 2)
    assert count(sqlite, Measure) == 0


def test_lines_of_objects_and_a_byte_order_mark_are_read(sqlite: Database) -> None:
    one, two = (
        f'{{"id": "{number}", "name": "Advice {number}", "status": "active"}}' for number in (1, 2)
    )
    report = load(sqlite, b"\xef\xbb\xbf" + f"{one}\n{two}\n".encode())
    assert report.added == 2


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(example("service_full"))), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(name=st.sampled_from(sorted(example("service_full"))), value=values)
def test_any_value_in_any_field_is_taken_or_named(name: str, value: Any) -> None:
    document = copy.deepcopy(example("service_full"))
    document[name] = value
    for record in read(document, "entry 1", Assumptions()):
        if isinstance(record, Rejected):
            assert record.problems[0].startswith("entry 1")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.sampled_from(sorted(example("service_full"))), value=values)
def test_whatever_is_taken_can_be_stored_and_is_written_out_again(
    sqlite: Database, name: str, value: Any
) -> None:
    document = {**copy.deepcopy(example("service_full")), name: value}
    try:
        load(sqlite, [document])
    except ImportRejectedError:
        return
    assert exported(sqlite)


def test_costs_are_kept_to_the_cent(database: Database) -> None:
    document = example("service_full")
    document["cost_options"][0]["amount"] = 2.29
    load(database, document)
    assert exported(database)[0]["cost_options"][0]["amount"] == 2.29
    with database.reading() as session:
        assert str(session.scalars(select(CostOption.amount)).one()) == "2.29"
