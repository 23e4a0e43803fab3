"""The application is killed again and again; nobody is forgotten and nobody is told twice."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.support.bot_api import BotApi, Person
from tests.support.product import Application, Engine

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

CHATS = 20
UPDATES = 200
KILLS = 5
# Words whose number comes back in the answer's order: each question has its own answer.
QUESTIONS = ("hallo", "danke", "tschüss", "bist du ein roboter?", "hilfe, was kannst du?")


def outcomes(database: Path) -> tuple[list[tuple[int, str, str]], Counter[str]]:
    """(inbox id, conversation, state of its reply) of every message, and inbox states."""
    with sqlite3.connect(database) as connection:
        replies = connection.execute(
            "SELECT i.id, i.conversation_id, o.state FROM inbox_message i "
            "LEFT JOIN outbox_message o ON o.inbox_message_id = i.id ORDER BY o.id"
        ).fetchall()
        states = Counter(
            state for (state,) in connection.execute("SELECT state FROM inbox_message")
        )
    return replies, states


async def test_200_updates_from_20_chats_through_five_kills(
    parts: tuple[Application, Engine, BotApi], tmp_path: Path
) -> None:
    application, engine, bot_api = parts
    engine.start()
    application.start()
    engine.wait_until_ready()
    application.wait_until_healthy()
    chooser = random.Random(20261123)
    people = [bot_api.add_person(language_code="de") for _ in range(CHATS)]
    asked: dict[int, list[str]] = {person.chat_id: [] for person in people}

    per_round = UPDATES // (KILLS + 1) + 1
    order = [people[number % CHATS] for number in range(UPDATES)]
    chooser.shuffle(order)
    database = tmp_path / "lotse.db"
    for start in range(0, UPDATES, per_round):
        for person in order[start : start + per_round]:
            question = QUESTIONS[len(asked[person.chat_id]) % len(QUESTIONS)]
            asked[person.chat_id].append(question)
            person.sends(question)
        if start + per_round < UPDATES:
            # Somewhere in the middle of the work, another place each time.
            await wait_for_replies(database, at_least=start + chooser.randrange(3, per_round))
            application.process.kill()
            application.start()
    await all_settled(database)

    replies, states = outcomes(database)
    assert states == Counter({"done": UPDATES}), "every update was stored once and answered"
    assert len(replies) == UPDATES, "no update has two replies"
    delivery = Counter(state for _, _, state in replies)
    assert delivery["sent"] + delivery["uncertain"] == UPDATES
    # A send that was under way when the process died is all that may be unknown.
    assert delivery["uncertain"] <= KILLS * CHATS
    print(f"sent {delivery['sent']}, outcome unknown {delivery['uncertain']}")
    in_order(replies)
    for person in people:
        told_once_and_in_order(person, asked[person.chat_id], delivery["uncertain"])
    bot_api.assert_no_violations()


async def wait_for_replies(database: Path, *, at_least: int) -> None:
    """Returns once so many replies have left, or were on their way when a kill came."""
    for _ in range(1200):
        replies, _ = outcomes(database)
        if sum(state in ("sent", "uncertain") for _, _, state in replies) >= at_least:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the application does not go on")


async def all_settled(database: Path) -> None:
    for _ in range(2400):
        replies, states = outcomes(database)
        open_replies = [state for _, _, state in replies if state in (None, "pending", "sending")]
        if states["done"] == UPDATES and not open_replies:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not everything was answered: {states}")


def in_order(replies: list[tuple[int, str, str]]) -> None:
    """Replies were made in the order of the messages, in each conversation."""
    latest: dict[str, int] = {}
    for message, conversation, _ in replies:
        assert message > latest.get(conversation, 0)
        latest[conversation] = message


def told_once_and_in_order(person: Person, asked: list[str], uncertain: int) -> None:
    """What arrived is what was asked, in order; at most what is uncertain may be missing."""
    arrived = [kind_of(text) for text in person.texts]
    expected = list(asked)
    assert len(arrived) >= len(expected) - uncertain
    position = 0
    for kind in arrived:
        assert kind in expected[position:], f"{kind} came out of order or twice"
        position = expected.index(kind, position) + 1


def kind_of(answer: str) -> str:
    """Which question a reply answers."""
    signs = {
        "hallo": "Ich kenne Angebote",
        "danke": "Gern",
        "tschüss": "Auf Wiedersehen",
        "bist du ein roboter?": "Computerprogramm",
        "hilfe, was kannst du?": "wählen Sie ein Thema",
    }
    for question, sign in signs.items():
        if sign.casefold() in answer.casefold():
            return question
    raise AssertionError(f"an unexpected answer: {answer[:80]}")
