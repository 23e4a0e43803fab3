"""Starts the real product in processes of its own, as an operator would."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import httpx

PROJECT = Path(__file__).resolve().parents[2]
ENGINE_PYTHON = PROJECT / ".venv-rasa" / "bin" / "python"
MODEL = PROJECT / "models" / "lotse.tar.gz"
ENGINE_TOKEN = "token-between-engine-and-application"
START_SECONDS = 120.0


def free_port() -> int:
    """A port nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A process with its output in a file, so that a failed test can show it."""

    def __init__(self, name: str, directory: Path) -> None:
        self.log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], environment: Mapping[str, str]) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end, as an operator would."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError("the process did not end when asked to") from None


class Engine:
    """The real engine alone, for tests that kill the application beside it."""

    def __init__(self, directory: Path, *, application_port: int) -> None:
        self.port = free_port()
        self.directory = directory
        self._application_port = application_port
        self.process = Process("engine", directory)

    def start(self) -> None:
        self.process.start(
            [
                str(ENGINE_PYTHON),
                *("-m", "engine.serve", "--model", str(MODEL), "--port", str(self.port)),
            ],
            {
                "LOTSE_ENGINE_TOKEN": ENGINE_TOKEN,
                "LOTSE_INTERNAL_URL": f"http://127.0.0.1:{self._application_port}",
                "LOTSE_TRACKER_DATABASE": str(self.directory / "tracker.db"),
                "OMP_NUM_THREADS": "1",
            },
        )

    def wait_until_ready(self) -> None:
        wait_for_status(
            f"http://127.0.0.1:{self.port}/webhooks/lotse/",
            200,
            self.process,
            headers={"Authorization": f"Bearer {ENGINE_TOKEN}"},
        )


class Application:
    """``lotse up`` on ports and a database of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.port = free_port()
        self.internal_port = free_port()
        self.database_url = f"sqlite:///{directory / 'lotse.db'}"
        self.process = Process("application", directory)
        self._environment = {
            "LOTSE_DATABASE_URL": self.database_url,
            "LOTSE_STATE_DIRECTORY": str(directory),
            "LOTSE_PORT": str(self.port),
            "LOTSE_INTERNAL_PORT": str(self.internal_port),
            "LOTSE_ENGINE_PORT": str(free_port()),
            "LOTSE_ENGINE_TOKEN": ENGINE_TOKEN,
            # `make test` has trained; a test must not start to.
            "LOTSE_TRAIN_WHEN_STALE": "false",
            **settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, **settings: str) -> None:
        self._environment.update(settings)

    def start(self) -> None:
        self.process.start([sys.executable, "-m", "bot", "up"], self._environment)

    def wait_until_healthy(self) -> None:
        wait_for_status(f"{self.url}/health", 200, self.process)

    def wait_until_listening(self) -> None:
        """Serving, with or without an engine."""
        wait_for_status(f"{self.url}/health", None, self.process)

    def lotse(self, *arguments: str) -> str:
        """Runs a ``lotse`` command on the same database and returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=PROJECT,
            env={**os.environ, **self._environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def wait_for_status(
    url: str, status: int | None, process: Process, headers: Mapping[str, str] | None = None
) -> None:
    """Returns when ``url`` answers with ``status`` (any, if None); fails when the process ends."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.is_running(), process.log.read_text("utf-8", "replace")[-3000:]
        try:
            answer = httpx.get(url, headers=dict(headers or {}), timeout=2)
        except httpx.HTTPError:
            answer = None
        if answer is not None and status in (None, answer.status_code):
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} was not ready: {process.log.read_text('utf-8')[-3000:]}")


async def eventually(condition: object, *, seconds: float = 30.0) -> None:
    """Returns as soon as ``condition()`` is true; fails after ``seconds``."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)
