"""The local Bot API server, checked against an unmodified python-telegram-bot ``Bot``."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from tests.support.bot_api import TOKEN, BotApi, FaultKind, buttons
from tests.support.bot_api.flood import FloodCheck


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as server:
        yield server


def _bot(api: BotApi, token: str = TOKEN) -> Bot:
    return Bot(token, base_url=f"{api.url}/bot", base_file_url=f"{api.url}/file/bot")


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with _bot(api) as bot:
        yield bot


async def test_a_text_reaches_the_bot_and_its_answer_the_person(api: BotApi, bot: Bot) -> None:
    anna = api.add_person(language_code="tr", first_name="Anna")
    anna.sends("/start merhaba")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert update.message.text == "/start merhaba"
    assert update.message.from_user is not None
    assert update.message.from_user.language_code == "tr"
    await bot.send_message(
        anna.chat_id,
        "<b>Kurs</b> &lt;A1&gt;",
        parse_mode="HTML",
        reply_parameters=ReplyParameters(update.message.message_id),
    )
    (message,) = anna.messages
    assert message["text"] == "Kurs <A1>"
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    api.assert_no_violations()


async def test_updates_stay_until_they_are_confirmed(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    for text in ("one", "two", "three"):
        anna.sends(text)
    first = await bot.get_updates(limit=2)
    assert [u.message.text for u in first if u.message] == ["one", "two"]
    again = await bot.get_updates()
    assert [u.message.text for u in again if u.message] == ["one", "two", "three"]
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [u.message.text for u in rest if u.message] == ["three"]
    assert await bot.get_updates(offset=rest[-1].update_id + 1) == ()


async def test_a_long_poll_ends_with_the_first_update(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.account.poll_number)
    anna.sends("there you are")
    (update,) = await asyncio.wait_for(polling, 5)
    assert update.message is not None


async def test_only_allowed_updates_are_queued(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    await bot.get_updates(allowed_updates=["my_chat_member"])
    anna.sends("not wanted")
    anna.blocks()
    (update,) = await bot.get_updates()
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == "kicked"


async def test_a_second_poll_ends_the_first(api: BotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.account.poll_number == 1)
    async with _bot(api) as other:
        await other.get_updates()
    with pytest.raises(Conflict):
        await first


async def test_polling_conflicts_with_a_webhook(api: BotApi, bot: Bot) -> None:
    await bot.set_webhook(f"{api.url}/nowhere", secret_token="a-secret")
    with pytest.raises(Conflict):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == f"{api.url}/nowhere"
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_a_button_is_pressed_answered_and_its_message_edited(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Mehr", callback_data="key-1")]])
    sent = await bot.send_message(anna.chat_id, "Kurse", reply_markup=keyboard)
    query_id = anna.presses("Mehr")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.data == "key-1"
    await bot.answer_callback_query(query_id)
    assert anna.was_answered(query_id)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query_id)
    await bot.edit_message_text("Mehr Kurse", anna.chat_id, sent.message_id)
    assert anna.texts == ["Mehr Kurse"]
    assert buttons(anna.messages[0]) == []
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text("Mehr Kurse", anna.chat_id, sent.message_id)
    await bot.edit_message_reply_markup(anna.chat_id, sent.message_id, reply_markup=keyboard)
    await bot.delete_message(anna.chat_id, sent.message_id)
    assert anna.texts == []


async def test_commands_are_kept_per_language(api: BotApi, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("help", "What I can do")])
    await bot.set_my_commands([BotCommand("help", "Was ich kann")], language_code="de")
    assert [c.description for c in await bot.get_my_commands(language_code="de")] == [
        "Was ich kann"
    ]
    assert [c.description for c in await bot.get_my_commands()] == ["What I can do"]
    with pytest.raises(BadRequest):
        await bot.set_my_commands([BotCommand("Help", "capital letter")])


async def test_files_go_both_ways(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    anna.sends_voice(b"hello")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.voice is not None
    file = await update.message.voice.get_file()
    assert bytes(await file.download_as_bytearray()) == b"hello"
    sent = await bot.send_document(anna.chat_id, b"BEGIN:VCALENDAR", filename="a.ics", caption="x")
    assert sent.document is not None
    assert sent.document.file_name == "a.ics"
    assert await (await sent.document.get_file()).download_as_bytearray() == b"BEGIN:VCALENDAR"
    assert anna.texts == ["x"]
    api.assert_no_violations()


async def test_topics_of_a_forum(api: BotApi, bot: Bot) -> None:
    anna, desk = api.add_person(), api.add_group(forum=True)
    topic = await bot.create_forum_topic(desk.chat_id, "Anna")
    thread = topic.message_thread_id
    await bot.send_message(desk.chat_id, "new", message_thread_id=thread)
    reply = desk.receives_from(anna, "a counsellor's answer", message_thread_id=thread)
    await bot.copy_message(anna.chat_id, desk.chat_id, reply)
    assert anna.texts == ["a counsellor's answer"]
    desk.loses_topic(thread)
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        await bot.send_message(desk.chat_id, "lost", message_thread_id=thread)
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        await bot.send_message(desk.chat_id, "General", message_thread_id=1)
    api.assert_no_violations()


async def test_typing_is_seen(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    await bot.send_chat_action(anna.chat_id, "typing")
    assert anna.typing_count == 1
    with pytest.raises(BadRequest):
        await bot.send_chat_action(anna.chat_id, "dancing")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<blink>x</blink>", 'Unsupported start tag "blink" at byte offset 0'),
        ("ü</b>", "Unexpected end tag at byte offset 2"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ('<a href="x', 'Unclosed start tag "a" at byte offset 0'),
        ("<b", "Unclosed start tag at byte offset 0"),
    ],
)
async def test_wrong_markup_is_refused_as_by_telegram(
    api: BotApi, bot: Bot, text: str, complaint: str
) -> None:
    anna = api.add_person()
    with pytest.raises(BadRequest) as refusal:
        await bot.send_message(anna.chat_id, text, parse_mode="HTML")
    assert str(refusal.value).lower() == f"can't parse entities: {complaint}".lower()
    assert len(api.violations) == 1


async def test_lengths_are_counted_after_parsing_and_in_utf16(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    await bot.send_message(anna.chat_id, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    await bot.send_message(anna.chat_id, "😀" * 2048)
    for text in ("x" * 4097, "😀" * 2049, " \u2060 "):
        with pytest.raises(BadRequest):
            await bot.send_message(anna.chat_id, text)
    assert api.violations == [
        "sendMessage: Bad Request: message is too long",
        "sendMessage: Bad Request: message is too long",
        "sendMessage: Bad Request: message text is empty",
    ]


async def test_button_data_is_counted_in_bytes(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    for data, fits in (("ж" * 32, True), ("ж" * 33, False)):
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data)]])
        if fits:
            await bot.send_message(anna.chat_id, "x", reply_markup=keyboard)
        else:
            with pytest.raises(BadRequest):
                await bot.send_message(anna.chat_id, "x", reply_markup=keyboard)


async def test_ordered_failures_arrive_as_the_platform_s(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    for kind, expected in (
        (FaultKind.BLOCKED, Forbidden),
        (FaultKind.FLOOD, RetryAfter),
        (FaultKind.MIGRATED, ChatMigrated),
        (FaultKind.SERVER_ERROR, NetworkError),
        (FaultKind.BAD_GATEWAY, NetworkError),
        (FaultKind.UNAUTHORIZED, InvalidToken),
        (FaultKind.DROP_BEFORE, NetworkError),
    ):
        api.fail(kind, value=-1002 if kind is FaultKind.MIGRATED else 3)
        with pytest.raises(expected):
            await bot.send_message(anna.chat_id, "x")
    assert anna.texts == []
    api.fail(FaultKind.DROP_AFTER)
    with pytest.raises(NetworkError):
        await bot.send_message(anna.chat_id, "delivered")
    assert anna.texts == ["delivered"]
    api.fail(FaultKind.SLOW, value=0.5)
    with pytest.raises(TimedOut):
        await bot.send_message(anna.chat_id, "x", read_timeout=0.05)


async def test_a_person_who_blocks_gets_nothing_until_unblocking(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    anna.blocks()
    with pytest.raises(Forbidden):
        await bot.send_message(anna.chat_id, "x")
    anna.unblocks()
    await bot.send_message(anna.chat_id, "y")
    assert anna.texts == ["y"]
    api.assert_no_violations()


async def test_a_wrong_token_or_method_is_refused(api: BotApi, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        await _bot(api, "7:another-token-of-the-right-length-xyz").initialize()
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{api.url}/bot{TOKEN}/makeCoffee")
    assert answer.status_code == 404
    assert api.violations == ["makeCoffee: no such method"]


async def test_json_form_and_query_are_read_alike(api: BotApi) -> None:
    anna = api.add_person()
    address = f"{api.url}/bot{TOKEN}/sendMessage"
    content = {"chat_id": str(anna.chat_id), "text": "ü & ö"}
    async with httpx.AsyncClient() as client:
        for answer in (
            await client.post(address, json=content),
            await client.post(address, data=content),
            await client.get(address, params=content),
        ):
            assert answer.json()["ok"]
    assert anna.texts == ["ü & ö"] * 3
    api.assert_no_violations()


@pytest.mark.parametrize(
    ("more", "violation"),
    [
        ({"colour": "red"}, 'sendMessage: unknown parameter "colour"'),
        ({"parse_mode": "BBCode"}, "sendMessage: Bad Request: unsupported parse_mode"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
            "sendMessage: Bad Request: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"link_preview_options": {"disabled": True}},
            "sendMessage: Bad Request: link_preview_options: "
            'LinkPreviewOptions has no field "disabled"',
        ),
        (
            {"disable_notification": "perhaps"},
            "sendMessage: Bad Request: disable_notification must be of type Boolean",
        ),
    ],
)
async def test_wrong_parameters_are_written_down(
    api: BotApi, more: dict[str, object], violation: str
) -> None:
    anna = api.add_person()
    async with httpx.AsyncClient() as client:
        await client.post(
            f"{api.url}/bot{TOKEN}/sendMessage",
            json={"chat_id": anna.chat_id, "text": "x", **more},
        )
    assert api.violations == [violation]


async def test_flooding_one_chat_is_written_down(api: BotApi, bot: Bot) -> None:
    anna = api.add_person()
    for number in range(3):
        await bot.send_message(anna.chat_id, str(number))
    api.assert_no_violations()
    await bot.send_message(anna.chat_id, "too fast")
    assert api.violations == ["flood: more than 1 message per second to one chat"]


async def test_the_state_survives_a_new_server(api: BotApi, bot: Bot, tmp_path: Path) -> None:
    anna = api.add_person()
    anna.sends("unread")
    await bot.send_message(anna.chat_id, "kept")
    api.save(tmp_path / "state.json")
    with BotApi() as later:
        later.load(tmp_path / "state.json")
        async with _bot(later) as again:
            (update,) = await again.get_updates()
            assert update.message is not None
            assert update.message.text == "unread"
        assert list(later.account.messages[anna.chat_id][-1]["text"]) == list("kept")


async def test_a_process_of_its_own_keeps_its_state(tmp_path: Path) -> None:
    state, port = tmp_path / "state.json", _free_port()
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=f"{address}/control") as control, _own(port, state):
        chat_id = (await control.post("/people", json={})).json()["chat_id"]
        await control.post(f"/people/{chat_id}/messages", json={"text": "unread"})
    async with httpx.AsyncClient(base_url=f"{address}/bot{TOKEN}") as bot, _own(port, state):
        (update,) = (await bot.get("/getUpdates")).json()["result"]
    assert update["message"]["text"] == "unread"


@asynccontextmanager
async def _own(port: int, state: Path) -> AsyncIterator[None]:
    """The server as a process, from its first answer until it was told to end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.bot_api"),
        *("--port", str(port), "--state", str(state)),
    )
    transport = httpx.AsyncHTTPTransport(retries=8)
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get(f"http://127.0.0.1:{port}/bot{TOKEN}/getMe")
    try:
        yield
    finally:
        process.terminate()
        assert await process.wait() == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_the_flood_check_knows_the_limits() -> None:
    now = [0.0]
    check = FloodCheck(clock=lambda: now[0])
    assert [check.record(1) for _ in range(4)] == [
        [],
        [],
        [],
        ["flood: more than 1 message per second to one chat"],
    ]
    now[0] = 100
    assert [chat for chat in range(2, 40) if check.record(chat)] == [35, 36, 37, 38, 39]
    now[0] = 200
    for number in range(21):
        now[0] = 200 + 2 * number
        found = check.record(-100)
    assert found == ["flood: more than 20 messages per minute to one group"]
    check.pause(5, 10)
    assert check.record(5) == ["flood: sent before retry_after had passed"]


async def test_another_process_steers_it_over_http(api: BotApi, bot: Bot) -> None:
    async with httpx.AsyncClient(base_url=f"{api.url}/control") as control:
        person = (await control.post("/people", json={"language_code": "uk"})).json()
        chat = f"/people/{person['chat_id']}"
        await control.post(f"{chat}/messages", json={"text": "привіт"})
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.text == "привіт"
        await bot.send_message(person["chat_id"], "вітаю")
        answer = await control.get(f"{chat}/messages", params={"count": 1})
        assert [message["text"] for message in answer.json()] == ["вітаю"]
        await control.post(f"{chat}/block")
        assert (await control.post(f"{chat}/presses", json={"title": "?"})).status_code == 404
        calls = [call["method"] for call in (await control.get("/calls")).json()]
        assert calls == ["getMe", "getUpdates", "sendMessage"]
        assert (await control.get("/violations")).json() == []
