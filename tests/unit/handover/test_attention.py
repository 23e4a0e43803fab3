"""Nobody waits unseen: emergencies are announced until taken, long waiting is noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.db.session import Database
from bot.handover import journal, service
from bot.handover import texts as phrases
from bot.handover.journal import Actor
from bot.handover.models import EventKind, HandoverEvent
from bot.handover.routing import Presence
from bot.workers.attention import AttentionWorker
from tests.conftest import Clock
from tests.support.counsellors import add_account, add_hours
from tests.support.fakes import shows
from tests.support.talk import CATALOGUES, Talk

MINUTE = 60
WEBER = Actor(name="Weber")


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    return prepared(sqlite, clock)


def prepared(database: Database, clock: Clock) -> Talk:
    talk = Talk(database, clock)
    talk.engine.respond = lambda _: shows({"handover": "asked"})
    return talk


def look(talk: Talk) -> int:
    worker = AttentionWorker(
        database=talk.database, catalogues=CATALOGUES, clock=talk.clock, changed=lambda: None
    )
    return worker.look()


def alerts(talk: Talk) -> list[HandoverEvent]:
    with talk.database.reading() as session:
        return [
            event
            for event in journal.events(session, talk.handovers()[0].id)
            if event.kind == EventKind.ALERTED
        ]


async def test_an_emergency_is_announced_to_all_on_duty_until_somebody_takes_it(
    database: Database, clock: Clock
) -> None:
    talk = prepared(database, clock)
    with database.transaction() as session:
        there = add_account(session, "There")
        away = add_account(session, "Away")
        add_hours(session, 20, 21, account_id=away.id)
    await talk.say("my husband beats me")
    assert look(talk) == 1
    assert look(talk) == 0, "not twice in the same moment"
    clock.advance(2 * MINUTE)
    assert look(talk) == 1
    assert [event.details["accounts"] for event in alerts(talk)] == [[there.id], [there.id]]
    [opened] = talk.handovers()
    with database.transaction() as session:
        service.claim(session, opened.id, by=WEBER, catalogues=CATALOGUES, now=clock())
    clock.advance(10 * MINUTE)
    assert look(talk) == 0


async def test_an_emergency_outside_all_hours_is_announced_too(talk: Talk) -> None:
    with talk.database.transaction() as session:
        add_account(session, "Weber")
        add_hours(session, 20, 21)
    await talk.say("my husband beats me")
    look(talk)
    [event] = alerts(talk)
    assert event.details["on_duty"] == []


async def test_an_emergency_passed_on_is_announced_again(talk: Talk) -> None:
    await talk.say("my husband beats me")
    [opened] = talk.handovers()
    with talk.database.transaction() as session:
        service.claim(session, opened.id, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
    assert look(talk) == 0
    with talk.database.transaction() as session:
        service.transfer(
            session,
            opened.id,
            queue_id=None,
            by=WEBER,
            catalogues=CATALOGUES,
            now=talk.clock(),
        )
    assert look(talk) == 1


async def test_an_ordinary_request_is_not_announced(talk: Talk) -> None:
    await talk.say("a person please")
    assert look(talk) == 0


async def test_whoever_waits_for_long_is_told_once(database: Database, clock: Clock) -> None:
    talk = prepared(database, clock)
    await talk.say("a person please")
    clock.advance(9 * MINUTE)
    assert look(talk) == 0
    clock.advance(MINUTE)
    assert look(talk) == 1
    [reply] = talk.new_replies()
    assert reply.text == phrases.takes_longer(talk.texts).text
    clock.advance(60 * MINUTE)
    assert look(talk) == 0


async def test_whoever_waits_when_the_doors_close_is_told_when_somebody_is_back(
    talk: Talk,
) -> None:
    with talk.database.transaction() as session:
        add_hours(session, 9, 12)
    talk.clock.advance(115 * MINUTE)
    await talk.say("a person please")
    talk.clock.advance(10 * MINUTE)
    look(talk)
    [reply] = talk.new_replies()
    back_at = talk.clock().replace(hour=8, minute=0) + timedelta(days=1)
    presence = Presence(is_open=False, back_at=back_at)
    assert reply.text == phrases.nobody_there(talk.texts, presence).text


async def test_whoever_goes_on_with_the_bot_or_was_told_is_left_alone(talk: Talk) -> None:
    await talk.say("a person please", "my heating is broken")
    await talk.press(talk.texts.gettext("Go on with the chat assistant"))
    talk.clock.advance(60 * MINUTE)
    look(talk)
    assert talk.new_replies() == []


async def test_what_was_put_aside_comes_back_in_time(talk: Talk) -> None:
    await talk.say("a person please")
    [opened] = talk.handovers()
    with talk.database.transaction() as session:
        service.claim(session, opened.id, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
        until = talk.clock() + timedelta(hours=1)
        service.snooze(session, opened.id, until=until, by=WEBER, now=talk.clock())
    talk.clock.advance(59 * MINUTE)
    assert look(talk) == 0
    talk.clock.advance(MINUTE)
    assert look(talk) == 1
    assert talk.handovers()[0].snoozed_until is None
    await talk.say("anybody there?")
