"""``lotse hours`` and ``lotse queues``."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from bot import cli
from bot.counsellors.hours import Absence, OfficeHours
from bot.db.session import Database
from bot.handover.models import Queue, QueueMember
from tests.support.counsellors import add_account

runner = CliRunner()


@pytest.fixture
def database(sqlite: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    monkeypatch.setenv("LOTSE_DATABASE_URL", sqlite.url.render_as_string())
    with sqlite.transaction() as session:
        add_account(session, "Weber")
    return sqlite


def run(*arguments: str) -> str:
    result = runner.invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    return f"{result.output}{result.exception or ''}"


def test_hours_are_added_listed_and_removed(database: Database) -> None:
    assert "Added." in run("hours", "add", "mon-fri", "9:00", "12:30")
    assert "Added." in run(
        "hours", "add", "thu", "14:00", "18:00", "--account", "weber@example.org"
    )
    assert "Noted." in run("hours", "away", "2026-12-24", "2026-12-31")
    listed = run("hours", "list")
    for part in ("house", "Weber", "09:00", "12:30", "everybody", "2026-12-31"):
        assert part in listed
    with database.reading() as session:
        rows = session.scalars(select(OfficeHours).order_by(OfficeHours.id)).all()
        assert [row.weekday for row in rows] == [0, 1, 2, 3, 4, 3]
        first, absence = rows[0].id, session.scalars(select(Absence)).one().id
    assert "Removed." in run("hours", "remove", str(first))
    assert "Removed." in run("hours", "remove", str(absence), "--absence")
    assert "There is no" in run("hours", "remove", str(first))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("fri-mon", "9:00", "10:00"), "must come before"),
        (("someday", "9:00", "10:00"), "Days are written"),
        (("mon", "9", "10:00"), "Times are written"),
        (("mon", "25:00", "26:00"), "Times are written"),
        (("mon", "12:00", "9:00"), "must end later"),
        (("mon", "9:00", "10:00", "--account", "x@example.org"), "no account"),
        (("mon", "9:00", "10:00", "--queue", "None"), "no queue"),
        (("mon", "9:00", "10:00", "--from", "tomorrow"), "Days are written as 2026"),
    ],
)
def test_wrong_hours_are_refused(
    database: Database, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in run("hours", "add", *arguments)
    with database.reading() as session:
        assert session.scalars(select(OfficeHours)).all() == []


def test_queues_are_added_listed_and_removed(database: Database) -> None:
    options = ("--topic", "housing", "--member", "weber@example.org")
    assert "Added." in run("queues", "add", "Housing", *options)
    assert "a queue with this name" in run("queues", "add", "Housing")
    assert "There is no topic cooking" in run("queues", "add", "Kitchen", "--topic", "cooking")
    assert "no organization" in run("queues", "add", "Other", "--organization", "nobody")
    listed = run("queues", "list")
    for part in ("Housing", "housing", "Weber"):
        assert part in listed
    assert "Removed." in run("queues", "remove", "Housing")
    with database.reading() as session:
        assert session.scalars(select(Queue)).all() == []
        assert session.scalars(select(QueueMember)).all() == []
