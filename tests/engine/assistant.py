"""A small assistant for the engine's tests, and the engine as a process serving it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.engine.application import TOKEN

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0

DOMAIN = """
version: "3.1"
session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: false}
intents:
  - greet: {use_entities: []}
  - find_work: {use_entities: []}
  - restart: {use_entities: []}
entities: [german_level]
slots:
  topic:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
actions: [action_offers, action_not_understood]
responses:
  utter_greet: [{text: Hello}]
  utter_restart: [{text: Again}]
"""
RULES = """
version: "3.1"
rules:
  - rule: greet
    steps: [{intent: greet}, {action: utter_greet}]
  - rule: find work
    steps: [{intent: find_work}, {action: action_offers}]
"""
EXAMPLES = {
    "greet": ["hello", "hi there", "good morning", "good evening", "hey", "greetings"],
    "find_work": [
        "i need a job",
        "where can i find work",
        "looking for work",
        "is there a job for me",
        "i want to work as a nurse",
        "help me find an apprenticeship",
    ],
}


def train(directory: Path) -> Path:
    """Trains the assistant as the product is trained, with the product's own pipeline."""
    for name in ("domain", "nlu/en", "stories"):
        (directory / name).mkdir(parents=True)
    (directory / "config.yml").write_text((PROJECT / "config.yml").read_text("utf-8"), "utf-8")
    (directory / "domain" / "domain.yml").write_text(DOMAIN, "utf-8")
    (directory / "stories" / "rules.yml").write_text(RULES, "utf-8")
    examples = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)}
        for intent, texts in EXAMPLES.items()
    ]
    (directory / "nlu" / "en" / "examples.yml").write_text(
        yaml.safe_dump({"version": "3.1", "nlu": examples}), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, *("-m", "engine.train", "--output", "models", "--name", "small")],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "models" / "small.tar.gz"


class EngineProcess:
    """``python -m engine.serve`` with a tracker database of its own."""

    def __init__(self, model: Path, directory: Path, *, application_url: str) -> None:
        self.port = _free_port()
        self.database = directory / "tracker.db"
        self._model = model
        self._log = directory / "engine.log"
        self._application_url = application_url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "engine.serve", "--model", str(self._model)),
                    *("--port", str(self.port)),
                    *arguments,
                ],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "LOTSE_ENGINE_TOKEN": TOKEN,
                    "LOTSE_INTERNAL_URL": self._application_url,
                    "LOTSE_TRACKER_DATABASE": str(self.database),
                    "OMP_NUM_THREADS": "1",
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def restart(self) -> None:
        """Killed and started again on the same database; returns once it is ready."""
        self.kill()
        self.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Returns once the model is loaded."""
        self.wait_for_health(200)

    def wait_for_health(self, status: int) -> None:
        """Returns once the health route answers with ``status``."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.is_running(), self.log[-3000:]
            try:
                if self.health().status_code == status:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the health route never answered {status}: {self.log[-3000:]}")

    def health(self) -> requests.Response:
        return self._request("GET", "/")

    def post(self, path: str, *, token: str | None = TOKEN, **content: Any) -> requests.Response:
        """Posts ``json`` or ``data`` to a route of the channel."""
        return self._request("POST", path, token=token, **content)

    def send(self, sender: str, message: str, message_id: str) -> requests.Response:
        """Sends one message as the application does."""
        body = {
            "sender": sender,
            "message": message,
            "message_id": message_id,
            "metadata": {"language": "de"},
        }
        return self.post("/webhook", json=body)

    def tracker(self, sender: str) -> dict[str, Any]:
        """The conversation as Rasa's own API shows it."""
        answer = requests.get(
            f"http://127.0.0.1:{self.port}/conversations/{sender}/tracker",
            params={"token": TOKEN},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def stored_events(self, sender: str) -> list[str]:
        """The kinds of a conversation's events in the database, oldest first."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(
                "SELECT type_name FROM events WHERE sender_id = ? ORDER BY id", (sender,)
            ).fetchall()
        return [kind for (kind,) in rows]

    def _request(
        self, method: str, path: str, *, token: str | None = TOKEN, **content: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return requests.request(
            method,
            f"http://127.0.0.1:{self.port}/webhooks/lotse{path}",
            headers=headers,
            timeout=30,
            **content,
        )


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
