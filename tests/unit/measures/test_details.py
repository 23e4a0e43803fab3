"""An offer's details: hours and map as the reader can use them, what to bring, open or closed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time

import numpy as np
import pytest

from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.measures.answers import MeasureAnswers
from bot.measures.details import map_link, opening_hours
from bot.measures.facts import RequiredDocument
from bot.measures.models import Kind, Measure
from bot.measures.places import Location, Schedule, ServiceAtLocation
from bot.measures.search import Wishes
from bot.measures.search.codes import Matrix, Vector
from bot.measures.topics import Topic
from bot.messages import Card
from tests.conftest import Clock
from tests.support.fakes import FakeMeanings
from tests.support.measures import make_findable, new_measure
from tests.support.talk import CATALOGUES

ENGLISH = CATALOGUES["en"]


def weekly(days: str, opens: int, closes: int) -> Schedule:
    return Schedule(
        freq="WEEKLY",
        byday=days,
        opens_at=time(opens),
        closes_at=time(closes),
        zone="Europe/Berlin",
        on_public_holidays=False,
    )


@pytest.fixture
def offer(sqlite: Database) -> str:
    """Open on weekdays from nine to twelve, on Thursday until six; at a place on the map."""
    with sqlite.transaction() as session:
        measure = new_measure(session, title="Advice", address="Example Street 1", city="Stuttgart")
        measure.schedules = [weekly("MO,TU,WE", 9, 12), weekly("TH", 14, 18)]
        measure.required_documents = [RequiredDocument(document="passport")]
        location = Location(latitude=48.775, longitude=9.182)
        measure.places = [ServiceAtLocation(location=location)]
        return measure.id


def shown(sqlite: Database, clock: Clock, offer: str, language: str = "en") -> Card:
    answers = MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)
    [card] = answers.details(offer, CATALOGUES[language]).cards
    return card


def values(card: Card, label: str) -> list[str]:
    return [line.value for line in card.lines if line.label == label]


def test_hours_stand_in_the_readers_format(sqlite: Database, clock: Clock, offer: str) -> None:
    english = values(shown(sqlite, clock, offer), "Opening hours")
    plain = [hours.translate({0x202F: " ", 0x2009: None}) for hours in english]
    assert plain == ["Mon, Tue, Wed 9:00 AM–12:00 PM; Thu 2:00–6:00 PM"]
    with sqlite.reading() as session:
        german = opening_hours(session.get_one(Measure, offer).schedules, CATALOGUES["de"])
    assert german == "Mo, Di, Mi 09:00–12:00 Uhr; Do 14:00–18:00 Uhr"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "Open now"),
        (datetime(2026, 11, 23, 11, 0, tzinfo=UTC), "Closed now"),
        (datetime(2026, 11, 29, 9, 0, tzinfo=UTC), "Closed now"),
    ],
)
def test_whether_it_is_open_is_said(
    sqlite: Database, clock: Clock, offer: str, moment: datetime, words: str
) -> None:
    clock.now = moment
    assert words in values(shown(sqlite, clock, offer), "")


def test_what_is_not_known_is_not_said(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        offer = new_measure(session).id
    labels = {line.label for line in shown(sqlite, clock, offer).lines}
    assert labels.isdisjoint({"Opening hours", "Map", "Please bring"})
    assert not {"Open now", "Closed now"} & set(values(shown(sqlite, clock, offer), ""))


def test_papers_and_map_are_named(sqlite: Database, clock: Clock, offer: str) -> None:
    card = shown(sqlite, clock, offer)
    assert values(card, "Please bring") == ["passport"]
    assert values(card, "Map")[0].startswith("https://www.openstreetmap.org/?mlat=48.775000")


def test_an_address_is_looked_up_on_the_map(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        measure = new_measure(session, address="Königstraße 1; Hof", city="Stuttgart")
        assert map_link(measure).endswith("query=K%C3%B6nigstra%C3%9Fe+1%2C++Stuttgart")
        measure.city = ""
        assert map_link(measure) == ""


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_details_can_be_read_in_every_language(
    sqlite: Database, clock: Clock, offer: str, language: str
) -> None:
    card = shown(sqlite, clock, offer, language)
    assert len({line.value for line in card.lines}) == len(card.lines) >= 5


def test_a_guide_opens_an_answer_and_wishes_given_up_are_named(
    sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        guide = new_measure(session, kind=Kind.GUIDE.value, title="Who is entitled")
        guide.texts[0].description = long = "All children; " * 50
        guide_id = guide.id
        offers = [new_measure(session, title=f"Course {number}").id for number in (1, 2)]
    answers = MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)
    message = answers.offers(
        {
            "topic": "language_course",
            "ids": offers,
            "total": 2,
            "position": 0,
            "wishes": {"german_level": "B1", "format": "online"},
            "unconfirmed": [],
            "dropped": ["format"],
            "guide": guide_id,
        },
        ENGLISH,
    )
    assert [card.title for card in message.cards] == [
        "Who is entitled (en)",
        "1. Course 1 (en)",
        "2. Course 2 (en)",
    ]
    assert message.cards[0].body == long, "an explanation has no details to go on in"
    assert message.text.startswith("First a short explanation, then the offers.\n")
    assert "Nothing fits all of it. These offers do not meet this wish: online." in message.text
    removable = [
        button.payload["entities"]["without"]
        for button in message.buttons
        if "without" in button.payload.get("entities", {})
    ]
    assert removable == ["german_level", "format"]


class Likeness:
    """Vectors as near to every question as the number in a text says: "fits 0.4"."""

    name = "likeness"

    def query(self, text: str) -> Vector:
        return np.array([1, 0, 0, 0, 0, 0, 0, 0], dtype=np.float32)

    def passages(self, texts: Sequence[str]) -> Matrix:
        shares = [float(re.findall(r"0\.\d+", text)[0]) for text in texts]
        rows = [[share, (1 - share**2) ** 0.5, 0, 0, 0, 0, 0, 0] for share in shares]
        return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize(
    ("guide", "offer", "opens"),
    [
        (0.6, 0.5, True),
        # An offer with the same facts is about as near as the guide.
        (0.6, 0.65, True),
        # "What does an integration course cost?" is answered by the offer that tells it.
        (0.45, 0.68, False),
        (0.3, 0.1, False),
    ],
)
def test_a_guide_opens_an_answer_when_it_is_the_answer(
    sqlite: Database, clock: Clock, guide: float, offer: float, opens: bool
) -> None:
    with sqlite.transaction() as session:
        explained = new_measure(session, kind=Kind.GUIDE.value, title=f"fits {guide}")
        offered = new_measure(session, title=f"fits {offer}")
        make_findable(session, [explained, offered], Likeness())
        wanted = explained.id if opens else None
    answers = MeasureAnswers(database=sqlite, meanings=Likeness(), clock=clock)
    asked = {"topic": Topic.LANGUAGE_COURSE, "text": "What?"}
    found = answers.find(wishes=Wishes(), **asked)
    assert answers.guide(offers=found, **asked) == wanted
