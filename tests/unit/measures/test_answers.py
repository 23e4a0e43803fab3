"""Answers made of offers: pages, buttons, and what is said around them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from babel import Locale

from bot.buttons import ways_on
from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import FIRST_STRONG_ISOLATE
from bot.measures.answers import PAGE_SIZE, MeasureAnswers
from bot.measures.models import Measure, Status
from bot.measures.search import Wishes
from bot.measures.topics import Topic, topic_name
from bot.measures.wish_names import wish_names
from bot.messages import Card, OutgoingMessage
from tests.conftest import Clock
from tests.support.fakes import FakeMeanings
from tests.support.measures import all_measures, import_starter_measures, new_measure
from tests.support.talk import CATALOGUES

ENGLISH = CATALOGUES["en"]


@pytest.fixture
def answers(sqlite: Database, clock: Clock) -> MeasureAnswers:
    return MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)


@pytest.fixture
def ids(sqlite: Database) -> list[str]:
    """Eight offers of German courses."""
    with sqlite.transaction() as session:
        return [new_measure(session, title=f"Course {number}").id for number in range(1, 9)]


def page(ids: list[str], *, position: int = 0, total: int | None = None, **more: Any) -> Any:
    """What an action describes of one page of a search."""
    return {
        "topic": "language_course",
        "ids": ids[position : position + PAGE_SIZE],
        "total": len(ids) if total is None else total,
        "position": position,
        "wishes": {},
        "unconfirmed": [],
        **more,
    }


def titles(message: OutgoingMessage) -> list[str]:
    return [button.title for button in message.buttons]


def ways(language: str = "en") -> list[str]:
    return [button.title for button in ways_on(CATALOGUES[language])]


# Pages


def test_the_first_page_shows_the_best_offers(answers: MeasureAnswers, ids: list[str]) -> None:
    message = answers.offers(page(ids), ENGLISH)
    assert message.text == "German courses: I have found 8 offers. The best matches first:"
    assert [card.title for card in message.cards] == [
        f"{number}. Course {number} (en)" for number in (1, 2, 3)
    ]
    assert titles(message) == ["Details 1", "Details 2", "Details 3", "More offers", *ways()]


def test_a_later_page_says_where_it_is(answers: MeasureAnswers, ids: list[str]) -> None:
    message = answers.offers(page(ids, position=3), ENGLISH)
    assert message.text == "German courses: offers 4 to 6 of 8"
    assert [card.title for card in message.cards] == [
        "1. Course 4 (en)",
        "2. Course 5 (en)",
        "3. Course 6 (en)",
    ]
    assert "More offers" in titles(message)


def test_the_last_page_offers_no_more(answers: MeasureAnswers, ids: list[str]) -> None:
    message = answers.offers(page(ids, position=6), ENGLISH)
    assert message.text == "German courses: offers 7 to 8 of 8"
    assert titles(message) == ["Details 1", "Details 2", *ways()]


def test_after_the_last_page_there_is_nothing_more(answers: MeasureAnswers, ids: list[str]) -> None:
    message = answers.offers(page(ids, position=9), ENGLISH)
    assert message.text == "German courses: I have no more offers."
    assert (message.cards, titles(message)) == ((), ways())


def test_nothing_found_leaves_a_way_on(answers: MeasureAnswers) -> None:
    message = answers.offers(page([]), ENGLISH)
    assert message.text == "German courses: I have found no offer that fits."
    assert (message.cards, titles(message)) == ((), ways())


def test_pages_together_show_every_offer_once(answers: MeasureAnswers, ids: list[str]) -> None:
    shown = [
        button.payload["entities"]["measure"]
        for position in range(0, 9, PAGE_SIZE)
        for button in answers.offers(page(ids, position=position), ENGLISH).buttons
        if "entities" in button.payload
    ]
    assert shown == ids


def test_buttons_mean_what_the_engine_understands(answers: MeasureAnswers, ids: list[str]) -> None:
    buttons = answers.offers(page(ids), ENGLISH).buttons
    assert [button.payload for button in buttons] == [
        *({"intent": "inform", "entities": {"measure": id_}} for id_ in ids[:3]),
        {"intent": "more_results"},
        {"intent": "help"},
        {"intent": "request_human"},
    ]


def test_an_offer_withdrawn_meanwhile_is_left_out(
    answers: MeasureAnswers, sqlite: Database, ids: list[str]
) -> None:
    with sqlite.transaction() as session:
        session.get_one(Measure, ids[1]).status = Status.ARCHIVED.value
    message = answers.offers(page(ids), ENGLISH)
    assert [card.title for card in message.cards] == ["1. Course 1 (en)", "2. Course 3 (en)"]


# Details


def test_details_show_all_that_is_known(answers: MeasureAnswers, sqlite: Database) -> None:
    with sqlite.transaction() as session:
        offer = new_measure(session, title="Course", languages=["tr"]).id
    message = answers.details(offer, ENGLISH)
    [shown] = message.cards
    assert shown.title == "Course (en)"
    assert "Turkish" in [line.value for line in shown.lines]
    assert titles(message) == ["Is something wrong here?", *ways()]
    assert message.buttons[0].payload["entities"] == {"correct": offer}


@pytest.mark.parametrize("status", [Status.ARCHIVED, Status.DRAFT])
def test_details_of_an_offer_no_longer_shown(
    answers: MeasureAnswers, sqlite: Database, status: Status
) -> None:
    with sqlite.transaction() as session:
        offer = new_measure(session, status=status.value).id
    message = answers.details(offer, ENGLISH)
    assert message.text == "This offer is no longer in my list."
    assert (message.cards, titles(message)) == ((), ways())


@pytest.mark.parametrize("measure_id", ["", "no-such-id", "'; DROP TABLE measure"])
def test_details_of_an_offer_never_known(answers: MeasureAnswers, measure_id: str) -> None:
    assert answers.details(measure_id, ENGLISH).text == "This offer is no longer in my list."


# How old facts may be


def test_one_span_governs_warnings_and_order(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        checked = clock().date()
        older = new_measure(session, title="A", assured_date=checked - timedelta(days=20)).id
        newer = new_measure(session, title="A", assured_date=checked - timedelta(days=5)).id

    def asked(days: int) -> tuple[tuple[str, ...], list[bool], list[bool]]:
        answers = MeasureAnswers(
            database=sqlite,
            meanings=FakeMeanings(),
            clock=clock,
            stale_after=timedelta(days=days),
        )
        found = answers.find(topic=Topic.LANGUAGE_COURSE, wishes=Wishes(), text="").ids
        short = answers.offers(page([older, newer]), ENGLISH).cards
        whole = [answers.details(one, ENGLISH).cards[0] for one in (older, newer)]
        return found, [warns(card) for card in short], [warns(card) for card in whole]

    assert asked(30) == ((older, newer), [False, False], [False, False])
    assert asked(10) == ((newer, older), [True, False], [True, False])
    assert asked(1) == ((older, newer), [True, True], [True, True])


def warns(card: Card) -> bool:
    return any(line.kind == "note" for line in card.lines)


# Wishes in words


def test_wishes_are_said_back(answers: MeasureAnswers, ids: list[str]) -> None:
    wishes = {"german_level": "B1", "time_of_day": ["evening"], "childcare": True}
    message = answers.offers(page(ids, wishes=wishes, unconfirmed=["childcare"]), ENGLISH)
    assert message.text.split("\n")[1:] == [
        "You are looking for: level B1, in the evening, and with childcare.",
        "The sources do not say this: with childcare. Please ask there.",
    ]


ALL_WISHES: dict[str, Any] = {
    "german_level": "B1",
    "district": "Feuerbach",
    "child_age_months": 30,
    "time_of_day": ["morning", "weekend"],
    "weekday": ["mo", "tu", "we", "th", "fr", "sa", "su"],
    "open_now": True,
    "format": "online",
    "language": "tr",
    "audience": "women",
    "childcare": True,
    "free_of_charge": True,
}


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_wish_has_words_in_every_language(language: str) -> None:
    names = wish_names(ALL_WISHES, CATALOGUES[language])
    assert list(names) == list(ALL_WISHES) == list(Wishes(**ALL_WISHES).named())
    assert all(names.values())
    if language != "en":
        same = set(names.items()) & set(wish_names(ALL_WISHES, ENGLISH).items())
        # Names and words that two languages share.
        assert {name for name, _ in same} <= {"district", "format"}


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (0, "child of 0 months"),
        (1, "child of 1 month"),
        (23, "child of 23 months"),
        (24, "child of 2 years"),
        (35, "child of 2 years"),
        (120, "child of 10 years"),
    ],
)
def test_a_childs_age_is_said_in_months_then_in_years(months: int, words: str) -> None:
    assert wish_names({"child_age_months": months}, ENGLISH) == {"child_age_months": words}


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (["mo"], "on Mondays"),
        (["mo", "we"], "on Mondays or on Wednesdays"),
        (["mo", "tu", "we", "th", "fr"], "on weekdays"),
    ],
)
def test_days_are_said_as_they_are_said(days: list[str], words: str) -> None:
    assert wish_names({"weekday": days}, ENGLISH) == {"weekday": words}


@pytest.mark.parametrize("shape", ["online", "in_person"])
def test_every_form_has_words(shape: str) -> None:
    assert wish_names({"format": shape}, ENGLISH)["format"] in ("online", "on site")


# Plural forms

NUMBERS = (1, 2, 5, 11, 100)


def introduction(answers: MeasureAnswers, ids: list[str], language: str, number: int) -> str:
    message = answers.offers(page(ids[:1], total=number), CATALOGUES[language])
    return re.sub("[\u2068\u2069]", "", message.text)


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_numbers_take_the_plural_form_that_the_language_asks_for(
    answers: MeasureAnswers, ids: list[str], language: str
) -> None:
    wording: dict[str, set[str]] = {}
    for number in NUMBERS:
        text = introduction(answers, ids, language, number)
        assert text.startswith(topic_name(Topic.LANGUAGE_COURSE, CATALOGUES[language]))
        # Arabic says "one offer" and "two offers" without a number.
        assert str(number) in text or (language == "ar" and number < 3)
        category = Locale(language).plural_form(number)
        wording.setdefault(category, set()).add(text.replace(str(number), "#"))
    assert all(len(texts) == 1 for texts in wording.values())
    # Turkish and Persian do not change the noun after a number.
    different = 1 if language in ("tr", "fa") else len(wording)
    assert len({text for texts in wording.values() for text in texts}) == different


@pytest.mark.parametrize(
    ("language", "categories"),
    [
        ("de", ["one", "other", "other", "other", "other"]),
        ("uk", ["one", "few", "many", "many", "many"]),
        ("ar", ["one", "two", "few", "many", "other"]),
    ],
)
def test_the_numbers_tried_cover_the_forms(language: str, categories: list[str]) -> None:
    assert [Locale(language).plural_form(number) for number in NUMBERS] == categories


def test_numbers_and_names_in_arabic_keep_their_own_direction(
    answers: MeasureAnswers, ids: list[str]
) -> None:
    message = answers.offers(page(ids), CATALOGUES["ar"])
    assert f"{FIRST_STRONG_ISOLATE}8" in message.text
    assert message.language == "ar"


# The real data


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_topic_can_be_answered_with_real_offers(
    sqlite: Database, answers: MeasureAnswers, language: str
) -> None:
    import_starter_measures(sqlite)
    sources = {measure.id: measure.source_url for measure in all_measures(sqlite)}
    for topic in Topic:
        found = answers.find(topic=topic, wishes=Wishes(), text="help")
        message = answers.offers(page(list(found.ids), topic=topic.value), CATALOGUES[language])
        assert [card.source_url for card in message.cards] == [
            sources[measure_id] for measure_id in found.ids[:PAGE_SIZE]
        ]
        assert message.cards
        assert all(card.source_label for card in message.cards)
        assert OutgoingMessage.from_data(message.to_data()) == message
