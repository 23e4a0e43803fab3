"""The present moment, passed in wherever it is needed so that tests can choose it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment in UTC, with its zone."""
    return datetime.now(UTC)
