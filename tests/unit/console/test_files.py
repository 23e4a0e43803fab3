"""Files of newcomers: fetched or uploaded, examined, shown to counsellors only, forgotten."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from bot.channels.telegram.updates import to_incoming
from bot.channels.web.routes import WebSettings, web_routes
from bot.channels.web.streams import EventStreams
from bot.channels.web.uploads import MAXIMUM_UPLOAD, Uploads
from bot.conversations import inbox
from bot.conversations.files import (
    ATTEMPTS,
    MAXIMUM_SIZE,
    SWEEP_AGE,
    FileStore,
    examine,
    safe_name,
)
from bot.conversations.models import Conversation, FileState, InboxMessage, StoredFile
from bot.conversations.scanning import ScannerUnavailableError, no_scanner, scanner
from bot.counsellors.models import Account, Role
from bot.db.session import Database
from bot.errors import ConfigurationError, DeliveryRefusedError, RetryLaterError
from bot.handover import newcomer
from bot.handover.models import Reason
from bot.messages import Attachment, Kind
from bot.privacy.export import Exporter
from bot.privacy.service import forget_contents
from bot.workers.files import FileWorker
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.console import Console, console_services, new_account
from tests.support.fakes import FakeEngine
from tests.support.handovers import handed_over

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
PDF = b"%PDF-1.7\n" + b"letter"
PROGRAM = b"MZ" + b"\0" * 300
PAGE = b"<html><script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


def the_file(database: Database) -> StoredFile:
    with database.reading() as session:
        return session.scalars(select(StoredFile)).one()


class Platform:
    """Hands out one content, or raises what it is told to."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def fetch(self, source: str) -> bytes:
        self.asked.append(source)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def worker(
    database: Database, store: FileStore, clock: Clock, platform: Platform, **changes: object
) -> FileWorker:
    values = {"scan": no_scanner, "fetchers": {"web": platform.fetch}} | changes
    return FileWorker(database=database, store=store, clock=clock, **values)  # type: ignore[arg-type]


def send_photo(database: Database, clock: Clock, *, name: str = "", size: int = 100) -> None:
    photo = Attachment(source="platform-id", name=name, size=size)
    with database.transaction() as session:
        message = incoming("", kind=Kind.PHOTO, attachments=(photo,))
        inbox.record(session, [message, message], now=clock())


def ask_for_person(database: Database, clock: Clock) -> int:
    with database.transaction() as session:
        conversation = session.scalars(select(Conversation)).one()
        return newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=clock()
        ).id


# From a platform


async def test_a_photo_is_fetched_once_a_person_is_asked_for(
    database: Database, store: FileStore, clock: Clock
) -> None:
    platform = Platform(PNG)
    files = worker(database, store, clock, platform)
    send_photo(database, clock)

    assert await files.step() == 0
    ask_for_person(database, clock)
    assert await files.step() == 1
    assert await files.step() == 0

    file = the_file(database)
    assert (file.state, file.media_type, file.size) == (FileState.STORED, "image/png", len(PNG))
    assert store.path(file.id).read_bytes() == PNG
    assert store.path(file.id).stat().st_mode & 0o777 == 0o600
    assert platform.asked == ["platform-id"]


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (PROGRAM, FileState.WRONG_TYPE),
        (PAGE, FileState.WRONG_TYPE),
        (b"", FileState.WRONG_TYPE),
        (PNG + b"\0" * MAXIMUM_SIZE, FileState.TOO_LARGE),
    ],
)
async def test_what_is_no_letter_is_not_kept(
    sqlite: Database, store: FileStore, clock: Clock, content: bytes, state: FileState
) -> None:
    send_photo(sqlite, clock, name="letter.pdf")
    ask_for_person(sqlite, clock)

    await worker(sqlite, store, clock, Platform(content)).step()

    assert the_file(sqlite).state is state
    assert not store.path(the_file(sqlite).id).exists()


async def test_what_the_platform_calls_too_large_is_not_even_fetched(
    sqlite: Database, store: FileStore, clock: Clock
) -> None:
    send_photo(sqlite, clock, size=MAXIMUM_SIZE + 1)
    ask_for_person(sqlite, clock)

    assert await worker(sqlite, store, clock, Platform()).step() == 0
    assert the_file(sqlite).state is FileState.TOO_LARGE


async def test_a_platform_that_does_not_answer_is_asked_again_and_at_last_given_up(
    sqlite: Database, store: FileStore, clock: Clock
) -> None:
    platform = Platform(*[RetryLaterError(1)] * ATTEMPTS)
    files = worker(sqlite, store, clock, platform)
    send_photo(sqlite, clock)
    ask_for_person(sqlite, clock)

    for _ in range(ATTEMPTS):
        assert await files.step() == 1
        assert await files.step() == 0
        clock.advance(600)

    assert the_file(sqlite).state is FileState.GONE


