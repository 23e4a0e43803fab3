"""Conversations come from memory and are the same as in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.exc import IntegrityError

from engine import history, tracker_store
from engine.tracker_store import CachedSQLTrackerStore
from tests.engine.assistant import DOMAIN

SENDER = "somebody"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "tracker.db"


@pytest.fixture
def open_store(database: Path) -> Iterator[Callable[[], CachedSQLTrackerStore]]:
    """Opens the database as a freshly started engine would."""
    opened = []

    def open_() -> CachedSQLTrackerStore:
        store = CachedSQLTrackerStore(Domain.from_yaml(DOMAIN), db=str(database))
        opened.append(store)
        return store

    yield open_
    for store in opened:
        store.engine.dispose()


@pytest.fixture
def store(open_store: Callable[[], CachedSQLTrackerStore]) -> CachedSQLTrackerStore:
    return open_store()


async def fetch(store: CachedSQLTrackerStore, sender: str = SENDER) -> DialogueStateTracker:
    tracker = await store.retrieve(sender)
    assert tracker is not None
    return tracker


async def begin(store: CachedSQLTrackerStore, sender: str = SENDER) -> None:
    """A conversation's first events, as Rasa makes them."""
    tracker = await store.get_or_create_tracker(sender, append_action_listen=False)
    tracker.update_with_events(
        [
            SlotSet("session_started_metadata", {"language": "de"}),
            ActionExecuted("action_session_start"),
            SessionStarted(),
            ActionExecuted("action_listen"),
        ],
        None,
    )
    await store.save(tracker)


async def turn(store: CachedSQLTrackerStore, message_id: str, sender: str = SENDER) -> None:
    """One message that sets a slot and its reply."""
    tracker = await fetch(store, sender)
    tracker.update_with_events(
        [
            UserUttered("hello", {"name": "greet"}, message_id=message_id),
            ActionExecuted("utter_greet"),
            BotUttered(f"answer {message_id}"),
            SlotSet("topic", message_id),
            ActionExecuted("action_listen"),
        ],
        None,
    )
    await store.save(tracker)


def said(tracker: DialogueStateTracker) -> list[str | None]:
    return [event.text for event in tracker.events if isinstance(event, BotUttered)]


def stored_answers(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT json_extract(data, '$.text') FROM events WHERE type_name = 'bot' ORDER BY id"
        )
        return [text for (text,) in rows]


async def test_nobody_is_known_at_first(store: CachedSQLTrackerStore) -> None:
    assert await store.retrieve(SENDER) is None


async def test_what_is_handed_out_is_a_copy(store: CachedSQLTrackerStore) -> None:
    await begin(store)
    await turn(store, "1")
    tracker = await fetch(store)
    tracker.update(SlotSet("topic", "changed"))
    tracker.update(BotUttered("never saved"))
    again = await fetch(store)
    assert again.get_slot("topic") == "1"
    assert said(again) == ["answer 1"]


async def test_what_was_saved_is_a_copy_too(store: CachedSQLTrackerStore) -> None:
    await begin(store)
    tracker = await fetch(store)
    await store.save(tracker)
    tracker.update(SlotSet("topic", "changed after saving"))
    assert (await fetch(store)).get_slot("topic") is None


async def test_every_event_is_stored_once(store: CachedSQLTrackerStore, database: Path) -> None:
    await begin(store)
    for number in range(6):
        await turn(store, str(number))
        if number % 2:
            tracker = await fetch(store)
            tracker.update_with_events(history.new_session(tracker), None)
            await store.save(tracker)
    assert stored_answers(database) == [f"answer {number}" for number in range(6)]


async def test_a_fresh_engine_reads_what_the_running_one_remembers(
    store: CachedSQLTrackerStore, open_store: Callable[[], CachedSQLTrackerStore]
) -> None:
    await begin(store)
    for number in range(5):
        await turn(store, str(number))
        remembered, read = await fetch(store), await fetch(open_store())
        assert read.current_state() == remembered.current_state()
        assert read.applied_events() == remembered.applied_events()
        assert said(read) == said(remembered)


