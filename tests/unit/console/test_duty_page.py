"""Chat hours, absences and queues at the console."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.counsellors import hours
from bot.counsellors.models import Account
from bot.counsellors.schedule import ScheduleRefusedError, read_day
from bot.db.session import Database
from bot.handover.models import Queue, QueueMember
from tests.conftest import Clock
from tests.support.console import Console, console_services, new_account

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = {f"day{day}": "9-12, 13:30–17:00" for day in range(5)}


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, clock: Clock) -> Console:
    return Console(console_services(request.getfixturevalue(request.param), clock))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", []),
        ("9-12", [(time(9), time(12))]),
        (" 13.30 – 17:05, 8:00-9 ,", [(time(8), time(9)), (time(13, 30), time(17, 5))]),
    ],
)
def test_hours_are_read_as_people_write_them(written: str, read: list[tuple[time, time]]) -> None:
    assert read_day(written) == read


@pytest.mark.parametrize(
    "written",
    ["9", "12-9", "9-9", "9-25", "9:60-10", "9-12, 11-13", "morning", "1-2,3-4,5-6,7-8,9-10"],
)
def test_hours_that_make_no_sense_are_refused(written: str) -> None:
    with pytest.raises(ScheduleRefusedError):
        read_day(written)


@given(st.text(max_size=40))
def test_whatever_is_written_is_read_or_refused(written: str) -> None:
    try:
        stretches = read_day(written)
    except ScheduleRefusedError:
        return
    flat = [moment for stretch in stretches for moment in stretch]
    assert flat == sorted(flat)


async def test_own_hours_and_absences_count(both: Console, clock: Clock) -> None:
    database = both.services.database
    account = new_account(database, clock)
    browser = await both.signed_in(account)

    await browser.submit("/console/duty/mine", WEEK)
    away = {"first": "2026-11-25", "last": "2026-11-26"}
    await browser.submit("/console/duty/absences", away)

    page = (await browser.get("/console/duty")).text
    assert 'value="09:00–12:00, 13:30–17:00"' in page
    with database.reading() as session:
        own = hours.of_accounts(session, [account.id], otherwise=hours.of_house(session))
    table = own[account.id]
    assert table.is_open(datetime(2026, 11, 24, 9, 30, tzinfo=BERLIN))
    assert not table.is_open(datetime(2026, 11, 24, 12, 30, tzinfo=BERLIN))
    assert not table.is_open(datetime(2026, 11, 25, 9, 30, tzinfo=BERLIN))


async def test_what_makes_no_sense_changes_nothing(
    console: Console, counsellor: Account, sqlite: Database
) -> None:
    browser = await console.signed_in(counsellor)
    await browser.submit("/console/duty/mine", WEEK)

    refused = [
        await browser.submit("/console/duty/mine", {"day0": "nonsense"}),
        await browser.submit(
            "/console/duty/absences", {"first": "2026-12-02", "last": "2026-12-01"}
        ),
        await browser.submit("/console/duty/absences", {"first": "x", "last": "y"}),
    ]

    assert [answer.status_code for answer in refused] == [422, 422, 422]
    assert "09:00–12:00" in (await browser.get("/console/duty")).text


async def test_only_admins_set_the_house_and_the_queues(
    console: Console, counsellor: Account, admin: Account, sqlite: Database
) -> None:
    browser, boss = await console.signed_in(counsellor), await console.signed_in(admin)
    closed = {"first": "2026-12-24", "last": "2026-12-31", "house": "true"}

    assert (await browser.submit("/console/duty/absences", closed)).status_code == 403
    assert (await boss.submit("/console/duty/absences", closed)).status_code == 303
    await boss.submit("/console/duty/house", WEEK)
    await boss.submit("/console/duty/queues", {"name": "Wohnen"})
    assert (await boss.submit("/console/duty/queues", {"name": "Wohnen"})).status_code == 422
    change = {"topics": ["housing", "benefits"], "members": [counsellor.id, "guessed"]}
    await boss.submit("/console/duty/queues/1", change)
    await boss.submit("/console/duty/queues/1/hours", {"day0": "10-11"})

    with sqlite.reading() as session:
        queue = session.get_one(Queue, 1)
        assert queue.topics == ["housing", "benefits"]
        assert session.get(QueueMember, (1, counsellor.id)) is not None
        house, own = hours.of_house(session), hours.of_queue(session, 1)
    assert house.is_open(datetime(2026, 11, 24, 9, 30, tzinfo=BERLIN))
    assert not house.is_open(datetime(2026, 12, 28, 9, 30, tzinfo=BERLIN))
    assert not own.is_open(datetime(2026, 11, 23, 9, 30, tzinfo=BERLIN))
    await boss.submit("/console/duty/queues/1/remove")
    assert (await boss.submit("/console/duty/queues/1/remove")).status_code == 404


async def test_nobody_removes_the_absences_of_others(
    console: Console, counsellor: Account, admin: Account, sqlite: Database, clock: Clock
) -> None:
    boss, browser = await console.signed_in(admin), await console.signed_in(counsellor)
    await boss.submit("/console/duty/absences", {"first": "2026-12-01", "last": "2026-12-01"})

    await browser.submit("/console/duty/absences/1/remove")
    await browser.submit("/console/duty/absences/1/remove", {"house": "false"})

    with sqlite.reading() as session:
        assert session.get(hours.Absence, 1) is not None
