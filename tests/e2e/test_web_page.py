"""The chat page in a real browser, on a phone and on a desk, left to right and right to left."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Geolocation,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from bot.channels.web.channel import WEB
from bot.channels.web.routes import WebSettings
from bot.clock import utc_now
from bot.conversations.models import Author
from bot.messages import Button, Card, CardLine, IncomingMessage, Kind, OutgoingMessage
from bot.rates import Rate
from tests.unit.channels.test_web_support import EchoBackend, StartedServer, new_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true",
    reason="no Chromium found: install it with `apt-get install chromium`",
)

# Enough of two catalogues to see how the page looks in them.
TEXTS = {
    "de": {
        "Help for newcomers in Stuttgart": "Hilfe beim Ankommen in Stuttgart",
        "Write a message": "Nachricht schreiben",
        "Language": "Sprache",
        "Send": "Senden",
        "Counsellor": "Beratung",
        "Hello! How can I help?": "Hallo! Wie kann ich helfen?",
        "Write in your own language. I look for real offers in Stuttgart and tell you "
        "where each piece of information comes from.": "Schreiben Sie in Ihrer Sprache. Ich suche "
        "echte Angebote in Stuttgart und sage Ihnen, woher jede Angabe kommt.",
        "For example:": "Zum Beispiel:",
        "I am looking for a German course": "Ich suche einen Deutschkurs",
        "I need help finding work": "Ich suche Arbeit",
        "I need childcare for my child": "Ich brauche Betreuung für mein Kind",
        "I am looking for a flat": "Ich suche eine Wohnung",
        "Connection lost. Trying again …": "Verbindung unterbrochen. Neuer Versuch …",
        "Connected again": "Wieder verbunden",
        "New conversation": "Neues Gespräch",
        "Start a new conversation?": "Neues Gespräch beginnen?",
        "You will no longer see the present one on this device.": "Das jetzige sehen Sie auf "
        "diesem Gerät dann nicht mehr.",
        "Start new": "Neu beginnen",
        "Cancel": "Abbrechen",
        "Share my location": "Meinen Standort teilen",
        "My location": "Mein Standort",
        "Your location could not be found. Please try again, or write the name of your "
        "district.": "Ihr Standort wurde nicht gefunden.",
        "Try again": "Erneut versuchen",
        "Not sent": "Nicht gesendet",
        "Will be sent as soon as you are connected again": "Wird gesendet, sobald Sie wieder "
        "verbunden sind",
    },
    "ar": {
        "Help for newcomers in Stuttgart": "مساعدة للقادمين الجدد في شتوتغارت",
        "Write a message": "اكتب رسالة",
        "Language": "اللغة",
        "Send": "إرسال",
        "Counsellor": "المستشارة",
        "Hello! How can I help?": "مرحبًا! كيف يمكنني مساعدتك؟",
        "Write in your own language. I look for real offers in Stuttgart and tell you "
        "where each piece of information comes from.": "اكتب بلغتك. أبحث لك عن عروض حقيقية في "
        "شتوتغارت وأخبرك من أين تأتي كل معلومة.",
        "For example:": "على سبيل المثال:",
        "I am looking for a German course": "أبحث عن دورة لغة ألمانية",
        "I need help finding work": "أحتاج إلى مساعدة في البحث عن عمل",
        "I need childcare for my child": "أحتاج إلى رعاية لطفلي",
        "I am looking for a flat": "أبحث عن شقة",
        "New conversation": "محادثة جديدة",
        "Start a new conversation?": "هل تبدأ محادثة جديدة؟",
        "Share my location": "مشاركة موقعي",
        "My location": "موقعي",
        "Your browser may not tell me where you are. You can allow it in the browser's "
        "settings for this page. Or just write the name of your district.": "لا يُسمح لمتصفحك "
        "بأن يخبرني أين أنت.",
        "Cancel": "إلغاء",
        "Start new": "ابدأ من جديد",
    },
}
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def gettext_for(language: str) -> Callable[[str], str]:
    """The words above, English where there are none."""
    return lambda text: TEXTS.get(language, {}).get(text, text)


def offers(language: str) -> OutgoingMessage:
    """Two offers with every kind of fact, and choices."""
    german = language == "de"
    labels = (
        ("Niveau", "Kosten", "Ort", "Telefon", "E-Mail", "Internet")
        if german
        else ("المستوى", "التكلفة", "المكان", "الهاتف", "البريد", "الموقع")
    )
    level, cost, place, phone, email, website = labels
    first = Card(
        title="Frauenkurs Deutsch mit Kinderbetreuung" if german else "دورة ألمانية للنساء",
        subtitle="Haus der Begegnung Feuerbach e. V.",
        body="Vormittags, viermal in der Woche." if german else "صباحًا، أربع مرات في الأسبوع.",
        lines=(
            CardLine(label=level, value="A1–A2"),
            CardLine(label=cost, value="kostenlos" if german else "مجاني"),
            CardLine(label=place, value="\u2068Musterstraße 12, 70469 Stuttgart\u2069"),
            CardLine(label=phone, value="\u20680711 555-0123\u2069", kind="phone"),
            CardLine(label=email, value="kurse@begegnung.example", kind="email"),
            CardLine(label=website, value="https://www.begegnung.example/kurse", kind="url"),
        ),
        source_label="begegnung.example, geprüft am 12.02.2026"
        if german
        else "begegnung.example، تم التحقق في 12 فبراير 2026",
        source_url="https://www.begegnung.example/kurse",
    )
    second = Card(
        title="Abendkurs B1",
        subtitle="Sprachschule am Markt",
        lines=(
            CardLine(label=level, value="B1"),
            CardLine(
                label="",
                value="Seit über einem Jahr nicht geprüft. Bitte vorher anrufen."
                if german
                else "لم يتم التحقق منذ أكثر من عام. يرجى الاتصال أولاً.",
                kind="note",
            ),
        ),
        source_label="sprachschule.example, 03.01.2025",
        source_url="https://sprachschule.example",
    )
    titles = (
        ("Mehr Angebote", "Anderes Thema", "Mit einem Menschen sprechen")
        if german
        else ("المزيد من العروض", "موضوع آخر", "التحدث إلى شخص")
    )
    return OutgoingMessage(
        text="Ich habe 2 Kurse gefunden:" if german else "وجدت دورتين (2):",
        cards=(first, second),
        buttons=tuple(Button(title=t, key=f"{language}-{i}") for i, t in enumerate(titles)),
        language=language,
    )


def answer(message: IncomingMessage) -> list[OutgoingMessage]:
    """A small script: offers, hostile texts, or what was said."""
    if message.button_key:
        return [OutgoingMessage(text=f"pressed {message.button_key}", language="en")]
    if message.text == "hostile":
        card = Card(title=HOSTILE, body=HOSTILE, source_label=HOSTILE, source_url="javascript:0")
        return [OutgoingMessage(text=HOSTILE, cards=(card,), language="en")]
    if "Deutschkurs" in message.text:
        return [offers("de")]
    if "دورة" in message.text:
        return [offers("ar")]
    if message.text.startswith("/language "):
        return [OutgoingMessage(text="ok", language=message.text.split()[1])]
    if message.kind is Kind.LOCATION:
        # In the page's own language, as the page would follow another one.
        return [OutgoingMessage(text="near", language=message.language_hint or "en")]
    return [OutgoingMessage(text=f"echo: {message.text}", language="en")]


class Server:
    """The echo backend on a loopback port that stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._database = new_database(folder)
        self.start()

    def start(self) -> None:
        """Starts serving; returns when connections are accepted."""
        settings = WebSettings(
            secure_cookies=False,
            languages=("de", "en", "tr", "ar", "uk"),
            per_session=Rate(per_minute=600, burst=100),
        )
        self.backend = EchoBackend(
            self._database, utc_now, answer=answer, settings=settings, gettext_for=gettext_for
        )
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._is_up = threading.Event()
        self._thread.start()
        assert self._is_up.wait(10), "the server did not start"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = StartedServer(
            uvicorn.Config(
                self.backend.app,
                host="127.0.0.1",
                port=self.port,
                log_level="error",
                lifespan="off",
            )
        )
        serving = asyncio.create_task(self._server.serve())
        await self._server.ready.wait()
        self._is_up.set()
        await serving

    def stop(self) -> None:
        """Stops serving; open streams are closed."""
        self._server.should_exit = True
        self._loop.call_soon_threadsafe(self.backend.streams.close)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs work where the server runs, and waits for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def say(self, reply: OutgoingMessage, **options: Any) -> None:
        """Tells something to whoever wrote last."""
        self.run(self.backend.say(self.backend.received[-1].address, reply, **options))

    def type(self) -> None:
        """Shows whoever wrote last that an answer is being written."""
        address = self.backend.received[-1].address
        self.run(self.backend.channels[WEB].show_typing(address=address))


