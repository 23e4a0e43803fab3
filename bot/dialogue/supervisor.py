"""Keeps the engine's process running beside the application."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import structlog

from bot.config import PROJECT, Settings
from bot.dialogue.model import ENGINE_PYTHON
from bot.errors import ConfigurationError

log = structlog.get_logger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
STOP_SECONDS = 5.0


class EngineProcess:
    """Starts the engine, starts it again when it ends, stops it with the application.

    The engine also ends by itself when its standard input closes, so it does not
    outlive an application that was killed. ``python`` is the interpreter of the
    engine's environment. Raises ``ConfigurationError`` when there is none.
    """

    def __init__(self, settings: Settings, *, token: str, python: Path = ENGINE_PYTHON) -> None:
        if not python.exists():
            raise ConfigurationError("The engine's environment is missing. Run `make setup`.")
        self._settings = settings
        self._token = token
        self._python = python
        self._process: Process | None = None

    async def run(self) -> None:
        """Keeps the engine running until cancelled."""
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                self._process = await self._start()
                code = await self._process.wait()
                log.error("engine.ended", code=code)
                # An engine that ran for a while deserves a quick restart; one
                # that fails at once is given more and more time.
                pause = FIRST_PAUSE if loop.time() - started > 60 else min(pause * 2, LONGEST_PAUSE)
                await asyncio.sleep(pause)
        finally:
            await self._stop()

    async def _start(self) -> Process:
        environment = {
            **os.environ,
            "LOTSE_ENGINE_TOKEN": self._token,
            "LOTSE_INTERNAL_URL": self._settings.internal_url,
            "LOTSE_TRACKER_DATABASE": str(self._settings.tracker_database),
            "RASA_TELEMETRY_ENABLED": "false",
            # Measured in docs/benchmarks.md, where the best setting is not settled yet.
            "OMP_NUM_THREADS": "1",
            # The libraries of Rasa's time warn about themselves at every start.
            "PYTHONWARNINGS": "ignore",
        }
        return await asyncio.create_subprocess_exec(
            str(self._python),
            *("-m", "engine.serve", "--exit-with-parent"),
            *("--model", str(self._settings.model_path)),
            *("--port", str(self._settings.engine_port)),
            cwd=PROJECT,
            env=environment,
            stdin=PIPE,
        )

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        if process.returncode is None:
            process.kill()
            await process.wait()
