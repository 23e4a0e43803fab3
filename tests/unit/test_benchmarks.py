"""The benchmarks still run: each fills tables by itself and would not notice a new column.

Nothing is measured here; what is asked for is as little as their functions can be asked.
"""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from benchmarks import booking, console, exchange, search_questions, search_scale
from bot.clock import utc_now
from bot.console.app import create_app
from bot.db.session import Database
from bot.measures.topics import Topic
from tests.support.console import console_services
from tests.support.fakes import FakeMeanings


def test_search_scale_fills_the_tables_and_finds_what_it_wrote(database: Database) -> None:
    topics = list(Topic)
    texts = [f"question{number} course" for number in range(600)]
    questions = search_scale.Questions(
        texts,
        [topics[number % len(topics)] for number in range(600)],
        FakeMeanings().passages(texts),
    )
    effort = search_scale.Effort(searches=20, warm_up=1, checked=5, pool=3)
    row = search_scale.measured(database, 200, questions, effort)
    [offers, kind, _p50, _p95, _cpu, _aim, found, *_] = row.strip("| ").split(" | ")
    assert (offers, kind) == ("200", "SQLite" if database.is_sqlite else "PostgreSQL")
    assert float(found) > 0.9


def test_booking_fills_the_tables_and_books(database: Database) -> None:
    stock = booking.Stock(counsellors=2, bookings=20)
    booking.fill(database, stock)
    assert "20 bookings" in booking.finding(database, "here", stock).what
    booking.one_booking(database, people=2)


def test_many_people_of_the_booking_benchmark_book_at_once(postgres: Database) -> None:
    booking.fill(postgres, booking.Stock(counsellors=2, bookings=20))
    people = {number: booking.person(postgres) for number in range(4)}
    url = postgres.engine.url.render_as_string(hide_password=False)
    share = booking.book_share(url, time.time(), people)
    assert len(share.late) == 4
    assert booking.overlaps(postgres) == 0


async def test_the_console_benchmark_fills_the_tables_and_opens_pages(database: Database) -> None:
    token, *_ = console.fill(database, past=20, open_=20)
    address = "http://127.0.0.1"
    services = console_services(database, utc_now, base_url=address)
    app = Starlette(routes=[Mount("/console", create_app(services))])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=address,
        cookies={"lotse_console": token},
    ) as client:
        pages = await console.open_pages(client, times_each=1)
        console.new_message(database, "seen-at-once", 0)
        shown = await client.get("/console/inbox/list")
    assert all(len(times) == 1 for times in pages.values())
    assert "seen-at-once" in shown.text


@pytest.mark.parametrize("name", ["few.json", "few.csv"])
def test_the_exchange_benchmark_imports_what_it_writes(
    sqlite: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write = exchange.write_table if name.endswith("csv") else exchange.write_services
    write(tmp_path / name, 30)
    exchange.measure(str(sqlite.engine.url), str(tmp_path / name))
    assert json.loads(capsys.readouterr().out)["added"] == 30


def test_questions_are_searched_among_the_starter_offers() -> None:
    with search_questions.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))[:5]
    recall = search_questions.recall(rows, FakeMeanings(), COMMON_WORDS=100.0)
    assert 0 <= recall["all"] <= 1
