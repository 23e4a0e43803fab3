"""The counsellors' side of booking: calendar, moves told to the person, hours, services."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.booking import links
from bot.booking.models import (
    Appointment,
    AppointmentState,
    BusySource,
    BusyTime,
    CounsellingService,
    CounsellorCalendar,
    WeeklyTime,
)
from bot.conversations.models import OutboxMessage
from bot.counsellors.models import Account, Role
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.booking import berlin, book, new_calendar, new_person, new_service, slot_at
from tests.support.console import Browser, Console, new_account

NOW = berlin(2026, 11, 16, 8)
NINE = berlin(2026, 11, 17, 9)


@dataclass
class Desk:
    """A counsellor with a calendar and one booked appointment, and a signed-in browser."""

    database: Database
    browser: Browser
    service_id: str
    calendar_id: int
    appointment_id: str

    def row(self, appointment_id: str = "") -> Appointment:
        with self.database.reading() as session:
            return session.get_one(Appointment, appointment_id or self.appointment_id)

    def told(self) -> list[str]:
        with self.database.reading() as session:
            rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
            return [row.content["text"] for row in rows]

    async def act(self, deed: str, **form: str) -> int:
        path = f"/console/appointments/{self.appointment_id}/{deed}"
        return (await self.browser.submit(path, form)).status_code


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = NOW
    return clock


@pytest.fixture
async def desk(console: Console, sqlite: Database, clock: Clock, counsellor: Account) -> Desk:
    with sqlite.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service, account_id=counsellor.id)
        person = new_person(session, now=NOW)
        row = book(
            session, service, slot_at(NINE, calendar), person, now=NOW, name="Anna <b>", reach="1"
        )
    browser = await console.signed_in(counsellor)
    return Desk(sqlite, browser, service.id, calendar.id, row.id)


async def test_the_views_show_the_appointment_and_the_news(desk: Desk) -> None:
    for view in ("day", "week", "list"):
        page = await desk.browser.get(f"/console/appointments?view={view}&day=2026-11-17")
        assert page.status_code == 200
        assert "Anna &lt;b&gt;" in page.text
        assert "booked: " in page.text
    await desk.browser.submit("/console/appointments/seen", {"calendar": str(desk.calendar_id)})
    assert "booked: " not in (await desk.browser.get("/console/appointments")).text
    for nonsense in ("?view=year", "?calendar=x", "?calendar=0"):
        assert (await desk.browser.get(f"/console/appointments{nonsense}")).status_code == 422
    assert (await desk.browser.get("/console/appointments?day=30.02.2026")).status_code == 200
    assert "Reformation" not in page.text
    holiday = await desk.browser.get("/console/appointments?day=2026-12-25")
    assert "Weihnachtstag" in holiday.text


async def test_moving_tells_the_person(desk: Desk) -> None:
    page = await desk.browser.get(f"/console/appointments/{desk.appointment_id}")
    slot = re.findall(r'<option value="(\d{8}T\d{4}Z)"', page.text)[2]
    assert await desk.act("move", slot=slot) == 303
    assert desk.row().state == AppointmentState.MOVED
    assert desk.told() == ["Your counsellor had to move your appointment. This is the new time:"]
    # The old one can no longer be changed.
    assert await desk.act("cancel") == 422


async def test_moving_outside_of_the_hours_needs_a_deliberate_choice(desk: Desk) -> None:
    late = {"day": "2026-11-17", "time": "18:30"}
    assert await desk.act("move", **late) == 422
    assert await desk.act("move", **late, outside_hours="true") == 303
    with desk.database.reading() as session:
        new = session.scalars(
            select(Appointment).where(Appointment.state == AppointmentState.BOOKED)
        ).one()
        assert new.starts_at == berlin(2026, 11, 17, 18, 30)
    page = await desk.browser.get("/console/appointments?view=week&day=2026-11-17")
    assert "1 appointment does not fit" in page.text


@pytest.mark.parametrize(
    ("day", "time"),
    [("2026-02-30", "09:00"), ("2026-11-17", "25:00"), ("", "09:00"), ("2027-03-28", "02:30")],
)
async def test_times_that_do_not_exist_move_nothing(desk: Desk, day: str, time: str) -> None:
    assert await desk.act("move", day=day, time=time, outside_hours="true") == 422
    assert desk.row().state == AppointmentState.BOOKED
    assert desk.told() == []


async def test_cancelling_tells_the_person(desk: Desk) -> None:
    assert await desk.act("cancel") == 303
    assert await desk.act("cancel") == 303
    assert len(desk.told()) == 1
    assert desk.row().state == AppointmentState.CANCELLED


async def test_notes_and_outcome(desk: Desk, clock: Clock) -> None:
    assert await desk.act("notes", notes="brought her CV" + "x" * 5000) == 303
    assert len(desk.row().notes) == 4000
    assert await desk.act("outcome", attended="true") == 422
    clock.now = NINE + timedelta(minutes=1)
    await desk.browser.sign_in("counsellor@example.org")
    assert await desk.act("outcome", attended="false") == 303
    assert desk.row().state == AppointmentState.MISSED


async def test_booking_for_a_caller(desk: Desk) -> None:
    form = {
        "calendar": str(desk.calendar_id),
        "service": desk.service_id,
        "way": "phone",
        "language": "de",
        "day": "2026-11-18",
        "time": "09:00",
        "name": "Frau Ö",
    }
    answer = await desk.browser.submit("/console/appointments/new", form)
    assert answer.status_code == 303
    taken = await desk.browser.submit("/console/appointments/new", form)
    assert taken.status_code == 422
    assert "There is another appointment at this time." in taken.text
    for wrong in ({"time": "12:30"}, {"day": "2026-02-30"}, {"way": "video"}, {"service": "x"}):
        answer = await desk.browser.submit("/console/appointments/new", {**form, **wrong})
        assert answer.status_code == 422


async def test_another_counsellors_calendar_does_not_exist(
    desk: Desk, console: Console, clock: Clock
) -> None:
    other = await console.signed_in(new_account(desk.database, clock, email="other@example.org"))
    assert "You have no calendar yet" in (await other.get("/console/appointments")).text
    calendar = str(desk.calendar_id)
    for path in (
        f"/console/appointments?calendar={calendar}",
        f"/console/appointments/{desk.appointment_id}",
        f"/console/hours?calendar={calendar}",
    ):
        assert (await other.get(path)).status_code == 404
    for deed in ("notes", "cancel", "move", "outcome"):
        path = f"/console/appointments/{desk.appointment_id}/{deed}"
        form = {"attended": "true", "day": "2026-11-18", "time": "09:00"}
        assert (await other.submit(path, form)).status_code == 404
    for path in ("feed", "feed/close"):
        answer = await other.submit(f"/console/hours/{path}", {"calendar": calendar})
        assert answer.status_code == 404
    assert desk.row().state == AppointmentState.BOOKED
    admin = await console.signed_in(new_account(desk.database, clock, Role.ADMIN))
    page = await admin.get(f"/console/appointments?calendar={calendar}&day=2026-11-17")
    assert "Anna" in page.text


async def test_hours_and_absences(desk: Desk) -> None:
    calendar = {"calendar": str(desk.calendar_id)}

    async def send(path: str, **form: str) -> int:
        return (await desk.browser.submit(f"/console/hours/{path}", calendar | form)).status_code

    assert await send("weekly", weekday="5", starts="10:00", ends="00:00") == 303
    assert await send("weekly", weekday="5", starts="11:00", ends="10:00") == 422
    assert await send("weekly", weekday="5", starts="", ends="x") == 422
    assert await send("weekly", weekday="9", starts="10:00", ends="11:00") == 422
    days = {"valid_from": "2026-12-02", "valid_until": "2026-12-01"}
    assert await send("weekly", weekday="5", starts="10:00", ends="11:00", **days) == 422
    assert await send("absences", first="2026-11-17", note="dentist") == 303
    assert await send("absences", first="2026-11-18", last="2026-11-17") == 422
    assert await send("absences", first="2026-11-18", last="2029-11-17") == 422
    with desk.database.reading() as session:
        added = session.scalars(select(WeeklyTime).where(WeeklyTime.weekday == 5)).one()
        assert (added.starts, added.ends) == (600, 1440)
        away = session.scalars(select(BusyTime)).one()
        assert (away.starts_at, away.ends_at) == (berlin(2026, 11, 17), berlin(2026, 11, 18))
    page = await desk.browser.get("/console/appointments?day=2026-11-17")
    assert "1 appointment does not fit" in page.text
    assert "dentist" in page.text
    assert "dentist" in (await desk.browser.get("/console/hours")).text
    assert await send("absences/remove", row=str(away.id)) == 303
    assert await send("weekly/remove", row=str(added.id)) == 303
    assert await send("weekly/remove", row=str(added.id)) == 404


async def test_the_feed_is_shown_once_and_revoked(desk: Desk) -> None:
    calendar = {"calendar": str(desk.calendar_id)}
    first = await desk.browser.submit("/console/hours/feed", calendar)
    found = re.search(r"https://lotse.test/calendar/([\w-]{43})\.ics", first.text)
    assert found
    assert found[1] not in (await desk.browser.get("/console/hours")).text
    with desk.database.reading() as session:
        row = session.get_one(CounsellorCalendar, desk.calendar_id)
        assert row.feed_token_hash == links.hashed(found[1])
    await desk.browser.submit("/console/hours/feed/close", calendar)
    with desk.database.reading() as session:
        assert session.get_one(CounsellorCalendar, desk.calendar_id).feed_token_hash is None


async def test_other_calendars_are_added_by_a_safe_address(desk: Desk) -> None:
    calendar = {"calendar": str(desk.calendar_id)}
    bad = await desk.browser.submit("/console/hours/sources", calendar | {"url": "http://x.test"})
    assert bad.status_code == 422
    good = {"url": "webcal://calendar.example/a.ics"}
    assert (await desk.browser.submit("/console/hours/sources", calendar | good)).status_code == 303
    with desk.database.reading() as session:
        source = session.scalars(select(BusySource)).one()
    assert source.url in (await desk.browser.get("/console/hours")).text
    gone = {"row": str(source.id)}
    answer = await desk.browser.submit("/console/hours/sources/remove", calendar | gone)
    assert answer.status_code == 303


SERVICE = {
    "title_de": "Beratung",
    "title_ar": "استشارة",
    "duration": "40",
    "step": "20",
    "buffer_before": "0",
    "buffer_after": "10",
    "notice_hours": "48",
    "horizon_days": "30",
    "open_per_contact": "1",
    "maximum_child_age_months": "36",
    "way": "place",
    "active": "true",
    "map_url": "https://www.openstreetmap.org/",
}


async def test_an_admin_keeps_services_and_makes_accounts_bookable(
    console: Console, sqlite: Database, clock: Clock, admin: Account, counsellor: Account
) -> None:
    browser = await console.signed_in(admin)
    answer = await browser.submit("/console/counselling/new", SERVICE)
    assert answer.status_code == 303, answer.text
    with sqlite.transaction() as session:
        row = session.scalars(select(CounsellingService)).one()
        assert (row.key, row.duration, row.notice, row.ways) == ("beratung", 40, 2880, ["place"])
        assert row.title == {"de": "Beratung", "ar": "استشارة"}
        session.get_one(Account, counsellor.id).languages = ["de", "ar"]
    assert "استشارة" in (await browser.get(f"/console/counselling/{row.id}")).text
    for wrong in (
        *({"title_de": " ", "title_ar": ""}, {"duration": "0"}, {"duration": "x"}),
        *({"duration": "-3"}, {"way": "boat"}, {"map_url": "javascript:alert(1)"}),
        *({"maximum_child_age_months": "3600"}, {"weekly_limit": "0"}, {"notice_hours": ""}),
    ):
        path = f"/console/counselling/{row.id}"
        assert (await browser.submit(path, {**SERVICE, **wrong})).status_code == 422, wrong
    form = {"account": counsellor.id, "name": "Miriam", "service": row.id}
    for _ in range(2):
        assert (await browser.submit("/console/counselling/calendars", form)).status_code == 303
    with sqlite.reading() as session:
        own = session.scalars(select(CounsellorCalendar)).one()
        assert (own.name, own.languages) == ("Miriam", ["ar", "de"])
        assert [service.id for service in own.services] == [row.id]
    nobody = await browser.submit("/console/counselling/calendars", {"account": "x"})
    assert nobody.status_code == 422
    off = {"calendar": str(own.id), "active": "false"}
    assert (await browser.submit("/console/counselling/calendars/active", off)).status_code == 303
    assert "switched off" in (await browser.get("/console/counselling")).text
