"""One small assistant, trained once, and engines that serve it beside a stub application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import lean

# As in the product, and before any test module imports Rasa.
lean.install()

from tests.engine.application import Application  # noqa: E402
from tests.engine.assistant import EngineProcess, train  # noqa: E402


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("assistant"))


@pytest.fixture(scope="session")
def served_application() -> Iterator[Application]:
    with Application() as application:
        yield application


@pytest.fixture(scope="session")
def served_engine(
    model: Path, served_application: Application, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineProcess]:
    engine = EngineProcess(
        model, tmp_path_factory.mktemp("engine"), application_url=served_application.url
    )
    engine.start()
    engine.wait_until_ready()
    yield engine
    engine.kill()


@pytest.fixture
def application(served_application: Application) -> Application:
    """The stub application, working properly and with nothing recorded."""
    served_application.recover()
    return served_application


@pytest.fixture
def engine(served_engine: EngineProcess, application: Application) -> EngineProcess:
    """A running engine. All tests share it: each speaks in conversations of its own."""
    if not served_engine.is_running():
        served_engine.start()
        served_engine.wait_until_ready()
    return served_engine


@pytest.fixture
def start_engine(
    model: Path, application: Application, tmp_path: Path
) -> Iterator[Callable[..., EngineProcess]]:
    """Starts an engine for one test alone."""
    started = []

    def start(*arguments: str, model: Path = model) -> EngineProcess:
        engine = EngineProcess(model, tmp_path, application_url=application.url)
        engine.start(*arguments)
        started.append(engine)
        return engine

    yield start
    for engine in started:
        engine.kill()