async def test_an_engine_that_reads_and_one_that_remembers_go_on_alike(
    store: CachedSQLTrackerStore,
    open_store: Callable[[], CachedSQLTrackerStore],
    database: Path,
) -> None:
    await begin(store)
    await turn(store, "1")
    await turn(open_store(), "2")
    fresh = open_store()
    await turn(fresh, "3")
    await turn(fresh, "4")
    assert stored_answers(database) == ["answer 1", "answer 2", "answer 3", "answer 4"]


async def test_sessions_that_are_over_are_not_remembered(store: CachedSQLTrackerStore) -> None:
    await begin(store)
    for number in range(4):
        await turn(store, str(number))
    tracker = await fetch(store)
    tracker.update_with_events(history.new_session(tracker), None)
    await store.save(tracker)
    await turn(store, "4")
    present = await fetch(store)
    # The turn before the session began is still known: its message may be repeated.
    assert said(present) == ["answer 3", "answer 4"]
    assert present.get_slot("topic") == "4"


async def test_a_message_that_restarts_is_remembered(store: CachedSQLTrackerStore) -> None:
    await begin(store)
    await turn(store, "1")
    tracker = await fetch(store)
    tracker.update_with_events(
        [
            UserUttered("/restart", {"name": "restart"}, message_id="2"),
            ActionExecuted("action_restart"),
            BotUttered("Again"),
            Restarted(),
            ActionExecuted("action_session_start"),
            SessionStarted(),
            ActionExecuted("action_listen"),
        ],
        None,
    )
    await store.save(tracker)
    present = await fetch(store)
    assert said(present) == ["Again"]
    assert present.get_slot("topic") is None


async def test_what_could_not_be_saved_raises_and_is_not_remembered(
    store: CachedSQLTrackerStore, database: Path
) -> None:
    await begin(store)
    await turn(store, "1")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        with pytest.raises(IntegrityError, match="full"):
            await turn(store, "2")
        connection.execute("DROP TRIGGER refuse")
    assert said(await fetch(store)) == ["answer 1"]
    await turn(store, "2")
    assert stored_answers(database) == ["answer 1", "answer 2"]


async def test_a_forgotten_conversation_is_gone_from_memory_and_database(
    store: CachedSQLTrackerStore, database: Path
) -> None:
    for sender in ("leaves", "stays"):
        await begin(store, sender)
        await turn(store, f"of who {sender}", sender)
    store.forget("leaves")
    assert await store.retrieve("leaves") is None
    assert said(await fetch(store, "stays")) == ["answer of who stays"]
    assert stored_answers(database) == ["answer of who stays"]


async def test_the_conversations_used_last_are_remembered(
    store: CachedSQLTrackerStore, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_store, "REMEMBERED", 2)
    for sender in ("a", "b"):
        await begin(store, sender)
        await turn(store, sender, sender)
    await fetch(store, "a")
    await begin(store, "c")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM events")
    assert said(await fetch(store, "a")) == ["answer a"]
    assert await store.retrieve("b") is None, "read from the database, where it is no more"


async def test_words_about_the_person_are_kept_nowhere(
    store: CachedSQLTrackerStore, database: Path
) -> None:
    await begin(store)
    tracker = await fetch(store)
    words = "my name is Anna, 0711 1234567"
    entities = [{"entity": "child_age_months", "value": 7}]
    for number, personal in (("1", True), ("2", False)):
        tracker.update(
            UserUttered(
                words,
                {"name": "inform", "confidence": 0.9},
                entities,
                parse_data={"text": words, "intent": {"name": "inform"}, "entities": entities},
                message_id=number,
                metadata={"personal": True} if personal else {},
            )
        )
    await store.save(tracker)
    first, second = [
        event for event in (await fetch(store)).events if isinstance(event, UserUttered)
    ]
    assert (first.text, first.entities, first.message_id) == (tracker_store.LEFT_OUT, [], "1")
    assert (first.intent["name"], second.text) == ("inform", words)
    with closing(sqlite3.connect(database)) as connection:
        stored = [row[0] for row in connection.execute("SELECT data FROM events ORDER BY id")]
    assert sum("Anna" in data for data in stored) == 1
