"""Two hundred people want one time at once, from several processes: one gets it."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.conversations.models import ChannelIdentity, Contact, Conversation
from bot.db.session import Database
from tests.support import booking_race
from tests.support.booking import berlin, blocking, new_calendar, new_service
from tests.support.booking_race import Attempt

NOW = berlin(2026, 11, 16, 8)
TEN = berlin(2026, 11, 16, 10)
PROCESSES = 3


Race = Callable[..., list[tuple[str, int]]]


@pytest.fixture(scope="module")
def race() -> Iterator[Race]:
    """Runs attempts from several processes that begin together."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:

        def run(database: Database, attempts: list[Attempt], work: Race) -> list[tuple[str, int]]:
            url = database.url.render_as_string(hide_password=False)
            start = manager.Barrier(PROCESSES)
            running = [
                pool.submit(work, url, attempts[number::PROCESSES], NOW, start)
                for number in range(PROCESSES)
            ]
            return [ended for future in running for ended in future.result()]

        yield run


def people(session: Any, count: int) -> list[tuple[str, str]]:
    """Contacts and conversations, quickly."""
    ids = [(f"contact-{number}", f"conversation-{number}") for number in range(count)]
    session.execute(insert(Contact), [{"id": c, "created_at": NOW} for c, _ in ids])
    session.execute(
        insert(ChannelIdentity),
        [{"id": c, "contact_id": c, "channel": "web", "address": c} for c, _ in ids],
    )
    session.execute(
        insert(Conversation),
        [{"id": v, "identity_id": c, "created_at": NOW} for c, v in ids],
    )
    return ids


def wishes(database: Database, count: int, *, overlapping: bool) -> list[Attempt]:
    """Attempts on ten o'clock; ``overlapping`` ones differ in beginning and length."""
    with database.transaction() as session:
        half = new_service(session, duration=30, step=15, horizon_days=2)
        other = new_service(session, duration=45, step=15, horizon_days=2)
        whole = new_service(session, duration=60, step=15, horizon_days=2)
        calendar = new_calendar(session, half, other, whole)
        # Each of them holds the quarter of an hour from ten.
        shapes = [(half, 0), (half, -15), (other, 0), (other, -30), (whole, -45), (whole, 0)]
        chosen = shapes if overlapping else shapes[:1]
        return [
            Attempt(
                service_id=service.id,
                contact_id=contact_id,
                conversation_id=conversation_id,
                starts_at=TEN + timedelta(minutes=minutes),
                minutes=service.duration,
                calendar_id=calendar.id,
            )
            for number, (contact_id, conversation_id) in enumerate(people(session, count))
            for service, minutes in [chosen[number % len(chosen)]]
        ]


@pytest.mark.parametrize("overlapping", [False, True], ids=["one slot", "overlapping slots"])
def test_one_of_two_hundred_gets_the_time(
    database: Database, race: Race, overlapping: bool
) -> None:
    attempts = wishes(database, 200, overlapping=overlapping)
    ended = race(database, attempts, booking_race.book_all)
    assert Counter(name for name, _ in ended) == {"booked": 1, "SlotTakenError": 199}
    assert {others for name, others in ended if name != "booked"} == {3}
    with database.transaction() as session:
        assert len(blocking(session)) == 1


def test_the_database_alone_lets_one_through(database: Database, race: Race) -> None:
    attempts = wishes(database, 40, overlapping=True)
    ended = race(database, attempts, booking_race.write_all)
    assert Counter(name for name, _ in ended) == {"booked": 1, "refused": 39}
