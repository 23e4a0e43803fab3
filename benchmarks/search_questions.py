"""Whether free questions in fourteen languages find the right starter offers.

    python -m benchmarks.search_questions             recall among the first three
    python -m benchmarks.search_questions --missed    and what was found instead

``search/questions.tsv`` holds questions written by hand, each with the offers that
answer it; any of them counts. All topics are searched at once, which is harder than in
the chat, where the topic of a question is understood first. "meaning" and "words" use
one part of the ranking alone; "raw" is meaning with vectors that still have their language.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import encoder
from benchmarks.report import machine
from bot.config import PROJECT
from bot.db import migrate
from bot.db.session import Database
from bot.measures.encoding import SentenceMeanings
from bot.measures.importers import csv as csv_import
from bot.measures.importers.store import store
from bot.measures.models import Measure
from bot.measures.search import Meanings, MeasureSearch, Wishes, ranking
from bot.measures.search.codes import Matrix, Vector
from bot.workers.search import SearchUpkeep

FILE = Path(__file__).parent / "search" / "questions.tsv"
FIRST = 3
NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)


class RawMeanings:
    """The encoder's vectors as they are."""

    def __init__(self) -> None:
        self._encoder = encoder.load(threads=2)
        self.name = self._encoder.name

    def query(self, text: str) -> Vector:
        return self._encoder.encode([text])[0]

    def passages(self, texts: Sequence[str]) -> Matrix:
        return self._encoder.encode(texts, kind="passage")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--missed", action="store_true")
    arguments = parser.parse_args()
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    columns = {
        "all": recall(rows, SentenceMeanings(threads=2), missed=arguments.missed),
        "meaning": recall(rows, SentenceMeanings(threads=2), COMMON_WORDS=0.0),
        "words": recall(rows, SentenceMeanings(threads=2), COMMON_WORDS=100.0),
        "raw": recall(rows, RawMeanings(), COMMON_WORDS=0.0),
    }
    print(machine({"encoder": encoder.load().name, "questions": str(len(rows))}))
    print(f"\n| recall@{FIRST} | {' | '.join(columns)} |")
    print("|---|" + "---:|" * len(columns))
    for language in columns["all"]:
        cells = " | ".join(f"{column[language]:.2f}" for column in columns.values())
        print(f"| {language} | {cells} |")


def recall(
    rows: Sequence[dict[str, str]], meanings: Meanings, *, missed: bool = False, **weights: float
) -> dict[str, float]:
    """Per language and for all the share of questions whose answer is among the first."""
    hits: dict[str, list[bool]] = defaultdict(list)
    with _starter_measures(meanings) as (database, name_of), _weights(**weights):
        searcher = MeasureSearch(meanings=meanings)
        for row in rows:
            with database.reading() as session:
                found = searcher.find(
                    session,
                    topic=None,
                    wishes=Wishes(),
                    text=row["question"],
                    first=FIRST,
                    now=NOW,
                )
            names = [name_of(measure_id) for measure_id in found.ids[:FIRST]]
            hit = not set(names).isdisjoint(row["measures"].split(";"))
            hits[row["language"]].append(hit)
            hits["all"].append(hit)
            if missed and not hit:
                print(f"{row['language']}: {row['question']}\n    {', '.join(names)}")
    return {language: sum(found) / len(found) for language, found in hits.items()}


@contextmanager
def _weights(**weights: float):  # type: ignore[no-untyped-def]
    with mock.patch.multiple(ranking, **weights) if weights else mock.patch.dict({}):
        yield


@contextmanager
def _starter_measures(meanings: Meanings):  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{Path(directory) / 'search.db'}")
        migrate.upgrade(database)
        with (
            csv_import.opened(PROJECT / "data" / "measures.csv") as records,
            database.transaction() as session,
        ):
            store(session, records, source="import:csv", now=NOW)
        SearchUpkeep(database=database, meanings=meanings).catch_up()
        with database.reading() as session:
            names = {m.id: m.external_id for m in session.query(Measure)}
        name_of: Callable[[str], str] = names.__getitem__
        yield database, name_of
        database.dispose()


if __name__ == "__main__":
    main()
