"""How fast booking is: finding free times, one booking, and many people booking at once.

``python -m benchmarks.booking`` prints each figure beside its aim. PostgreSQL is reached at
``LOTSE_TEST_POSTGRES_URL`` and left as it was: a database of its own is made and dropped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import func, insert, select
from sqlalchemy.orm import aliased

from bot.booking import service as booking
from bot.booking.availability import Slot, free_slots
from bot.booking.errors import BookingError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Span,
    Way,
    WeeklyTime,
)
from bot.conversations.models import Contact
from bot.db import migrate
from bot.db.session import Database
from tests.conftest import POSTGRES_URL

WEEKS = 8
PER_SECOND = 20
SERVICE = "benchmark"
NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Stock:
    """What the database is filled with."""

    counsellors: int = 50
    bookings: int = 5_000


@dataclass(frozen=True)
class Row:
    """One figure and what was aimed at."""

    what: str
    measured: str
    aim: str
    met: bool

    def markdown(self) -> str:
        """A line of the table."""
        return f"| {self.what} | {self.measured} | {self.aim} | {'yes' if self.met else 'NO'} |"


def main() -> None:
    """Runs the measurements and prints a Markdown table; exits with 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.booking", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of the rush")
    seconds = parser.parse_args().seconds
    rows: list[Row] = []
    stock = Stock()
    with tempfile.TemporaryDirectory() as directory:
        sqlite = Database(f"sqlite:///{Path(directory) / 'bench.db'}")
        migrate.upgrade(sqlite)
        fill(sqlite, stock)
        rows.append(finding(sqlite, "SQLite", stock))
        sqlite.dispose()
    with postgres() as (database, url):
        fill(database, stock)
        rows.append(finding(database, "PostgreSQL", stock))
        rows.append(one_booking(database))
        rows += rush(database, url, seconds)
    print("| | measured | aim | met |\n|---|---|---|---|")
    for row in rows:
        print(row.markdown())
    if not all(row.met for row in rows):
        sys.exit(1)


@contextmanager
def postgres() -> Iterator[tuple[Database, str]]:
    """A database of its own on the server of the tests, and its address."""
    name = f"lotse_bench_{time.time_ns()}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = f"{POSTGRES_URL.rpartition('/')[0]}/{name}"
    database = Database(url)
    try:
        migrate.upgrade(database)
        yield database, url
    finally:
        database.dispose()
        with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def fill(database: Database, stock: Stock) -> None:
    """Counsellors with breaks, and bookings spread evenly over the weeks."""
    with database.transaction() as session:
        service = CounsellingService(
            key=SERVICE,
            title={"en": "Advice"},
            duration=30,
            buffer_after=0,
            step=30,
            ways=[Way.PLACE.value],
            notice=0,
            horizon_days=WEEKS * 7,
            created_at=NOW,
        )
        session.add(service)
        for number in range(stock.counsellors):
            calendar = CounsellorCalendar(
                name=f"Counsellor {number}", languages=["de"], services=[service]
            )
            for weekday in range(5):
                calendar.weekly_times += [
                    WeeklyTime(weekday=weekday, starts=8 * 60, ends=18 * 60),
                    WeeklyTime(span=Span.BREAK, weekday=weekday, starts=720, ends=780),
                ]
            session.add(calendar)
    with database.transaction() as session:
        service = _service(session)
        chooser = random.Random(1)
        taken = [
            Slot(start, start + timedelta(minutes=30), calendar.id)
            for calendar in service.calendars
            for start in _spread(chooser, stock.bookings // stock.counsellors)
        ]
        session.execute(
            insert(Appointment),
            [
                {
                    "service_id": service.id,
                    "calendar_id": slot.calendar_id,
                    "state": AppointmentState.BOOKED,
                    "starts_at": slot.starts_at,
                    "ends_at": slot.ends_at,
                    "blocked_from": slot.starts_at,
                    "blocked_until": slot.ends_at,
                    "way": Way.PLACE,
                    "language": "de",
                    "created_at": NOW,
                    "changed_at": NOW,
                    "booked_at": NOW,
                }
                for slot in taken
            ],
        )


def _spread(chooser: random.Random, count: int) -> list[datetime]:
    days = [NOW.date() + timedelta(days=number) for number in range(WEEKS * 7)]
    times = [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)
        for day in days
        if day.weekday() < 5
        for hour in (8, 9, 10, 11, 13, 14, 15, 16, 17)
        for minute in (0, 30)
    ]
    return chooser.sample(times, count)


def _service(session: object) -> CounsellingService:
    found = session.scalar(  # type: ignore[attr-defined]
        select(CounsellingService).where(CounsellingService.key == SERVICE)
    )
    assert isinstance(found, CounsellingService)
    return found


def finding(database: Database, name: str, stock: Stock) -> Row:
    """The time to compute every free time, read from the database each time."""
    spent = []
    for _ in range(21):
        with database.reading() as session:
            service = _service(session)
            began = time.perf_counter()
            found = free_slots(session, service, now=NOW)
            spent.append((time.perf_counter() - began) * 1000)
            assert found
    middle = statistics.median(spent)
    what = (
        f"Free times, {stock.counsellors} counsellors × {WEEKS} weeks × "
        f"{stock.bookings:,} bookings, {name} (median of {len(spent)}; slowest)"
    )
    return Row(what, f"{middle:.0f} ms; {max(spent):.0f} ms", "≤ 100 ms", middle <= 100)