@dataclass
class Visit:
    """An open page, and what went wrong in it."""

    page: Page
    problems: list[str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "no Chromium found: install it with `apt-get install chromium`"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Callable[..., Visit]]:
    contexts: list[BrowserContext] = []

    def visit(*, size: ViewportSize = PHONE, locale: str = "en", **options: Any) -> Visit:
        context = browser.new_context(viewport=size, locale=locale, **options)
        contexts.append(context)
        page = context.new_page()
        problems = watch(page)
        page.goto(server.url)
        expect(page.locator("#welcome")).to_be_visible()
        return Visit(page, problems)

    yield visit
    for context in contexts:
        context.close()


def watch(page: Page) -> list[str]:
    """Collects errors, refused content included, as they happen."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    return problems


def write(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def overflow(page: Page) -> int:
    """By how many pixels the page, or what is in it, is wider than the window."""
    wider: int = page.evaluate(
        """() => Math.max(...[document.documentElement, document.getElementById("scroll")]
            .map((element) => element.scrollWidth - element.clientWidth))"""
    )
    return wider


# A conversation, on both screens and in both directions


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("locale", "direction", "question", "found"),
    [
        ("de-DE", "ltr", "Ich suche einen Deutschkurs", "Ich habe 2 Kurse gefunden:"),
        ("ar", "rtl", "أبحث عن دورة لغة ألمانية", "وجدت دورتين (2):"),
    ],
    ids=["german", "arabic"],
)
def test_a_conversation(
    server: Server,
    open_page: Callable[..., Visit],
    size: ViewportSize,
    locale: str,
    direction: str,
    question: str,
    found: str,
) -> None:
    visit = open_page(size=size, locale=locale)
    page = visit.page
    expect(page.locator("html")).to_have_attribute("dir", direction)

    write(page, question)

    expect(page.locator(".person .text")).to_have_text(question)
    expect(page.locator(".person .state")).to_have_class("state sent")
    expect(page.locator(".bot .bubble .text")).to_have_text(found)
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card").first).to_have_attribute("dir", direction)
    links = page.locator(".card a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert links == [
        "tel:07115550123",
        "mailto:kurse@begegnung.example",
        "https://www.begegnung.example/kurse",
        "https://www.begegnung.example/kurse",
        "https://sprachschule.example",
    ]
    assert overflow(page) <= 0
    # Who speaks is seen from the side: the person at the end, the answer at the start.
    person = page.locator(".person .bubble").bounding_box()
    bot = page.locator(".bot .bubble").bounding_box()
    assert person
    assert bot
    assert (person["x"] > bot["x"]) == (direction == "ltr")

    choice = page.locator(".choice[data-key]").nth(1)
    choice.click()

    expect(choice).to_have_attribute("aria-disabled", "true")
    title = choice.locator("span").first.inner_text()
    expect(page.locator(".person .text").last).to_have_text(title)
    expect(page.locator(".bot .bubble").last).to_contain_text("pressed")
    # Playwright would wait for the button to be enabled; a person just presses it.
    choice.click(force=True)
    assert [m.button_key for m in server.backend.received if m.button_key] == [f"{locale[:2]}-1"]
    assert visit.problems == []


def test_what_is_touched_is_large_enough(open_page: Callable[..., Visit]) -> None:
    page = open_page(has_touch=True, is_mobile=True, locale="de").page
    small = """elements => elements.filter(e => e.checkVisibility())
        .map(e => [e.className || e.id || e.href, e.getBoundingClientRect()])
        .filter(([_, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"""
    targets = page.locator("button, select, textarea, a:not(.skip)")

    before = targets.evaluate_all(small)
    write(page, "Deutschkurs")
    expect(page.locator(".card")).to_have_count(2)

    assert before + targets.evaluate_all(small) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(
    server: Server, open_page: Callable[..., Visit], scheme: str
) -> None:
    page = open_page(color_scheme=scheme, locale="de", reduced_motion="reduce").page
    write(page, "Deutschkurs")
    expect(page.locator(".card")).to_have_count(2)
    server.say(OutgoingMessage(text="Hallo", language="de"), author=Author.COUNSELLOR)
    expect(page.locator(".counsellor")).to_be_visible()
    page.locator(".choice[data-key]").first.click()
    expect(page.locator(".past")).to_have_count(1)

    assert page.evaluate(WEAK_TEXTS) == []


# WCAG 2.2, 1.4.3: 4.5 to 1 for texts. Grounds here are opaque or fully transparent.
WEAK_TEXTS = r"""() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".unseen")) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) weak.push(`${element.className}: ${element.textContent} ${contrast}`);
  }
  return weak;
}"""


# Keyboard and screen reader


def test_everything_works_with_the_keyboard_alone(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    # On a touch screen the field is not focused by itself: the first Tab begins at the top.
    page = open_page(size=DESK, locale="de", has_touch=True, is_mobile=True).page

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("erste Zeile")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Deutschkurs")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(2)
    page.locator(".card a").last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".bot .bubble").last).to_have_text("pressed de-0")

    assert [m.text or m.button_key for m in server.backend.received] == [
        "erste Zeile\nDeutschkurs",
        "de-0",
    ]
    expect(page.locator(".choice[data-key]").first).to_be_focused()


def test_a_screen_reader_is_told_what_happens(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page(locale="en").page

    expect(page.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    expect(page.get_by_role("combobox", name="Language")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    write(page, "Deutschkurs")
    expect(page.get_by_role("log").get_by_role("link", name="0711 555-0123")).to_be_visible()
    expect(page.get_by_role("group", name="Choices")).to_be_visible()
    server.type()
    expect(page.locator("#typing")).to_be_visible()
    expect(page.locator("#typing-text")).to_have_text("An answer is being written")
    server.say(OutgoingMessage(text="done", language="en"))
    expect(page.locator("#typing")).to_be_hidden()


def test_enter_that_ends_a_composition_sends_nothing(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page().page
    page.locator("#text").fill("nihon")
    page.locator("#text").evaluate(
        "e => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true}))"
    )

    expect(page.locator("#text")).to_have_value("nihon")
    assert server.backend.received == []


# Language


def test_the_language_menu_changes_page_and_conversation(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page(locale="de").page

    page.get_by_role("combobox").select_option("ar")

    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#text")).to_have_attribute("placeholder", "اكتب رسالة")
    expect(page.locator(".notice")).to_contain_text("العربية")
    expect(page.locator(".bot .bubble")).to_have_text("ok")
    assert [m.text for m in server.backend.received] == ["/language ar"]


def test_the_page_follows_the_language_of_the_answers(open_page: Callable[..., Visit]) -> None:
    page = open_page(locale="de").page

    write(page, "دورة")

    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.get_by_role("combobox")).to_have_value("ar")


# Location

SCHLOSSPLATZ: Geolocation = {"latitude": 48.778519, "longitude": 9.179844}


@pytest.mark.parametrize(
    ("size", "locale", "label", "shown"),
    [
        (PHONE, "de", "Meinen Standort teilen", "Mein Standort"),
        (PHONE, "ar", "مشاركة موقعي", "موقعي"),
        (DESK, "en", "Share my location", "My location"),
    ],
    ids=["german phone", "arabic phone", "english desk"],
)
def test_a_location_is_shared_by_pressing_and_rounded(
    server: Server,
    open_page: Callable[..., Visit],
    size: ViewportSize,
    locale: str,
    label: str,
    shown: str,
) -> None:
    visit = open_page(
        size=size, locale=locale, geolocation=SCHLOSSPLATZ, permissions=["geolocation"]
    )
    page = visit.page
    button = page.get_by_role("button", name=label)
    box = button.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    with page.expect_request("**/chat/messages") as sent:
        button.click()

    assert sent.value.post_data_json["place"] == {"latitude": 48.779, "longitude": 9.18}
    expect(page.locator(".person .text")).to_have_text(shown)
    expect(page.locator(".person .state")).to_have_class("state sent")
    expect(page.locator(".entry.bot .text")).to_have_text("near")
    expect(page.locator(".person .text")).to_have_text(shown)
    expect(page.locator(".notice")).to_have_count(0)
    assert [(m.kind, m.text) for m in server.backend.received] == [(Kind.LOCATION, "48.779,9.180")]
    assert overflow(page) <= 0
    page.reload()
    expect(page.locator(".person .text")).to_have_text(shown)
    assert visit.problems == []


def test_a_refused_location_is_explained(server: Server, open_page: Callable[..., Visit]) -> None:
    # Without a permission, the headless browser answers its question with no.
    page = open_page(locale="ar").page

    page.get_by_role("button", name="مشاركة موقعي").click()

    expect(page.locator(".notice")).to_contain_text("لا يُسمح لمتصفحك")
    page.get_by_role("combobox").select_option("de")
    expect(page.locator("#locate")).not_to_have_attribute("aria-disabled", "true")
    write(page, "Feuerbach")
    expect(page.locator(".entry .text").last).to_have_text("echo: Feuerbach")
    expect(page.locator("p.notice")).to_have_count(0)
    assert Kind.LOCATION not in [m.kind for m in server.backend.received]


def test_a_location_that_is_not_found_is_explained(open_page: Callable[..., Visit]) -> None:
    page = open_page(locale="de").page
    page.evaluate(
        """() => { navigator.geolocation.getCurrentPosition = (_, fail) =>
            fail({ code: 2, PERMISSION_DENIED: 1 }); }"""
    )

    page.get_by_role("button", name="Meinen Standort teilen").click()

    expect(page.locator(".notice")).to_contain_text("wurde nicht gefunden")


# Hostile texts


def test_texts_never_become_markup(server: Server, open_page: Callable[..., Visit]) -> None:
    visit = open_page()
    page = visit.page
    write(page, HOSTILE)
    write(page, "hostile")
    expect(page.locator(".card")).to_have_count(1)

    expect(page.locator(".person .text").first).to_have_text(HOSTILE)
    expect(page.locator(".card h2")).to_have_text(HOSTILE)
    assert page.locator("#log :is(img, script, a)").count() == 0
    page.reload()
    expect(page.locator(".card h2")).to_have_text(HOSTILE)
    assert page.title() != "taken"
    assert visit.problems == []


# Connections


def test_what_is_written_without_connection_is_sent_once_it_is_back(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page().page
    write(page, "before")
    expect(page.locator(".bot")).to_have_count(1)

    server.stop()
    expect(page.locator("#banner")).to_contain_text("Connection lost", timeout=10_000)
    write(page, "during 1")
    write(page, "during 2")
    expect(page.locator(".state.waiting")).to_have_count(2)
    server.start()

    expect(page.locator(".bot")).to_have_count(3, timeout=30_000)
    expect(page.locator(".state.sent")).to_have_count(3)
    assert [m.text for m in server.backend.received] == ["during 1", "during 2"]
    expect(page.locator("#banner")).to_be_empty(timeout=10_000)


def test_an_answer_given_while_the_page_was_away_is_shown_once(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page().page
    write(page, "before")
    expect(page.locator(".bot")).to_have_count(1)
    address = server.backend.received[0].address

    server.stop()
    server.start()
    server.run(server.backend.say(address, OutgoingMessage(text="meanwhile", language="en")))

    expect(page.locator(".bot .bubble").last).to_have_text("meanwhile", timeout=30_000)
    expect(page.locator(".bot")).to_have_count(2)


def test_a_refused_message_can_be_sent_again(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page().page
    page.route(
        "**/chat/messages",
        lambda route: route.fulfill(
            status=422, json={"error": {"code": "invalid", "message": "Unreadable."}}
        ),
    )
    write(page, "hello")
    expect(page.locator(".state.failed")).to_contain_text("Unreadable.")
    page.unroute("**/chat/messages")

    page.get_by_role("button", name="Try again").click()

    expect(page.locator(".state.sent")).to_have_count(1)
    assert [m.text for m in server.backend.received] == ["hello"]


def test_two_windows_show_the_same_conversation(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    first = open_page().page
    second = first.context.new_page()
    second.goto(server.url)
    expect(second.locator("#welcome")).to_be_visible()

    write(first, "hello")

    for page in (first, second):
        expect(page.locator(".entry .text")).to_have_text(["hello", "echo: hello"])


def test_the_conversation_is_there_again_after_loading(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page(locale="de").page
    write(page, "Deutschkurs")
    page.locator(".choice[data-key]").first.click()
    expect(page.locator(".bot")).to_have_count(2)

    page.reload()

    expect(page.locator(".entry")).to_have_count(4)
    expect(page.locator(".choice[data-key]").first).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#welcome")).to_be_hidden()
    server.say(OutgoingMessage(text="live", language="en"))
    expect(page.locator(".bot .bubble").last).to_have_text("live")


def test_a_new_conversation_begins_after_asking(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page(locale="de").page
    write(page, "Hallo")
    expect(page.locator(".bot")).to_have_count(1)
    button = page.locator("#new-chat")

    button.click()
    page.keyboard.press("Escape")
    expect(page.locator(".bot")).to_have_count(1)
    button.click()
    page.locator("dialog .strong").click()

    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator(".entry")).to_have_count(0)


def test_a_page_whose_session_ended_elsewhere_says_so(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page().page
    write(page, "hello")
    expect(page.locator(".bot")).to_have_count(1)
    page.context.clear_cookies()

    write(page, "again")

    expect(page.get_by_role("button", name="Load the page")).to_be_visible()


# Scrolling


def test_new_messages_do_not_move_who_reads_above(
    server: Server, open_page: Callable[..., Visit]
) -> None:
    page = open_page(reduced_motion="reduce").page
    for _ in range(3):
        write(page, "Deutschkurs")
    expect(page.locator(".card")).to_have_count(6)
    page.locator("#scroll").evaluate("e => e.scrollTo(0, 100)")
    expect(page.locator("#to-newest")).to_be_visible()

    server.say(OutgoingMessage(text="new", language="de"))

    expect(page.locator("#unread")).to_have_text("1")
    assert page.locator("#scroll").evaluate("e => e.scrollTop") == 100
    page.locator("#to-newest").click()
    expect(page.locator("#to-newest")).to_be_hidden()
    expect(page.locator(".bot .bubble").last).to_be_in_viewport()


def test_an_answer_longer_than_the_screen_is_read_from_its_top(
    open_page: Callable[..., Visit],
) -> None:
    page = open_page(locale="de", reduced_motion="reduce").page

    write(page, "Deutschkurs")
    expect(page.locator(".card")).to_have_count(2)

    expect(page.locator(".person .bubble")).to_be_in_viewport(ratio=1)


# Without JavaScript


def test_without_javascript_it_says_what_to_do(server: Server, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(server.url)

    expect(page.locator(".noscript")).to_contain_text("This chat needs JavaScript")
    context.close()
