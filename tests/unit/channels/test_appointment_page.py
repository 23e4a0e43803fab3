"""The page behind a booking's secret address: a GET shows, a POST acts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import vobject
from sqlalchemy import select
from starlette.applications import Starlette

from bot.booking import links
from bot.booking import service as booking
from bot.booking.models import Appointment, AppointmentState
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.channels.appointments import appointment_routes
from bot.conversations.models import OutboxMessage
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.booking import berlin, book, new_calendar, new_person, new_service, slot_at
from tests.support.talk import CATALOGUES

NOW = berlin(2026, 11, 16, 8)
NINE_TOMORROW = berlin(2026, 11, 17, 9)


class Page:
    """The page of one booking in a browser."""

    def __init__(self, database: Database, clock: Clock, *, language: str = "en") -> None:
        self.database = database
        self.told = 0
        with database.transaction() as session:
            service = new_service(session, place="Hauptstraße 1 <b>")
            self.calendar = new_calendar(session, service)
            self.person = new_person(session, now=NOW, language=language)
            row = book(
                session, service, slot_at(NINE_TOMORROW, self.calendar), self.person, now=NOW
            )
            self.booking_id = row.booking_id
            self.token = links.new_token(session, row.booking_id, now=NOW)
        routes = appointment_routes(
            database=database,
            catalogues=CATALOGUES,
            teller=Teller(catalogues=CATALOGUES, site=Site("https://lotse.test")),
            clock=clock,
            told=self.tell,
        )
        self.browser = self.visitor(Starlette(routes=routes))

    @staticmethod
    def visitor(app: Starlette) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 5))
        headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
        return httpx.AsyncClient(
            transport=transport, base_url="https://lotse.test", headers=headers
        )

    def tell(self) -> None:
        self.told += 1

    async def get(self, path: str = "", **options: Any) -> httpx.Response:
        return await self.browser.get(f"/appointment/{self.token}{path}", **options)

    async def post(self, deed: str, **options: Any) -> httpx.Response:
        values = {"data": {"x": "y"}, "follow_redirects": True, **options}
        return await self.browser.post(f"/appointment/{self.token}/{deed}", **values)

    def row(self) -> Appointment:
        with self.database.reading() as session:
            row = links.current(session, self.booking_id)
            assert row is not None
            return row

    def messages(self) -> list[str]:
        with self.database.reading() as session:
            return [
                row.content["text"]
                for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
            ]


@pytest.fixture
async def page(sqlite: Database, clock: Clock) -> AsyncIterator[Page]:
    clock.now = NOW
    shown = Page(sqlite, clock)
    async with shown.browser:
        yield shown


async def test_a_get_shows_and_changes_nothing(page: Page) -> None:
    response = await page.get()
    assert response.status_code == 200
    assert "Tuesday, November 17, 2026" in response.text
    assert "Hauptstraße 1 &lt;b&gt;" in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"
    for path in ("/cancel", "/move", "/reminders"):
        assert (await page.get(path)).status_code == 405
    assert page.row().state == AppointmentState.BOOKED
    assert page.told == 0


async def test_it_speaks_the_persons_language(sqlite: Database, clock: Clock) -> None:
    clock.now = NOW
    arabic = Page(sqlite, clock, language="ar")
    async with arabic.browser:
        response = await arabic.get()
        assert '<html lang="ar" dir="rtl">' in response.text
        assert '<html lang="uk" dir="ltr">' in (await arabic.get("?language=uk")).text


async def test_cancelling_may_be_repeated_and_is_told_in_the_chat(page: Page) -> None:
    for _ in range(2):
        response = await page.post("cancel")
        assert "This appointment is cancelled." in response.text
    assert page.row().state == AppointmentState.CANCELLED
    [text] = page.messages()
    assert text.startswith("Your appointment on Tuesday, November 17")
    assert page.told == 2


async def test_moving_to_a_time_that_is_offered(page: Page) -> None:
    offered = await page.get("?move=1")
    values = re.findall(r'name="slot" value="([^"]+)"', offered.text)
    assert len(values) == 60
    response = await page.post("move", data={"slot": values[3]})
    assert "Your appointment is moved." in response.text
    row = page.row()
    assert (row.state, row.sequence) == (AppointmentState.BOOKED, 1)
    assert f"{row.starts_at:%Y%m%dT%H%MZ}/{row.calendar_id}" == values[3]
    assert page.messages() == ["Your appointment is moved. This is the new time:"]


async def test_a_time_taken_meanwhile_shows_the_others(page: Page) -> None:
    with page.database.transaction() as session:
        service = session.get_one(Appointment, page.row().id).service
        other = new_person(session, now=NOW)
        ten = NINE_TOMORROW + timedelta(hours=1)
        book(session, service, slot_at(ten, page.calendar), other, now=NOW)
    value = f"{ten:%Y%m%dT%H%MZ}/{page.calendar.id}"
    response = await page.post("move", data={"slot": value})
    assert "Somebody else has this time now." in response.text
    assert 'name="slot"' in response.text
    assert page.row().starts_at == NINE_TOMORROW


@pytest.mark.parametrize(
    "slot",
    [
        *("", "20260230T0900Z/1", "x", "20261117T0900Z/", "20261117T0900Z/٣", "20201117T0900Z/1"),
        *("20261117T0900Z/99999999999", "20261117T0903Z/1", "x" * 3000),
    ],
)
async def test_nonsense_moves_nothing(page: Page, slot: str) -> None:
    response = await page.post("move", data={"slot": slot})
    assert response.status_code == 200
    assert page.row().starts_at == NINE_TOMORROW
    assert page.messages() == []


async def test_reminders_can_be_turned_off_and_on(page: Page) -> None:
    assert "No more reminders" in (await page.get()).text
    response = await page.post("reminders", data={"wanted": "no"})
    assert "Remind me" in response.text
    assert not page.row().reminders_wanted
    await page.post("reminders", data={"wanted": "yes"})
    assert page.row().reminders_wanted


async def test_the_calendar_file_is_the_present_one(page: Page) -> None:
    first = await page.get("/appointment.ics")
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert vobject.readOne(first.text).vevent.dtstart.value == NINE_TOMORROW
    await page.post("cancel")
    assert "METHOD:CANCEL" in (await page.get("/appointment.ics")).text


async def test_what_is_over_offers_no_change(page: Page, clock: Clock) -> None:
    clock.now = NINE_TOMORROW
    response = await page.get("?move=1")
    assert "This appointment is over." in response.text
    assert "<form" not in response.text
    assert "can no longer be changed" in (await page.post("cancel")).text
    assert page.row().state == AppointmentState.BOOKED


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 5000, "..%2f..", "%00", "a' OR 1=1 --"])
async def test_other_tokens_open_nothing(page: Page, token: str) -> None:
    for response in (
        await page.browser.get(f"/appointment/{token}"),
        await page.browser.post(f"/appointment/{token}/cancel", data={"x": "y"}),
        await page.browser.get(f"/appointment/{token}/appointment.ics"),
        await page.browser.get(f"/calendar/{token}.ics"),
    ):
        assert response.status_code == 404
    assert "does not open an appointment" in (await page.browser.get("/appointment/x")).text
    assert page.row().state == AppointmentState.BOOKED


async def test_other_sites_and_huge_forms_are_refused(page: Page) -> None:
    foreign = await page.post("cancel", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert (await page.post("cancel", data={"x": "y" * 10_000})).status_code == 413
    assert page.row().state == AppointmentState.BOOKED


async def test_guessing_is_slowed_down(page: Page) -> None:
    answers = [
        (await page.browser.get(f"/appointment/{number}")).status_code for number in range(41)
    ]
    assert answers[:40] == [404] * 40
    assert answers[40] == 429


async def test_a_counsellors_feed_follows_their_appointments(page: Page) -> None:
    token = "t" * 43
    with page.database.transaction() as session:
        row = session.get_one(Appointment, page.row().id)
        row.calendar.feed_token_hash = links.hashed(token)
        row.name = "Anna Secret"
    feed = await page.browser.get(f"/calendar/{token}.ics")
    event = vobject.readOne(feed.text).vevent
    assert event.dtstart.value == NINE_TOMORROW
    assert event.status.value == "CONFIRMED"
    assert "Secret" not in feed.text
    with page.database.transaction() as session:
        booking.cancel(session, page.row().id, now=NOW)
    feed = await page.browser.get(f"/calendar/{token}.ics")
    assert vobject.readOne(feed.text).vevent.status.value == "CANCELLED"
