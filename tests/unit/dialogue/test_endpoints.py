"""What the engine calls: with a token only, honest when something fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection
from structlog.testing import capture_logs

from actions import all_actions
from bot.db.session import Database
from bot.dialogue.endpoints import create_app
from bot.dialogue.responses import Responses
from bot.measures.answers import MeasureAnswers
from tests.conftest import Clock
from tests.support.booking_form import booking_of
from tests.support.fakes import FakeMeanings
from tests.support.measures import new_measure
from tests.support.talk import CATALOGUES

TOKEN = "a-token"
SECRET_WORDS = "what the person wrote"


class Greets(Action):
    def name(self) -> str:
        return "action_greets"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Any:
        dispatcher.utter_message(text=f"hello {tracker.sender_id}")
        return [SlotSet("greeted", True)]


class Fails(Action):
    def name(self) -> str:
        return "action_fails"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Any:
        raise ValueError(SECRET_WORDS)


class Rejects(Action):
    def name(self) -> str:
        return "action_rejects"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Any:
        raise ActionExecutionRejection("action_rejects")


def client(actions: list[Action], token: str = TOKEN) -> httpx.AsyncClient:
    app = create_app(responses=Responses(CATALOGUES), actions=actions, token=TOKEN)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://lotse.test",
        headers={"Authorization": f"Bearer {token}"},
    )


@pytest.fixture
async def engine() -> AsyncIterator[httpx.AsyncClient]:
    """The engine's side."""
    async with client([Greets(), Fails(), Rejects()]) as http:
        yield http


def call(action: str, **message: Any) -> dict[str, Any]:
    """What Rasa sends to have an action run."""
    latest = {"text": "", "intent": {"name": None}, "entities": [], **message}
    tracker = {"sender_id": "conversation-1", "slots": {}, "latest_message": latest, "events": []}
    return {"next_action": action, "sender_id": "conversation-1", "tracker": tracker}


# Actions


async def test_an_action_runs(engine: httpx.AsyncClient) -> None:
    response = await engine.post("/actions", json=call("action_greets"))
    assert response.status_code == 200
    body = response.json()
    assert [one["text"] for one in body["responses"]] == ["hello conversation-1"]
    assert [(one["event"], one["name"], one["value"]) for one in body["events"]] == [
        ("slot", "greeted", True)
    ]


async def test_an_unknown_action_is_not_found(engine: httpx.AsyncClient) -> None:
    response = await engine.post("/actions", json=call("action_unknown"))
    assert response.status_code == 404
    assert response.json()["action_name"] == "action_unknown"


async def test_an_action_may_reject(engine: httpx.AsyncClient) -> None:
    response = await engine.post("/actions", json=call("action_rejects"))
    assert response.status_code == 400
    assert response.json()["action_name"] == "action_rejects"


