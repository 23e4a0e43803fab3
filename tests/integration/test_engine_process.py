"""The engine's process is kept running, and its model is trained when its sources change.

Instead of the engine's interpreter a small program is started. It calls the test
and then does what the case needs, so nothing here waits for a clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.config import PROJECT, Settings
from bot.dialogue import model, supervisor
from bot.dialogue.supervisor import EngineProcess
from bot.errors import ConfigurationError

TOKEN = "token-between-engine-and-application"
WAITS_FOR_ITS_PARENT = "sys.stdin.buffer.read()"
ENDS_AT_ONCE = "sys.exit(3)"
IGNORES_REQUESTS_TO_END = "signal.pause()"
PROGRAM = """#!{python}
import json, os, signal, socket, sys
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
connection = socket.create_connection(("127.0.0.1", {port}))
call = {{"pid": os.getpid(), "arguments": sys.argv[1:], "directory": os.getcwd(),
        "environment": dict(os.environ)}}
connection.sendall(json.dumps(call).encode() + b"\\n")
{behaviour}
"""


@dataclass
class Started:
    """A process that has called, and the connection that ends with it."""

    call: dict[str, Any]
    at: float
    connection: asyncio.StreamReader

    @property
    def pid(self) -> int:
        return int(self.call["pid"])

    async def ended(self) -> None:
        """Returns as soon as the process is gone."""
        with suppress(ConnectionError):
            assert await asyncio.wait_for(self.connection.read(), 20) == b""


class Starts:
    """Waits for the calls of started programs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: asyncio.Queue[Started] = asyncio.Queue()
        self._port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Starts]:
        connections = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            call = json.loads(await reader.readline())
            now = asyncio.get_running_loop().time()
            self._started.put_nowait(Started(call, now, reader))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=2**20)
        self._port = server.sockets[0].getsockname()[1]
        yield self
        for writer in connections:
            writer.close()
        server.close()

    def interpreter(self, behaviour: str) -> Path:
        path = self._directory / "python"
        path.write_text(
            PROGRAM.format(
                python=sys.executable,
                port=self._port,
                behaviour=behaviour,
                stubborn=behaviour == IGNORES_REQUESTS_TO_END,
            )
        )
        path.chmod(0o755)
        return path

    async def next(self) -> Started:
        return await asyncio.wait_for(self._started.get(), 20)


@pytest.fixture
async def starts(tmp_path: Path) -> AsyncIterator[Starts]:
    async with Starts(tmp_path).listening() as listening:
        yield listening


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        model_path=tmp_path / "models" / "lotse.tar.gz",
        state_directory=tmp_path,
        engine_port=5999,
        internal_port=8999,
    )


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.2)


@asynccontextmanager
async def running(engine: EngineProcess) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(engine.run())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


# Keeping the engine running


async def test_the_engine_is_told_its_model_port_addresses_and_token(
    settings: Settings, starts: Starts
) -> None:
    engine = EngineProcess(settings, token=TOKEN, python=starts.interpreter(WAITS_FOR_ITS_PARENT))
    with capture_logs() as logs:
        async with running(engine):
            started = await starts.next()
    assert started.call["arguments"] == [
        *("-m", "engine.serve", "--exit-with-parent"),
        *("--model", str(settings.model_path)),
        *("--port", "5999"),
    ]
    assert started.call["directory"] == str(PROJECT)
    environment = started.call["environment"]
    assert environment["LOTSE_ENGINE_TOKEN"] == TOKEN
    assert environment["LOTSE_INTERNAL_URL"] == "http://127.0.0.1:8999"
    assert environment["LOTSE_TRACKER_DATABASE"] == str(settings.tracker_database)
    assert environment["RASA_TELEMETRY_ENABLED"] == "false"
    assert TOKEN not in str(logs)


async def test_an_engine_that_dies_is_started_again(settings: Settings, starts: Starts) -> None:
    engine = EngineProcess(settings, token=TOKEN, python=starts.interpreter(WAITS_FOR_ITS_PARENT))
    async with running(engine):
        first = await starts.next()
        os.kill(first.pid, signal.SIGKILL)
        await first.ended()
        second = await starts.next()
        assert second.pid != first.pid
        assert second.call["arguments"] == first.call["arguments"]
    await second.ended()


async def test_an_engine_that_ends_at_once_is_given_more_and_more_time(
    settings: Settings, starts: Starts
) -> None:
    engine = EngineProcess(settings, token=TOKEN, python=starts.interpreter(ENDS_AT_ONCE))
    with capture_logs() as logs:
        async with running(engine):
            times = [(await starts.next()).at for _ in range(4)]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    for pause, at_least in zip(pauses, (0.1, 0.2, 0.2), strict=True):
        assert pause >= at_least
    assert logs[0] == {"event": "engine.ended", "log_level": "error", "code": 3}


async def test_the_engine_ends_with_the_application(settings: Settings, starts: Starts) -> None:
    engine = EngineProcess(settings, token=TOKEN, python=starts.interpreter(WAITS_FOR_ITS_PARENT))
    async with running(engine):
        started = await starts.next()
    await started.ended()
    with pytest.raises(ProcessLookupError):
        os.kill(started.pid, 0)


