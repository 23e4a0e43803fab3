"""Sending, with the real library against the local Bot API server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import structlog
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.channels.telegram import (
    SendLimiter,
    SendLimits,
    TelegramApi,
    TelegramChannel,
    Timeouts,
    TokenFilter,
    protect_logs,
)
from bot.channels.telegram.api import delivery_error
from bot.errors import (
    AddressChangedError,
    ConfigurationError,
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    RecipientGoneError,
    RetryLaterError,
)
from bot.messages import Button, Channel, Document, OutgoingMessage
from tests.support.bot_api import TOKEN, BotApi, FaultKind, buttons

LONG = OutgoingMessage(text="word " * 2000, buttons=(Button(title="More", key="more"),))
HELLO = OutgoingMessage(text="hello")


class Sleeper:
    """Remembers how long somebody wanted to sleep; real time hardly passes."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def server() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
async def api(server: BotApi) -> AsyncIterator[TelegramApi]:
    timeouts = Timeouts(connect=1, transfer=0.4, typing=0.2)
    api = TelegramApi(TOKEN, base_url=server.url, timeouts=timeouts)
    yield api
    await api.close()


@pytest.fixture
def time() -> Sleeper:
    return Sleeper()


@pytest.fixture
def channel(api: TelegramApi, time: Sleeper) -> TelegramChannel:
    limits = SendLimits(chat_burst=1_000, overall_per_second=1_000)
    limiter = SendLimiter(limits, clock=time.clock, sleep=time.sleep)
    return TelegramChannel(api, limiter=limiter, clock=time.clock, sleep=time.sleep)


async def test_a_message_with_buttons(server: BotApi, channel: TelegramChannel) -> None:
    anna = server.add_person()
    message = OutgoingMessage(
        text='Ali <b>"Veli"</b> & Söhne',
        buttons=(Button(title="Ja", key="k1"), Button(title="Nein", key="k2")),
    )
    (sent,) = await channel.send(address=str(anna.chat_id), message=message)
    (shown,) = anna.messages
    assert (str(shown["message_id"]), shown["text"]) == (sent, 'Ali <b>"Veli"</b> & Söhne')
    assert [button["callback_data"] for button in buttons(shown)] == ["k1", "k2"]
    (call,) = server.calls_of("sendMessage")
    assert call["link_preview_options"] == '{"is_disabled": true}'
    server.assert_no_violations()


def test_it_is_a_channel(channel: TelegramChannel) -> None:
    port: Channel = channel
    assert port.name == "telegram"


async def test_a_calendar_file_arrives_as_a_document(
    server: BotApi, channel: TelegramChannel
) -> None:
    person = server.add_person()
    file = Document(
        name="appointment.ics",
        title="Calendar file",
        media_type="text/calendar",
        content="BEGIN:VCALENDAR\r\nSUMMARY:استشارة\r\n",
    )
    message = OutgoingMessage(text="Booked.", documents=(file,))
    ids = await channel.send(address=str(person.chat_id), message=message)
    words, document = person.messages
    assert len(ids) == 2
    assert words["text"] == "Booked."
    assert document["document"]["file_name"] == "appointment.ics"
    assert document["document"]["file_size"] == len(file.content.encode())


async def test_a_long_message_arrives_in_order(server: BotApi, channel: TelegramChannel) -> None:
    anna = server.add_person()
    sent = await channel.send(address=str(anna.chat_id), message=LONG)
    assert [str(message["message_id"]) for message in anna.messages] == sent
    assert " ".join(anna.texts).split() == ["word"] * 2000
    assert [len(buttons(message)) for message in anna.messages] == [0, 0, 1]


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (FaultKind.BLOCKED, {}, RecipientGoneError),
        (FaultKind.FLOOD, {"value": 7}, RetryLaterError),
        (FaultKind.MIGRATED, {"value": -1002}, AddressChangedError),
        (FaultKind.UNAUTHORIZED, {}, RetryLaterError),
        (FaultKind.REFUSED, {"description": "chat not found"}, RecipientGoneError),
        (FaultKind.REFUSED, {"description": "PEER_ID_INVALID"}, RecipientGoneError),
        (FaultKind.REFUSED, {"description": 'wrong "secret" words'}, DeliveryRefusedError),
        (FaultKind.SERVER_ERROR, {}, DeliveryUncertainError),
        (FaultKind.BAD_GATEWAY, {}, DeliveryUncertainError),
        (FaultKind.DROP_BEFORE, {}, DeliveryUncertainError),
        (FaultKind.DROP_AFTER, {}, DeliveryUncertainError),
        (FaultKind.SLOW, {"value": 1}, DeliveryUncertainError),
    ],
)
async def test_what_a_failure_means(
    server: BotApi,
    channel: TelegramChannel,
    kind: FaultKind,
    details: dict[str, object],
    expected: type[DeliveryError],
) -> None:
    anna = server.add_person()
    server.fail(kind, **details)
    with pytest.raises(expected) as failure:
        await channel.send(address=str(anna.chat_id), message=HELLO)
    assert type(failure.value) is expected
    assert "secret" not in str(failure.value)
    assert len(server.calls_of("sendMessage")) == 1


