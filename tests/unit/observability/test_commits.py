"""What is committed is counted once, whoever wrote it; what is taken back is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.booking import service as booking
from bot.booking.models import AppointmentState
from bot.conversations import inbox, outbox
from bot.db.session import Database
from bot.errors import (
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    RecipientGoneError,
    RetryLaterError,
)
from bot.handover import service as handover
from bot.handover.journal import Actor
from bot.messages import OutgoingMessage
from bot.observability.counters import Counters
from bot.privacy.export import Exporter
from bot.workers.outbox import OutboxWorker
from tests.conftest import Clock
from tests.support.booking import berlin, book, new_calendar, new_person, new_service, slot_at
from tests.support.builders import incoming
from tests.support.fakes import FakeChannel, FakeEngine, says, shows
from tests.support.handovers import handed_over
from tests.support.talk import CATALOGUES, Talk, running

Count = Callable[..., float]


@pytest.fixture
def count(counters: Counters) -> Count:
    """The value of a series now; None where there is no such series."""

    def read(name: str, **labels: str) -> Any:
        return counters.registry.get_sample_value(name, labels)

    return read


@pytest.fixture
def talk(database: Database, clock: Clock, counters: Counters) -> Talk:
    return Talk(database, clock, observer=counters)


# Messages


async def test_a_message_counts_as_it_arrives_and_again_as_it_is_answered(
    talk: Talk, count: Count, clock: Clock
) -> None:
    talk.engine.respond = lambda text: says("Hello!", intent="greet")
    talk.receive("good morning to all of you")
    assert count("lotse_messages_received_total", channel="web") == 1
    assert count("lotse_messages_answered_total", channel="web", language="en") == 0
    clock.advance(3)
    await talk.settle()
    assert count("lotse_messages_received_total", channel="web") == 1
    assert count("lotse_messages_answered_total", channel="web", language="en") == 1
    assert count("lotse_intents_total", intent="greet") == 1
    assert count("lotse_reply_seconds_count", channel="web") == 1
    assert count("lotse_reply_seconds_sum", channel="web") == 3


async def test_a_repeated_update_is_received_once(talk: Talk, count: Count) -> None:
    message = incoming("hello")
    talk.receive(message)
    talk.receive(message)
    assert count("lotse_messages_received_total", channel="web") == 1


def test_what_is_rolled_back_is_not_counted(database: Database, clock: Clock, count: Count) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        inbox.record(session, [incoming()], now=clock())
        session.flush()
        raise RuntimeError("the power went out")
    assert count("lotse_messages_received_total", channel="web") == 0


def test_what_a_savepoint_takes_back_is_not_counted(
    database: Database, clock: Clock, count: Count
) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming("kept")], now=clock())
        with pytest.raises(RuntimeError), session.begin_nested():
            inbox.record(session, [incoming("taken back")], now=clock())
            session.flush()
            raise RuntimeError("not this one")
        inbox.record(session, [incoming("kept as well")], now=clock())
    assert count("lotse_messages_received_total", channel="web") == 2


def test_a_change_that_a_savepoint_takes_back_spoils_nothing(
    database: Database, clock: Clock, count: Count
) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming("hello")], now=clock())
    with database.transaction() as session:
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        message = inbox.next_message(session, found.id, now=clock())
        assert message is not None
        with pytest.raises(RuntimeError), session.begin_nested():
            inbox.finish(message, now=clock())
            session.flush()
            raise RuntimeError("not this one")
        inbox.record(session, [incoming("hello again")], now=clock())
    assert count("lotse_messages_received_total", channel="web") == 2
    assert count("lotse_messages_answered_total", channel="web", language="other") is None


async def test_the_time_until_somebody_consents_is_not_the_products(
    database: Database, clock: Clock, counters: Counters, count: Count
) -> None:
    talk = Talk(database, clock, ask_consent=True, observer=counters)
    question = (await talk.say("where can I learn German?"))[-1]
    clock.advance(3600)
    await talk.press(question.buttons[0].title)
    clock.advance(2)
    await talk.settle()
    assert count("lotse_reply_seconds_sum", channel="web") <= 2


async def test_a_message_that_is_given_up_counts_as_failed(
    talk: Talk, count: Count, clock: Clock
) -> None:
    talk.engine.failing = True
    await talk.say("hello")
    for _ in range(3):
        clock.advance(30)
        await talk.settle()
    assert count("lotse_messages_failed_total", channel="web") == 1
    assert count("lotse_messages_answered_total", channel="web", language="en") == 0


# Understanding and searches, which no row says


@pytest.mark.parametrize(
    ("custom", "result"),
    [
        ({"offers": {}}, "understood"),
        ({"ask_back": ["ask_job", "ask_housing"]}, "asked_back"),
        ({"ask_back": ["ask_job", "ask_housing"], "understood": True}, "asked_back"),
        ({"ask_back": []}, "not_understood"),
        ({"not_understood": True}, "not_understood"),
    ],
)
async def test_written_words_count_by_how_they_were_understood(
    talk: Talk, count: Count, custom: dict[str, Any], result: str
) -> None:
    if "offers" in custom:
        custom = {"offers": page()}
    talk.engine.respond = lambda text: shows(custom, intent="ask_job")
    await talk.say("bread and circuses")
    results = ("understood", "asked_back", "not_understood")
    assert {each: count("lotse_understanding_total", result=each) for each in results} == {
        each: float(each == result) for each in results
    }


async def test_presses_say_nothing_about_understanding(talk: Talk, count: Count) -> None:
    await talk.say("hello")
    before = count("lotse_understanding_total", result="understood")
    talk.show_button({"intent": "ask_job"})
    await talk.press("press me")
    assert count("lotse_understanding_total", result="understood") == before == 1


def page(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        **{"topic": "job", "ids": ["no-such-offer"], "total": 1, "position": 0, "wishes": {}},
        **{"unconfirmed": [], "dropped": [], "guide": None},
    }
    return {**values, **changes}


@pytest.mark.parametrize(
    ("shown", "result"),
    [
        (page(), "found"),
        (page(dropped=["near"]), "relaxed"),
        (page(ids=[], total=0), "nothing"),
        (page(position=3), None),
    ],
)
async def test_searches_count_by_what_they_gave(
    talk: Talk, count: Count, shown: dict[str, Any], result: str | None
) -> None:
    talk.engine.respond = lambda text: shows({"offers": shown}, intent="ask_job")
    await talk.say("work in a bakery")
    results = ("found", "relaxed", "nothing")
    assert {each: count("lotse_searches_total", result=each) for each in results} == {
        each: float(each == result) for each in results
    }


# Emergencies and handovers


async def test_an_emergency_counts_once_however_often_it_is_repeated(
    talk: Talk, count: Count
) -> None:
    await talk.say("my husband beats me every day")
    await talk.say("my husband beats me every day")
    assert count("lotse_emergencies_total") == 1
    assert count("lotse_intents_total", intent="report_emergency") == 1


def test_moves_of_handovers_count_from_whichever_desk(
    database: Database, clock: Clock, count: Count
) -> None:
    number = handed_over(database, clock())
    weber = Actor(name="Weber")
    with database.transaction() as session:
        handover.claim(session, number, by=weber, catalogues=CATALOGUES, now=clock())
    with database.transaction() as session:
        handover.note(session, number, text="calls back", by=weber, now=clock())
    moves = ("requested", "claimed", "closed")
    assert [count("lotse_handover_moves_total", move=move) for move in moves] == [1, 1, 0]
    assert count("lotse_handover_moves_total", move="note") is None
    assert count("lotse_emergencies_total") == 0


# Appointments


def test_appointments_count_by_the_state_they_reach(
    database: Database, clock: Clock, count: Count
) -> None:
    with database.transaction() as session:
        service = new_service(session)
        calendar = new_calendar(session, service)
        person = new_person(session, now=clock())
        slot = slot_at(berlin(2026, 11, 24, 9), calendar)
        row = book(session, service, slot, person, now=clock())
        contact_id, number = person.identity.contact_id, row.id
    with database.transaction() as session:
        booking.cancel(session, number, contact_id=contact_id, now=clock())
    states = (AppointmentState.HELD, AppointmentState.BOOKED, AppointmentState.CANCELLED)
    assert [count("lotse_appointment_moves_total", state=state) for state in states] == [1, 1, 1]


# Sending


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (None, "sent"),
        (RetryLaterError(1), "retried"),
        (DeliveryUncertainError(), "uncertain"),
        (DeliveryRefusedError("too long"), "refused"),
        (RecipientGoneError(), "recipient_gone"),
    ],
)
async def test_attempts_to_send_count_by_their_end(
    database: Database, clock: Clock, count: Count, fault: DeliveryError | None, result: str
) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming()], now=clock())
        found = inbox.find_conversation(session, channel="web", address="anna")
        assert found is not None
        outbox.add(session, conversation=found, messages=[OutgoingMessage(text="hi")], now=clock())
    channel = FakeChannel()
    if fault is not None:
        channel.fail(fault)
    worker = OutboxWorker(
        database=database,
        channels={"web": channel},
        owner="worker",
        clock=clock,
        limit=1,
        exporter=Exporter(database=database, remembered=FakeEngine().remembered),
    )
    async with running(worker):
        await channel.until(lambda: bool(channel.attempts))
    assert count("lotse_deliveries_total", channel="web", result=result) == 1


# What must never happen


def test_a_fault_in_counting_reaches_nobody_who_commits(
    database: Database, clock: Clock, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(channel: str) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr(counters, "received", fail)
    with capture_logs() as lines, database.transaction() as session:
        inbox.record(session, [incoming()], now=clock())
    assert [line["event"] for line in lines] == ["metrics.not_counted"]
    assert "secret" not in str(lines)
    with database.reading() as session:
        assert inbox.count_open(session) == 1