def one_booking(database: Database, people: int = 100) -> Row:
    """Holding and booking, each in a transaction of its own, one person after the other."""
    with database.reading() as session:
        slots = free_slots(session, _service(session), now=NOW)
    spent = []
    for slot in random.Random(2).sample(slots, people):
        contact_id = person(database)
        began = time.perf_counter()
        held = _hold(database, slot, contact_id)
        middle = time.perf_counter()
        _book(database, held, contact_id)
        spent.append(((middle - began) * 1000, (time.perf_counter() - middle) * 1000))
    books = sorted(book for _, book in spent)
    holds = sorted(hold for hold, _ in spent)
    p95 = books[int(len(books) * 0.95)]
    measured = (
        f"{statistics.median(books):.0f} ms; {p95:.0f} ms "
        f"(holding before it {statistics.median(holds):.0f} ms)"
    )
    return Row("A booking, PostgreSQL (median; 95 %)", measured, "≤ 50 ms", p95 <= 50)


@dataclass(frozen=True)
class Share:
    """What one process saw of the rush: how late each booking was, in seconds; conflicts met."""

    late: list[float]
    conflicts: int


def rush(database: Database, url: str, seconds: int) -> list[Row]:
    """Twenty people a second hold and book whatever is free, often the same times.

    They come through as many processes as there are cores, as when the application runs so often.
    """
    wanted = PER_SECOND * seconds
    people = [person(database) for _ in range(wanted)]
    before = _count(database)
    processes = os.cpu_count() or 1
    # The processes need a moment to start.
    began = time.time() + 5
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        parts = [range(first, wanted, processes) for first in range(processes)]
        work = [
            pool.submit(book_share, url, began, {number: people[number] for number in part})
            for part in parts
        ]
        shares = [part.result() for part in work]
    spent = time.time() - began
    late = sorted(moment for share in shares for moment in share.late)
    booked = len(late)
    lost = booked - (_count(database) - before)
    double = overlaps(database)
    conflicts = sum(share.conflicts for share in shares)
    rate = booked / spent
    return [
        Row(
            f"{PER_SECOND} bookings a second for {seconds} s through {processes} processes: booked "
            f"(met somebody else: {conflicts})",
            f"{booked} of {wanted}, {rate:.1f}/s, 95 % within "
            f"{late[int(len(late) * 0.95)] * 1000:.0f} ms",
            f"{wanted}, {PER_SECOND}/s",
            booked == wanted and rate >= PER_SECOND * 0.97,
        ),
        Row("Lost; double", f"{lost}; {double}", "0; 0", lost == 0 and double == 0),
    ]


def book_share(url: str, began: float, people: dict[int, str]) -> Share:
    """Lets each person book when it is their turn: number n comes n/20 s after `began`."""
    database = Database(url)
    conflicts: list[int] = []

    def book_one(number: int) -> float | None:
        due = began + number / PER_SECOND
        time.sleep(max(0.0, due - time.time()))
        chooser = random.Random(number)
        for _ in range(10):
            with database.reading() as session:
                # All look at the next few days, so that they meet.
                slots = free_slots(session, _service(session), now=NOW, limit=60)
            try:
                held = _hold(database, chooser.choice(slots), people[number])
                _book(database, held, people[number])
            except BookingError:
                conflicts.append(number)
                continue
            return time.time() - due
        return None

    # As many threads as asyncio gives the application for its work with the database.
    with ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4)) as pool:
        late = [moment for moment in pool.map(book_one, people) if moment is not None]
    database.dispose()
    return Share(late, len(conflicts))


def person(database: Database) -> str:
    with database.transaction() as session:
        contact = Contact(created_at=NOW)
        session.add(contact)
        session.flush()
        return contact.id


def _hold(database: Database, slot: Slot, contact_id: str) -> str:
    with database.transaction() as session:
        return booking.hold(
            session,
            _service(session),
            slot,
            way=Way.PLACE,
            language="de",
            contact_id=contact_id,
            conversation_id=None,
            now=NOW,
        ).id


def _book(database: Database, held: str, contact_id: str) -> None:
    with database.transaction() as session:
        booking.book(session, held, details=booking.Details(), contact_id=contact_id, now=NOW)


def _count(database: Database) -> int:
    with database.reading() as session:
        found = select(func.count()).where(Appointment.state == AppointmentState.BOOKED)
        return session.scalar(found) or 0


def overlaps(database: Database) -> int:
    one, other = aliased(Appointment), aliased(Appointment)
    with database.reading() as session:
        found = (
            select(func.count())
            .select_from(one)
            .join(other, (one.calendar_id == other.calendar_id) & (one.id < other.id))
            .where(
                one.state == AppointmentState.BOOKED,
                other.state == AppointmentState.BOOKED,
                one.blocked_from < other.blocked_until,
                other.blocked_from < one.blocked_until,
            )
        )
        return session.scalar(found) or 0


if __name__ == "__main__":
    main()