async def test_a_new_address_is_named(server: BotApi, channel: TelegramChannel) -> None:
    anna = server.add_person()
    server.fail(FaultKind.MIGRATED, value=-1002)
    with pytest.raises(AddressChangedError) as failure:
        await channel.send(address=str(anna.chat_id), message=HELLO)
    assert failure.value.address == "-1002"


async def test_an_unreachable_server_means_later(server: BotApi, channel: TelegramChannel) -> None:
    anna = server.add_person()
    server.stop()
    with pytest.raises(RetryLaterError):
        await channel.send(address=str(anna.chat_id), message=HELLO)
    server.start()
    await channel.send(address=str(anna.chat_id), message=HELLO)
    assert anna.texts == ["hello"]


async def test_after_closing_nothing_is_lost_without_certainty(
    server: BotApi, api: TelegramApi, channel: TelegramChannel
) -> None:
    await api.close()
    with pytest.raises(RetryLaterError):
        await channel.send(address=str(server.add_person().chat_id), message=HELLO)


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (httpx.ConnectTimeout(""), RetryLaterError),
        (httpx.PoolTimeout(""), RetryLaterError),
        (httpx.ProxyError(""), RetryLaterError),
        (httpx.ReadTimeout(""), DeliveryUncertainError),
        (httpx.WriteError(""), DeliveryUncertainError),
        (httpx.RemoteProtocolError(""), DeliveryUncertainError),
    ],
)
def test_only_what_was_never_written_may_be_sent_again(
    cause: httpx.HTTPError, expected: type[DeliveryError]
) -> None:
    error: TelegramError = (
        TimedOut() if isinstance(cause, httpx.TimeoutException) else NetworkError("")
    )
    error.__cause__ = cause
    assert type(delivery_error(error)) is expected


async def test_an_address_of_another_channel_is_refused(channel: TelegramChannel) -> None:
    with pytest.raises(DeliveryRefusedError):
        await channel.send(address="+49711123", message=OutgoingMessage(text="x"))
    with pytest.raises(DeliveryRefusedError):
        await channel.send(address="a person", message=OutgoingMessage(text="x"))


async def test_markup_that_telegram_cannot_read_goes_out_plain(
    server: BotApi, channel: TelegramChannel
) -> None:
    anna = server.add_person()
    server.fail(FaultKind.REFUSED, description="can't parse entities: Unclosed start tag")
    await channel.send(address=str(anna.chat_id), message=OutgoingMessage(text="a < b"))
    assert anna.texts == ["a < b"]
    assert [call.get("parse_mode") for call in server.calls_of("sendMessage")] == ["HTML", None]


async def test_retry_after_pauses_the_chat(
    server: BotApi, channel: TelegramChannel, time: Sleeper
) -> None:
    anna, oleh = server.add_person(), server.add_person()
    server.fail(FaultKind.FLOOD, value=7, chat_id=anna.chat_id)
    with pytest.raises(RetryLaterError) as failure:
        await channel.send(address=str(anna.chat_id), message=HELLO)
    assert failure.value.seconds == 7
    await channel.send(address=str(oleh.chat_id), message=HELLO)
    assert time.now == 0
    await channel.send(address=str(anna.chat_id), message=HELLO)
    assert time.now == 7


async def test_later_parts_are_retried_within_the_call(
    server: BotApi, channel: TelegramChannel, time: Sleeper
) -> None:
    anna = server.add_person()
    server.fail(FaultKind.FLOOD, value=4, skip=1, times=2)
    sent = await channel.send(address=str(anna.chat_id), message=LONG)
    assert len(sent) == len(anna.texts) == 3
    assert time.now == 8


