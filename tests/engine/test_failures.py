"""A message succeeds as a whole or not at all, and may be sent again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.engine.application import Answer, Application
from tests.engine.assistant import EngineProcess

FAILED = (503, {"error": "the message could not be processed"})
# A rare word that the engine knows nothing of.
SECRET = "unverwechselbar"


def echoing_failure(call: dict[str, Any]) -> Answer:
    """An application so careless as to send back what the person wrote."""
    return 500, {"error": call["tracker"]["latest_message"]["text"]}


def echoing_nonsense(call: dict[str, Any]) -> Answer:
    return 200, {"responses": call["tracker"]["latest_message"]["text"]}


@contextmanager
def unwritable(engine: EngineProcess, sender: str) -> Iterator[None]:
    """The database refuses to store events of a conversation, as a full disk would."""
    with closing(sqlite3.connect(engine.database)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON events "
            f"WHEN NEW.sender_id = '{sender}' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        try:
            yield
        finally:
            connection.execute("DROP TRIGGER refuse")


def test_a_failed_action_leaves_nothing_behind(
    engine: EngineProcess, application: Application
) -> None:
    application.run_action = echoing_failure
    answer = engine.send("action-fails", "/find_work", "1")
    assert (answer.status_code, answer.json()) == FAILED
    assert engine.stored_events("action-fails") == []


def test_a_failed_message_is_processed_when_sent_again(
    engine: EngineProcess, application: Application
) -> None:
    engine.send("tries-again", "/greet", "1")
    stored = engine.stored_events("tries-again")
    application.run_action = echoing_failure
    for _ in range(2):
        answer = engine.send("tries-again", "/find_work", "2")
        assert (answer.status_code, answer.json()) == FAILED
    assert engine.stored_events("tries-again") == stored

    application.recover()
    answer = engine.send("tries-again", "/find_work", "2")
    assert answer.status_code == 200
    assert answer.json()["repeated"] is False
    assert answer.json()["messages"][0] == {"text": "Three offers:"}
    assert len(application.action_calls) == 1
    assert engine.send("tries-again", "/find_work", "2").json()["repeated"] is True
    assert engine.stored_events("tries-again").count("user") == 2


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"error": "x"}),
        (404, {"error": "There is no response utter_greet."}),
        (200, None),
        (200, []),
        (200, {}),
        (200, {"text": None, "buttons": []}),
    ],
)
def test_a_response_without_words_fails_the_message(
    engine: EngineProcess, application: Application, answer: Answer
) -> None:
    application.render_response = lambda call: answer
    given = engine.send("wordless", "/greet", "1")
    assert (given.status_code, given.json()) == FAILED
    assert engine.stored_events("wordless") == []


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        "done",
        {"events": "none"},
        {"events": [{"name": "topic"}]},
        {"responses": ["text"]},
        {"responses": {"text": "x"}},
    ],
)
def test_a_result_out_of_form_fails_the_message(
    engine: EngineProcess, application: Application, result: Any
) -> None:
    application.run_action = lambda call: (200, result)
    given = engine.send("formless", "/find_work", "1")
    assert (given.status_code, given.json()) == FAILED
    assert engine.stored_events("formless") == []


def test_what_cannot_be_stored_is_not_answered(
    engine: EngineProcess, application: Application
) -> None:
    engine.send("unstored", "/greet", "1")
    with unwritable(engine, "unstored"):
        answer = engine.send("unstored", "/find_work", "2")
        assert (answer.status_code, answer.json()) == FAILED
    assert engine.send("unstored", "/find_work", "2").json()["repeated"] is False
    assert engine.stored_events("unstored").count("user") == 2


def test_other_conversations_go_on(engine: EngineProcess, application: Application) -> None:
    application.run_action = echoing_failure
    assert engine.send("unlucky", "/find_work", "1").status_code == 503
    assert engine.send("lucky", "/greet", "1").status_code == 200
    assert engine.send("unlucky", "/greet", "2").status_code == 200


def test_the_log_names_a_failed_message_and_none_of_its_words(
    engine: EngineProcess, application: Application
) -> None:
    text = f"i need a job {SECRET}"
    application.run_action = echoing_failure
    assert engine.send("discreet", text, "message-a").status_code == 503
    application.run_action = echoing_nonsense
    assert engine.send("discreet", text, "message-b").status_code == 503
    application.render_response = echoing_failure
    assert engine.send("discreet", f"hello hello {SECRET}", "message-c").status_code == 503
    application.recover()
    with unwritable(engine, "discreet"):
        assert engine.send("discreet", text, "message-d").status_code == 503
    assert engine.send("discreet", f'/{SECRET}{{"{SECRET}": 1}}', "message-e").status_code == 200

    log = engine.log
    assert SECRET not in log
    assert "discreet" not in log
    reported = [line.partition("message message-")[2] for line in log.splitlines()]
    assert [line for line in reported if line] == [
        "a failed: action_offers failed (ActionFailed from RasaException from ClientResponseError)",
        "b failed: action_offers failed (ActionFailed from RasaException)",
        "c failed: utter_greet failed (ActionFailed from ClientResponseError)",
        "d failed: (IntegrityError from IntegrityError)",
    ]
