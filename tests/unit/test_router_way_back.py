"""Waiting outside office hours, leaving a message, and the way back from a talk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.conversations.models import ConversationState
from bot.counsellors.hours import ZONE
from bot.db.session import Database
from bot.dialogue import texts as bot_phrases
from bot.handover import journal, service
from bot.handover import texts as phrases
from bot.handover.journal import Actor
from bot.handover.models import EventKind, Handover, HandoverState, Reason
from bot.handover.routing import Presence
from bot.i18n.languages import REPLY_LANGUAGES
from tests.conftest import Clock
from tests.support.counsellors import add_account, add_hours
from tests.support.fakes import EngineAnswer, says, shows
from tests.support.talk import CATALOGUES, SOMEBODY_IS_THERE, Talk

HOUR = 3600
ASKS = "a person please"


def engine(text: str) -> EngineAnswer:
    """Understands a wish for a person and questions; anything else it does not."""
    if text in (ASKS, "/request_human"):
        return shows({"handover": "asked"}, intent="request_human")
    return says("an answer") if "?" in text else shows({"not_understood": True})


@pytest.fixture
def talk(sqlite: Database, clock: Clock) -> Talk:
    return prepared(sqlite, clock)


def prepared(database: Database, clock: Clock, hint: str = "en") -> Talk:
    talk = Talk(database, clock, hint=hint)
    talk.engine.respond = engine
    return talk


def title(talk: Talk, text: str) -> str:
    return talk.texts.gettext(text)


def kinds(talk: Talk) -> list[str]:
    [opened] = talk.handovers()
    with talk.database.reading() as session:
        return [event.kind for event in journal.events(session, opened.id)]


def move(talk: Talk, name: str, by: Actor | None = None, **more: str) -> None:
    """A counsellor's move on the last handover."""
    number = talk.handovers()[-1].id
    with talk.database.transaction() as session:
        values = {"by": by or WEBER, "now": talk.clock(), **more}
        if name != "reply":
            values["catalogues"] = CATALOGUES
        getattr(service, name)(session, number, **values)
    talk.new_replies()


WEBER = Actor(name="Weber", desk="telegram", id="17")


def close_the_door(talk: Talk) -> None:
    """Makes it noon on Monday, with hours from 9 to 12 on working days."""
    with talk.database.transaction() as session:
        add_hours(session, 9, 12)
    talk.clock.advance(2 * HOUR)


# Waiting while nobody is there


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
async def test_outside_hours_the_person_is_told_when_somebody_is_back(
    sqlite: Database, clock: Clock, language: str
) -> None:
    talk = prepared(sqlite, clock, hint=language)
    close_the_door(talk)
    [reply] = await talk.say("/human")
    tomorrow = clock().astimezone(ZONE).replace(hour=9) + timedelta(days=1)
    presence = Presence(is_open=False, back_at=tomorrow)
    assert reply.text == phrases.requested(talk.texts, presence).text
    assert talk.texts.day_and_time(tomorrow) in reply.text
    assert [button.title for button in reply.buttons] == [
        title(talk, "Leave a message"),
        title(talk, "Ask for a call"),
        title(talk, "Go on with the chat assistant"),
    ]
    assert talk.conversation.state == ConversationState.WAITING


async def test_a_moment_is_written_as_the_reader_writes_it() -> None:
    moment = Clock()().astimezone(ZONE)
    assert CATALOGUES["en"].day_and_time(moment) == "Mon, Nov 23, 10:00\u202fAM"
    assert CATALOGUES["de"].day_and_time(moment) == "Mo., 23. Nov., 10:00"
    assert CATALOGUES["uk"].day_and_time(moment) == "пн, 23 лист., 10:00"


