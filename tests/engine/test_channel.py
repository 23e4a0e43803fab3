"""The engine's one way in: authorised, repeatable, honest about failures."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from engine.history import LONGEST_SESSION
from tests.engine.application import Application
from tests.engine.assistant import EngineProcess


@pytest.fixture
def sender() -> str:
    return str(uuid.uuid4())


def failing(call: dict[str, Any]) -> tuple[int, Any]:
    return 500, {"error": "the action failed"}


@pytest.mark.parametrize("token", [None, "", "wrong"])
@pytest.mark.parametrize("path", ["/webhook", "/reset", "/forget"])
def test_without_the_token_nothing_is_done(
    served_engine: EngineProcess, token: str | None, path: str
) -> None:
    assert served_engine.post(path, token=token, json={"sender": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "sender"),
        ({"sender": "x", "message": "hello"}, "message_id"),
        ({"sender": "x", "message": "  ", "message_id": "1"}, "message"),
        ({"sender": 7, "message": "hello", "message_id": "1"}, "sender"),
        ({"sender": "x", "message": "a" * 9000, "message_id": "1"}, "longer"),
        ({"sender": "x", "message": "a", "message_id": "1", "metadata": []}, None),
        ({"sender": "x", "message": "a", "message_id": "1", "metadata": "de"}, "metadata"),
        (["not an object"], "object"),
    ],
)
def test_malformed_requests_are_named(
    served_engine: EngineProcess, body: Any, field: str | None
) -> None:
    answer = served_engine.post("/webhook", json=body)
    if field is None:
        assert answer.status_code == 200, "empty metadata are no metadata"
    else:
        assert answer.status_code == 422
        assert field in answer.json()["error"]


def test_texts_come_from_the_application_in_the_readers_language(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    answer = served_engine.send(sender, "/greet", "1").json()
    assert answer["repeated"] is False
    assert answer["intent"]["name"] == "greet"
    assert [m["text"] for m in answer["messages"]] == ["text of utter_greet"]
    [call] = application.response_calls
    assert call["tracker"]["latest_message"]["metadata"]["language"] == "de"


def test_a_repeated_message_is_answered_the_same_and_not_done_again(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    first = served_engine.send(sender, "/find_work", "1").json()
    second = served_engine.send(sender, "/find_work", "1").json()
    assert second == {**first, "repeated": True}
    assert len(application.action_calls) == 1


def test_a_repeated_message_is_known_after_a_crash(
    start_engine: Callable[..., EngineProcess], application: Application, sender: str
) -> None:
    engine = start_engine()
    engine.wait_until_ready()
    first = engine.send(sender, "/find_work", "1").json()
    engine.restart()
    assert engine.send(sender, "/find_work", "1").json() == {**first, "repeated": True}
    assert len(application.action_calls) == 1


@pytest.mark.parametrize("fault", [failing, lambda call: (200, {"events": "none"})])
def test_a_failing_action_fails_the_message_and_leaves_no_trace(
    served_engine: EngineProcess, application: Application, sender: str, fault: Any
) -> None:
    application.run_action = fault
    assert served_engine.send(sender, "/find_work", "1").status_code == 503
    assert served_engine.stored_events(sender) == []
    application.recover()
    answer = served_engine.send(sender, "/find_work", "1").json()
    assert answer["repeated"] is False
    assert answer["messages"][0]["text"] == "Three offers:"


def test_missing_words_fail_the_message(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    application.render_response = lambda call: (500, {})
    assert served_engine.send(sender, "/greet", "1").status_code == 503
    assert served_engine.stored_events(sender) == []


def test_logs_of_a_failure_hold_no_words(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    application.run_action = failing
    served_engine.send(sender, "where can i find unmistakablewords work", "1")
    assert "unmistakablewords" not in served_engine.log


def test_reset_empties_the_slots(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    served_engine.send(sender, "/find_work", "1")
    assert served_engine.tracker(sender)["slots"]["topic"] == "work"
    assert served_engine.post("/reset", json={"sender": sender}).status_code == 200
    assert served_engine.tracker(sender)["slots"]["topic"] is None


def test_forget_deletes_what_was_stored(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    served_engine.send(sender, "/greet", "1")
    assert served_engine.stored_events(sender)
    assert served_engine.post("/forget", json={"sender": sender}).status_code == 200
    assert served_engine.stored_events(sender) == []
    assert served_engine.send(sender, "/greet", "1").json()["repeated"] is False


def test_long_conversations_stay_short_and_keep_their_slots(
    served_engine: EngineProcess, application: Application, sender: str
) -> None:
    served_engine.send(sender, "/find_work", "first")
    for number in range(LONGEST_SESSION):
        assert served_engine.send(sender, "/greet", str(number)).status_code == 200
    assert served_engine.tracker(sender)["slots"]["topic"] == "work"
    events = served_engine.stored_events(sender)
    session = events[::-1].index("session_started")
    assert session <= LONGEST_SESSION + 10, "what is read for a message stays short"


def test_the_engine_ends_when_its_parent_does(
    start_engine: Callable[..., EngineProcess],
) -> None:
    engine = start_engine("--exit-with-parent")
    engine.wait_until_ready()
    assert engine.process.stdin is not None
    engine.process.stdin.close()
    assert engine.process.wait(timeout=10) == 0
