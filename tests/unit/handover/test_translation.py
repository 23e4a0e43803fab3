"""The translation aid: marked, beside the original, off unless switched on, never in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.config import Settings
from bot.db.session import Database
from bot.handover import journal, service, translation
from bot.handover import texts as phrases
from bot.handover.journal import Actor
from bot.handover.models import EventKind
from bot.handover.translation import (
    LibreTranslate,
    TranslationRefusedError,
    TranslationUnavailableError,
)
from bot.i18n.texts import CONSOLE_DOMAIN, CONSOLE_LANGUAGES, Catalogues
from bot.workers.translation import TranslationWorker
from tests.conftest import Clock
from tests.support.fakes import shows
from tests.support.talk import CATALOGUES, Talk

KEY = "translation-key"
WEBER = Actor(name="Weber", id="account")


class Server:
    """A LibreTranslate server: takes what its API describes, and "translates" by marking."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        assert (request.method, request.url.path) == ("POST", "/translate")
        assert set(body) == {"q", "source", "target", "format", "api_key"}
        assert (body["format"], body["api_key"]) == ("text", KEY)
        self.asked.append((body["q"], body["source"], body["target"]))
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "no"})
        return httpx.Response(200, json={"translatedText": f"{body['target']}: {body['q']}"})


@pytest.fixture
def server() -> Server:
    return Server()


def translator(answer: Callable[[httpx.Request], httpx.Response]) -> LibreTranslate:
    return LibreTranslate("http://translate/", key=KEY, transport=httpx.MockTransport(answer))


@pytest.fixture
def aid(sqlite: Database, clock: Clock, server: Server) -> TranslationWorker:
    return TranslationWorker(
        database=sqlite,
        translator=translator(server),
        catalogues=CATALOGUES,
        texts=Catalogues(domain=CONSOLE_DOMAIN, languages=CONSOLE_LANGUAGES)["de"],
        clock=clock,
        changed=lambda: None,
    )


@pytest.fixture
async def talk(sqlite: Database, clock: Clock) -> Talk:
    talk = Talk(sqlite, clock, hint="uk")
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("я хочу поговорити з людиною")
    talk.new_replies()
    return talk


def lines(talk: Talk, kind: EventKind) -> list[Any]:
    with talk.database.reading() as session:
        events = journal.events(session, talk.handovers()[-1].id)
        return [event for event in events if event.kind == kind]


async def test_what_the_newcomer_writes_is_translated_once_beside_the_original(
    talk: Talk, aid: TranslationWorker, server: Server
) -> None:
    await talk.say("опалення не працює в моїй квартирі")
    await aid.look()
    await aid.look()
    assert server.asked == [("опалення не працює в моїй квартирі", "uk", "de")]
    [line] = lines(talk, EventKind.TRANSLATED)
    [message] = lines(talk, EventKind.MESSAGE)
    assert line.text == "de: опалення не працює в моїй квартирі"
    assert line.inbox_message_id == message.inbox_message_id


async def test_what_is_in_the_counsellors_language_is_not_translated(
    sqlite: Database, clock: Clock, aid: TranslationWorker, server: Server
) -> None:
    talk = Talk(sqlite, clock, hint="de")
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    await talk.say("ich möchte mit einem menschen sprechen")
    await talk.say("meine heizung ist seit montag kaputt")
    await aid.look()
    assert server.asked == []


async def test_a_reply_is_translated_sent_once_and_marked_with_the_original(
    talk: Talk, aid: TranslationWorker, server: Server
) -> None:
    number = talk.handovers()[0].id
    with talk.database.transaction() as session:
        translation.ask_for_translated_reply(
            session, number, text="Guten Tag", by=WEBER, now=talk.clock()
        )
    assert talk.new_replies() == []
    await aid.look()
    await aid.look()
    assert server.asked == [("Guten Tag", "de", "uk")]
    [reply] = talk.new_replies()
    assert reply == phrases.translated("uk: Guten Tag", CATALOGUES["uk"], original="Guten Tag")
    assert talk.handovers()[0].claimed_by == "Weber"


async def test_a_reply_that_cannot_be_translated_is_not_sent_and_the_counsellor_told(
    talk: Talk, aid: TranslationWorker, server: Server
) -> None:
    server.status = 400
    number = talk.handovers()[0].id
    with talk.database.transaction() as session:
        translation.ask_for_translated_reply(
            session, number, text="Guten Tag", by=WEBER, now=talk.clock()
        )
    await talk.say("опалення не працює в моїй квартирі")
    await aid.look()
    await aid.look()
    assert len(server.asked) == 2, "each once"
    assert talk.new_replies() == []
    [refused] = lines(talk, EventKind.REFUSED)
    assert "Guten Tag" in refused.text


async def test_while_the_server_is_away_originals_go_on_and_are_translated_later(
    talk: Talk, aid: TranslationWorker, server: Server
) -> None:
    server.status = 503
    await talk.say("опалення не працює в моїй квартирі")
    with pytest.raises(TranslationUnavailableError):
        await aid.look()
    assert len(lines(talk, EventKind.MESSAGE)) == 1
    server.status = 200
    await aid.look()
    assert len(lines(talk, EventKind.TRANSLATED)) == 1


async def test_what_the_bot_says_in_an_emergency_never_reaches_the_server(
    sqlite: Database, clock: Clock, aid: TranslationWorker, server: Server
) -> None:
    talk = Talk(sqlite, clock, hint="en")
    [answer] = await talk.say("my husband beats me")
    number = talk.handovers()[-1].id
    with sqlite.transaction() as session:
        service.close(session, number, by=WEBER, catalogues=CATALOGUES, now=clock())
    await aid.look()
    assert all(answer.text not in text for text, _, _ in server.asked)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"translatedText": " "}), TranslationRefusedError),
        (httpx.Response(200, json=[]), TranslationRefusedError),
        (httpx.Response(200, content=b"<html>"), TranslationRefusedError),
        (httpx.Response(403, json={"error": "key"}), TranslationRefusedError),
        (httpx.Response(429), TranslationUnavailableError),
        (httpx.Response(500), TranslationUnavailableError),
    ],
)
async def test_odd_answers_are_told_apart(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        await translator(lambda _: answer).translate("x", source="uk", target="de")


async def test_a_server_out_of_reach_is_unavailable() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    with pytest.raises(TranslationUnavailableError):
        await translator(fail).translate("x", source="uk", target="de")


def test_it_is_off_unless_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOTSE_TRANSLATION_URL", raising=False)
    assert Settings(_env_file=None).translation_url == ""