async def test_a_message_left_is_confirmed_once_and_kept(database: Database, clock: Clock) -> None:
    talk = prepared(database, clock)
    close_the_door(talk)
    await talk.say(ASKS)
    [invitation] = await talk.press(title(talk, "Leave a message"))
    assert invitation.text == phrases.write_message(talk.texts).text
    [kept] = await talk.say("my heating is broken")
    assert kept.text.startswith("Thank you. Our counsellors will read this")
    assert await talk.say("since monday") == []
    assert kinds(talk) == ["requested", "message", "message"]
    assert talk.engine.texts == [ASKS]


async def test_a_call_can_be_asked_for(talk: Talk) -> None:
    close_the_door(talk)
    await talk.say(ASKS)
    [question] = await talk.press(title(talk, "Ask for a call"))
    assert question.text == phrases.write_number(talk.texts).text
    await talk.say("0711 123456, mornings")
    [opened] = talk.handovers()
    assert opened.call_wanted
    assert kinds(talk) == ["requested", "call_wanted", "message"]


async def test_whoever_left_a_message_goes_on_with_the_bot_and_is_answered_later(
    talk: Talk,
) -> None:
    close_the_door(talk)
    await talk.say(ASKS)
    await talk.say("my heating is broken")
    [reply] = await talk.press(title(talk, "Go on with the chat assistant"))
    assert reply.text == phrases.withdrawn(talk.texts, stays=True)
    assert [one.text for one in await talk.say("a course?")] == ["an answer"]
    [opened] = talk.handovers()
    assert (opened.state, talk.conversation.state) == (
        HandoverState.WAITING,
        ConversationState.BOT,
    )
    move(talk, "claim")
    assert await talk.say("are you there?") == []
    assert kinds(talk)[-2:] == ["claimed", "message"]


async def test_an_emergency_stays_with_the_counsellors(talk: Talk) -> None:
    await talk.say("my husband beats me")
    [reply] = await talk.press(title(talk, "Go on with the chat assistant"))
    assert reply.text == phrases.withdrawn(talk.texts, stays=True)
    [opened] = talk.handovers()
    assert (opened.state, opened.urgent, opened.next_alert_at) == (
        HandoverState.WAITING,
        True,
        None,
    )


async def test_an_old_button_asks_for_a_person_again(talk: Talk) -> None:
    close_the_door(talk)
    await talk.say(ASKS)
    key = talk.key(title(talk, "Leave a message"))
    await talk.press(title(talk, "Go on with the chat assistant"))
    assert [item.state for item in talk.handovers()] == ["closed"]
    talk.show_button({"command": phrases.LEAVE_MESSAGE})
    [invitation] = await talk.press("press me")
    assert key
    assert invitation.text == phrases.write_message(talk.texts).text
    assert [item.state for item in talk.handovers()] == ["closed", "waiting"]


# The bot and the counsellor at the same moment


async def test_what_the_bot_would_say_is_dropped_when_a_counsellor_takes_over(
    talk: Talk,
) -> None:
    await talk.say("my husband beats me")
    await talk.press(title(talk, "Go on with the chat assistant"))
    held = talk.engine.hold("a course?")
    held.let_go()
    settle = talk.router._settle

    def claimed_meanwhile(*arguments: object) -> None:
        talk.router._settle = settle  # type: ignore[method-assign]
        move(talk, "claim")
        settle(*arguments)  # type: ignore[arg-type]

    talk.router._settle = claimed_meanwhile  # type: ignore[method-assign]
    assert await talk.say("a course?") == []
    assert kinds(talk)[-2:] == ["claimed", "message"]


# After a talk


async def talk_ends(talk: Talk) -> None:
    await talk.say(ASKS)
    move(talk, "reply", text="Hello")
    move(talk, "close")


async def test_the_bot_answers_a_question_after_a_talk_and_shows_the_way_back_once(
    talk: Talk,
) -> None:
    await talk_ends(talk)
    [first] = await talk.say("a course?")
    assert first.text == "an answer"
    assert first.buttons[-1].title == title(talk, "Write to the counsellor again")
    [second] = await talk.say("a flat?")
    assert title(talk, "Write to the counsellor again") not in [b.title for b in second.buttons]
    assert [item.state for item in talk.handovers()] == ["closed"]