async def test_a_file_that_is_gone_is_not_asked_for_again(
    sqlite: Database, store: FileStore, clock: Clock
) -> None:
    send_photo(sqlite, clock)
    ask_for_person(sqlite, clock)

    await worker(sqlite, store, clock, Platform(DeliveryRefusedError("gone"))).step()

    assert the_file(sqlite).state is FileState.GONE


async def test_without_its_scanner_a_file_waits_and_a_virus_is_not_kept(
    sqlite: Database, store: FileStore, clock: Clock
) -> None:
    def away(content: bytes) -> bool:
        raise ScannerUnavailableError("ConnectionRefusedError")

    send_photo(sqlite, clock)
    ask_for_person(sqlite, clock)

    await worker(sqlite, store, clock, Platform(PNG), scan=away).step()
    assert the_file(sqlite).state is FileState.PENDING
    clock.advance(600)
    await worker(sqlite, store, clock, Platform(PNG), scan=lambda content: False).step()

    assert the_file(sqlite).state is FileState.VIRUS
    assert not store.path(the_file(sqlite).id).exists()


async def test_forgetting_a_person_deletes_the_files_too(
    sqlite: Database, store: FileStore, clock: Clock
) -> None:
    files = worker(sqlite, store, clock, Platform(PNG))
    send_photo(sqlite, clock)
    ask_for_person(sqlite, clock)
    await files.step()
    path = store.path(the_file(sqlite).id)
    written = clock().timestamp()
    os.utime(path, (written, written))

    with sqlite.transaction() as session:
        forget_contents(session, session.scalars(select(Conversation)).one(), now=clock())
    assert files.sweep() == 0
    clock.advance(SWEEP_AGE.total_seconds() + 1)

    assert files.sweep() == 1
    assert not path.exists()


def test_the_sweep_keeps_what_is_known(store: FileStore, clock: Clock) -> None:
    known, unknown = str(uuid.uuid4()), str(uuid.uuid4())
    for file_id in (known, unknown):
        store.write(file_id, PNG)
        os.utime(store.path(file_id), (0, 0))

    assert store.sweep({known}, now=clock()) == 1
    assert store.path(known).exists()
    assert not store.path(unknown).exists()


@pytest.mark.parametrize("file_id", ["../../etc/passwd", "", "x", "a" * 36])
def test_only_ids_lead_to_contents(store: FileStore, file_id: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        store.path(file_id)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "....etcpasswd".strip(".")),
        ("letter.pdf", "letter.pdf"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("line\r\nbreak\0.png", "linebreak.png"),
        ("لرسالة.pdf", "لرسالة.pdf"),
        ("x" * 500, "x" * 120),
    ],
)
def test_names_are_harmless(name: str, shown: str) -> None:
    assert safe_name(name) == shown


def test_telegram_says_what_came_with_a_message() -> None:
    chat = {"chat": {"id": 7, "type": "private"}, "message_id": 1}
    sizes = [{"file_id": "small"}, {"file_id": "large", "file_size": 90}]
    photo = to_incoming({"update_id": 1, "message": {**chat, "photo": sizes, "caption": "Brief"}})
    document = {"file_id": "doc", "file_name": "a/b.pdf", "file_size": True}
    letter = to_incoming({"update_id": 2, "message": {**chat, "document": document}})
    strange = to_incoming({"update_id": 3, "message": {**chat, "photo": [], "document": "x"}})

    assert photo
    assert letter
    assert strange
    assert photo.attachments == (Attachment(source="large", size=90),)
    assert letter.attachments == (Attachment(source="doc", name="a/b.pdf"),)
    assert strange.attachments == ()


# From the chat page


@pytest.fixture
async def page(sqlite: Database, store: FileStore, clock: Clock) -> Iterator[httpx.AsyncClient]:  # type: ignore[misc]
    async def receive(messages: object) -> None:
        with sqlite.transaction() as session:
            inbox.record(session, messages, now=clock())  # type: ignore[arg-type]

    app = Starlette(
        routes=web_routes(
            database=sqlite,
            receive=receive,
            streams=EventStreams(),
            clock=clock,
            gettext_for=lambda language: lambda text: text,
            settings=WebSettings(secure_cookies=False),
            exporter=Exporter(database=sqlite, remembered=FakeEngine().remembered),
            uploads=Uploads(database=sqlite, store=store, scan=no_scanner),
        )
    )
    transport = httpx.ASGITransport(app=app)
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://lotse.test", headers=headers
    ) as client:
        await client.get("/")
        body = {"id": str(uuid.uuid4()), "text": "hello"}
        assert (await client.post("/chat/messages", json=body)).status_code == 202
        yield client


async def upload(
    client: httpx.AsyncClient, content: bytes, *, message_id: str = "", **headers: str
) -> httpx.Response:
    return await client.post(
        "/chat/files",
        params={"id": message_id or str(uuid.uuid4()), "name": "Brief.png"},
        content=content,
        headers={"Content-Type": "application/octet-stream"} | headers,
    )


