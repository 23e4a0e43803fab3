"""The trained model in one engine process, and the real application around it, in process."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from actions import all_actions
from bot.booking import seed
from bot.db.session import Database
from bot.dialogue import endpoints
from bot.dialogue.responses import Responses
from bot.measures.answers import MeasureAnswers
from tests.conftest import Clock
from tests.dialogue.conversation import Conversation, ListeningEngine
from tests.support.booking_form import booking_of
from tests.support.fakes import FakeMeanings
from tests.support.measures import NOW, import_starter_measures
from tests.support.product import ENGINE_TOKEN, MODEL, Engine, free_port
from tests.support.talk import CATALOGUES

_addresses = itertools.count(1)


@pytest.fixture(scope="session")
def starter_database(
    migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """The real offers; conversations of all tests live beside each other in it."""
    path = tmp_path_factory.mktemp("dialogue") / "lotse.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    import_starter_measures(database)
    with database.transaction() as session:
        seed.seed_demo(session, titles={}, now=NOW)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def standing_clock() -> Clock:
    """One time for all: the application's endpoints serve every test."""
    return Clock()


@pytest.fixture(scope="session")
def served_engine(
    starter_database: Database,
    standing_clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Engine]:
    """The engine with the trained model, calling the application's real endpoints."""
    assert MODEL.exists(), "run `make train` first, or `make test`, which does"
    measures = MeasureAnswers(
        database=starter_database, meanings=FakeMeanings(), clock=standing_clock
    )
    application = endpoints.create_app(
        responses=Responses(CATALOGUES),
        actions=all_actions(measures, booking_of(starter_database, standing_clock)),
        token=ENGINE_TOKEN,
    )
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="warning"))
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    engine = Engine(tmp_path_factory.mktemp("engine"), application_port=port)
    engine.start()
    engine.wait_until_ready()
    yield engine
    engine.process.kill()
    server.should_exit = True
    serving.join(timeout=10)


@pytest.fixture
async def begin(
    starter_database: Database, standing_clock: Clock, served_engine: Engine
) -> AsyncIterator[Callable[[str], Conversation]]:
    """Begins a new person's conversation in a language."""
    engine = ListeningEngine(
        url=f"http://127.0.0.1:{served_engine.port}", token=ENGINE_TOKEN, timeout=30
    )

    def new(language: str) -> Conversation:
        return Conversation(
            starter_database,
            standing_clock,
            engine=engine,
            address=f"person-{next(_addresses)}",
            hint=language,
        )

    yield new
    await engine.close()
