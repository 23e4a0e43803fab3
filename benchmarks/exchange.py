"""Importing 100,000 services: seconds and memory, against the aim.

``python -m benchmarks.exchange [services]`` prints one line for SQLite and one for PostgreSQL,
where one answers at LOTSE_TEST_POSTGRES_URL. Each import runs in a process of its own, so that
its peak memory is its own; the same is measured for a tenth of the services. With ``--csv`` they
come as our own table, with words in four languages beside it, instead of HSDS.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bot.db import migrate
from bot.db.session import Database
from bot.measures.fields import TEXT_FIELDS
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers.run import Format, Limits, run
from bot.measures.taxonomies import LEVELS, TOPICS

AIM_SECONDS = 180
POSTGRES = os.environ.get("LOTSE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


def write_services(path: Path, count: int) -> None:
    """A list of services with place, address, hours, phone, price and terms, one a line."""

    def key(*parts: object) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))

    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number in range(count):
            topic = list(TOPICS.terms)[number % len(TOPICS.terms)]
            level = list(LEVELS.terms)[number % len(LEVELS.terms)]
            place = number // 3
            service = {
                "id": key("service", number),
                "name": f"Kurs {number} in Stuttgart",
                "description": f"Angebot {number} für Menschen, die neu in der Stadt sind. " * 4,
                "status": "active",
                "url": f"https://example.org/{number}",
                "minimum_age": 16,
                "organization": {
                    "id": key("organization", number // 50),
                    "name": f"Träger {number // 50}",
                    "description": "Bildungsträger",
                },
                "phones": [{"id": key("phone", number), "number": f"0711 {number}"}],
                "languages": [{"id": key("language", number), "code": "de"}],
                "cost_options": [{"id": key("cost", number), "amount": number % 3 * 10}],
                "attributes": [
                    {"id": key("topic", number), "taxonomy_term": TOPICS.term(topic)},
                    {"id": key("level", number), "taxonomy_term": LEVELS.term(level)},
                ],
                "service_at_locations": [
                    {
                        "id": key("at", number),
                        "location": {
                            "id": key("location", place),
                            "location_type": "physical",
                            "latitude": 48.7 + place % 100 / 500,
                            "longitude": 9.1 + place % 77 / 500,
                            "addresses": [
                                {
                                    "id": key("address", place),
                                    "address_1": f"Straße {place}",
                                    "city": "Stuttgart",
                                    "state_province": "Baden-Württemberg",
                                    "postal_code": "70173",
                                    "country": "DE",
                                    "address_type": "physical",
                                }
                            ],
                        },
                        "schedules": [
                            {
                                "id": key("schedule", number),
                                "freq": "WEEKLY",
                                "byday": "MO,WE",
                                "opens_at": "09:00:00",
                                "closes_at": "12:00:00",
                            }
                        ],
                    }
                ],
            }
            file.write(",\n" if number else "\n")
            file.write(json.dumps(service, ensure_ascii=False))
        file.write("\n]\n")


def write_table(path: Path, count: int) -> None:
    """Our own table of as many offers, and ``measure_texts`` beside it."""
    texts = path.parent / "measure_texts"
    texts.mkdir(exist_ok=True)
    topics, levels = list(TOPICS.terms), list(LEVELS.terms)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                *("id", "topics", "title_de", "title_en", "provider", "description_facts"),
                *("levels", "address", "postal_code", "city", "phone", "source_url", "confidence"),
            )
        )
        writer.writerows(
            (
                *(f"course-{number}", topics[number % len(topics)], f"Kurs {number}"),
                *(f"Course {number}", f"Träger {number // 50}", f"Course {number} for all. " * 10),
                *(levels[number % len(levels)], f"Straße {number // 3}", "70173", "Stuttgart"),
                *(f"0711 {number}", f"https://example.org/{number}", "high"),
            )
            for number in range(count)
        )
    for language in ("de", "en", "tr", "uk"):
        with (texts / f"{language}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", *TEXT_FIELDS, "state"))
            words = ("title", "description")
            writer.writerows(
                (
                    f"course-{number}",
                    *(
                        f"{name} {number} {language} " * 10 * (name in words)
                        for name in TEXT_FIELDS
                    ),
                    "reviewed",
                )
                for number in range(count)
            )


def measure(url: str, path: str) -> None:
    """Imports a file into a migrated database; prints seconds and peak megabytes."""
    database = Database(url)
    migrate.upgrade(database)
    started = time.perf_counter()
    report = run(
        database,
        path,
        file_format=Format.of(path),
        now=datetime.now(UTC),
        limits=Limits(maximum_bytes=10**10, seconds=60, private_addresses=False),
        assume=Assumptions(),
    )
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "megabytes": peak, "added": report.added}))


def in_own_process(url: str, path: Path) -> dict[str, float]:
    """``measure`` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.exchange", "--measure", url, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def main(count: int, *, table: bool) -> None:
    """Writes the file, imports it on each kind of database and prints a table."""
    print(f"load before the run {os.getloadavg()[0]:.1f}")
    print(f"{'database':12} {'services':>9} {'seconds':>8} {'aim':>6} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as directory:
        for services in (count // 10, count):
            path = Path(directory) / f"{services}.{'csv' if table else 'json'}"
            (write_table if table else write_services)(path, services)
            for name in ("SQLite", "PostgreSQL"):
                url, drop = _database(name, directory, services)
                if not url:
                    print(f"{name:12} no server answers")
                    continue
                found = in_own_process(url, path)
                drop()
                aim = AIM_SECONDS * services / 100_000
                print(
                    f"{name:12} {int(found['added']):>9,} {found['seconds']:>8.1f} "
                    f"{'≤ ' + format(aim, '.0f'):>6} {found['megabytes']:>8.0f}",
                    flush=True,
                )


def _database(name: str, directory: str, services: int):  # type: ignore[no-untyped-def]
    if name == "SQLite":
        return f"sqlite:///{directory}/{services}.db", lambda: None
    own = f"lotse_bench_{uuid.uuid4().hex[:10]}"
    try:
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2) as connection:
            connection.execute(f'CREATE DATABASE "{own}"')
    except psycopg.OperationalError:
        return "", lambda: None

    def drop() -> None:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{own}" WITH (FORCE)')

    return f"{POSTGRES.rpartition('/')[0]}/{own}", drop


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3])
    else:
        given = [one for one in sys.argv[1:] if one != "--csv"]
        main(int(given[0]) if given else 100_000, table="--csv" in sys.argv)
