"""The terminal chat against a real server that echoes, with its input piped."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from bot.channels import terminal
from bot.channels.terminal import ChatUnavailableError, hold_conversation, printable, save
from bot.channels.web.routes import WebSettings
from bot.clock import utc_now
from bot.conversations.models import Author
from bot.messages import Button, Card, CardLine, Document, IncomingMessage, OutgoingMessage
from bot.rates import Rate
from tests.unit.channels.test_web_support import (
    EchoBackend,
    ManualClock,
    new_database,
    served,
    silence,
)

OFFER = OutgoingMessage(
    text="Found:",
    cards=(
        Card(
            title="German for women",
            subtitle="House of Encounter",
            body="In the mornings.",
            lines=(
                CardLine(label="Level", value="A1"),
                CardLine(label="Web", value="https://encounter.example/" + "x" * 90, kind="url"),
            ),
            source_label="encounter.example, 12 Feb 2026",
            source_url="https://encounter.example",
        ),
    ),
    buttons=(Button(title="More", key="key-more"), Button(title="Person", key="key-person")),
)


COPY = Document(
    name="lotse-export.json",
    title="My data",
    media_type="application/json",
    content="",
    holds_all_data=True,
)
ICS = Document(
    name="a.ics",
    title="Calendar file",
    media_type="text/calendar",
    content="BEGIN:VCALENDAR",
    url="https://lotse.test/a.ics",
)


def offer_or_echo(message: IncomingMessage) -> list[OutgoingMessage]:
    if message.text == "course":
        return [OFFER]
    return [OutgoingMessage(text=f"echo: {message.text or message.button_key}")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(terminal, "RECONNECT_SECONDS", 0.01)


@pytest.fixture
def backend(tmp_path: Path) -> EchoBackend:
    return EchoBackend(new_database(tmp_path), ManualClock(), answer=offer_or_echo)


@pytest.fixture
async def url(backend: EchoBackend) -> AsyncIterator[str]:
    async with served(backend.app) as address:
        yield address


async def talk(url: str, *lines: str, seconds: float = 10) -> tuple[bool, str]:
    output = io.StringIO()
    answered = await hold_conversation(
        base_url=url,
        stdin=io.StringIO("".join(f"{line}\n" for line in lines)),
        console=Console(file=output, width=100),
        answer_seconds=seconds,
    )
    return answered, output.getvalue()


async def test_every_line_is_answered_before_the_next_is_sent(
    backend: EchoBackend, url: str
) -> None:
    answered, output = await talk(url, "one", "", "two")

    assert (answered, output) == (True, "Lotse: echo: one\nLotse: echo: two\n")
    assert {message.channel for message in backend.received} == {"terminal"}


async def test_a_number_presses_that_button_of_the_last_message(
    backend: EchoBackend, url: str
) -> None:
    _, output = await talk(url, "2", "course", "2", "2")

    assert [m.button_key or m.text for m in backend.received] == ["2", "course", "key-person", "2"]
    assert "  [1] More\n  [2] Person\n" in output


async def test_a_number_without_a_button_is_a_text(backend: EchoBackend, url: str) -> None:
    await talk(url, "course", "3", "course", "0", "course", "١")

    assert [message.text for message in backend.received] == [
        "course", "3", "course", "0", "course", "١",
    ]  # fmt: skip


async def test_a_card_is_shown_whole_and_fits_the_terminal(url: str) -> None:
    _, output = await talk(url, "course")

    flat = "".join(line.strip("│ ") for line in output.splitlines())
    for part in ("German for women", "House of Encounter", "In the mornings.", "12 Feb 2026"):
        assert part in output
    assert "x" * 90 in "".join(character for character in flat if character == "x")
    assert max(len(line) for line in output.splitlines()) <= terminal.WIDTH


def sends_a_file(message: IncomingMessage) -> list[OutgoingMessage]:
    return [OutgoingMessage(text="Your file", documents=(COPY if message.text == "copy" else ICS,))]


async def test_the_copy_of_ones_data_is_saved_for_oneself_alone(
    backend: EchoBackend, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend.answer = sends_a_file
    answered, output = await talk(url, "copy", "copy")
    assert answered
    assert output.count("Lotse: Your file\n") == 2
    assert "Saved as lotse-export.json\n" in output
    assert "Saved as lotse-export-2.json\n" in output
    saved = tmp_path / "lotse-export.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert json.loads(saved.read_text("utf-8"))["messages"][0]["text"] == "copy"


async def test_of_any_other_file_the_address_is_shown(
    backend: EchoBackend, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend.answer = sends_a_file
    _, output = await talk(url, "calendar")
    assert "Calendar file: https://lotse.test/a.ics\n" in output
    assert not (tmp_path / "a.ics").exists()


@pytest.mark.parametrize(
    ("name", "saved"),
    [("a.json", "a.json"), ("../a.json", "a.json"), ("/etc/a", "a"), (".bashrc", "bashrc"),
     ("..", "file"), ("", "file"), ("a\x1b\x07b", "ab")],
)  # fmt: skip
def test_a_file_is_saved_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, saved: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert save(b"x", name) == saved
    assert [path.name for path in tmp_path.iterdir()] == [saved]


async def test_quit_ends_the_conversation(backend: EchoBackend, url: str) -> None:
    await talk(url, "one", "/quit", "two")

    assert [message.text for message in backend.received] == ["one"]


async def test_no_answer_in_time_is_said_and_told(backend: EchoBackend, url: str) -> None:
    backend.answer = silence

    answered, output = await talk(url, "one", seconds=0.05)

    assert (answered, output) == (False, "No answer within 0.05 s.\n")


async def test_a_counsellor_is_named(backend: EchoBackend, url: str) -> None:
    backend.answer = silence
    conversation = asyncio.create_task(talk(url, "one"))
    await backend.heard.wait()
    address = backend.received[0].address
    await backend.say(
        address, OutgoingMessage(text="Hello"), channel="terminal", author=Author.COUNSELLOR
    )

    assert await conversation == (True, "Counsellor: Hello\n")


async def test_control_characters_do_not_reach_the_terminal(backend: EchoBackend, url: str) -> None:
    backend.answer = lambda _: [OutgoingMessage(text="a\x1b[2Jb\x9bc [red]d[/red]")]

    assert await talk(url, "one") == (True, "Lotse: a[2Jbc [red]d[/red]\n")


def test_letters_of_all_scripts_are_printable() -> None:
    text = "Äß ş ї \u2068عربي\u2069 😀\n\t"

    assert printable(text) == text


async def test_without_a_server_it_says_how_to_start_one() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(ChatUnavailableError, match=r"Start it with `make run`"):
            await talk(url, "one")


async def test_another_server_is_not_taken_for_lotse(url: str) -> None:
    with pytest.raises(ChatUnavailableError, match=r"status 404"):
        await talk(f"{url}/elsewhere", "one")


async def test_a_refused_line_gives_the_reason(url: str) -> None:
    with pytest.raises(ChatUnavailableError, match=r"This message is too long"):
        await talk(url, "a" * 10_001)


async def test_who_writes_too_fast_waits_and_loses_nothing(tmp_path: Path) -> None:
    settings = WebSettings(secure_cookies=False, per_session=Rate(per_minute=60, burst=1))
    backend = EchoBackend(new_database(tmp_path), utc_now, settings=settings)
    async with served(backend.app) as url:
        answered, _ = await talk(url, "one", "two")

    assert answered
    assert [message.text for message in backend.received] == ["one", "two"]


async def test_a_lost_connection_is_taken_up_again(backend: EchoBackend, url: str) -> None:
    def cut_and_answer(message: IncomingMessage) -> list[OutgoingMessage]:
        for subscriptions in backend.streams._open.values():
            for subscription in subscriptions:
                subscription.close()
        return [OutgoingMessage(text=f"echo: {message.text}")]

    backend.answer = cut_and_answer

    answered, output = await talk(url, "one", "two")

    assert answered
    assert [line for line in output.splitlines() if line.startswith("Lotse")] == [
        "Lotse: echo: one",
        "Lotse: echo: two",
    ]
