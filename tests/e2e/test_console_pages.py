"""The console in a real browser: phone and desk, keyboard, right to left, live, no barriers."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.clock import utc_now
from bot.console.app import create_app
from bot.conversations.files import FileStore
from bot.counsellors.models import Role
from bot.db.session import Database
from bot.measures.models import Measure
from tests.e2e.browsers import ARGUMENTS, CHROMIUM, DESK, PHONE, barriers, needs_chromium
from tests.support.console import PASSWORD, console_services, new_account
from tests.support.handovers import handed_over, handover, wrote
from tests.support.measures import new_measure
from tests.support.product import free_port

pytestmark = needs_chromium

ARABIC = "زوجي يضربني وأنا خائفة. ليس عندي مكان أنام فيه الليلة"
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


class Server:
    """The console on a loopback port, with conversations of three people."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        shutil.copy(migrated, folder / "lotse.db")
        self.database = Database(f"sqlite:///{folder / 'lotse.db'}")
        self.url = f"http://127.0.0.1:{free_port()}"
        services = console_services(
            self.database, utc_now, base_url=self.url, files=FileStore(folder / "files")
        )
        self._live = services.live
        for email, name, role, language in (
            ("admin@example.org", "Frau Weber", Role.ADMIN, "de"),
            ("counsellor@example.org", "Mr Yilmaz", Role.COUNSELLOR, "en"),
        ):
            new_account(
                self.database,
                utc_now,
                role,
                email=email,
                name=name,
                interface_language=language,
                languages=["de", "uk"],
            )
        now = utc_now()
        self.ukrainian = handed_over(self.database, now, text="Шукаю курс німецької мови")
        self.arabic = handed_over(
            self.database, now, address="amal", language="ar", text=ARABIC, urgent=True
        )
        wrote(self.database, now, text=HOSTILE)
        with self.database.transaction() as session:
            self.offer = new_measure(session, title="Deutschkurs", provider="AWO").id
        app = Starlette(routes=[Mount("/console", create_app(services))])
        port = int(self.url.rpartition(":")[2])
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=port, log_level="error", lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> None:
        self._live.close()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self.database.dispose()


@pytest.fixture
def server(tmp_path: Path, migrated_file: Path) -> Iterator[Server]:
    running = Server(tmp_path, migrated_file)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


OpenAs = Callable[..., Page]


@pytest.fixture
def open_as(server: Server, browser: Browser) -> Iterator[OpenAs]:
    """Signs somebody in and gives their page; problems in the browser's console fail the test."""
    contexts = []
    problems: list[str] = []

    def sign_in(who: str, *, size: ViewportSize = DESK) -> Page:
        context = browser.new_context(viewport=size, locale="en", reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.extend(error_of(said.type, said.text)))
        page.goto(f"{server.url}/console/sign-in")
        page.get_by_label("E-mail").fill(f"{who}@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/console/inbox")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert problems == []


def error_of(kind: str, text: str) -> list[str]:
    """An error in the browser's console; that a form was refused (422) is none of ours."""
    return [text] if kind == "error" and "status of 422" not in text else []


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_has_a_serious_barrier_or_is_wider_than_the_screen(
    server: Server, open_as: OpenAs, size: ViewportSize
) -> None:
    page = open_as("admin", size=size)
    for path in (
        "inbox",
        f"inbox/{server.arabic}",
        f"inbox/{server.ukrainian}",
        "inbox/search?words=курс",
        "measures",
        "measures/stale",
        "measures/corrections",
        f"measures/{server.offer}",
        f"measures/{server.offer}/places-and-times",
        f"measures/{server.offer}/texts/ar",
        f"measures/{server.offer}/history",
        "users",
        "audit",
        "account",
        "sign-in",
    ):
        page.goto(f"{server.url}/console/{path}")
        if path.startswith("inbox/") and page.locator("[data-key=v]").is_visible():
            page.locator("[data-key=v]").click()
            expect(page.locator(".answer").first).to_be_visible()
        assert barriers(page) == [], path
        assert overflow(page) <= 0, path


def test_a_new_message_appears_by_itself_in_list_and_thread(
    server: Server, open_as: OpenAs
) -> None:
    page = open_as("counsellor")
    page.goto(f"{server.url}/console/inbox/{server.ukrainian}")
    expect(page.locator("body[data-stream=open]")).to_be_attached()
    page.locator("#text").fill("half written")

    wrote(server.database, utc_now(), text="Дякую! Ще одне питання")

    expect(page.locator(".said.person .bubble").last).to_have_text("Дякую! Ще одне питання")
    expect(page.locator(f"[data-line='{server.ukrainian}'] .words")).to_contain_text("Ще одне")
    expect(page.locator("#text")).to_have_value("half written")
    page.reload()
    expect(page.locator("#text")).to_have_value("half written")


