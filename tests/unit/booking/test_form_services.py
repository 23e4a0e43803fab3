"""The booking form where several services can be booked."""

from __future__ import annotations

from datetime import date

import pytest

from bot.booking import counselling
from bot.booking import service as booking
from bot.booking.draft import Meaning, Question, Stop
from bot.booking.form import BookingForm
from bot.booking.models import AppointmentState, Way
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.booking import new_calendar, new_service
from tests.support.booking_form import Person, booking_answers
from tests.support.talk import CATALOGUES

CAREER, RECOGNITION = "career", "recognition"


@pytest.fixture
def form(database: Database, clock: Clock) -> BookingForm:
    with database.transaction() as session:
        career = new_service(
            session,
            key=CAREER,
            title={"de": "Berufsberatung", "en": "Career advice", "uk": "Кар'єрна консультація"},
            maximum_child_age_months=36,
        )
        recognition = new_service(
            session,
            key=RECOGNITION,
            title={
                "de": "Beratung zur Anerkennung",
                "en": "Advice on recognition",
                "uk": "Консультація з визнання",
            },
            ways=[Way.PHONE.value],
        )
        new_calendar(session, career, languages=["de", "en"])
        new_calendar(session, recognition, languages=["de"])
    return BookingForm(database=database, clock=clock)


@pytest.fixture
def anna(database: Database, form: BookingForm) -> Person:
    return Person(database, form)


def test_which_one_is_asked_with_a_button_for_each(
    database: Database, clock: Clock, form: BookingForm, anna: Person
) -> None:
    assert anna.open() == list(Question)
    asked = form.question(anna.draft, Question.SERVICE)
    message = booking_answers(database, clock, CATALOGUES).question(asked, CATALOGUES["de"])
    titles = [button.title for button in message.buttons]
    assert titles[:2] == ["Berufsberatung", "Beratung zur Anerkennung"]


def test_a_button_chooses_and_only_what_is_open_is_asked(anna: Person) -> None:
    anna.presses(Question.SERVICE, RECOGNITION)
    # No age matters there, and there is one language and one way.
    assert anna.open() == [
        Question.SUBJECT,
        Question.TIME,
        Question.NAME,
        Question.CONTACT,
        Question.CONFIRMED,
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Berufsberatung", CAREER),
        ("die Beratung zur Anerkennung bitte", RECOGNITION),
        ("Anerkennungsberatung", RECOGNITION),
        ("my career", CAREER),
        ("recognition", RECOGNITION),
        ("визнання диплома", RECOGNITION),
        ("кар'єра", CAREER),
    ],
)
def test_words_of_a_title_choose_whatever_the_engine_takes_them_for(
    anna: Person, text: str, key: str
) -> None:
    anna.says(Question.SERVICE, text, meaning=Meaning.SOMETHING_ELSE, sure=True, topic=True)
    assert anna.draft.answer(Question.SERVICE) == key


@pytest.mark.parametrize("text", ["Beratung", "advice", "beide: Beruf und Anerkennung", "hm"])
def test_words_that_choose_none_or_both_are_asked_again(anna: Person, text: str) -> None:
    anna.says(Question.SERVICE, text)
    assert anna.draft.answer(Question.SERVICE) is None
    assert anna.notes == ["not_understood"]


def test_a_question_about_one_of_them_chooses_nothing(anna: Person) -> None:
    said = {"meaning": Meaning.SOMETHING_ELSE, "sure": True}
    assert anna.says(Question.SERVICE, "Was ist die Beratung zur Anerkennung?", **said) is None
    assert anna.draft.answer(Question.SERVICE) is None


def test_wishes_of_the_first_message_hold_for_the_service_chosen_later(anna: Person) -> None:
    anna.begin(text="Termin am 20.11.2026", daytimes=("morning",))
    anna.presses(Question.SERVICE, CAREER)
    assert anna.draft.wishes.from_day == date(2026, 11, 20)
    assert anna.draft.wishes.latest == 12 * 60


def test_another_service_begins_anew_and_lets_the_time_go(database: Database, anna: Person) -> None:
    anna.presses(Question.SERVICE, CAREER)
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[0])
    held = str(anna.draft.answer(Question.TIME))
    anna.presses(Question.SERVICE, CAREER)
    assert anna.draft.answer(Question.TIME) == held
    anna.presses(Question.SERVICE, RECOGNITION)
    assert anna.draft.answer(Question.TIME) is None
    assert anna.draft.answer(Question.WAY) == Way.PHONE.value
    with database.reading() as session:
        assert booking.get(session, held).state == AppointmentState.EXPIRED


def test_who_has_an_appointment_of_one_can_book_the_other(anna: Person) -> None:
    anna.presses(Question.SERVICE, CAREER)
    anna.up_to_the_times()
    anna.presses(Question.TIME, anna.times()[0])
    anna.says(Question.NAME, "Anna")
    anna.presses(Question.CONFIRMED, "yes")
    assert anna.draft.answer(Question.CONFIRMED)

    anna.begin()
    anna.presses(Question.SERVICE, CAREER)
    assert anna.draft.stop == Stop.ALREADY_BOOKED
    anna.begin()
    anna.presses(Question.SERVICE, RECOGNITION)
    assert anna.draft.stop is None
    assert anna.times()


def test_a_service_that_is_given_no_more_does_not_become_the_other_one(
    database: Database, anna: Person
) -> None:
    anna.presses(Question.SERVICE, CAREER)
    with database.transaction() as session:
        counselling.by_key(session, CAREER).active = False
    anna.presses(Question.SUBJECT, "work")
    assert anna.draft.stop == Stop.LEFT
