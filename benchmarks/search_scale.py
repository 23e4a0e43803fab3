"""How long a search takes among a thousand, a hundred thousand and a million offers.

    python -m benchmarks.search_scale                 all three; about ten minutes
    python -m benchmarks.search_scale --rows 100000   one size, on SQLite
    python -m benchmarks.search_scale --rows 1000000  on PostgreSQL (LOTSE_TEST_POSTGRES_URL)

Offers are made up: vectors of the questions in ``nlu/`` with noise, facts at random as
often unknown as known. The time is that of the whole search but for the question's
vector. "found" is how many of the ten nearest offers of the topic, compared one by
one, are among the first thirty. "own CPU" leaves out what other processes took of the
processor, and what the server of PostgreSQL did; "load" is the machine's meanwhile.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import psycopg
import yaml
from sqlalchemy import text

from benchmarks.report import machine
from bot.config import PROJECT
from bot.db import migrate
from bot.db.session import Database
from bot.measures.encoding import SentenceMeanings
from bot.measures.models import Measure, MeasureTopic
from bot.measures.search import MeasureSearch, Wishes
from bot.measures.search.codes import Matrix, Vector, pack
from bot.measures.search.sorting import are_due, rebuild
from bot.measures.search.terms import facts, words
from bot.measures.topics import Topic

POSTGRES_URL = os.environ.get(
    "LOTSE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test"
)
AIMS = {1_000: "≤ 10 ms", 100_000: "≤ 60 ms", 1_000_000: "≤ 60 ms"}
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOISE = 0.8
BLOCK = 20_000
NAME = "benchmark"

LEVELS = ("A1", "A2", "B1", "B2", "C1")
DISTRICTS = ("Mitte", "Nord", "Ost", "West", "Süd", "Feuerbach", "Bad Cannstatt", "Vaihingen")
AUDIENCES = ("women", "parents", "youth", "refugees", "everyone")
TIMES = ("morning", "afternoon", "evening", "weekend")


@dataclass(frozen=True)
class Questions:
    """Questions with their topics and vectors, one a row; the first 500 are asked."""

    texts: Sequence[str]
    topics: Sequence[Topic]
    vectors: Matrix


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is done for one row of the table."""

    #: Searches that are timed, those before them, and those compared one by one.
    searches: int = 400
    warm_up: int = 200
    checked: int = 60
    #: Different facts of each topic.
    pool: int = 1_500


class Known:
    """Meanings of questions whose vectors are known, so that they cost nothing."""

    name = NAME

    def __init__(self, vectors: dict[str, Vector]) -> None:
        self._vectors = vectors

    def query(self, text: str) -> Vector:
        return self._vectors[text]

    def passages(self, texts: Sequence[str]) -> Matrix:
        raise NotImplementedError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help="may be repeated")
    arguments = parser.parse_args()
    questions = _questions()
    print(machine({"Python": sys.version.split()[0], "cores": str(os.cpu_count())}))
    print("\n| offers | database | p50 | p95 | own CPU p95 | aim | found | cells | load |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for rows in arguments.rows or AIMS:
        with _database(rows) as database:
            print(measured(database, rows, questions, Effort()), flush=True)


def _questions() -> Questions:
    texts, topics = [], []
    for path in sorted((PROJECT / "nlu").glob("*/measures.yml")):
        for entry in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            topic = Topic.from_intent(entry.get("intent", ""))
            for line in entry.get("examples", "").splitlines() if topic else ():
                text = re.sub(r"\[([^\]]*)\](\([^)]*\)|\{[^}]*\})", r"\1", line.removeprefix("- "))
                texts.append(text.strip())
                topics.append(topic)
    chosen = random.Random(1).sample(range(len(texts)), min(3_000, len(texts)))
    _progress("encoding questions")
    vectors = SentenceMeanings(threads=2).passages([texts[index] for index in chosen])
    return Questions([texts[i] for i in chosen], [topics[i] for i in chosen], vectors)


@contextmanager
def _database(rows: int) -> Iterator[Database]:
    if rows < 1_000_000:
        with tempfile.TemporaryDirectory() as directory:
            database = Database(f"sqlite:///{Path(directory) / 'search.db'}")
            migrate.upgrade(database)
            yield database
            database.dispose()
        return
    name = f"lotse_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    database = Database(f"{POSTGRES_URL.rpartition('/')[0]}/{name}")
    try:
        migrate.upgrade(database)
        yield database
    finally:
        database.dispose()
        with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def measured(database: Database, rows: int, questions: Questions, effort: Effort) -> str:
    """Fills an empty, migrated database and searches it; returns a row of the table."""
    asked = np.arange(len(questions.texts)) < 500
    bases = np.flatnonzero(~asked)
    generator = np.random.default_rng(7)
    owners = generator.choice(bases, size=rows)
    vectors = _fill(database, owners, questions, effort.pool)
    _progress(f"{rows:,} offers: sorting into cells")
    with database.reading() as session:
        due = are_due(session, NAME)
    count = rebuild(database, NAME, questions.vectors.shape[1]) if due else 0
    _tidy(database)
    _progress(f"{rows:,} offers: searching")
    searcher = MeasureSearch(meanings=Known(_asked_vectors(questions, asked)))
    first = np.flatnonzero(asked)
    took, busy = _searches(database, searcher, questions, first, effort)
    load = os.getloadavg()[0]
    checked = first[: effort.checked]
    found = _recall(database, searcher, questions, checked, owners, vectors)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return (
        f"| {rows:,} | {kind} | {statistics.median(took):.1f} ms | {_p95(took):.1f} ms"
        f" | {_p95(busy):.1f} ms | {AIMS.get(rows, '')} | {found:.2f} | {count} | {load:.1f} |"
    )


def _asked_vectors(questions: Questions, asked: np.ndarray) -> dict[str, Vector]:
    vectors = {questions.texts[i]: questions.vectors[i] for i in np.flatnonzero(asked)}
    for topic in Topic:
        members = [i for i, own in enumerate(questions.topics) if own == topic]
        mean = questions.vectors[members or [0]].mean(axis=0)
        vectors[topic.value.replace("_", " ")] = mean / np.linalg.norm(mean)
    return vectors


def _noisy(vectors: Matrix, seed: int) -> Matrix:
    noise = np.random.default_rng(seed).normal(size=vectors.shape).astype(np.float32)
    mixed = vectors + NOISE * noise / np.sqrt(vectors.shape[1])
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)


