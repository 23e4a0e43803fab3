"""The moves of a handover: who answers at which time, and nothing twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations import inbox
from bot.conversations.models import Author, Conversation, ConversationState, OutboxMessage
from bot.db.session import Database
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover import moves, newcomer, service
from bot.handover import texts as phrases
from bot.handover.journal import Actor
from bot.handover.models import Handover, HandoverState, Outcome, Reason
from bot.i18n.languages import REPLY_LANGUAGES
from bot.privacy.service import forget_contents
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.talk import CATALOGUES

WEBER = Actor(name="Weber", id="account-1")
OTHER = Actor(name="Other", id="account-2")


def conversation_with(session: Session, clock: Clock, address: str = "anna") -> Conversation:
    inbox.record(session, [incoming(address=address)], now=clock())
    found = inbox.find_conversation(session, channel="web", address=address)
    assert found is not None
    found.language = "en"
    return found


def ask(session: Session, conversation: Conversation, clock: Clock, **changes: Any) -> Handover:
    values = {"reason": Reason.ASKED, "urgent": False, "now": clock(), **changes}
    opened = newcomer.request(session, conversation, **values)
    session.flush()
    return opened


def answer(session: Session, number: int, clock: Clock, text: str = "Hello") -> OutboxMessage:
    return service.reply(session, number, text=text, by=WEBER, now=clock())


def close(session: Session, number: int, clock: Clock) -> Handover:
    return service.close(session, number, by=WEBER, catalogues=CATALOGUES, now=clock())


def told(session: Session, conversation: Conversation) -> list[OutboxMessage]:
    session.flush()
    return list(
        session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.conversation_id == conversation.id)
            .order_by(OutboxMessage.id)
        )
    )


def test_asking_puts_the_conversation_into_waiting(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        assert (opened.state, opened.reason, opened.urgent, opened.language) == (
            HandoverState.WAITING,
            Reason.ASKED,
            False,
            "en",
        )
        assert anna.state == ConversationState.WAITING


def test_asking_again_opens_no_second_handover(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation_with(session, clock)
        first = ask(session, anna, clock)
        clock.advance(60)
        again = ask(session, anna, clock, reason=Reason.NOT_UNDERSTOOD)
        assert again.id == first.id
        assert (again.reason, again.requested_at) == (Reason.ASKED, clock() - timedelta(minutes=1))


def test_an_emergency_makes_an_open_handover_urgent_and_it_stays_so(
    sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        ask(session, anna, clock)
        ask(session, anna, clock, reason=Reason.EMERGENCY, urgent=True)
        opened = ask(session, anna, clock, reason=Reason.ASKED)
        assert (opened.urgent, opened.reason) == (True, Reason.EMERGENCY)


def test_the_first_reply_claims_the_handover(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        clock.advance(60)
        row = answer(session, opened.id, clock)
        assert (row.author, row.content["text"]) == (Author.COUNSELLOR, "Hello")
        assert (opened.state, opened.claimed_by) == (HandoverState.FOR_NEWCOMER, "Weber")
        assert opened.claimed_at == opened.first_reply_at == clock()
        assert anna.state == ConversationState.WITH_HUMAN


def test_a_later_reply_claims_nothing(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        answer(session, opened.id, clock)
        claimed_at = clock()
        clock.advance(60)
        service.reply(session, opened.id, text="more", by=OTHER, now=clock())
        assert (opened.claimed_by, opened.claimed_at) == ("Weber", claimed_at)
        assert opened.first_reply_at == claimed_at
        assert [row.content["text"] for row in told(session, anna)] == ["Hello", "more"]


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_reply_is_refused(sqlite: Database, clock: Clock, text: str) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        with pytest.raises(IllegalMoveError):
            answer(session, opened.id, clock, text)
        assert opened.state == HandoverState.WAITING
        assert told(session, anna) == []


@pytest.mark.parametrize("language", [*REPLY_LANGUAGES, None])
def test_closing_tells_the_person_in_their_language(
    sqlite: Database, clock: Clock, language: str | None
) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        anna.language, anna.failures = language, 2
        opened = ask(session, anna, clock)
        answer(session, opened.id, clock)
        close(session, opened.id, clock)
        [_, row] = told(session, anna)
        texts = CATALOGUES.get(language)
        expected = phrases.talk_ended(texts, handover_id=opened.id)
        assert (row.author, row.content["language"]) == (Author.BOT, language or "en")
        assert row.content["text"] == expected.text
        titles = [button["title"] for button in row.content["buttons"]]
        assert titles == [button.title for button in expected.buttons]
        assert (opened.state, opened.closed_at) == (HandoverState.CLOSED, clock())
        assert (anna.state, anna.failures, anna.engine_reset_due) == (
            ConversationState.BOT,
            0,
            True,
        )


def test_closing_a_request_that_nobody_answered_asks_for_no_rating(
    sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        closed = service.close(
            session,
            opened.id,
            by=WEBER,
            outcome=Outcome.NOT_NEEDED,
            catalogues=CATALOGUES,
            now=clock(),
        )
        [row] = told(session, anna)
        assert row.content["text"] == phrases.request_closed(CATALOGUES["en"]).text
        assert row.content["buttons"] == []
        assert closed.outcome == Outcome.NOT_NEEDED


def test_a_closed_handover_allows_no_more_moves(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        close(session, opened.id, clock)
        with pytest.raises(IllegalMoveError, match="closed already"):
            close(session, opened.id, clock)
        with pytest.raises(IllegalMoveError, match="is closed"):
            answer(session, opened.id, clock)
        assert len(told(session, anna)) == 1


def test_after_closing_a_new_handover_can_be_opened(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        anna = conversation_with(session, clock)
        first = ask(session, anna, clock)
        close(session, first.id, clock)
        second = ask(session, anna, clock, reason=Reason.EMERGENCY, urgent=True)
        assert second.id != first.id
        assert (first.state, first.urgent) == (HandoverState.CLOSED, False)
        assert moves.open_handover(session, anna.id) is second


def test_withdrawing_gives_the_conversation_back(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        anna.failures = 2
        opened = ask(session, anna, clock)
        newcomer.withdraw(session, anna, now=clock())
        assert (opened.state, anna.state, anna.failures) == (
            HandoverState.CLOSED,
            ConversationState.BOT,
            0,
        )
        newcomer.withdraw(session, anna, now=clock())
        assert anna.state == ConversationState.BOT


def test_a_claimed_handover_cannot_be_withdrawn(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        anna = conversation_with(session, clock)
        opened = ask(session, anna, clock)
        answer(session, opened.id, clock)
        with pytest.raises(IllegalMoveError):
            newcomer.withdraw(session, anna, now=clock())
        assert anna.state == ConversationState.WITH_HUMAN


def test_an_unknown_number_is_named_with_the_way_to_find_one(
    sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        with pytest.raises(NotFoundError, match=r"no handover 7\. `lotse handovers`"):
            answer(session, 7, clock)
        with pytest.raises(NotFoundError):
            close(session, 7, clock)


def test_the_list_shows_urgent_ones_first_then_those_that_wait_longest(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        people = {name: conversation_with(session, clock, name) for name in "abcde"}
        for name, urgent in (("a", False), ("b", True), ("c", False), ("d", True), ("e", True)):
            ask(session, people[name], clock, urgent=urgent)
            clock.advance(60)
        close(session, ask(session, people["e"], clock).id, clock)
        listed = [item.conversation.identity.address for item in moves.list_open(session)]
    assert listed == ["b", "d", "a", "c"]


def test_a_number_is_never_used_again(database: Database, clock: Clock) -> None:
    # A counsellor who answers an old number must not reach somebody else.
    with database.transaction() as session:
        anna = conversation_with(session, clock)
        number = ask(session, anna, clock).id
        forget_contents(session, anna, now=clock())
    with database.transaction() as session:
        assert ask(session, conversation_with(session, clock, "ben"), clock).id > number