async def test_a_failing_action_tells_nobody_what_was_written(
    engine: httpx.AsyncClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with capture_logs() as logs:
        response = await engine.post("/actions", json=call("action_fails", text=SECRET_WORDS))
    assert response.status_code == 500
    assert logs == [
        {
            "event": "action.failed",
            "log_level": "error",
            "action": "action_fails",
            "error": "ValueError",
        }
    ]
    written = "".join((*capfd.readouterr(), caplog.text, response.text))
    assert SECRET_WORDS not in written


@pytest.mark.parametrize("path", ["/actions", "/responses"])
@pytest.mark.parametrize("token", ["", "another", TOKEN + "x", "ä"])
async def test_nothing_is_done_without_the_token(path: str, token: str) -> None:
    async with client([Greets()]) as http:
        headers = {"Authorization": f"Bearer {token}".encode()}
        response = await http.post(path, json=call("action_greets"), headers=headers)
        bare = await http.post(path, json=call("action_greets"), headers={"Authorization": ""})
    assert (response.status_code, bare.status_code) == (401, 401)
    assert response.json() == {"error": "unauthorised"}


# Responses


@pytest.mark.parametrize(
    ("language", "expected"), [("de", "de"), ("tr", "tr"), ("xx", "en"), (None, "en")]
)
async def test_a_response_is_in_the_language_of_the_message(
    engine: httpx.AsyncClient, language: str | None, expected: str
) -> None:
    tracker = {"latest_message": {"metadata": {"language": language}}}
    body = {"response": "utter_greet", "arguments": {}, "tracker": tracker, "channel": {}}
    response = await engine.post("/responses", json=body)
    assert response.status_code == 200
    assert response.json() == Responses(CATALOGUES).render("utter_greet", expected, {})


async def test_a_response_without_a_conversation_is_in_english(
    engine: httpx.AsyncClient,
) -> None:
    response = await engine.post("/responses", json={"response": "utter_greet"})
    assert response.json()["text"].startswith("Hello!")


async def test_an_unknown_response_is_not_found(engine: httpx.AsyncClient) -> None:
    response = await engine.post("/responses", json={"response": "utter_nothing"})
    assert response.status_code == 404


# The product's own actions


@pytest.fixture
async def product(sqlite: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    with sqlite.transaction() as session:
        for number in range(1, 6):
            new_measure(session, title=f"Course {number}", levels=["B1"] if number == 5 else [])
    measures = MeasureAnswers(database=sqlite, meanings=FakeMeanings(), clock=clock)
    async with client(all_actions(measures, booking_of(sqlite, clock))) as http:
        yield http


class Dialogue:
    """Runs actions one after the other and keeps the slots, as Rasa does."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.slots: dict[str, Any] = {}

    async def run(
        self, action: str, intent: str = "", text: str = "", native_text: str = "", **entities: Any
    ) -> Any:
        """What the action described."""
        found = [
            {"entity": name, "value": value}
            for name, values in entities.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        understood = {"name": intent, "confidence": 0.9}
        body = call(
            action, text=text, intent=understood, intent_ranking=[understood], entities=found
        )
        if native_text:
            body["tracker"]["latest_message"]["native_text"] = native_text
        body["tracker"]["slots"] = self.slots
        response = await self._http.post("/actions", json=body)
        assert response.status_code == 200, response.text
        answer = response.json()
        for event in answer["events"]:
            self.slots[event["name"]] = event["value"]
        [said] = answer["responses"]
        return said["custom"]


@pytest.fixture
def dialogue(product: httpx.AsyncClient) -> Dialogue:
    return Dialogue(product)


async def test_a_search_is_described_and_can_be_paged(dialogue: Dialogue) -> None:
    first = await dialogue.run("action_search_measures", "ask_language_course", "German course")
    offers = first["offers"]
    assert (offers["topic"], offers["total"], offers["position"]) == ("language_course", 5, 0)
    assert (len(offers["ids"]), offers["wishes"]) == (3, {})
    second = await dialogue.run("action_more_measures", "more_results", "more")
    assert (len(second["offers"]["ids"]), second["offers"]["position"]) == (2, 3)
    third = await dialogue.run("action_more_measures", "more_results", "more")
    assert (third["offers"]["ids"], third["offers"]["position"]) == ([], 6)
    shown = offers["ids"] + second["offers"]["ids"]
    assert len(set(shown)) == 5


async def test_offers_are_searched_for_in_the_letters_of_their_language(
    dialogue: Dialogue,
) -> None:
    await dialogue.run(
        "action_search_measures", "ask_language_course", "kursy nimetskoyi", "курси німецької"
    )
    assert dialogue.slots["search"]["text"] == "курси німецької"
    await dialogue.run("action_refine_search", "inform", "vvecheri", "ввечері")
    assert dialogue.slots["search"]["text"] == "курси німецької ввечері"


async def test_wishes_are_read_and_added(dialogue: Dialogue) -> None:
    first = await dialogue.run(
        "action_search_measures", "ask_language_course", german_level="B1", childcare="yes"
    )
    assert first["offers"]["wishes"] == {"german_level": "B1", "childcare": True}
    second = await dialogue.run(
        "action_refine_search",
        "inform",
        time_of_day=["weekend", "evening", "evening"],
        child_age_months=30,
        german_level="A1",
    )
    assert second["offers"]["wishes"] == {
        "german_level": "A1",
        "childcare": True,
        "child_age_months": 30,
        "time_of_day": ["evening", "weekend"],
    }
    other = await dialogue.run("action_search_measures", "ask_job")
    assert other["offers"]["wishes"] == {}


@pytest.mark.parametrize(
    ("said", "wished"),
    [
        ({"weekday": ["we", "mo"]}, {"weekday": ["mo", "we"]}),
        # The clock stands on a Monday.
        ({"weekday": "today"}, {"weekday": ["mo"]}),
        ({"weekday": ["tomorrow", "tu", "fr"]}, {"weekday": ["tu", "fr"]}),
        (
            {"weekday": "sa", "time_of_day": ["weekend", "morning"]},
            {"weekday": ["sa"], "time_of_day": ["morning"]},
        ),
        ({"open_now": "yes"}, {"open_now": True}),
    ],
)
async def test_days_and_open_doors_are_wishes(
    dialogue: Dialogue, said: dict[str, Any], wished: dict[str, Any]
) -> None:
    first = await dialogue.run("action_search_measures", "ask_language_course", **said)
    assert first["offers"]["wishes"] == wished


async def test_the_day_of_an_interview_is_no_wish(dialogue: Dialogue) -> None:
    first = await dialogue.run("action_search_measures", "ask_job", "interview", weekday="th")
    assert first["offers"]["wishes"] == {}
    second = await dialogue.run("action_refine_search", "inform", "on Thursdays", weekday="th")
    assert second["offers"]["wishes"] == {"weekday": ["th"]}
    open_then = await dialogue.run(
        "action_search_measures", "ask_job", "open", weekday="th", open_now="yes"
    )
    assert open_then["offers"]["wishes"] == {"weekday": ["th"], "open_now": True}


async def test_an_offer_is_chosen_by_button(dialogue: Dialogue) -> None:
    assert await dialogue.run("action_refine_search", "inform", measure="m") == {"offer": "m"}


@pytest.mark.parametrize(
    ("action", "entities"),
    [("action_refine_search", {"german_level": "B1"}), ("action_more_measures", {})],
)
async def test_without_a_search_the_topic_is_asked_for(
    dialogue: Dialogue, action: str, entities: dict[str, Any]
) -> None:
    assert await dialogue.run(action, "inform", **entities) == {"ask_topic": True}


@pytest.mark.parametrize(
    ("action", "entities", "described"),
    [
        ("action_request_human", {}, {"handover": "asked"}),
        ("action_report_emergency", {}, {"emergency": True}),
        ("action_not_understood", {}, {"not_understood": True}),
        ("action_change_language", {"language": "tr"}, {"language": "tr"}),
        ("action_change_language", {}, {"language": None}),
    ],
)
async def test_the_other_actions_only_describe(
    dialogue: Dialogue, action: str, entities: dict[str, Any], described: dict[str, Any]
) -> None:
    assert await dialogue.run(action, "", **entities) == described
