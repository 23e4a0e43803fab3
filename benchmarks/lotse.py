"""This product, as ``lotse up`` starts it, on ports and a database of its own."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import latency, whole_way
from benchmarks.processes import (
    ENGINE_PYTHON,
    LOOPBACK,
    PROJECT,
    BenchmarkError,
    Service,
    find_child,
    free_port,
    memory,
)
from benchmarks.questions import INTENTS, Kind, questions
from bot import config
from bot.db.session import Database
from bot.dialogue import model
from bot.measures import remembered
from bot.measures.search.entries import lacking
from tests.support.bot_api import BotApi

TRAINING_VECTORS = PROJECT / ".cache" / "training-vectors.npz"
"""What ``kept_in`` names in config.yml."""
_TOKEN = "token-between-engine-and-application"
_TRAIN_SECONDS = 900.0
_START_SECONDS = 300.0


class EngineServer:
    """The engine's own channel and Rasa's HTTP API beside it (see ``latency.Server``)."""

    reply_path = "/webhooks/lotse/webhook"
    parse_path = f"/model/parse?token={_TOKEN}"

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.headers = {"Authorization": f"Bearer {_TOKEN}"}

    def message(self, sender: str, text: str) -> dict[str, Any]:
        """As the application sends it."""
        return {
            "sender": sender,
            "message": text,
            "message_id": uuid.uuid4().hex,
            "metadata": {"language": "en"},
        }

    def is_expected(self, kind: Kind, answer: Any) -> bool:
        """Something was said, and to this intent."""
        return bool(answer["messages"]) and answer["intent"]["name"] == INTENTS[kind]


class Product:
    """The running product."""

    def __init__(self, application: Service, server: EngineServer, database: Database) -> None:
        self.application = application
        self.server = server
        self._database = database

    def wait_for_answer(self) -> float:
        """Seconds from the start until the engine answered over REST."""
        return latency.wait_until_answering(self.application, self.server, seconds=_START_SECONDS)

    def wait_for_reply(self, platform: BotApi) -> float:
        """Seconds from the start until a newcomer on Telegram had an answer."""
        return self.application.wait_until(
            lambda: whole_way.first_reply(platform, next(questions(Kind.ACTION))),
            seconds=_START_SECONDS,
        )

    def wait_for_meanings(self) -> None:
        """Returns once all offers are found by their meaning, as at all but a first start."""
        self.application.wait_until(self._has_read_meanings, seconds=_START_SECONDS)

    def _has_read_meanings(self) -> bool:
        with self._database.reading() as session:
            return not lacking(session, limit=1)

    def memory(self) -> tuple[float | None, float | None]:
        """Megabytes of the engine and of the application; None where they cannot be read."""
        engine = find_child(self.application.pid, "engine.serve")
        of_engine = memory(engine) if engine else None
        of_all = memory(self.application.pid)
        if of_engine is None or of_all is None:
            return None, None
        return of_engine, of_all - of_engine


class Lotse:
    """What is needed to train and start the product without touching the operator's own.

    Only caches are emptied, which fill again.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._settings = config.load()
        self._model = self._settings.model_path
        directory.mkdir(parents=True, exist_ok=True)
        # A database kept from an earlier run has seen this Telegram server's update ids, and the
        # meanings that a cache knows a fresh machine has to compute.
        for left in (*directory.glob("lotse.db*"), remembered.FILE):
            left.unlink(missing_ok=True)

    def train(self) -> float:
        """Trains a model for the measurements; returns the seconds ``lotse train`` took."""
        self._model = self._directory / "lotse.tar.gz"
        TRAINING_VECTORS.unlink(missing_ok=True)
        environment = {
            "LOTSE_MODEL_PATH": str(self._model),
            # Every feature is computed anew, as on a fresh machine.
            "RASA_CACHE_DIRECTORY": str(self._directory / "cache"),
        }
        with Service(
            [sys.executable, "-m", "bot", "train", "--force"],
            cwd=PROJECT,
            environment=environment,
            log=self._directory / "train.log",
        ) as training:
            return training.wait_for_end(seconds=_TRAIN_SECONDS)

    def require_model(self) -> None:
        """Raises ``BenchmarkError`` when the model to start with is missing or stale.

        An engine whose code has changed since the training may answer nothing.
        """
        if self._model == self._settings.model_path and model.is_stale(self._settings):
            raise BenchmarkError("The model is missing or stale. Run `make train` first.")

    @contextmanager
    def running(self, platform: BotApi) -> Iterator[Product]:
        """The product beside a Telegram server; a second start finds the first one's database."""
        engine_port = free_port()
        state = self._directory / "state"
        database = f"sqlite:///{self._directory / 'lotse.db'}"
        environment = {
            "LOTSE_DATABASE_URL": database,
            "LOTSE_STATE_DIRECTORY": str(state),
            "LOTSE_HOST": LOOPBACK,
            "LOTSE_PORT": str(free_port()),
            "LOTSE_INTERNAL_PORT": str(free_port()),
            "LOTSE_ENGINE_PORT": str(engine_port),
            "LOTSE_ENGINE_TOKEN": _TOKEN,
            "LOTSE_ENGINE_EXTERNAL": "false",
            "LOTSE_MODEL_PATH": str(self._model),
            "LOTSE_TRAIN_WHEN_STALE": "false",
            "LOTSE_ASK_CONSENT": "false",
            "LOTSE_LOG_LEVEL": "WARNING",
            "LOTSE_PUBLIC_URL": "",
            "TELEGRAM_TOKEN": platform.token,
            "TELEGRAM_API_URL": platform.url,
            "TELEGRAM_WEBHOOK_SECRET": "",
        }
        with Service(
            [sys.executable, "-m", "bot", "up"],
            cwd=PROJECT,
            environment=environment,
            log=self._directory / "application.log",
        ) as application:
            yield Product(application, EngineServer(engine_port), Database(database))

    @contextmanager
    def engine_alone(self, *, threads: str | None) -> Iterator[EngineServer]:
        """The engine without the application: it can parse. None leaves the threads open."""
        port = free_port()
        with Service(
            [
                str(ENGINE_PYTHON),
                *("-m", "engine.serve", "--exit-with-parent"),
                *("--model", str(self._model), "--port", str(port)),
            ],
            cwd=PROJECT,
            environment={
                "LOTSE_ENGINE_TOKEN": _TOKEN,
                "LOTSE_TRACKER_DATABASE": str(self._directory / "threads.db"),
                "OMP_NUM_THREADS": threads,
            },
            log=self._directory / "engine.log",
        ) as engine:
            server = EngineServer(port)
            with latency.probe(server.url, server.headers) as client:
                engine.wait_until(
                    lambda: latency.is_up(client, "/webhooks/lotse/"), seconds=_START_SECONDS
                )
            yield server


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
