"""What people are told, and the files that come with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import vobject
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking import links, presentation, reminders
from bot.booking import service as booking
from bot.booking.calendar_files import appointment_file, feed_file
from bot.booking.models import Appointment, Way
from bot.booking.presentation import Site
from bot.booking.service import Booked
from bot.booking.telling import Teller
from bot.conversations.models import OutboxMessage
from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.messages import OutgoingMessage
from tests.support.booking import (
    BERLIN,
    SUNDAY,
    berlin,
    book,
    new_calendar,
    new_person,
    new_service,
    slot_at,
)
from tests.support.talk import CATALOGUES

NOW = berlin(2026, 11, 16, 8)
TOMORROW_NINE = berlin(2026, 11, 17, 9)
SITE = Site("https://lotse.example")
TELLER = Teller(catalogues=CATALOGUES, site=SITE)


def booked_row(session: Session, *, language: str = "en", **changes: object) -> Appointment:
    service = new_service(
        session,
        place="Hauptstraße 1, Stuttgart",
        map_url="https://www.openstreetmap.org/node/1",
        bring={"en": "Your CV", "de": "Ihren Lebenslauf"},
        childcare=True,
        **changes,
    )
    calendar = new_calendar(session, service)
    person = new_person(session, now=NOW, language=language)
    return book(session, service, slot_at(TOMORROW_NINE, calendar), person, now=NOW)


def confirmation(session: Session, row: Appointment, language: str = "en") -> OutgoingMessage:
    token = links.new_token(session, row.booking_id, now=NOW)
    return TELLER.confirmation(Booked(row, token), CATALOGUES[language], now=NOW)


def event_of(content: str) -> object:
    calendar = Calendar.from_ical(content)
    [event] = calendar.walk("VEVENT")
    return event


def test_the_confirmation_says_all_that_is_needed(database: Database) -> None:
    with database.transaction() as session:
        message = confirmation(session, booked_row(session))
        [card] = message.cards
        facts = {line.label: line.value for line in card.lines}
        assert facts["When"] == (
            "Tuesday, November 17, 2026, 9:00\u202fAM (Central European Standard Time)"
        )
        assert facts["Place"] == "Hauptstraße 1, Stuttgart"
        assert facts["Map"].startswith("https://www.openstreetmap.org/")
        assert facts["Your counsellor"] == "Miriam"
        assert facts["Please bring"] == "Your CV"
        assert facts["See, move or cancel it"].startswith("https://lotse.example/appointment/")
        assert "Childcare is on site." in [line.value for line in card.lines]
        # Seven o'clock is night: the second reminder comes an hour before.
        assert "I will remind you" in message.text
        assert "8:00" in message.text
        assert "I do not write at night." in message.text
        [document] = message.documents
        assert document.name == "appointment.ics"
        assert OutgoingMessage.from_data(message.to_data()) == message


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_it_is_told_in_every_language(sqlite: Database, language: str) -> None:
    with sqlite.transaction() as session:
        row = booked_row(session, language=language)
        texts = CATALOGUES[language]
        message = confirmation(session, row, language)
        assert message.language == language
        assert message.cards[0].lines[0].value
        event_of(message.documents[0].content)
        assert presentation.reminder(row, texts, token="t", site=SITE).buttons
        if language == "fa":
            assert "۱۷" in message.cards[0].lines[0].value


def test_other_ways_to_meet_name_no_place(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        row = booked_row(session)
        for way in (Way.PHONE, Way.VIDEO):
            row.way = way
            shown = " ".join(line.value for line in presentation.card(row, CATALOGUES["en"]).lines)
            assert "Hauptstraße" not in shown
            assert "Childcare" not in shown


def test_a_demo_says_so(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        row = booked_row(session, demo=True)
        notes = [line.value for line in presentation.card(row, CATALOGUES["en"]).lines]
        assert "This is a demonstration: nobody waits for you there." in notes


def test_a_time_that_comes_twice_is_named_with_its_zone(sqlite: Database) -> None:
    first = berlin(2026, 10, 25, 2, 30)
    labels = [
        presentation.slot_label(moment, "Europe/Berlin", CATALOGUES["en"])
        for moment in (first, first + timedelta(hours=1), first + timedelta(hours=2))
    ]
    assert "Summer Time" in labels[0]
    assert "Standard Time" in labels[1]
    assert "Time" not in labels[2]


def test_calendar_files_follow_an_appointment_through_its_life(database: Database) -> None:
    with database.transaction() as session:
        row = booked_row(session)
        card = presentation.card(row, CATALOGUES["en"])

        def written(of: Appointment) -> str:
            return appointment_file(of, card, site_url=SITE.base_url, now=NOW)

        first = written(row)
        moved = booking.move(
            session,
            row.id,
            slot_at(TOMORROW_NINE + timedelta(hours=1), row.calendar),
            now=NOW,
        )
        second = written(moved)
        booking.cancel(session, moved.id, now=NOW)
        third = written(moved)
        files = [Calendar.from_ical(content) for content in (first, second, third)]
        assert [str(file["METHOD"]) for file in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
        events = [file.walk("VEVENT")[0] for file in files]
        assert len({str(event["UID"]) for event in events}) == 1
        assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 2]
        assert [str(event["STATUS"]) for event in events] == [
            "CONFIRMED",
            "CONFIRMED",
            "CANCELLED",
        ]
        assert len(events[0].walk("VALARM")) == 2
        assert not events[2].walk("VALARM")
        assert "TZID=Europe/Berlin" in first
        assert "BEGIN:VTIMEZONE" in first
        assert all(len(line.encode()) <= 75 for line in first.split("\r\n"))


@pytest.mark.parametrize(
    "moment",
    [
        berlin(2026, 3, 29, 1, 30),
        berlin(2026, 3, 29, 3),
        berlin(2026, 10, 25, 2, 30),
        berlin(2026, 10, 25, 2, 30) + timedelta(hours=1),
        berlin(2027, 3, 28, 3),
        berlin(2027, 10, 31, 2) + timedelta(hours=1),
        berlin(2026, 7, 1, 9),
    ],
)
def test_two_libraries_read_the_same_instant(sqlite: Database, moment: datetime) -> None:
    with sqlite.transaction() as session:
        service = new_service(session, title={"en": "Ümläute, \\; \n and 相談 🍼" * 5})
        calendar = new_calendar(session, service, hours=((SUNDAY, 0, 1440), (2, 0, 1440)))
        person = new_person(session, now=NOW)
        earlier = moment - timedelta(days=2)
        row = book(session, service, slot_at(moment, calendar), person, now=earlier)
        card = presentation.card(row, CATALOGUES["en"])
        content = appointment_file(row, card, site_url=SITE.base_url, now=NOW)
        event = Calendar.from_ical(content).walk("VEVENT")[0]
        assert event.start == moment
        assert str(event["SUMMARY"]) == card.title
        other = vobject.readOne(content).vevent
        assert other.dtstart.value == moment
        assert other.summary.value == card.title
        # Written out again by either library it still means the same.
        again = vobject.readOne(vobject.readOne(content).serialize()).vevent
        assert again.dtstart.value == moment
        once_more = Calendar.from_ical(Calendar.from_ical(content).to_ical()).walk("VEVENT")[0]
        assert once_more.start == moment


def test_the_feed_names_nobody(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        row = booked_row(session)
        row.name, row.reach, row.subject, row.notes = "Anna Secret", "0711 999", "divorce", "note"
        content = feed_file([(row, "Advice")], name="Lotse", site_url=SITE.base_url, now=NOW)
        assert vobject.readOne(content).vevent.summary.value == "Advice"
        for secret in ("Anna", "999", "divorce", "note"):
            assert secret not in content


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        # An ordinary afternoon.
        ((2026, 11, 18, 14, 0), ["17.11. 14:00", "18.11. 12:00"]),
        # Two hours before is night, but the morning leaves an hour.
        ((2026, 11, 18, 9, 0), ["17.11. 09:00", "18.11. 08:00"]),
        # The morning would leave half an hour: the evening before.
        ((2026, 11, 18, 8, 30), ["17.11. 08:30", "17.11. 20:00"]),
        # A day before is late in the evening.
        ((2026, 11, 18, 22, 0), ["17.11. 20:00", "18.11. 20:00"]),
        # The clocks change between reminder and appointment: a day is 24 hours.
        ((2026, 3, 29, 14, 0), ["28.03. 13:00", "29.03. 12:00"]),
        ((2026, 10, 25, 14, 0), ["24.10. 15:00", "25.10. 12:00"]),
        ((2027, 3, 28, 9, 0), ["28.03. 08:00", "27.03. 08:00"]),
        ((2027, 10, 31, 9, 0), ["30.10. 10:00", "31.10. 08:00"]),
    ],
)
def test_reminders_come_at_the_right_moment_and_never_at_night(
    starts: tuple[int, ...], expected: list[str]
) -> None:
    due = reminders.due_times(berlin(*starts), BERLIN)
    shown = [f"{reminder.due_at.astimezone(BERLIN):%d.%m. %H:%M}" for reminder in due]
    assert sorted(shown) == sorted(expected)


def test_moves_and_cancellations_by_a_counsellor_are_told_in_the_chat(database: Database) -> None:
    with database.transaction() as session:
        row = booked_row(session)
        new = booking.move(
            session,
            row.id,
            slot_at(TOMORROW_NINE + timedelta(hours=1), row.calendar),
            actor="account",
            now=NOW,
        )
        assert TELLER.moved(session, new, now=NOW, by_counsellor=True)
        booking.cancel(session, new.id, actor="account", now=NOW)
        assert TELLER.cancelled(session, new, now=NOW, by_counsellor=True)
        session.flush()
        told = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        texts = [row.content["text"] for row in told]
        assert texts[0].startswith("Your counsellor had to move")
        assert texts[1].startswith("Your counsellor had to cancel")
        assert told[1].content["documents"][0]["name"] == "cancelled.ics"
        new.conversation_id = None
        assert not TELLER.cancelled(session, new, now=NOW, by_counsellor=True)