def _fill(
    database: Database, owners: np.ndarray, questions: Questions, pool: int
) -> list[np.ndarray]:
    """Writes all offers with their entries; returns their vectors in signed bytes."""
    pools = {topic: [" ".join(sorted(_facts(topic))) for _ in range(pool)] for topic in Topic}
    own_words = [set(words(line)) for line in questions.texts]
    vocabulary = np.array(sorted(set().union(*own_words)))
    draw = np.random.default_rng(3)
    kept = []
    if not database.is_sqlite:
        # A large index is made sooner at once than row by row.
        _execute(database, "DROP INDEX ix_measure_search_terms")
    for start in range(0, len(owners), BLOCK):
        part = owners[start : start + BLOCK]
        vectors = _noisy(questions.vectors[part], start + 2)
        kept.append(np.rint(vectors * 300).clip(-127, 127).astype(np.int8))
        codes = pack(vectors)
        width = len(codes) // len(part)
        others = vocabulary[draw.integers(len(vocabulary), size=(len(part), 20))]
        chosen = draw.integers(pool, size=len(part))
        measures, entries = [], []
        for offset, owner in enumerate(part):
            number = start + offset + 1
            said = " ".join(own_words[owner].union(others[offset].tolist()))
            terms = f"{pools[questions.topics[owner]][chosen[offset]]} {said}"
            measures.append((f"m{number}", f"x{number}"))
            code = codes[offset * width : (offset + 1) * width]
            entries.append((number, f"m{number}", f"p{number % 5000}", terms, code))
        _write(database, measures, entries)
        _progress(f"{start + len(part):,} written")
    if not database.is_sqlite:
        _progress("making the index")
        _execute(
            database,
            "CREATE INDEX ix_measure_search_terms ON measure_search USING gin (terms_index)",
        )
    _tidy(database)
    return kept


def _tidy(database: Database) -> None:
    """Does now what a database does by itself within minutes, and would do during the searches."""
    for command in ("ANALYZE",) if database.is_sqlite else ("VACUUM ANALYZE", "CHECKPOINT"):
        _execute(database, command)


def _execute(database: Database, sql: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(sql))


_MEASURE = {
    **dict.fromkeys(("levels", "audience", "formats", "times", "languages", "sdgs"), "[]"),
    **dict.fromkeys(("age_of", "address", "district", "postal_code", "city", "phone"), ""),
    **dict.fromkeys(("email", "website", "source_title", "note", "origin"), ""),
    **{"kind": "offer", "status": "published", "confidence": "high", "scope": "stuttgart"},
    **{"source_url": "https://example.org/", "source_date": "2026-02", "revision": 1},
    **{"extra": "{}", "hand_written": "[]", "harm_if_stale": False, "updated_at": NOW},
}
_ENTRY = {"measure_updated_at": NOW, "fresh_on": date(2026, 9, 1), "positions": "[]"}
_ENTRY |= {"texts_hash": "", "model": NAME}


