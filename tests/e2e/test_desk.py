"""A newcomer on the chat page, the bot, a counsellor at the console, and the bot again.

The whole product with the real engine, and two people in real browsers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bot.handover import canned
from bot.i18n.texts import Catalogues
from tests.e2e.browsers import ARGUMENTS, CHROMIUM, DESK, PHONE, barriers, needs_chromium
from tests.support.console import PASSWORD
from tests.support.product import Application

pytestmark = [needs_chromium, pytest.mark.end_to_end, pytest.mark.timeout(600)]

SECONDS = 60_000
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def application(
    trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    running = Application(tmp_path_factory.mktemp("desk"), LOTSE_ASK_CONSENT="false")
    running.start()
    running.wait_until_healthy()
    yield running
    running.process.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


def counsellor_page(application: Application, browser: Browser) -> Page:
    """Invited on the command line, signed in by the link."""
    printed = application.lotse("users", "add", "weber@example.org", "--name", "Frau Weber")
    link = re.search(r"http://\S+/console/invitation/\S+", printed)
    assert link, printed
    page = browser.new_context(viewport=DESK, locale="de").new_page()
    page.goto(link[0])
    page.get_by_label("Neues Passwort").fill(PASSWORD)
    page.get_by_label("Noch einmal").fill(PASSWORD)
    page.get_by_role("button", name="Speichern und anmelden").click()
    page.wait_for_url("**/console/inbox")
    return page


def says(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#send").click()


def test_a_newcomer_is_handed_over_and_given_back(
    application: Application, browser: Browser
) -> None:
    texts = Catalogues()["uk"]
    person = browser.new_context(viewport=PHONE, locale="uk-UA").new_page()
    person.goto(application.url)
    says(person, "де курси німецької щоб за дитиною хтось приглянув")
    expect(person.locator(".card").first).to_be_visible(timeout=SECONDS)
    offers = person.locator(".card").count()
    says(person, "я хочу поговорити з людиною")

    desk = counsellor_page(application, browser)
    line = desk.locator("[data-line]")
    expect(line).to_contain_text("я хочу поговорити з людиною", timeout=SECONDS)
    expect(line.locator(".count")).to_be_visible()
    line.click()
    thread = desk.locator("#messages")
    expect(thread).to_contain_text("ask_language_course")
    expect(thread).to_contain_text("request_human")
    expect(thread.locator(".bot .offer").first).to_be_visible()

    desk.get_by_role("button", name="Übernehmen").click()
    desk.get_by_role("button", name="Fertige Antworten").click()
    question = next(one.text for one in canned.ANSWERS if one.key == "child_age")
    german = Catalogues()["de"].gettext(question)
    desk.locator(".answer", has_text=german).get_by_role("button", name="Senden auf").click()
    told = person.locator(".counsellor .bubble").last
    expect(told).to_have_text(texts.gettext(question), timeout=SECONDS)

    says(person, "Два роки. Ось лист.")
    expect(thread.locator(".person .bubble").last).to_have_text("Два роки. Ось лист.")
    person.locator("#file").set_input_files(
        {"name": "лист.png", "mimeType": "image/png", "buffer": PIXEL}
    )
    expect(thread.locator(".picture img")).to_be_visible()
    expect(thread.locator(".file")).to_contain_text("лист.png")
    desk.locator("#text").fill("Дякую, я подивлюся.")
    desk.keyboard.press("Control+Enter")
    expect(told).to_have_text("Дякую, я подивлюся.")
    expect(thread.locator(".counsellor .about").last).to_contain_text("zugestellt")
    desk.locator("#note").fill("Kind ist zwei")
    desk.get_by_role("button", name="Notiz speichern").click()
    expect(desk.locator(".note .bubble")).to_have_text("Kind ist zwei")
    assert barriers(desk) == []
    expect(person.locator("body")).not_to_contain_text("Kind ist zwei")

    desk.get_by_role("button", name="Schließen", exact=True).click()
    expect(desk.get_by_role("button", name="Wieder öffnen")).to_be_visible()
    expect(person.locator(".bot .bubble").last).to_contain_text(
        texts.gettext("Did this talk help you?")
    )
    says(person, "шукаю роботу, хто допоможе з резюме")
    expect(person.locator(".card").nth(offers)).to_be_visible(timeout=SECONDS)
    assert barriers(person) == []
