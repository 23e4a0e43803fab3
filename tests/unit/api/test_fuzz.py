"""Requests made from the interface's own description: none fails, every answer fits it.

``make fuzz`` makes many more of them than the few that run with the other tests.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.schemas import BaseSchema

from bot.api.app import create_app
from bot.db.session import Database
from bot.measures import taxonomies
from bot.rates import Rate
from tests.support.hsds import example, load
from tests.support.measures import new_measure

EXAMPLES = int(os.environ.get("LOTSE_FUZZ_EXAMPLES", "8"))


@pytest.fixture
def schema(tmp_path: Path, migrated_file: Path) -> Iterator[BaseSchema]:
    path = tmp_path / "lotse.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    with database.transaction() as session:
        taxonomies.ensure(session)
        for number in range(3):
            new_measure(session, provider=f"School {number}", title="Course")
    load(database, example("service_full"))
    app = create_app(
        database=database,
        clock=lambda: datetime(2026, 11, 23, tzinfo=UTC),
        base_url="https://city.example",
        rate=Rate(per_minute=10**9, burst=10**9),
    )
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    database.dispose()


def test_no_request_breaks_the_interface(schema: BaseSchema) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 12
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate()

        holds()
