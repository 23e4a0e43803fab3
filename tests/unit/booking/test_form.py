"""The booking form on a real database: what odd, hostile and late messages make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.booking import service as booking
from bot.booking.availability import Slot
from bot.booking.draft import (
    GIVEN,
    Draft,
    Meaning,
    Question,
    Said,
    Stop,
    named_slot,
    slot_name,
)
from bot.booking.errors import AppointmentNotFoundError
from bot.booking.form import BookingForm
from bot.booking.models import Appointment, AppointmentState, Way
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.booking import new_calendar, new_service
from tests.support.booking_form import Person

NUMBER = "0711 1234567"
NOW = Clock().now


@pytest.fixture
def form(database: Database, clock: Clock) -> BookingForm:
    with database.transaction() as session:
        service = new_service(session, maximum_child_age_months=36)
        new_calendar(session, service, languages=["de", "en"])
    return BookingForm(database=database, clock=clock)


@pytest.fixture
def anna(database: Database, form: BookingForm) -> Person:
    return Person(database, form)


def appointment(database: Database, key: str) -> Appointment:
    with database.reading() as session:
        return booking.get(session, key)


def test_the_whole_way(database: Database, anna: Person) -> None:
    anna.up_to_the_times("phone")
    anna.presses(Question.TIME, anna.times()[1])
    anna.says(Question.NAME, "  Anna\n Maria ")
    anna.says(Question.CONTACT, NUMBER)
    assert anna.open() == [Question.CONFIRMED]
    anna.says(Question.CONFIRMED, "yes", meaning=Meaning.YES)
    row = appointment(database, str(anna.draft.answer(Question.CONFIRMED)))
    assert (row.state, row.name, row.reach) == (AppointmentState.BOOKED, "Anna Maria", NUMBER)
    assert (row.way, row.language, row.subject) == (Way.PHONE, "de", "work")


def test_the_same_yes_again_books_nothing_more(database: Database, anna: Person) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    anna.presses(Question.NAME, "skip")
    before = anna.draft
    anna.presses(Question.CONFIRMED, "yes")
    first = anna.draft.answer(Question.CONFIRMED)
    anna.draft = before
    anna.presses(Question.CONFIRMED, "yes")
    assert anna.draft.answer(Question.CONFIRMED) == first


def test_the_engine_keeps_no_name_and_no_number(anna: Person) -> None:
    anna.up_to_the_times("phone")
    anna.presses(Question.TIME, anna.times()[2])
    anna.says(Question.NAME, "Anna")
    anna.says(Question.CONTACT, NUMBER)
    assert "Anna" not in str(anna.draft.to_slots())
    assert NUMBER not in str(anna.draft.to_slots())
    again = Draft.from_slots(anna.draft.to_slots())
    assert again is not None
    assert again.to_slots() == anna.draft.to_slots()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("-3", "impossible_age"),
        ("300 years", "impossible_age"),
        ("30.02.2025", "impossible_age"),
        ("banana", "not_understood"),
    ],
)
def test_an_age_that_nobody_has(anna: Person, text: str, note: str) -> None:
    anna.says(Question.CHILD, text)
    assert anna.notes == [note]
    assert anna.draft.answer(Question.CHILD) is None


def test_the_limit_of_age_is_exact(anna: Person) -> None:
    anna.says(Question.CHILD, "36 months", ages=(36,))
    assert anna.draft.stop is None
    assert anna.draft.answer(Question.CHILD) is not None
    anna.draft = anna.draft.answered(booking_child=None)
    anna.says(Question.CHILD, "37 months", ages=(37,))
    assert anna.draft.stop == Stop.TOO_OLD


def test_months_or_years_is_asked(anna: Person) -> None:
    anna.says(Question.CHILD, "2")
    assert (anna.notes, anna.draft.number) == (["months_or_years"], 2)
    anna.presses(Question.CHILD, "24")
    assert anna.draft.answer(Question.CHILD) is not None


@pytest.mark.parametrize(
    ("text", "note"),
    [("30.2.", "no_such_day"), ("1.11.2026", "past"), ("banana", "not_understood")],
)
def test_a_day_that_cannot_be_had(anna: Person, text: str, note: str) -> None:
    anna.up_to_the_times()
    anna.says(Question.TIME, text)
    assert anna.notes == [note]
    assert anna.draft.answer(Question.TIME) is None


def test_a_day_without_a_free_time_leads_to_the_nearest(anna: Person) -> None:
    anna.up_to_the_times()
    anna.says(Question.TIME, "29.11.2026 10:00")
    assert anna.notes == ["nothing_then"]
    days = {
        slot.starts_at.date().isoformat() for name in anna.times() if (slot := named_slot(name))
    }
    assert days <= {"2026-11-27", "2026-11-30"}


def test_a_huge_name_is_refused_and_nothing_lost(anna: Person) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    held = anna.draft.answer(Question.TIME)
    for name in ("x" * 10_000, "one two three four five six seven", "12345", "?"):
        anna.says(Question.NAME, name)
        assert anna.draft.answer(Question.NAME) is None
        assert anna.draft.answer(Question.TIME) == held


@pytest.mark.parametrize(
    ("text", "kept"),
    [("Anna", "Anna"), ("Nein", ""), ("das will ich dir nun wirklich lieber nicht sagen", "")],
)
def test_a_name_that_the_engine_takes_for_a_no_is_kept(
    database: Database, anna: Person, text: str, kept: str
) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[0])
    anna.says(Question.NAME, text, meaning=Meaning.NO, sure=True)
    assert anna.open() == [Question.CONFIRMED]
    assert appointment(database, str(anna.draft.answer(Question.TIME))).name == kept


@pytest.mark.parametrize("text", ["بدون اسم", "без имени", "fără nume", "Ohne Namen, danke"])
def test_no_name_is_kept_whatever_the_engine_takes_it_for(
    database: Database, anna: Person, text: str
) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[0])
    for meaning in (Meaning.UNCLEAR, Meaning.SOMETHING_ELSE, Meaning.YES):
        anna.draft = anna.draft.answered(booking_name=None)
        anna.says(Question.NAME, text, meaning=meaning, sure=True)
        assert anna.open() == [Question.CONFIRMED]
        assert appointment(database, str(anna.draft.answer(Question.TIME))).name == ""


def test_a_no_that_tells_the_age_does_not_end_the_form(anna: Person) -> None:
    anna.presses(Question.SUBJECT, "work")
    anna.says(Question.CHILD, "nein, sie ist schon zwei", meaning=Meaning.NO, sure=True, ages=(24,))
    assert (anna.draft.stop, anna.draft.answer(Question.CHILD)) == (None, GIVEN)


def test_two_forms_of_one_person_hold_one_time(database: Database, anna: Person) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    first = str(anna.draft.answer(Question.TIME))
    old = anna.draft
    anna.begin()
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[3])
    assert appointment(database, first).state == AppointmentState.EXPIRED
    anna.presses(Question.NAME, "skip", form=old.form)
    assert anna.notes == ["old_button"]
    assert anna.draft.answer(Question.NAME) is None


def test_a_time_made_up_is_not_given(database: Database, clock: Clock, anna: Person) -> None:
    anna.up_to_the_times()
    real = named_slot(anna.times()[2])
    assert real is not None
    night = replace(real, starts_at=clock() - timedelta(days=1), ends_at=clock())
    far = Slot(real.starts_at, real.ends_at, 9_999)
    for name in ("nonsense", "||", slot_name(night), slot_name(far)):
        anna.presses(Question.TIME, name)
        assert anna.draft.answer(Question.TIME) is None


def test_a_hold_that_ran_out_is_taken_up_again(
    database: Database, clock: Clock, anna: Person
) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    anna.says(Question.NAME, "Anna")
    clock.advance(30 * 60)
    anna.presses(Question.CONFIRMED, "yes")
    row = appointment(database, str(anna.draft.answer(Question.CONFIRMED)))
    assert (row.state, row.name) == (AppointmentState.BOOKED, "Anna")


def test_a_hold_that_ran_out_may_be_somebody_elses(
    database: Database, clock: Clock, form: BookingForm, anna: Person
) -> None:
    anna.up_to_the_times()
    wanted = anna.times()[2]
    anna.presses(Question.TIME, wanted)
    clock.advance(11 * 60)
    ben = Person(database, form)
    ben.up_to_the_times()
    ben.presses(Question.TIME, wanted)
    anna.presses(Question.CONFIRMED, "yes")
    assert anna.notes == ["taken"]
    assert anna.draft.answer(Question.TIME) is None
    assert wanted not in anna.times()


def test_nobody_moves_anothers_appointment(
    database: Database, form: BookingForm, anna: Person
) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    anna.presses(Question.NAME, "skip")
    anna.presses(Question.CONFIRMED, "yes")
    booked = str(anna.draft.answer(Question.CONFIRMED))
    ben = Person(database, form)
    with pytest.raises(AppointmentNotFoundError):
        form.begin_move(ben.conversation, booked, Said(message_id="1"))
    assert anna.begin().stop == Stop.ALREADY_BOOKED


def test_leaving_lets_the_time_go(database: Database, form: BookingForm, anna: Person) -> None:
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[2])
    held = str(anna.draft.answer(Question.TIME))
    anna.says(Question.NAME, "stop", meaning=Meaning.LEAVE, sure=True)
    assert anna.draft.stop == Stop.LEFT
    form.leave(anna.conversation, anna.draft)
    assert appointment(database, held).state == AppointmentState.EXPIRED


def test_what_is_no_answer_interrupts(anna: Person) -> None:
    anna.up_to_the_times()
    said = {"meaning": Meaning.SOMETHING_ELSE, "sure": True, "topic": True}
    assert anna.says(Question.TIME, "where can I find a flat", **said) is None
    assert anna.says(Question.SUBJECT, "where can I find a flat?", **said) is None
    # What the advice is about may well be a topic.
    assert anna.says(Question.SUBJECT, "I look for work", **said) is not None


def test_a_form_knows_what_the_first_message_says(anna: Person) -> None:
    draft = anna.begin(
        text="appointment on Thursday, my baby is 7 months",
        ages=(7,),
        daytimes=("morning",),
        ways=("in_person",),
    )
    assert draft.answer(Question.CHILD) is not None
    assert draft.answer(Question.WAY) == "place"
    assert (draft.wishes.weekdays, draft.wishes.latest) == ((3,), 12 * 60)
