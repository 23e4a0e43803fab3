"""A stock Rasa assistant: the project of ``rasa init``, trained and run by plain ``rasa``.

One thing is added, because it has no custom action: the intent
``ask_language_course``, which its ``action_hello_world`` answers through Rasa's
own action server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks import latency
from benchmarks.processes import ENGINE_PYTHON, LOOPBACK, Service, free_port, memory
from benchmarks.questions import CORES, INTENTS, Kind

_CREATE_SECONDS = 120.0
_TRAIN_SECONDS = 1800.0
_START_SECONDS = 300.0
_MODEL = "stock"
# What `rasa init --no-prompt` calls before it trains.
_CREATE = "from rasa.cli.scaffold import create_initial_project; create_initial_project('.')"

_HELLO = "Hello World!"
_ACTION_MODULE = "hello_action"
_ACTION = f'''\
from rasa_sdk import Action


class ActionHelloWorld(Action):
    def name(self):
        return "action_hello_world"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="{_HELLO}")
        return []
'''


class StockServer:
    """Rasa's HTTP server with its REST channel (see ``latency.Server``)."""

    reply_path = "/webhooks/rest/webhook"
    parse_path = "/model/parse"

    def __init__(self, port: int, replies: dict[Kind, str]) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.headers: dict[str, str] = {}
        self._replies = replies

    def message(self, sender: str, text: str) -> dict[str, Any]:
        """As the REST channel takes it."""
        return {"sender": sender, "message": text}

    def is_expected(self, kind: Kind, answer: Any) -> bool:
        """Exactly the reply of the domain or of the action."""
        return [message.get("text") for message in answer] == [self._replies[kind]]


class Assistant:
    """The running stock assistant."""

    def __init__(self, engine: Service, actions: Service, server: StockServer) -> None:
        self.server = server
        self._engine = engine
        self._actions = actions

    def wait_for_answer(self) -> float:
        """Seconds from the start of ``rasa run`` until it answered over REST."""
        return latency.wait_until_answering(self._engine, self.server, seconds=_START_SECONDS)

    def memory(self) -> tuple[float | None, float | None]:
        """Megabytes of ``rasa run`` and of the action server; None where they cannot be read."""
        return memory(self._engine.pid), memory(self._actions.pid)


class Stock:
    """The project in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._project = directory / "project"
        self._action_port = free_port()

    def is_trained(self) -> bool:
        """Whether an earlier run left a model here."""
        return (self._project / "models" / f"{_MODEL}.tar.gz").exists()

    def create(self) -> None:
        """Writes the project; one that is there already stays as it is."""
        if (self._project / "domain.yml").exists():
            return
        self._project.mkdir(parents=True, exist_ok=True)
        with self._service([str(ENGINE_PYTHON), "-c", _CREATE], log="create.log") as creating:
            creating.wait_for_end(seconds=_CREATE_SECONDS)
        self._add_custom_action()

    def train(self) -> float:
        """Trains with the default pipeline; returns the seconds ``rasa train`` took."""
        with self._rasa("train", "--force", "--fixed-model-name", _MODEL) as training:
            return training.wait_for_end(seconds=_TRAIN_SECONDS)

    @contextmanager
    def running(self) -> Iterator[Assistant]:
        """``rasa run`` and the action server, which is up when ``rasa run`` starts."""
        port = free_port()
        (self._project / "endpoints.yml").write_text(
            yaml.safe_dump(
                {"action_endpoint": {"url": f"http://{LOOPBACK}:{self._action_port}/webhook"}}
            ),
            "utf-8",
        )
        with self._action_server() as actions:
            with latency.probe(f"http://{LOOPBACK}:{self._action_port}") as client:
                actions.wait_until(lambda: latency.is_up(client, "/health"), seconds=_START_SECONDS)
            with self._rasa(
                *("run", "--enable-api", "--interface", LOOPBACK, "--port", str(port)),
                *("--model", f"models/{_MODEL}.tar.gz"),
            ) as engine:
                yield Assistant(engine, actions, StockServer(port, self._replies()))

    def _add_custom_action(self) -> None:
        intent, action = INTENTS[Kind.ACTION], "action_hello_world"
        domain = self._domain()
        domain["intents"].append(intent)
        domain["actions"] = [action]
        self._write("domain.yml", domain)
        examples = "".join(f"- {text}\n" for text in CORES[Kind.ACTION])
        steps = [{"intent": intent}, {"action": action}]
        self._write(
            "data/custom_action.yml",
            {
                "version": "3.1",
                "nlu": [{"intent": intent, "examples": examples}],
                "rules": [{"rule": "Run the custom action", "steps": steps}],
            },
        )
        (self._project / f"{_ACTION_MODULE}.py").write_text(_ACTION, "utf-8")

    def _domain(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self._project / "domain.yml").read_text("utf-8"))
        return content

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self._project / name).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")

    def _replies(self) -> dict[Kind, str]:
        fixed = self._domain()["responses"]["utter_iamabot"][0]["text"]
        return {Kind.FIXED: fixed, Kind.ACTION: _HELLO}

    def _action_server(self) -> Service:
        port = str(self._action_port)
        return self._service(
            [sys.executable, "-m", "rasa_sdk", "--actions", _ACTION_MODULE, "--port", port],
            log="actions.log",
        )

    def _rasa(self, command: str, *arguments: str) -> Service:
        return self._service(
            [str(ENGINE_PYTHON), "-m", "rasa", command, *arguments], log=f"{command}.log"
        )

    def _service(self, command: list[str], *, log: str) -> Service:
        return Service(
            command,
            cwd=self._project,
            environment={"SANIC_HOST": LOOPBACK},
            log=self._directory / log,
        )