async def test_what_the_bot_does_not_understand_goes_back_to_the_counsellor_for_a_day(
    database: Database, clock: Clock
) -> None:
    talk = prepared(database, clock)
    await talk_ends(talk)
    clock.advance(23 * HOUR)
    [reply] = await talk.say("and the blue form")
    assert reply.text == phrases.back_with_counsellor(talk.texts, SOMEBODY_IS_THERE).text
    [opened] = talk.handovers()
    assert (opened.state, opened.claimed_by) == (HandoverState.FOR_COUNSELLOR, "Weber")
    assert kinds(talk)[-2:] == [EventKind.REOPENED, EventKind.MESSAGE]
    assert await talk.say("a course?") == [], "the counsellor has the chat"


async def test_after_a_day_everything_starts_anew(talk: Talk) -> None:
    await talk_ends(talk)
    talk.clock.advance(25 * HOUR)
    [reply] = await talk.say("and the blue form")
    assert reply.text == bot_phrases.not_understood(talk.texts, again=False).text
    [asked] = await talk.say(ASKS)
    assert asked.text == phrases.requested(talk.texts, SOMEBODY_IS_THERE).text
    assert [item.state for item in talk.handovers()] == ["closed", "waiting"]


@pytest.mark.parametrize("way", ["words", "button"])
async def test_whoever_asks_for_a_person_again_gets_back_to_the_same(talk: Talk, way: str) -> None:
    await talk_ends(talk)
    if way == "words":
        await talk.say(ASKS)
    else:
        await talk.press(title(talk, "Write to the counsellor again"))
    [opened] = talk.handovers()
    assert (opened.state, opened.claimed_by) == (HandoverState.FOR_COUNSELLOR, "Weber")
    assert talk.conversation.state == ConversationState.WITH_HUMAN


@pytest.mark.parametrize(
    ("active", "state"), [(True, HandoverState.FOR_COUNSELLOR), (False, HandoverState.WAITING)]
)
async def test_others_take_over_from_a_counsellor_who_has_left(
    talk: Talk, active: bool, state: HandoverState
) -> None:
    with talk.database.transaction() as session:
        account = add_account(session, "Kaya", "en")
        kaya = Actor(name=account.name, id=account.id)
    await talk.say(ASKS)
    move(talk, "reply", by=kaya, text="Hello")
    move(talk, "close", by=kaya)
    with talk.database.transaction() as session:
        session.merge(account).active = active
    await talk.say(ASKS)
    [opened] = talk.handovers()
    assert opened.state == state
    assert (opened.claimed_by is None) == (not active)


@pytest.mark.parametrize(("thumb", "rating"), [("👍 Yes, it helped", 1), ("👎 No, it did not", -1)])
async def test_a_thumb_is_kept(talk: Talk, thumb: str, rating: int) -> None:
    await talk_ends(talk)
    [thanks] = await talk.press(title(talk, thumb))
    assert thanks.text == phrases.thanks_for_rating(talk.texts, rating=rating).text
    [closed] = talk.handovers()
    assert (closed.rating, closed.state) == (rating, HandoverState.CLOSED)


async def test_another_persons_talk_cannot_be_rated(talk: Talk) -> None:
    await talk_ends(talk)
    number = talk.handovers()[0].id
    other = Talk(talk.database, talk.clock, address="ben")
    await other.say("hello")
    other.show_button({"command": phrases.RATE, "handover": number, "rating": 1})
    [reply] = await other.press("press me")
    assert reply.text == bot_phrases.old_button(other.texts).text
    with talk.database.reading() as session:
        assert session.get_one(Handover, number).rating is None


async def test_whoever_was_not_understood_twice_asks_for_that_reason(talk: Talk) -> None:
    await talk.say("mumble", "mumble again", ASKS)
    [opened] = talk.handovers()
    assert opened.reason == Reason.NOT_UNDERSTOOD
