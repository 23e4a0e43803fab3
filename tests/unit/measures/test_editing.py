"""Editing measures: history, undo, two at once, what is stale, what may be the same."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.db.session import Database
from bot.errors import IllegalMoveError, NotFoundError
from bot.measures import editing, overview
from bot.measures.editing import ChangedMeanwhileError
from bot.measures.models import Correction, CorrectionState, Measure, Status
from bot.measures.overview import Wanted
from tests.conftest import Clock
from tests.support.measures import new_measure


@pytest.fixture
def measure_id(database: Database) -> str:
    with database.transaction() as session:
        return new_measure(session, title="Deutschkurs", phone="0711 1").id


def save(
    database: Database,
    key: str,
    values: editing.Fields,
    revision: int,
    clock: Clock,
    by: str = "Ada",
) -> bool:
    with database.transaction() as session:
        return editing.save(session, key, values, revision=revision, by=by, now=clock())


def row(database: Database, key: str) -> Measure:
    with database.reading() as session:
        return session.get_one(Measure, key)


def test_a_saved_field_is_marked_kept_in_the_history_and_raises_the_revision(
    database: Database, clock: Clock, measure_id: str
) -> None:
    clock.advance(60)
    assert save(database, measure_id, {"phone": "0711 2", "city": ""}, 1, clock)
    measure = row(database, measure_id)
    assert (measure.phone, measure.revision, measure.hand_written) == ("0711 2", 2, ["phone"])
    assert measure.updated_at == clock()
    with database.reading() as session:
        [step] = editing.history(session, measure_id)
    [change] = step.changes
    assert (step.by, step.action, step.at) == ("Ada", "update", clock())
    assert (change.field_name, change.previous_value, change.replacement_value) == (
        "phone",
        "0711 1",
        "0711 2",
    )


def test_saving_what_is_there_already_changes_nothing(
    database: Database, clock: Clock, measure_id: str
) -> None:
    assert not save(database, measure_id, {"phone": "0711 1"}, 1, clock)
    assert row(database, measure_id).revision == 1


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(
    database: Database, clock: Clock, measure_id: str
) -> None:
    save(database, measure_id, {"phone": "0711 2"}, 1, clock, by="Ada")
    with pytest.raises(ChangedMeanwhileError) as clash:
        save(database, measure_id, {"phone": "0711 3", "email": "a@example.org"}, 1, clock, by="Bo")
    assert clash.value.names == ("email", "phone")
    measure = row(database, measure_id)
    assert (measure.phone, measure.email) == ("0711 2", "")
    # Told, Bo saves again from the row as it is now.
    assert save(database, measure_id, {"phone": "0711 3"}, measure.revision, clock, by="Bo")
    assert row(database, measure_id).phone == "0711 3"


def test_of_many_who_save_at_once_one_is_first(postgres: Database, clock: Clock) -> None:
    with postgres.transaction() as session:
        key = new_measure(session).id
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def write(number: int) -> None:
        start.wait()
        try:
            save(postgres, key, {"phone": f"0711 {number}"}, 1, clock, by=f"editor {number}")
        except ChangedMeanwhileError:
            outcomes.append("told")
        else:
            outcomes.append(f"0711 {number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [written] = [outcome for outcome in outcomes if outcome != "told"]
    assert (row(postgres, key).phone, outcomes.count("told")) == (written, 5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "0711 2"),
        ("source_date", "2026"),
        ("levels", ["B1"]),
        ("childcare", True),
        ("minimum_age", 3),
        ("assured_date", "2026-11-01"),
        ("topics", ["job", "housing"]),
        (
            "schedules",
            [{"hsds_id": "s-1", "freq": "WEEKLY", "byday": "MO", "opens_at": "09:00:00"}],
        ),
        ("text.de.title", "Neuer Titel"),
        ("text.tr.title", "Kurs"),
        ("status", "archived"),
    ],
)
def test_every_kind_of_field_can_be_taken_back_and_brought_again(
    database: Database, clock: Clock, measure_id: str, field: str, value: object
) -> None:
    with database.reading() as session:
        before = editing.fields_of(session, measure_id)
    save(database, measure_id, {field: value}, 1, clock)
    for expected in (before.get(field), value):
        with database.transaction() as session:
            step = editing.history(session, measure_id)[0]
            assert step.can_undo
            editing.undo(session, measure_id, step.batch, by="Bo", now=clock())
            assert (editing.fields_of(session, measure_id).get(field) or None) == (expected or None)


def test_what_was_changed_again_cannot_be_taken_back(
    database: Database, clock: Clock, measure_id: str
) -> None:
    save(database, measure_id, {"phone": "0711 2"}, 1, clock)
    save(database, measure_id, {"phone": "0711 3"}, 2, clock)
    with database.transaction() as session:
        later, earlier = editing.history(session, measure_id)
        assert (later.can_undo, earlier.can_undo) == (True, False)
        with pytest.raises(IllegalMoveError):
            editing.undo(session, measure_id, earlier.batch, by="Bo", now=clock())
        with pytest.raises(NotFoundError):
            editing.undo(session, measure_id, "unknown", by="Bo", now=clock())


def test_a_changed_original_leaves_translations_outdated(
    database: Database, clock: Clock, measure_id: str
) -> None:
    save(database, measure_id, {"text.tr.title": "Kurs", "text.tr.state": "reviewed"}, 1, clock)
    save(database, measure_id, {"text.de.title": "Anderer Kurs"}, 2, clock)
    with database.reading() as session:
        assert editing.fields_of(session, measure_id)["text.tr.state"] == "outdated"


def test_only_what_has_a_source_is_published(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        key = editing.create(
            session,
            {"text.de.title": "Kurs", "text.de.state": "original"},
            organization_id=None,
            by="Ada",
            now=clock(),
        )
        with pytest.raises(IllegalMoveError):
            editing.set_status(session, key, Status.PUBLISHED, by="Ada", now=clock())
        editing.save(
            session, key, {"source_url": "https://example.org"}, revision=1, by="Ada", now=clock()
        )
        editing.set_status(session, key, Status.PUBLISHED, by="Ada", now=clock())
    assert row(database, key).status == "published"


def test_stale_rows_come_soonest_first(database: Database, clock: Clock) -> None:
    today = date(2026, 11, 23)
    ages = {"old": 200, "due soon": 160, "fresh": 10, "harmful": 190, "very old": 400}
    with database.transaction() as session:
        for title, days in ages.items():
            new_measure(
                session,
                title=title,
                assured_date=today - timedelta(days=days),
                harm_if_stale=title == "harmful",
            )
        new_measure(session, title="never", assured_date=None)
        new_measure(session, title="draft", assured_date=None, status="draft")
    with database.reading() as session:
        found = overview.stale(
            session, today=today, after=timedelta(days=180), organization_id=None, page=1
        )
        titles = [measure.text("en").title for measure in found.measures]  # type: ignore[union-attr]
    assert [title.removesuffix(" (en)") for title in titles] == [
        "harmful",
        "never",
        "very old",
        "old",
        "due soon",
    ]


def test_the_list_is_searched_and_filtered(database: Database) -> None:
    with database.transaction() as session:
        course = new_measure(session, title="Deutschkurs", provider="AWO", topics=("job",)).id
        guide = new_measure(session, title="Kita 100%", kind="guide", status="draft").id
        partner = session.get_one(Measure, course).organization_id

        def found(**wanted: str | None) -> set[str]:
            listed = overview.find(session, Wanted(**wanted), page=1)  # type: ignore[arg-type]
            return {measure.id for measure in listed.measures}

        assert found() == {course, guide}
        assert found(words="deutschkurs awo") == {course}
        assert found(words="100%") == {guide}
        assert found(words="a%b") == set()
        assert found(topic="job") == {course}
        assert found(status="draft") == found(kind="guide") == {guide}
        assert found(organization_id=partner) == {course}


def test_rows_that_may_be_the_same_are_found(database: Database) -> None:
    with database.transaction() as session:
        one = new_measure(session, title="Sprachcafé Mittwoch", provider="AWO", address="Ring 1")
        twin = new_measure(
            session, title="Sprachcafé am Mittwoch", provider="AWO", address="Ring 1"
        )
        new_measure(session, title="Sprachcafé Vaihingen Samstag", provider="Caritas")
        new_measure(session, title="Wohngeld", provider="AWO")
        assert [other.id for other, _ in overview.similar(session, one)] == [twin.id]


def test_a_hint_is_closed_once(database: Database, clock: Clock, measure_id: str) -> None:
    with database.transaction() as session:
        session.add(
            Correction(measure_id=measure_id, text="closed", language="en", created_at=clock())
        )
    with database.transaction() as session:
        [hint] = overview.open_corrections(session, organization_id=None)
        editing.close_correction(session, hint.id, CorrectionState.DONE, by="Ada", now=clock())
        with pytest.raises(IllegalMoveError):
            editing.close_correction(session, hint.id, CorrectionState.DONE, by="Bo", now=clock())
    with database.reading() as session:
        assert session.scalars(select(Correction.handled_by)).one() == "Ada"
        assert overview.open_corrections(session, organization_id=None) == []
