"""Processes that are measured: started, watched, and stopped whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

PROJECT = Path(__file__).resolve().parents[1]
ENGINE_PYTHON = PROJECT / ".venv-rasa" / "bin" / "python"
LOOPBACK = "127.0.0.1"

_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_SHOWN_LINES = 20


class BenchmarkError(Exception):
    """Nothing can be measured; the message says why."""


def free_port() -> int:
    """A port nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class Service:
    """A process in a session of its own, with its output in a file. A context manager.

    Leaving the context stops the process and all that it started.
    """

    def __init__(
        self, command: list[str], *, cwd: Path, environment: Mapping[str, str | None], log: Path
    ) -> None:
        """``environment`` is added to our own; None takes a variable away."""
        self._command = command
        self._cwd = cwd
        self._environment = _environment(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                # An engine started alone ends when this pipe closes: it outlives nobody.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *exception: object) -> None:
        process = self._running()
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._running().pid

    def age(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def wait_until(self, condition: Callable[[], bool], *, seconds: float) -> float:
        """Returns the age at which ``condition`` came true.

        Raises ``BenchmarkError``, with the end of the output, when the process ends or
        the time is over before that.
        """
        while self.age() < seconds:
            if condition():
                return self.age()
            if self._running().poll() is not None:
                raise BenchmarkError(f"{self._name} ended too early.\n{self._last_words()}")
            time.sleep(_POLL_SECONDS)
        raise BenchmarkError(
            f"{self._name} was not ready in {seconds:.0f} s.\n{self._last_words()}"
        )

    def wait_for_end(self, *, seconds: float) -> float:
        """Returns the seconds the process took; raises ``BenchmarkError`` when it failed."""
        try:
            code = self._running().wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{self._name} took more than {seconds:.0f} s.") from None
        if code:
            raise BenchmarkError(f"{self._name} failed.\n{self._last_words()}")
        return self.age()

    @property
    def _name(self) -> str:
        return " ".join(self._command[1:4])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BenchmarkError("The process was not started.")
        return self._process

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", **changes}
    return {name: value for name, value in merged.items() if value is not None}


def memory(pid: int) -> float | None:
    """Resident megabytes of a process and all that it started; None where /proc is missing."""
    own = _status(pid).get("VmRSS")
    if own is None:
        return None
    inner = (memory(child) or 0.0 for child in _children(pid))
    return int(own.split()[0]) / 1024 + sum(inner)


def find_child(pid: int, module: str) -> int | None:
    """The process that ``pid`` started to run a Python module; None when not found."""
    for child in _children(pid):
        with suppress(OSError):
            if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
    return None


def _children(pid: int) -> Iterator[int]:
    for directory in Path("/proc").glob("[0-9]*"):
        if _status(int(directory.name)).get("PPid") == str(pid):
            yield int(directory.name)


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
