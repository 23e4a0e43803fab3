"""Counters that watch the test's database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.db.session import Database
from bot.observability import labels
from bot.observability.commits import CommitWatch
from bot.observability.counters import Counters


@pytest.fixture
def counters(database: Database) -> Iterator[Counters]:
    """Counters of what the test commits, which ends with the test."""
    counters = Counters(channels=("web", "telegram"), intents=labels.intents())
    watch = CommitWatch(database, counters)
    yield counters
    watch.stop()
