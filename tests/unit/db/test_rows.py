"""Inserting many rows: what was given is what stands there, on every kind of database."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot.db.rows import insert_numbered, insert_rows
from bot.db.session import Database
from bot.measures.facts import CostOption
from bot.measures.fields import full_row, table_of
from bot.measures.models import Change, Organization
from bot.measures.places import Location, Schedule
from tests.support.measures import NOW, new_measure

ORGANIZATIONS = table_of(Organization)


def organization(key: str, **values: Any) -> dict[str, Any]:
    return full_row(Organization, values, id=key)


@pytest.mark.parametrize(
    "text",
    ["", "\\N", "\\.", "a\tb\nc\r\nd\\e", "quote \" and '", "{}", "null", "€ 𝄞 عربى", "%s %(a)s"],
)
def test_text_and_json_come_back_as_they_were(database: Database, text: str) -> None:
    extra = {"text": text, "list": [1, 2.5, None, True], "empty": {}}
    row = {**organization("o-1"), "name": "N", "description": text, "extra": extra}
    with database.transaction() as session:
        insert_rows(session, ORGANIZATIONS, [row])
    with database.reading() as session:
        [stored] = session.execute(select(ORGANIZATIONS)).mappings()
    assert dict(stored) == row


def test_days_times_moments_and_amounts_come_back_as_they_were(database: Database) -> None:
    moment = datetime(2026, 3, 29, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    with database.transaction() as session:
        key = new_measure(session, title="Kurs").id
        cost = {"amount": "12.50", "valid_from": "2026-03-29"}
        hours = {"opens_at": "09:00:00", "except_dates": ["2026-12-24"]}
        change = {
            **{"measure_id": key, "batch": "b", "last_action_date": moment},
            **{"last_action_type": "t", "field_name": "f", "previous_value": ""},
            **{"replacement_value": "", "updated_by": "somebody"},
        }
        insert_rows(session, table_of(CostOption), [full_row(CostOption, cost, measure_id=key)])
        insert_rows(session, table_of(Schedule), [full_row(Schedule, hours, measure_id=key)])
        insert_rows(session, table_of(Change), [change])
        place = {"latitude": 48.7758, "longitude": None}
        insert_rows(session, table_of(Location), [full_row(Location, place, id="l")])
    with database.reading() as session:
        costs = session.scalars(select(CostOption)).one()
        schedule = session.scalars(select(Schedule)).one()
        changed = session.scalars(select(Change).where(Change.batch == "b")).one()
        location = session.get_one(Location, "l")
    assert (costs.amount, costs.valid_from) == (Decimal("12.5"), date(2026, 3, 29))
    assert (schedule.opens_at, schedule.closes_at) == (time(9), None)
    assert schedule.except_dates == ["2026-12-24"]
    assert changed.last_action_date == moment
    assert (location.latitude, location.longitude) == (48.7758, None)


def test_numbers_of_the_database_grow_in_the_order_of_the_rows(database: Database) -> None:
    with database.transaction() as session:
        key = new_measure(session, title="Kurs").id
        rows = [full_row(CostOption, {"option": f"{n}"}, measure_id=key) for n in range(300)]
        insert_rows(session, table_of(CostOption), rows)
        insert_rows(session, table_of(CostOption), [])
    with database.reading() as session:
        found = session.scalars(select(CostOption.option).order_by(CostOption.id)).all()
    assert found == [f"{n}" for n in range(300)]


def test_numbers_are_told_in_the_order_of_the_rows(database: Database) -> None:
    table = table_of(CostOption)
    with database.transaction() as session:
        key = new_measure(session, title="Kurs").id
        rows = [full_row(CostOption, {"option": f"{n}"}, measure_id=key) for n in range(300)]
        numbers = [
            *insert_numbered(session, table, rows[:100]),
            *insert_numbered(session, table, []),
            *insert_numbered(session, table, rows[100:]),
        ]
    with database.reading() as session:
        stored = session.execute(select(table.c.id, table.c.option))
        by_number = {row.id: row.option for row in stored}
    assert [by_number[number] for number in numbers] == [f"{n}" for n in range(300)]


def test_what_was_inserted_goes_back_with_the_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        insert_rows(session, ORGANIZATIONS, [{**organization("o"), "name": f"N {NOW:%Y}"}])
        assert session.get(Organization, "o") is not None
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.get(Organization, "o") is None