async def test_an_uploaded_letter_is_in_the_counsellors_hands(
    page: httpx.AsyncClient, sqlite: Database, store: FileStore, clock: Clock
) -> None:
    assert (await upload(page, PNG)).status_code == 409
    ask_for_person(sqlite, clock)
    message_id = str(uuid.uuid4())

    assert (await upload(page, PNG, message_id=message_id)).status_code == 202
    assert (await upload(page, PNG, message_id=message_id)).status_code == 202

    file = the_file(sqlite)
    assert (file.state, file.name) == (FileState.STORED, "Brief.png")
    assert store.path(file.id).read_bytes() == PNG
    with sqlite.reading() as session:
        said = session.scalars(select(InboxMessage.text).order_by(InboxMessage.id)).all()
    assert said == ["hello", "📎 Brief.png"]


async def test_the_page_refuses_what_it_cannot_keep(
    page: httpx.AsyncClient, sqlite: Database, clock: Clock
) -> None:
    ask_for_person(sqlite, clock)

    answers = [
        await upload(page, PROGRAM),
        await upload(page, b"x" * (MAXIMUM_UPLOAD + 1)),
        await upload(page, PNG, message_id="1"),
        await upload(page, PNG, **{"Content-Type": "multipart/form-data"}),
        await upload(page, PNG, **{"Sec-Fetch-Site": "cross-site"}),
    ]

    assert [answer.status_code for answer in answers] == [415, 413, 422, 415, 403]
    assert all(answer.json()["error"]["message"] for answer in answers)
    with sqlite.reading() as session:
        assert session.scalars(select(StoredFile)).all() == []


# To the counsellor


@pytest.fixture
def console(sqlite: Database, store: FileStore, clock: Clock) -> Console:
    return Console(console_services(sqlite, clock, files=store))


async def test_a_file_is_a_download_that_can_do_nothing(
    console: Console, counsellor: Account, sqlite: Database, store: FileStore, clock: Clock
) -> None:
    send_photo(sqlite, clock, name='"><script>.html')
    number = ask_for_person(sqlite, clock)
    await worker(sqlite, store, clock, Platform(PNG)).step()
    browser = await console.signed_in(counsellor)
    file = the_file(sqlite)

    page = (await browser.get(f"/console/inbox/{number}")).text
    answer = await browser.get(f"/console/inbox/{number}/files/{file.id}")

    assert f"/files/{file.id}" in page
    assert "<script>.html" not in page
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_opens_in_its_own_conversation_only(
    console: Console, sqlite: Database, store: FileStore, clock: Clock
) -> None:
    send_photo(sqlite, clock)
    number = ask_for_person(sqlite, clock)
    await worker(sqlite, store, clock, Platform(PNG)).step()
    file = the_file(sqlite)
    partner = new_account(sqlite, clock, Role.PARTNER)
    other = handed_over(sqlite, clock(), address="other", organization_id=partner.organization_id)
    theirs = await console.signed_in(partner)
    editor = await console.signed_in(new_account(sqlite, clock, Role.EDITOR))

    for path in (f"{number}/files/{file.id}", f"{other}/files/{file.id}", f"{other}/files/1"):
        assert (await theirs.get(f"/console/inbox/{path}")).status_code == 404, path
    assert (await editor.get(f"/console/inbox/{number}/files/{file.id}")).status_code == 403
    nobody = await console.browser().get(f"/console/inbox/{number}/files/{file.id}")
    assert nobody.status_code == 303


# The scanner


class Clamd:
    """Speaks clamd's INSTREAM: a file that holds ``virus`` is found."""

    def __init__(self, verdict: bytes = b"") -> None:
        self._verdict = verdict
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                content = b""
                while size := int.from_bytes(stream.read(4), "big"):
                    content += stream.read(size)
                found = b"stream: Test FOUND" if b"virus" in content else b"stream: OK"
                connection.sendall((self._verdict or found) + b"\0")


@pytest.fixture
def clamd() -> Iterator[Clamd]:
    server = Clamd()
    yield server
    server.close()


def test_the_scanner_is_asked_for_each_file(clamd: Clamd) -> None:
    scan = scanner(clamd.address)

    assert scan(b"x" * 200_000) is True
    assert scan(b"a virus") is False
    assert scanner("") is no_scanner


def test_no_verdict_is_no_clean_file() -> None:
    server = Clamd(verdict=b"INSTREAM size limit exceeded. ERROR")
    with pytest.raises(ScannerUnavailableError):
        scanner(server.address)(b"x")
    server.close()
    for address in (server.address, "/nonexistent/clamd.ctl"):
        with pytest.raises(ScannerUnavailableError):
            scanner(address)(b"x")
    with pytest.raises(ConfigurationError, match="LOTSE_CLAMD"):
        scanner("localhost")


def test_contents_are_known_by_themselves() -> None:
    assert examine(PDF) == (FileState.STORED, "application/pdf")
    assert examine(PAGE)[0] is FileState.WRONG_TYPE