def _write(database: Database, measures: list[tuple], entries: list[tuple]) -> None:
    rows = [{**_MEASURE, "id": m[0], "external_id": m[1]} for m in measures]
    names = ("number", "measure_id", "provider", "terms", "vectors")
    found = [{**_ENTRY, **dict(zip(names, entry, strict=True))} for entry in entries]
    if database.is_sqlite:
        with database.transaction() as session:
            for table, some in (("measure", rows), ("measure_search", found)):
                columns = ", ".join(some[0])
                marks = ", ".join(f":{name}" for name in some[0])
                values = [
                    {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
                    for row in some
                ]
                session.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)
        return
    raw = database.engine.raw_connection()
    try:
        cursor = raw.driver_connection.cursor()
        for table, some in (("measure", rows), ("measure_search", found)):
            with cursor.copy(f"COPY {table} ({', '.join(some[0])}) FROM STDIN") as copy:
                for row in some:
                    copy.write_row(tuple(row.values()))
        raw.commit()
    finally:
        raw.close()


def _facts(topic: Topic) -> set[str]:
    draw = random.Random(uuid.uuid4().int)

    def some(values: Sequence[str], most: int) -> list[str]:
        return draw.sample(values, draw.randint(0, most))

    measure = Measure(
        kind="offer",
        levels=some(LEVELS, 3),
        formats=some(("in_person", "online"), 1),
        languages=some(("de", "en", "tr", "ar", "uk"), 3),
        audience=some(AUDIENCES, 2),
        times=some(TIMES, 2),
        childcare=draw.choice((True, False, None)),
        free_of_charge=draw.choice((True, False, None)),
        age_of=draw.choice(("child", "")),
        minimum_age=draw.choice((None, 0, 3)),
        maximum_age=draw.choice((None, 6, 18)),
        district=draw.choice((*DISTRICTS, "")),
    )
    measure.topics = [MeasureTopic(topic=topic.value, position=0)]
    return facts(measure)


def _wishes(draw: random.Random) -> Wishes:
    every = {
        "german_level": draw.choice(LEVELS),
        "district": draw.choice(DISTRICTS),
        "child_age_months": draw.randint(0, 200),
        "time_of_day": (draw.choice(TIMES),),
        "format": "online",
        "language": draw.choice(("tr", "ar", "uk")),
        "audience": draw.choice(AUDIENCES),
        "childcare": True,
        "free_of_charge": True,
    }
    return Wishes(**{name: every[name] for name in draw.sample(sorted(every), draw.randint(0, 3))})


def _searches(
    database: Database,
    searcher: MeasureSearch,
    questions: Questions,
    asked: np.ndarray,
    effort: Effort,
) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and of this process, of each search."""
    draw = random.Random(5)
    took, busy = [], []
    for number in range(effort.searches + effort.warm_up):
        index = int(draw.choice(list(asked)))
        wishes = _wishes(draw)
        # One in ten presses a button: a topic without words.
        words_said = "" if number % 10 == 0 else questions.texts[index]
        began, worked = time.perf_counter(), time.thread_time()
        with database.reading() as session:
            searcher.find(
                session,
                topic=questions.topics[index],
                wishes=wishes,
                text=words_said,
                first=3,
                now=NOW,
            )
        if number >= effort.warm_up:
            took.append((time.perf_counter() - began) * 1_000)
            busy.append((time.thread_time() - worked) * 1_000)
    return took, busy


def _p95(milliseconds: list[float]) -> float:
    return statistics.quantiles(milliseconds, n=20)[-1]


def _recall(
    database: Database,
    searcher: MeasureSearch,
    questions: Questions,
    checked: np.ndarray,
    owners: np.ndarray,
    vectors: list[np.ndarray],
) -> float:
    topics = np.array([list(Topic).index(topic) for topic in questions.topics])
    hits = []
    for index in checked:
        query = questions.vectors[index]
        near = np.concatenate([part.astype(np.float32) @ query for part in vectors])
        near[topics[owners] != topics[index]] = -1e9
        nearest = {f"m{number + 1}" for number in np.argpartition(-near, 10)[:10]}
        with database.reading() as session:
            found = searcher.find(
                session,
                topic=questions.topics[index],
                wishes=Wishes(),
                text=questions.texts[index],
                first=0,
                now=NOW,
            )
        hits.append(len(nearest & set(found.ids)) / 10)
    return statistics.mean(hits)


def _progress(said: str) -> None:
    print(f"{said} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
