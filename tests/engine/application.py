"""A stand-in for the application: the two endpoints that the engine calls, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "token-between-engine-and-application"

Answer = tuple[int, Any]


def greeting(call: dict[str, Any]) -> Answer:
    """The response texts as the application sends them."""
    return 200, {
        "text": f"text of {call['response']}",
        "buttons": [{"title": "Work", "payload": "/find_work"}],
    }


def offers(call: dict[str, Any]) -> Answer:
    """An action that remembers the topic and answers with a text and with data."""
    return 200, {
        "events": [{"event": "slot", "name": "topic", "value": "work"}],
        "responses": [{"text": "Three offers:"}, {"custom": {"offers": [1, 2, 3]}}],
    }


class Application:
    """Answers ``/actions`` and ``/responses`` as told, and keeps what it was asked.

    ``run_action`` and ``render_response`` are replaced by tests that need a failure.
    """

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.recover()

    def recover(self) -> None:
        """Works properly again and forgets what it was asked."""
        self.run_action: Callable[[dict[str, Any]], Answer] = offers
        self.render_response: Callable[[dict[str, Any]], Answer] = greeting
        self.action_calls: list[dict[str, Any]] = []
        self.response_calls: list[dict[str, Any]] = []
        self.unauthorised = 0

    def __enter__(self) -> Application:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, authorisation: str | None, call: dict[str, Any]) -> Answer:
        if authorisation != f"Bearer {TOKEN}":
            self.unauthorised += 1
            return 401, {"error": "unauthorised"}
        if path == "/actions":
            self.action_calls.append(call)
            return self.run_action(call)
        assert path == "/responses"
        self.response_calls.append(call)
        return self.render_response(call)

    def _handler(application) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = application._answer(
                    self.path, self.headers.get("Authorization"), call
                )
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """The tests' own output stays readable."""

        return Handler
