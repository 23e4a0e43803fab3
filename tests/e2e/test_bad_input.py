"""Whatever is thrown at it gets a defined reaction; nothing is lost and nothing breaks."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.bot_api import TOKEN, BotApi, Person, buttons
from tests.support.product import Application

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]


@pytest.fixture
def guest(product: Application, bot_api: BotApi) -> Person:
    """Somebody who has agreed already."""
    person = bot_api.add_person(language_code="en")
    person.sends("/start")
    person.wait_for(1, within=30)
    person.presses("Yes, I agree")
    person.wait_for(2, within=30)
    return person


async def next_answer(person: Person, act: Any) -> dict[str, Any]:
    before = len(person.messages)
    act()
    return (await person.receives(before + 1, within=30))[-1]


@pytest.mark.parametrize(
    "text",
    [
        "😀😀😀",
        "?!…",
        "\u200b\u202e\u2066",
        "\x07\x1b[31m",
        "x" * 4_096,
        "мир " * 1_000,
        "asdkjh qwlkej zxmcn",
    ],
    ids=["emoji", "punctuation", "invisible", "control", "long", "long cyrillic", "gibberish"],
)
async def test_texts_that_say_nothing_are_answered(guest: Person, text: str) -> None:
    answer = await next_answer(guest, lambda: guest.sends(text))
    assert buttons(answer), "there is always a way on"


@pytest.mark.parametrize(
    "text",
    ['/restart{"x":1}', "/ask_job", "/action_listen", "//greet", '/inform{"measure":"x"}', "/"],
)
async def test_typed_intents_are_texts(product: Application, guest: Person, text: str) -> None:
    answer = await next_answer(guest, lambda: guest.sends(text))
    assert answer["text"]
    assert "no longer in my list" not in answer["text"], "what only a button can ask for"


async def test_files_and_places_get_an_honest_answer(guest: Person) -> None:
    acts = {
        "pictures": lambda: guest.sends_photo(),
        "voice": lambda: guest.sends_voice(),
        # A place is a wish; what is wished for there is still open.
        "What is it about?": lambda: guest.sends_location(48.78, 9.18),
    }
    for word, act in acts.items():
        assert word in (await next_answer(guest, act))["text"]
    sticker = {"sticker": {"file_id": "a", "file_unique_id": "b", "emoji": "👍"}}
    answer = await next_answer(guest, lambda: guest.sends_content(sticker))
    assert "I can only read text" in answer["text"]


async def test_the_words_below_a_picture_are_read(guest: Person) -> None:
    answer = await next_answer(guest, lambda: guest.sends_photo("where can i learn german?"))
    assert "German courses" in answer["text"]


async def test_an_edited_message_is_read_again(guest: Person) -> None:
    await next_answer(guest, lambda: guest.sends("i need a doktr"))
    number = guest.sends("thank you")
    await guest.receives(len(guest.messages) + 1, within=30)
    answer = await next_answer(guest, lambda: guest.edits(number, "where can i find a flat?"))
    assert "Housing" in answer["text"]


async def test_an_unknown_button_is_answered(guest: Person) -> None:
    answer = await next_answer(guest, lambda: guest.presses_data("made-up-key"))
    assert "button" in answer["text"]
    assert buttons(answer)


async def test_everything_was_answered_and_the_product_is_well(
    product: Application, guest: Person, bot_api: BotApi
) -> None:
    async with httpx.AsyncClient() as http:
        health = (await http.get(f"{product.url}/health")).json()
    assert health["status"] == "ok"
    assert health["messages_waiting"] == 0
    assert set(health["replies"]) == {"sent"}
    bot_api.assert_no_violations()


async def test_logs_hold_no_words_and_no_token(product: Application, guest: Person) -> None:
    marker = "unverwechselbar"
    await next_answer(guest, lambda: guest.sends(f"{marker} job"))
    log = product.process.log.read_text("utf-8", "replace")
    assert marker not in log
    assert TOKEN not in log
    assert str(guest.chat_id) not in log
