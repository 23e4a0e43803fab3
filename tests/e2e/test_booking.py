"""A mother books career counselling, over Telegram in Arabic and in the browser in German.

The whole product with the real engine: what is asked is checked against the texts, what came of it
against the database, the calendar files and the page behind the secret address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from icalendar import Calendar
from playwright.sync_api import Locator, Page, expect, sync_playwright
from sqlalchemy import select

from bot.booking.draft import Question
from bot.booking.models import (
    Appointment,
    AppointmentEvent,
    AppointmentState,
    Reminder,
    ReminderState,
    Way,
)
from bot.booking.presentation import slot_label, when
from bot.booking.questions import why
from bot.db.session import Database
from bot.i18n.texts import Catalogues, Texts
from tests.e2e.browsers import ARGUMENTS, CHROMIUM, PHONE, barriers, needs_chromium
from tests.support.bot_api import BotApi, Group, Person, buttons
from tests.support.product import Application

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

SECONDS = 30
BERLIN = ZoneInfo("Europe/Berlin")
HELD, BOOKED = AppointmentState.HELD, AppointmentState.BOOKED
MOVED, CANCELLED = AppointmentState.MOVED, AppointmentState.CANCELLED

SUBJECT = "What do you want to talk about? Choose, or write it in a few words."
CHILD = (
    "How old is your youngest child? Write, for example, the months, the years or the date "
    "of birth."
)
LANGUAGE = "In which language do you want to talk?"
WAY = "How do you want to talk to the counsellor?"
TIME = "When do you have time? Choose, or write a day and a time."
NAME = "What may the counsellor call you? You can leave this out."
NUMBER = "Which phone number shall the counsellor call?"
RIGHT = "{name}, is this right? Then I book it."
MOVE = "Your appointment is on {time}. Which new time do you want?"


@pytest.fixture(scope="module")
def booking(product: Application) -> Application:
    """The product with two counsellors who can be booked."""
    product.lotse("booking", "seed-demo")
    return product


@pytest.fixture
def kept(booking: Application) -> Iterator[Database]:
    """What the product has in its database."""
    database = Database(booking.database_url)
    yield database
    database.dispose()


def appointments(database: Database, name: str) -> list[Appointment]:
    """All rows of a person, also of times given up, in the order in which they came."""
    with database.reading() as session:
        wanted = select(Appointment).where(Appointment.name == name)
        return list(session.scalars(wanted.order_by(Appointment.created_at)).unique())


def history(database: Database, rows: list[Appointment]) -> list[tuple[str, str]]:
    """Who did what to these rows, oldest first."""
    with database.reading() as session:
        events = session.scalars(
            select(AppointmentEvent)
            .where(AppointmentEvent.appointment_id.in_([row.id for row in rows]))
            .order_by(AppointmentEvent.id)
        )
        return [(event.actor, event.state) for event in events]


def planned(database: Database, row: Appointment) -> list[int]:
    """How many hours before an appointment its person will be reminded."""
    with database.reading() as session:
        wanted = select(Reminder).where(
            Reminder.appointment_id == row.id, Reminder.state == ReminderState.PLANNED
        )
        return sorted(reminder.hours_before for reminder in session.scalars(wanted))


@dataclass(frozen=True)
class File:
    """A calendar file as a calendar program reads it."""

    method: str
    sequence: int
    status: str
    uid: str
    location: str
    alarms: int


def read_file(content: bytes, row: Appointment) -> File:
    """What a calendar file says; it must tell of the time that ``row`` has."""
    calendar: Any = Calendar.from_ical(content)
    [event] = calendar.walk("VEVENT")
    [zone] = calendar.walk("VTIMEZONE")
    assert zone["TZID"] == event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (row.starts_at, row.ends_at)
    wall_clock = event["DTSTART"].dt.replace(tzinfo=None)
    assert wall_clock == row.starts_at.astimezone(BERLIN).replace(tzinfo=None)
    return File(
        method=str(calendar["METHOD"]),
        sequence=int(event["SEQUENCE"]),
        status=str(event["STATUS"]),
        uid=str(event["UID"]),
        location=str(event.get("LOCATION", "")),
        alarms=len(event.walk("VALARM")),
    )


class Chat:
    """A person's chat on Telegram; what was heard once is not heard again."""

    def __init__(self, bot_api: BotApi, person: Person) -> None:
        self.person = person
        self._bot_api = bot_api
        self._heard = 0

    async def hears(self, words: str) -> dict[str, Any]:
        """The next message with these words in it."""
        return await self._next(words, lambda message: words in message.get("text", ""))

    async def gets_file(self) -> bytes:
        """The content of the next file."""
        return self.person.opens(await self._next("a file", lambda sent: "document" in sent))

    async def _next(self, what: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def found() -> tuple[int, dict[str, Any]] | None:
            sent = enumerate(self.person.messages)
            return next((one for one in sent if one[0] >= self._heard and fits(one[1])), None)

        try:
            place, message = await self._bot_api.until(found, within=SECONDS)
        except TimeoutError:
            pytest.fail(f"no {what!r} in {self.person.texts[self._heard :]}")
        self._heard = place + 1
        return message


def address_in(message: dict[str, Any]) -> str:
    """The secret address of the appointment that a message tells of."""
    links = [one["url"] for one in message["entities"] if "/appointment/" in one.get("url", "")]
    [address] = links
    return str(address)


async def page_at(address: str) -> str:
    """What a browser gets there."""
    async with httpx.AsyncClient() as client:
        return (await client.get(address)).raise_for_status().text


async def test_a_mother_books_moves_and_cancels_on_telegram(
    booking: Application, kept: Database, bot_api: BotApi, desk_group: Group
) -> None:
    texts = Catalogues()["ar"]
    gettext = texts.gettext
    amal = bot_api.add_person(language_code="ar")
    chat = Chat(bot_api, amal)
    amal.sends("أريد حجز موعد للاستشارة")
    await chat.hears("")
    amal.presses(gettext("Yes, I agree"))
    await chat.hears(gettext(SUBJECT))
    amal.presses(gettext("Training or study"))
    await chat.hears(gettext(CHILD))
    amal.sends("سبعة أشهر")
    await chat.hears(gettext(LANGUAGE))
    amal.presses(texts.language_name("ar"))
    await chat.hears(gettext(WAY))
    amal.presses(gettext("In person"))
    await chat.hears(gettext(TIME))
    amal.sends("فقط صباحا")
    times = await chat.hears(gettext(TIME))
    chosen = buttons(times)[1]["text"]
    amal.presses(chosen)
    await chat.hears(gettext(NAME))
    amal.sends("أمل")
    summary = await chat.hears(gettext(RIGHT, name="أمل"))
    [row] = appointments(kept, "أمل")
    assert row.state == HELD
    assert slot_label(row.starts_at, "Europe/Berlin", texts) == chosen
    assert when(row.starts_at, "Europe/Berlin", texts) in summary["text"]
    amal.sends("نعم")

    confirmed = await chat.hears(gettext("Your appointment is booked."))
    assert when(row.starts_at, "Europe/Berlin", texts) in confirmed["text"]
    [row] = appointments(kept, "أمل")
    assert (row.state, row.way, row.language, row.subject) == (BOOKED, Way.PLACE, "ar", "training")
    assert row.starts_at.astimezone(BERLIN).hour < 12, "mornings only, as she said"
    assert row.calendar.name == "Miriam (Demo)", "the other counsellor speaks no Arabic"
    assert planned(kept, row)
    first = read_file(await chat.gets_file(), row)
    assert (first.method, first.sequence, first.status) == ("PUBLISH", 0, "CONFIRMED")
    assert (first.location, first.alarms) == ("Demo-Adresse, Stuttgart", 2)
    assert first.uid.startswith(f"{row.booking_id}@")
    link = address_in(confirmed)
    assert link.startswith(f"{booking.url}/appointment/")

    amal.sends("متى موعدي؟")
    one = texts.ngettext("You have {number} appointment:", "You have {number} appointments:", 1)
    assert when(row.starts_at, "Europe/Berlin", texts) in (await chat.hears(one))["text"]
    amal.presses(gettext("Move it"))
    times = await chat.hears(gettext(MOVE, time=chosen))
    # The last of the five times is on another day than the one she has.
    other = buttons(times)[4]["text"]
    amal.presses(other)
    await chat.hears(gettext("Shall I move your appointment to {time}?", time=other))
    assert [one.state for one in appointments(kept, "أمل")] == [BOOKED], "not before she says yes"
    amal.presses(gettext("Yes, move it"))
    await chat.hears(gettext("Your appointment is moved. This is the new time:"))
    old, new = appointments(kept, "أمل")
    assert (old.state, new.state, new.booking_id) == (MOVED, BOOKED, row.booking_id)
    assert slot_label(new.starts_at, "Europe/Berlin", texts) == other
    file = read_file(await chat.gets_file(), new)
    assert (file.method, file.sequence, file.uid) == ("PUBLISH", 1, first.uid)
    page = await page_at(link)
    assert when(new.starts_at, "Europe/Berlin", texts) in page, "the old link goes on"
    assert 'lang="ar" dir="rtl"' in page

    amal.sends("أريد إلغاء موعدي")
    await chat.hears(gettext("Shall I cancel your appointment on {time}?", time=other))
    amal.presses(gettext("Yes, cancel it"))
    at = when(new.starts_at, "Europe/Berlin", texts)
    await chat.hears(gettext("Your appointment on {time} is cancelled.", time=at))
    file = read_file(await chat.gets_file(), new)
    assert (file.method, file.sequence, file.uid) == ("CANCEL", 2, first.uid)
    rows = appointments(kept, "أمل")
    assert [one.state for one in rows] == [MOVED, CANCELLED]
    assert history(kept, rows) == [
        ("person", state) for state in (HELD, BOOKED, MOVED, BOOKED, CANCELLED)
    ]
    assert [planned(kept, one) for one in rows] == [[], []]
    assert gettext("This appointment is cancelled.") in await page_at(link)
    await desk_hears_of(bot_api, desk_group, new)
    bot_api.assert_no_violations()


async def desk_hears_of(bot_api: BotApi, desk: Group, row: Appointment) -> None:
    """The counsellors' group is told of the cancellation, and never of whom."""
    english = Catalogues()["en"]
    at = english.day_and_time(row.starts_at.astimezone(BERLIN))

    def told() -> bool:
        said = [message.get("text", "") for message in desk.messages]
        return any("📅 Cancelled" in text and at in text for text in said)

    await bot_api.until(lambda: told() or None, within=SECONDS)
    assert row.name not in " ".join(message.get("text", "") for message in desk.messages)


@pytest.fixture
def page() -> Iterator[Page]:
    """A phone in German; errors in the browser's console fail the test."""
    problems: list[str] = []
    # Not for the module: while it is open, its event loop would be in the way of other tests'.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_context(viewport=PHONE, locale="de-DE").new_page()
        opened.on("pageerror", lambda error: problems.append(str(error)))
        yield opened
        browser.close()
    assert problems == []


def hears(page: Page, words: str) -> Locator:
    """The bot's last message, which says these words."""
    last = page.locator(".entry.bot").last
    expect(last.locator(".bubble")).to_contain_text(words, timeout=SECONDS * 1000)
    return last


def says(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#send").click()


def presses(page: Page, title: str) -> None:
    page.locator(".choice", has_text=title).last.click()


def up_to_the_summary(page: Page, texts: Texts, *, name: str) -> str:
    """Answers every question by button or in words; the time that was chosen."""
    gettext = texts.gettext
    says(page, "Ich möchte einen Termin für die Beratung")
    page.locator(".choice", has_text=gettext("Yes, I agree")).click(timeout=SECONDS * 1000)
    hears(page, gettext(SUBJECT))
    says(page, "Ich war Krankenschwester und will wieder arbeiten")
    hears(page, gettext(CHILD))
    says(page, "Warum fragst du das?")
    hears(page, why(Question.CHILD, texts))
    says(page, "sieben Monate")
    hears(page, gettext(LANGUAGE))
    presses(page, texts.language_name("de"))
    hears(page, gettext(WAY))
    says(page, "per Telefon")
    chosen = hears(page, gettext(TIME)).locator(".choice").first.inner_text()
    presses(page, chosen)
    hears(page, gettext(NAME))
    says(page, name)
    hears(page, gettext(NUMBER))
    says(page, "0711 1234567")
    summary = hears(page, gettext(RIGHT, name=name))
    expect(summary.locator(".card")).to_contain_text(gettext("By phone. We call you."))
    return chosen


@needs_chromium
def test_a_mother_books_in_the_browser_and_keeps_the_date(
    booking: Application, kept: Database, page: Page, tmp_path: Path
) -> None:
    texts = Catalogues()["de"]
    page.goto(booking.url)
    chosen = up_to_the_summary(page, texts, name="Anna")
    presses(page, texts.gettext("Yes, book it"))
    confirmed = hears(page, texts.gettext("Your appointment is booked."))
    [row] = appointments(kept, "Anna")
    assert (row.state, row.way, row.reach) == (BOOKED, Way.PHONE, "0711 1234567")
    assert row.subject == "Ich war Krankenschwester und will wieder arbeiten"
    assert slot_label(row.starts_at, "Europe/Berlin", texts) == chosen
    at = when(row.starts_at, "Europe/Berlin", texts)
    expect(confirmed.locator(".card")).to_contain_text(at)
    assert barriers(page) == []

    with page.expect_download() as download:
        confirmed.get_by_role("link", name=texts.gettext("Calendar file")).click()
    assert download.value.suggested_filename == "appointment.ics"
    download.value.save_as(tmp_path / "appointment.ics")
    file = read_file((tmp_path / "appointment.ics").read_bytes(), row)
    assert (file.method, file.sequence, file.status) == ("PUBLISH", 0, "CONFIRMED")

    link = confirmed.locator(".card a[href*='/appointment/']")
    token = str(link.get_attribute("href")).rpartition("/")[2]
    assert token not in link.inner_text(), "whoever looks over her shoulder cannot copy it"
    with page.expect_popup() as popup:
        link.click()
    opened = popup.value
    expect(opened.locator("h1")).to_have_text(row.service.title["de"])
    expect(opened.locator("main")).to_contain_text(at)
    expect(
        opened.get_by_role("link", name=texts.gettext("Put it into my calendar"))
    ).to_be_visible()
    assert barriers(opened) == []
    assert [one.state for one in appointments(kept, "Anna")] == [BOOKED], "looking changes nothing"