async def test_an_engine_that_does_not_end_when_asked_is_killed(
    settings: Settings, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.1)
    engine = EngineProcess(
        settings, token=TOKEN, python=starts.interpreter(IGNORES_REQUESTS_TO_END)
    )
    async with running(engine):
        started = await starts.next()
    await started.ended()


async def test_the_engine_ends_when_the_application_is_killed(
    tmp_path: Path, starts: Starts
) -> None:
    interpreter = starts.interpreter(WAITS_FOR_ITS_PARENT)
    application = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, pathlib, sys\n"
        "from bot.config import Settings\n"
        "from bot.dialogue.supervisor import EngineProcess\n"
        "engine = EngineProcess(Settings(), token='x', python=pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(engine.run())",
        str(interpreter),
        cwd=PROJECT,
        env={**os.environ, "LOTSE_STATE_DIRECTORY": str(tmp_path)},
    )
    started = await starts.next()
    application.kill()
    await application.wait()
    await started.ended()


def test_without_the_engines_environment_the_remedy_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ConfigurationError, match="Run `make setup`"):
        EngineProcess(settings, token=TOKEN, python=missing)
    monkeypatch.setattr(model, "ENGINE_PYTHON", missing)
    with pytest.raises(ConfigurationError, match="Run `make setup`"):
        model.train(settings)


# What a model depends on

SOURCES = (
    "config.yml",
    "domain/measures.yml",
    "nlu/en/measures.yml",
    "nlu/lookups/district.yml",
    "stories/measures.yml",
    "engine/intents.py",
    "engine/entities/ages.py",
    "encoder/runtime.py",
    "requirements/engine.txt",
)
OTHERS = (
    "README.md",
    "endpoints.yml",
    "actions/measures.py",
    "bot/router/router.py",
    "data/measures.csv",
    "engine/__pycache__/intents.cpython-310.pyc",
    "locale/de/LC_MESSAGES/messages.po",
    "nlu/README.md",
    "requirements/app.txt",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in (*SOURCES, *OTHERS):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    return root


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("another text"),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_stem("renamed")),
    ],
    ids=["edited", "deleted", "renamed"],
)
def test_the_fingerprint_changes_with_every_source(
    project: Path, name: str, change: Callable[[Path], object]
) -> None:
    before = model.fingerprint(project)
    change(project / name)
    assert model.fingerprint(project) != before


def test_the_fingerprint_changes_when_a_source_is_added(project: Path) -> None:
    before = model.fingerprint(project)
    (project / "nlu" / "el").mkdir()
    (project / "nlu" / "el" / "measures.yml").write_text("")
    assert model.fingerprint(project) != before


@pytest.mark.parametrize("name", OTHERS)
def test_the_fingerprint_ignores_everything_else(project: Path, name: str) -> None:
    before = model.fingerprint(project)
    (project / name).write_text("another text")
    assert model.fingerprint(project) == before
    (project / name).unlink()
    assert model.fingerprint(project) == before


def test_the_fingerprint_does_not_depend_on_times(project: Path) -> None:
    before = model.fingerprint(project)
    for name in SOURCES:
        os.utime(project / name, (0, 0))
    assert model.fingerprint(project) == before


# Training

TRAINER = """#!{python}
import pathlib, sys
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
target = pathlib.Path(options["--output"]) / (options["--name"] + ".tar.gz")
{behaviour}
"""
WRITES_A_MODEL = "target.write_text('new model')"
FAILS_HALF_WAY = "target.write_text('half a mod'); sys.exit(1)"
WRITES_NOTHING = ""


@pytest.fixture
def trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Decides what training does."""

    def behave(behaviour: str) -> None:
        interpreter = tmp_path / "trainer"
        interpreter.write_text(TRAINER.format(python=sys.executable, behaviour=behaviour))
        interpreter.chmod(0o755)
        monkeypatch.setattr(model, "ENGINE_PYTHON", interpreter)

    return behave


def test_a_missing_model_is_stale_until_it_is_trained(
    settings: Settings, trains: Callable[[str], None]
) -> None:
    assert model.is_stale(settings)
    trains(WRITES_A_MODEL)
    model.train(settings)
    assert settings.model_path.read_text() == "new model"
    assert not model.is_stale(settings)


def test_a_model_trained_from_other_sources_is_stale(
    settings: Settings, trains: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    trains(WRITES_A_MODEL)
    model.train(settings)
    monkeypatch.setattr(model, "fingerprint", lambda: "of other sources")
    assert model.is_stale(settings)


@pytest.mark.parametrize("behaviour", [FAILS_HALF_WAY, WRITES_NOTHING])
def test_a_failed_training_keeps_the_old_model(
    settings: Settings,
    trains: Callable[[str], None],
    behaviour: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model, "fingerprint", lambda: "of the old sources")
    trains(WRITES_A_MODEL)
    model.train(settings)
    settings.model_path.write_text("old model")

    monkeypatch.setattr(model, "fingerprint", lambda: "of the new sources")
    trains(behaviour)
    with pytest.raises(ConfigurationError, match="Training failed"):
        model.train(settings)
    assert settings.model_path.read_text() == "old model"
    assert model.is_stale(settings), "training is tried again at the next start"
