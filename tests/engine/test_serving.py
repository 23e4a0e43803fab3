"""The engine as the application meets it: a real process serving a real, small model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.channel import MAXIMUM_TEXT_LENGTH
from tests.engine.application import Answer, Application, offers
from tests.engine.assistant import EngineProcess

GREETING = {
    "text": "text of utter_greet",
    "buttons": [{"title": "Work", "payload": "/find_work"}],
}
OFFERS = [{"text": "Three offers:"}, {"custom": {"offers": [1, 2, 3]}}]
BODY = {"sender": "bad-input", "message": "hello", "message_id": "1", "metadata": {}}


def test_a_message_is_understood_and_answered(
    engine: EngineProcess, application: Application
) -> None:
    answer = engine.send("greeted", "hello everybody", "1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["intent"].pop("confidence") > 0.5
    assert body == {
        "message_id": "1",
        "repeated": False,
        "intent": {"name": "greet"},
        "messages": [GREETING],
    }
    [call] = application.response_calls
    assert call["response"] == "utter_greet"
    assert call["tracker"]["latest_message"]["metadata"] == {"language": "de"}
    assert application.unauthorised == 0


def test_an_action_is_called_with_the_state_and_the_last_two_messages(
    engine: EngineProcess, application: Application
) -> None:
    engine.send("asks", "hello there", "-1")
    engine.send("asks", "hi there", "0")
    answer = engine.send("asks", "i need a job, my german is B1", "1")
    assert answer.json()["messages"] == OFFERS
    [call] = application.action_calls
    assert call["next_action"] == "action_offers"
    assert call["sender_id"] == "asks"
    assert [event["text"] for event in call["tracker"]["events"]] == [
        "hi there",
        "i need a job, my german is B1",
    ]
    assert "domain" not in call
    [entity] = call["tracker"]["latest_message"]["entities"]
    assert (entity["entity"], entity["value"]) == ("german_level", "B1")
    assert engine.tracker("asks")["slots"]["topic"] == "work"


def test_a_buttons_payload_is_certain(engine: EngineProcess) -> None:
    answer = engine.send("presses", "/find_work", "1").json()
    assert answer["intent"] == {"name": "find_work", "confidence": 1.0}
    assert answer["messages"] == OFFERS


def test_the_payload_of_an_unknown_intent_is_not_understood_once(
    engine: EngineProcess, application: Application
) -> None:
    application.run_action = lambda call: (200, {"responses": [{"text": call["next_action"]}]})
    answer = engine.send("old-button", '/was_removed{"measure": "x"}', "1")
    assert answer.status_code == 200
    assert answer.json()["messages"] == [{"text": "action_not_understood"}]
    assert engine.send("old-button", "/greet", "2").json()["messages"] == [GREETING]


# Repeats


def test_a_repeated_message_gets_the_same_answer_and_acts_once(
    engine: EngineProcess, application: Application
) -> None:
    first = engine.send("repeats", "/find_work", "1").json()
    again = engine.send("repeats", "/find_work", "1").json()
    assert again == {**first, "repeated": True}
    assert len(application.action_calls) == 1


def test_a_message_sent_twice_at_once_acts_once(
    engine: EngineProcess, application: Application
) -> None:
    both_sent = threading.Barrier(2)

    def send() -> dict[str, Any]:
        both_sent.wait()
        body: dict[str, Any] = engine.send("hasty", "/find_work", "1").json()
        return body

    with ThreadPoolExecutor(2) as pool:
        answers = [call.result() for call in [pool.submit(send), pool.submit(send)]]
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    assert [answer["messages"] for answer in answers] == [OFFERS, OFFERS]
    assert len(application.action_calls) == 1


def test_a_repeated_restart_is_recognised(engine: EngineProcess, application: Application) -> None:
    engine.send("starts-again", "/find_work", "1")
    first = engine.send("starts-again", "/restart", "2").json()
    assert first["messages"] == [{**GREETING, "text": "text of utter_restart"}]
    assert engine.tracker("starts-again")["slots"]["topic"] is None
    assert engine.send("starts-again", "/restart", "2").json() == {**first, "repeated": True}
    assert len(application.response_calls) == 1


def test_everything_is_remembered_when_the_engine_is_killed(
    engine: EngineProcess, application: Application
) -> None:
    answers = {
        message_id: engine.send("survives", message, message_id).json()
        for message_id, message in {"1": "hello", "2": "/find_work", "3": "/greet"}.items()
    }
    engine.restart()
    for message_id, answer in answers.items():
        again = engine.send("survives", "/greet", message_id).json()
        assert again == {**answer, "repeated": True}
    assert len(application.action_calls) == 1
    assert engine.tracker("survives")["slots"]["topic"] == "work"


# Ending and deleting a dialogue


def test_after_a_person_the_slots_are_kept(engine: EngineProcess) -> None:
    engine.send("resumes", "/find_work", "1")
    assert engine.tracker("resumes")["slots"]["topic"] == "work"
    answer = engine.post("/resume", json={"sender": "resumes"})
    assert (answer.status_code, answer.json()) == (200, {"sender": "resumes"})
    assert engine.tracker("resumes")["slots"]["topic"] == "work"
    assert engine.send("resumes", "/greet", "2").json()["messages"] == [GREETING]


def test_what_is_remembered_is_told_and_asking_makes_nothing(engine: EngineProcess) -> None:
    engine.send("known", "i need a job, my german is B1", "1")
    answer = engine.post("/remembered", json={"sender": "known"})
    assert answer.status_code == 200
    slots = answer.json()["slots"]
    assert slots["topic"] == "work"
    assert None not in slots.values()
    assert engine.post("/remembered", json={"sender": "unknown"}).json() == {"slots": {}}
    assert engine.stored_events("unknown") == []


def test_forget_deletes_every_event(engine: EngineProcess, application: Application) -> None:
    engine.send("leaves", "/find_work", "1")
    engine.send("stays", "/find_work", "1")
    answer = engine.post("/forget", json={"sender": "leaves"})
    assert (answer.status_code, answer.json()) == (200, {"sender": "leaves"})
    assert engine.stored_events("leaves") == []
    assert "bot" in engine.stored_events("stays")
    assert engine.send("leaves", "/find_work", "1").json()["repeated"] is False


@pytest.mark.parametrize("path", ["/resume", "/forget"])
def test_a_stranger_can_be_resumed_and_forgotten(engine: EngineProcess, path: str) -> None:
    assert engine.post(path, json={"sender": f"nobody{path}"}).status_code == 200
    answer = engine.send(f"nobody{path}", "/greet", "1")
    assert answer.json()["messages"] == [GREETING]


# Who may come in, and with what


@pytest.mark.parametrize("token", [None, "", "wrong", "token-between-engine-and-applicatioN"])
@pytest.mark.parametrize("path", ["/webhook", "/resume", "/remembered", "/forget"])
def test_nobody_enters_without_the_token(
    engine: EngineProcess, application: Application, path: str, token: str | None
) -> None:
    answer = engine.post(path, token=token, json={**BODY, "sender": "intruder"})
    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorised"})
    assert engine.stored_events("intruder") == []
    assert application.response_calls == []


def test_rasas_own_routes_need_the_token_too(engine: EngineProcess) -> None:
    for path in ("conversations/greeted/tracker", "domain", "status"):
        answer = requests.get(f"http://127.0.0.1:{engine.port}/{path}", timeout=30)
        assert answer.status_code == 401, path


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (None, "a JSON object is expected"),
        ([BODY], "a JSON object is expected"),
        ("hello", "a JSON object is expected"),
        ({**BODY, "sender": None}, "sender is missing or not a text"),
        ({**BODY, "sender": 7}, "sender is missing or not a text"),
        ({"sender": "x", "message_id": "1"}, "message is missing or not a text"),
        ({**BODY, "message": ""}, "message is missing or not a text"),
        ({**BODY, "message": " \n"}, "message is missing or not a text"),
        ({**BODY, "message": {"text": "hello"}}, "message is missing or not a text"),
        ({**BODY, "message_id": 12}, "message_id is missing or not a text"),
        ({**BODY, "metadata": ["de"]}, "metadata is not an object"),
        (
            {**BODY, "message": "x" * (MAXIMUM_TEXT_LENGTH + 1)},
            f"message is longer than {MAXIMUM_TEXT_LENGTH} characters",
        ),
    ],
)
def test_a_malformed_message_is_refused_and_the_field_named(
    engine: EngineProcess, body: Any, problem: str
) -> None:
    answer = engine.post("/webhook", json=body)
    assert (answer.status_code, answer.json()) == (422, {"error": problem})
    assert engine.stored_events("bad-input") == []


@pytest.mark.parametrize("path", ["/resume", "/remembered", "/forget"])
@pytest.mark.parametrize("body", [None, [], ["x"], {}, {"sender": ""}, {"sender": 1}])
def test_a_malformed_sender_is_refused(engine: EngineProcess, path: str, body: Any) -> None:
    answer = engine.post(path, json=body)
    assert (answer.status_code, answer.json()) == (
        422,
        {"error": "sender is missing or not a text"},
    )


@pytest.mark.parametrize("path", ["/webhook", "/resume", "/remembered", "/forget"])
def test_what_is_not_json_is_refused(engine: EngineProcess, path: str) -> None:
    assert engine.post(path, data=b"{sender").status_code == 400


def test_metadata_may_be_left_out(engine: EngineProcess) -> None:
    body = {"sender": "terse", "message": "/greet", "message_id": "1"}
    assert engine.post("/webhook", json=body).json()["messages"] == [GREETING]


# The process


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2", 2),
        ("die zweite bitte", 2),
        ("последний", -1),
        ("B1", None),
        ("hello", None),
        ("", None),
    ],
)
def test_the_place_that_a_message_names(
    engine: EngineProcess, text: str, place: int | None
) -> None:
    answer = engine.post("/choice", json={"text": text})
    assert (answer.status_code, answer.json()) == (200, {"choice": place})


@pytest.mark.parametrize("body", [{}, [], {"text": 2}, {"text": "x" * (MAXIMUM_TEXT_LENGTH + 1)}])
def test_a_malformed_question_for_a_place_is_refused(engine: EngineProcess, body: Any) -> None:
    assert engine.post("/choice", json=body).status_code == 422


def test_health_tells_that_the_model_is_loaded(engine: EngineProcess) -> None:
    answer = engine.health()
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


def test_an_engine_whose_model_is_broken_says_so(
    start_engine: Callable[..., EngineProcess], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not a model")
    engine = start_engine(model=broken)
    engine.wait_for_health(503)
    assert engine.health().json() == {"ready": False}
    answer = engine.send("early", "hello", "1")
    assert (answer.status_code, answer.json()) == (503, {"error": "the model is not loaded yet"})
    for path in ("/resume", "/forget"):
        answer = engine.post(path, json={"sender": "early"})
        assert (answer.status_code, answer.json()) == (
            503,
            {"error": "the model is not loaded yet"},
        )


def test_the_engine_ends_with_the_process_that_started_it(
    start_engine: Callable[..., EngineProcess],
) -> None:
    process = start_engine("--exit-with-parent").process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def test_a_slow_action_does_not_hold_up_other_conversations(
    engine: EngineProcess, application: Application
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(call: dict[str, Any]) -> Answer:
        entered.set()
        assert go_on.wait(20)
        return offers(call)

    application.run_action = slow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.send, "slow", "/find_work", "1")
        assert entered.wait(20)
        assert engine.send("quick", "/greet", "1").json()["messages"] == [GREETING]
        assert not waiting.done()
        go_on.set()
        assert waiting.result().json()["messages"] == OFFERS
