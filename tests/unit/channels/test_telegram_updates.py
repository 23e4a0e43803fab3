"""What the raw updates of Telegram become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import ChatBlocked, to_chat_blocked, to_incoming
from bot.channels.telegram.updates import Intake
from bot.messages import IncomingMessage, Kind

CHAT = {"id": 200000001, "type": "private", "first_name": "Anna"}
SENDER = {"id": 200000001, "is_bot": False, "first_name": "Anna", "language_code": "uk"}
FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 3}
PLACE = {"latitude": 48.77584, "longitude": 9.18293}
# No more exact than is needed to find what is near.
POSITION = "48.776,9.183"


def _update(content: Mapping[str, Any], *, kind: str = "message", number: int = 7) -> object:
    message = {"message_id": 3, "date": 1760000000, "chat": CHAT, "from": SENDER, **content}
    return {"update_id": number, kind: message}


def _callback(**changes: object) -> dict[str, Any]:
    query = {
        "id": "77",
        "from": SENDER,
        "chat_instance": "1",
        "message": {"message_id": 2, "date": 0, "chat": CHAT},
        "data": "key-1",
        **changes,
    }
    return {"update_id": 8, "callback_query": query}


def _member(status: str, chat: Mapping[str, Any] = CHAT) -> dict[str, Any]:
    bot = {"id": 1, "is_bot": True, "first_name": "Lotse"}
    return {
        "update_id": 9,
        "my_chat_member": {
            "chat": chat,
            "from": SENDER,
            "date": 1760000000,
            "old_chat_member": {"user": bot, "status": "member"},
            "new_chat_member": {"user": bot, "status": status, "until_date": 0},
        },
    }


def test_a_text_with_everything_it_carries() -> None:
    assert to_incoming(_update({"text": "Де курс?"})) == IncomingMessage(
        channel="telegram",
        address="200000001",
        external_id="7.3",
        kind=Kind.TEXT,
        text="Де курс?",
        language_hint="uk",
    )


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"photo": [{**FILE, "width": 1, "height": 1}], "caption": "letter"}, Kind.PHOTO, "letter"),
        ({"voice": {**FILE, "duration": 2}}, Kind.VOICE, ""),
        ({"audio": {**FILE, "duration": 2}}, Kind.VOICE, ""),
        ({"video_note": {**FILE, "duration": 2, "length": 9}}, Kind.VOICE, ""),
        ({"video": {**FILE, "duration": 2}, "caption": "see"}, Kind.OTHER, "see"),
        ({"sticker": {**FILE, "type": "regular"}}, Kind.STICKER, ""),
        ({"location": PLACE}, Kind.LOCATION, POSITION),
        (
            {"venue": {"location": PLACE, "title": "VHS"}, "location": PLACE},
            Kind.LOCATION,
            POSITION,
        ),
        ({"location": {"latitude": 91, "longitude": 9}}, Kind.LOCATION, ""),
        ({"document": {**FILE, "file_name": "cv.pdf"}}, Kind.DOCUMENT, ""),
        ({"animation": FILE, "document": FILE}, Kind.OTHER, ""),
        ({"contact": {"phone_number": "1", "first_name": "B"}}, Kind.CONTACT, ""),
        ({"dice": {"emoji": "🎲", "value": 3}}, Kind.OTHER, ""),
        ({"poll": {"id": "1", "question": "?"}}, Kind.OTHER, ""),
        ({"hologram_of_the_future": {"size": 3}}, Kind.OTHER, ""),
        ({"text": "hi", "field_of_the_future": [1]}, Kind.TEXT, "hi"),
    ],
)
def test_every_kind(content: Mapping[str, Any], kind: Kind, text: str) -> None:
    message = to_incoming(_update(content))
    assert message is not None
    assert (message.kind, message.text) == (kind, text)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("/start", "/start"),
        ("/start@LotseBot", "/start"),
        ("/language@LotseBot tr", "/language tr"),
        ("me@example.org", "me@example.org"),
        ("a /start@LotseBot", "a /start@LotseBot"),
    ],
)
def test_commands_lose_the_name_of_the_bot(written: str, text: str) -> None:
    message = to_incoming(_update({"text": written}))
    assert message is not None
    assert message.text == text


def test_a_pressed_button() -> None:
    assert to_incoming(_callback()) == IncomingMessage(
        channel="telegram",
        address="200000001",
        external_id="8.2",
        kind=Kind.BUTTON,
        button_key="key-1",
        language_hint="uk",
    )


def test_an_edit_carries_the_new_words() -> None:
    message = to_incoming(_update({"text": "B1, please", "edit_date": 1}, kind="edited_message"))
    assert message is not None
    assert (message.text, message.edited) == ("B1, please", True)


def test_blocking_and_unblocking() -> None:
    assert to_chat_blocked(_member("kicked")) == ChatBlocked("200000001", blocked=True)
    assert to_chat_blocked(_member("member")) == ChatBlocked("200000001", blocked=False)
    assert to_chat_blocked(_update({"text": "hi"})) is None


@pytest.mark.parametrize(
    "update",
    [
        _update({"text": "hi", "chat": {"id": -100, "type": "supergroup", "title": "G"}}),
        _update({"pinned_message": {"message_id": 1}}),
        _update({"message_auto_delete_timer_changed": {"message_auto_delete_time": 9}}),
        _update({"location": PLACE, "edit_date": 1}, kind="edited_message"),
        _update({"text": "x"}, kind="channel_post"),
        _callback(message={"message_id": 1, "date": 1, "chat": {"id": -1, "type": "group"}}),
        {"update_id": 1, "callback_query": {"id": "1", "from": SENDER, "inline_message_id": "x"}},
        _member("kicked", {"id": -5, "type": "group"}),
        {"update_id": 5, "kind_of_the_future": {}},
    ],
)
def test_what_is_not_said_to_us_is_ignored(update: object) -> None:
    intake = Intake(_never, lambda query: None)
    intake._sort(update, [], [])
    assert intake.counts == {"ignored": 1}


MALFORMED: list[object] = [
    None,
    [],
    "text",
    {},
    {"update_id": "7", "message": {}},
    {"update_id": 10**30, "message": {"chat": CHAT, "text": "x"}},
    {"update_id": 7, "message": None},
    {"update_id": 7, "message": {"text": "no chat"}},
    {"update_id": 7, "message": {"chat": {"id": "x", "type": "private"}, "text": "x"}},
    {"update_id": 7, "message": {"chat": CHAT, "text": 5}},
    {"update_id": 7, "callback_query": {"message": {"chat": CHAT}, "data": {}}},
    {"update_id": 7, "my_chat_member": {"chat": CHAT}},
]


@pytest.mark.parametrize("update", MALFORMED)
async def test_malformed_updates_are_counted(update: object) -> None:
    intake = Intake(_never, lambda query: None)
    await intake.take([update])
    assert to_incoming(update) is None
    assert intake.counts == {"malformed": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["update_id", "message", "edited_message", "callback_query", "my_chat_member"]
INNER = ["chat", "id", "type", "text", "caption", "from", "data", "message", "new_chat_member"]


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        json_values | st.dictionaries(st.sampled_from(INNER), json_values),
    )
)
def test_no_json_raises(update: dict[str, object]) -> None:
    to_incoming(update)
    to_chat_blocked(update)


def test_half_a_surrogate_pair_becomes_storable() -> None:
    message = to_incoming(_update({"text": "a\ud83d"}))
    assert message is not None
    assert message.text.encode() == "a\ufffd".encode()


def test_personal_data_stays_out_of_repr() -> None:
    message = to_incoming(_update({"text": "secret words"}))
    blocked = to_chat_blocked(_member("kicked"))
    for shown in (repr(message), repr(blocked)):
        assert "secret words" not in shown
        assert "200000001" not in shown


async def test_a_batch_is_stored_in_order_then_presses_are_answered() -> None:
    happened: list[object] = []

    async def receive(messages: Sequence[IncomingMessage], blocked: Sequence[ChatBlocked]) -> None:
        happened.append([message.external_id for message in messages])
        happened.append([news.blocked for news in blocked])

    intake = Intake(receive, happened.append)
    await intake.take(
        [
            _update({"text": "one"}, number=5),
            {"broken": True},
            _callback(),
            _update({"text": "two"}, number=11),
            _member("kicked"),
        ]
    )
    assert happened == [["5.3", "8.2", "11.3"], [True], "77"]
    assert intake.counts == {"message": 3, "malformed": 1, "blocked": 1}


async def test_presses_are_not_answered_when_storing_fails() -> None:
    answered: list[str] = []

    async def fail(messages: Sequence[IncomingMessage], blocked: Sequence[ChatBlocked]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Intake(fail, answered.append).take([_callback()])
    assert answered == []


async def _never(messages: Sequence[IncomingMessage], blocked: Sequence[ChatBlocked]) -> None:
    raise AssertionError