async def test_sending_again_goes_on_where_it_stopped(
    server: BotApi, channel: TelegramChannel, time: Sleeper
) -> None:
    anna = server.add_person()
    server.fail(FaultKind.FLOOD, value=40, skip=1)
    with pytest.raises(RetryLaterError) as failure:
        await channel.send(address=str(anna.chat_id), message=LONG)
    assert failure.value.seconds == 40
    assert len(anna.texts) == 1
    time.now += 40
    sent = await channel.send(address=str(anna.chat_id), message=LONG)
    assert [str(message["message_id"]) for message in anna.messages] == sent
    assert len(sent) == 3
    assert len(await channel.send(address=str(anna.chat_id), message=LONG)) == 3


async def test_another_message_is_sent_from_its_beginning(
    server: BotApi, channel: TelegramChannel, time: Sleeper
) -> None:
    anna = server.add_person()
    server.fail(FaultKind.FLOOD, value=40, skip=1)
    with pytest.raises(RetryLaterError):
        await channel.send(address=str(anna.chat_id), message=LONG)
    time.now += 40
    await channel.send(address=str(anna.chat_id), message=HELLO)
    assert anna.texts[1:] == ["hello"]


async def test_typing_is_shown_and_never_fails(server: BotApi, channel: TelegramChannel) -> None:
    anna = server.add_person()
    await channel.show_typing(address=str(anna.chat_id))
    assert anna.typing_count == 1
    server.fail(FaultKind.SLOW, method="sendChatAction", value=1)
    await channel.show_typing(address=str(anna.chat_id))
    await channel.show_typing(address="nobody")
    server.stop()
    await channel.show_typing(address=str(anna.chat_id))


async def test_command_menus_are_set_once(server: BotApi, channel: TelegramChannel) -> None:
    menus = {"en": [("help", "What I can do")], "de": [("help", "Was ich kann")]}
    await channel.set_commands(menus)
    await channel.set_commands(menus)
    assert [call.get("language_code") for call in server.calls_of("setMyCommands")] == [
        None,
        "en",
        "de",
    ]
    await channel.set_commands({"en": [("help", "Help")], "de": menus["de"]})
    assert len(server.calls_of("setMyCommands")) == 5
    server.assert_no_violations()
    server.stop()
    await channel.set_commands(menus)


async def test_the_real_limits_hold(server: BotApi, api: TelegramApi) -> None:
    anna = server.add_person()
    channel = TelegramChannel(api)
    for number in range(5):
        await channel.send(address=str(anna.chat_id), message=OutgoingMessage(text=str(number)))
    assert anna.texts == ["0", "1", "2", "3", "4"]
    server.assert_no_violations()


@pytest.mark.parametrize(
    ("token", "address"),
    [("", "https://api.telegram.org"), ("no colon", "https://x"), (TOKEN, "api.telegram.org")],
)
def test_settings_that_cannot_be_right_are_refused(token: str, address: str) -> None:
    with pytest.raises(ConfigurationError):
        TelegramApi(token, base_url=address)


@pytest.fixture
def handler() -> Iterator[logging.Handler]:
    """A handler of the root logger; all that was changed is put back."""
    names = ("httpx", "httpcore", "telegram", "")
    levels = {name: logging.getLogger(name).level for name in names}
    logging.getLogger().setLevel(logging.DEBUG)
    handler = _Recorder()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def test_neither_token_nor_texts_get_into_the_logs(
    server: BotApi, channel: TelegramChannel, handler: _Recorder
) -> None:
    anna = server.add_person()
    protect_logs(TOKEN)
    message = OutgoingMessage(text="words of a person")
    with structlog.testing.capture_logs() as events:
        await channel.send(address=str(anna.chat_id), message=message)
        for kind in (FaultKind.SERVER_ERROR, FaultKind.BAD_GATEWAY, FaultKind.BLOCKED):
            server.fail(kind)
            with pytest.raises(DeliveryError):
                await channel.send(address=str(anna.chat_id), message=message)
    logging.getLogger("elsewhere").warning("GET %s", f"https://x/bot{TOKEN}/getMe")
    shown = "\n".join([*handler.lines, *map(str, events)])
    assert "GET https://x/bot<token>/getMe" in shown
    for secret in (TOKEN, TOKEN.split(":")[1], str(anna.chat_id), "words of a person"):
        assert secret not in shown


@pytest.mark.parametrize("form", [TOKEN, TOKEN.replace(":", "%3A"), "654321:" + "A" * 35])
def test_tokens_are_scrubbed_from_tracebacks_too(form: str, handler: _Recorder) -> None:
    handler.addFilter(TokenFilter(TOKEN))
    try:
        raise ValueError(f"cannot reach /bot{form}/getMe")
    except ValueError:
        logging.getLogger("elsewhere").exception("failed with %s", form)
    assert form not in handler.lines[0]
    assert "/bot<token>/getMe" in handler.lines[0]