def test_whoever_is_elsewhere_sees_the_count(server: Server, open_as: OpenAs) -> None:
    page = open_as("counsellor")
    page.goto(f"{server.url}/console/account")
    expect(page.locator("#nav-unread")).to_have_text("2")

    handed_over(server.database, utc_now(), address="new", text="hello", language="en")

    expect(page.locator("#nav-unread")).to_have_text("3")
    expect(page).to_have_title("(3) My account – Lotse")


def test_two_counsellors_and_one_conversation(server: Server, open_as: OpenAs) -> None:
    first, second = open_as("admin"), open_as("counsellor")
    for page in (first, second):
        page.goto(f"{server.url}/console/inbox/{server.ukrainian}")
        expect(page.locator("body[data-stream=open]")).to_be_attached()
    first.get_by_role("button", name="Übernehmen").click()

    expect(second.locator("#composer")).to_be_hidden()
    expect(second.get_by_role("button", name="Take over from Frau Weber")).to_be_visible()
    first.locator("#text").press_sequentially("Hallo")
    expect(second.locator("#typing")).to_have_text("Frau Weber …")


def test_everything_by_keyboard(server: Server, open_as: OpenAs) -> None:
    page = open_as("counsellor")
    keys = page.keyboard
    expect(page.locator("[data-line]").first).to_be_visible()

    keys.press("j")
    keys.press("j")
    keys.press("Enter")
    page.wait_for_url(f"**/inbox/{server.ukrainian}*")
    keys.press("c")
    expect(page.get_by_role("button", name="Take over")).to_have_count(0)
    keys.press("r")
    keys.type("Guten Tag")
    keys.press("Control+Enter")
    expect(page.locator(".said.counsellor .bubble")).to_have_text("Guten Tag")
    expect(page.locator("#text")).to_have_value("")
    keys.press("Escape")
    keys.press("v")
    expect(page.locator(".answer").first).to_be_visible()
    page.locator(".answer [data-insert]").first.focus()
    keys.press("Enter")
    expect(page.locator("#text")).not_to_have_value("")
    keys.press("Escape")
    keys.press("n")
    expect(page.locator("#note")).to_be_focused()
    keys.press("Escape")
    keys.press("/")
    page.wait_for_url("**/inbox/search")
    assert handover(server.database, server.ukrainian).claimed_by == "Mr Yilmaz"


def test_times_and_places_are_edited_by_keyboard_on_a_phone(
    server: Server, open_as: OpenAs
) -> None:
    page = open_as("admin", size=PHONE)
    keys = page.keyboard
    page.goto(f"{server.url}/console/measures/{server.offer}/places-and-times")

    page.get_by_role("button", name="Zeiten hinzufügen").press("Enter")
    expect(page.get_by_label("Wie oft")).to_be_focused()
    page.get_by_label("Dienstag").press("Space")
    page.get_by_label("Von", exact=True).fill("14:00")
    page.get_by_role("button", name="Ort hinzufügen").press("Enter")
    expect(page.locator("[name='places.0.kind']")).to_be_focused()
    expect(page.get_by_label("Dienstag")).to_be_checked()
    page.get_by_label("Straße und Hausnummer").fill("Ring 1")
    page.get_by_label("Breitengrad").fill("48.7758, 9.1829")
    page.get_by_label("Breitengrad").press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Nicht gespeichert")
    closes = page.locator("[name='times.0.closes']")
    expect(closes).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Längengrad")).to_have_value("9.1829")
    assert barriers(page) == []
    assert overflow(page) <= 0
    closes.fill("18:00")
    closes.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Gespeichert.")
    expect(page.locator(".entry summary").first).to_contain_text("Di, 14:00")
    page.locator(".entry summary").first.press("Enter")
    page.get_by_role("button", name="Diese Zeiten entfernen").press("Enter")
    expect(page.get_by_role("button", name="Zeiten hinzufügen")).to_be_focused()
    keys.press("Control+Home")
    expect(page.locator(".entry")).to_have_count(1)
    with server.database.reading() as session:
        offer = session.get_one(Measure, server.offer)
        assert [schedule.byday for schedule in offer.schedules] == ["TU"], "not saved yet"
        assert [place.location.latitude for place in offer.places] == [48.7758]


def test_texts_run_in_their_own_direction_and_never_become_markup(
    server: Server, open_as: OpenAs
) -> None:
    page = open_as("counsellor", size=PHONE)
    page.goto(f"{server.url}/console/inbox/{server.arabic}")
    bubble = page.locator(".said.person .bubble").first
    expect(bubble).to_have_text(ARABIC)
    assert bubble.evaluate("e => getComputedStyle(e).direction") == "rtl"

    page.goto(f"{server.url}/console/inbox/{server.ukrainian}")
    expect(page.locator(".said.person .bubble").last).to_have_text(HOSTILE)
    assert "taken" not in page.title()


def test_without_javascript_the_forms_still_work(server: Server, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(f"{server.url}/console/inbox/{server.ukrainian}")
    page.get_by_label("E-mail").fill("counsellor@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.locator("#text").fill("Guten Tag")
    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.locator(".said.counsellor .bubble")).to_have_text("Guten Tag")
    context.close()
