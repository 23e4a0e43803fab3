"""All moves in any order: who answers, whose turn it is, and a journal that tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.conversations import inbox
from bot.conversations.models import (
    Conversation,
    ConversationState,
    InboxMessage,
    OutboxMessage,
)
from bot.counsellors.models import Account, Role
from bot.db.session import Database
from bot.errors import IllegalMoveError
from bot.handover import journal, newcomer, service
from bot.handover.journal import Actor
from bot.handover.models import Handover, HandoverState, Reason
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.talk import CATALOGUES

COUNSELLORS = [Actor(name="Weber", id="account-1"), Actor(name="Kaya", id="account-2")]
WAITING, CLOSED = HandoverState.WAITING, HandoverState.CLOSED
counsellors = st.sampled_from(COUNSELLORS)


class Moves(RuleBasedStateMachine):
    """The model holds what must be true after each move, legal or refused."""

    database: Database
    clock = Clock()
    people = 0

    def __init__(self) -> None:
        super().__init__()
        Moves.people += 1
        address = f"person {Moves.people}"
        self.bot_answers = True
        self.state: HandoverState | None = None
        self.holder: Actor | None = None
        self.urgent = self.words_left = False
        self.ended = False
        self.opened = self.told = self.lines = 0
        self.number = 0
        with self.database.transaction() as session:
            inbox.record(session, [incoming(address=address)], now=self.clock())
            found = inbox.find_conversation(session, channel="web", address=address)
            assert found is not None
            self.conversation_id = found.id

    @property
    def with_counsellor(self) -> bool:
        return self.state is not None and self.state.with_counsellor

    @property
    def is_open(self) -> bool:
        return self.state not in (None, CLOSED)

    def conversation(self, session: Session) -> Conversation:
        return session.get_one(Conversation, self.conversation_id)

    def message(self, session: Session) -> InboxMessage:
        query = select(InboxMessage).where(InboxMessage.conversation_id == self.conversation_id)
        return session.scalars(query).one()

    @rule(urgent=st.booleans())
    def request(self, urgent: bool) -> None:
        with self.database.transaction() as session:
            self.number = newcomer.request(
                session,
                self.conversation(session),
                reason=Reason.EMERGENCY if urgent else Reason.ASKED,
                urgent=urgent,
                now=self.clock(),
            ).id
        if not self.is_open:
            self.state, self.holder = WAITING, None
            self.urgent, self.words_left = urgent, False
            self.opened += 1
            self.lines = 1
        elif urgent and not self.urgent:
            self.urgent = True
            self.lines += 1
        if self.state == WAITING:
            self.bot_answers = False

    @rule()
    def newcomer_writes(self) -> None:
        with self.database.transaction() as session:
            given = newcomer.newcomer_wrote(session, self.message(session), now=self.clock())
            assert (given is not None) == self.is_open
        if self.is_open:
            self.words_left = True
            self.lines += 1
        if self.state == HandoverState.FOR_NEWCOMER:
            self.state = HandoverState.FOR_COUNSELLOR

    @rule()
    def withdraw(self) -> None:
        with self.database.transaction() as session:
            if self.with_counsellor:
                with pytest.raises(IllegalMoveError):
                    newcomer.withdraw(session, self.conversation(session), now=self.clock())
                return
            stays = newcomer.withdraw(session, self.conversation(session), now=self.clock())
        self.bot_answers = True
        if self.is_open:
            assert stays == (self.urgent or self.words_left)
            self.lines += 1
            if not stays:
                self.state, self.ended = CLOSED, False

    @precondition(lambda self: self.number)
    @rule(by=counsellors)
    def claim(self, by: Actor) -> None:
        with self.database.transaction() as session:
            if self.state == WAITING or (self.with_counsellor and self.holder == by):
                service.claim(session, self.number, by=by, catalogues=CATALOGUES, now=self.clock())
            else:
                with pytest.raises(IllegalMoveError):
                    service.claim(
                        session, self.number, by=by, catalogues=CATALOGUES, now=self.clock()
                    )
        if self.state == WAITING:
            self.state, self.holder, self.bot_answers = HandoverState.CLAIMED, by, False
            self.told += 1
            self.lines += 1

    @precondition(lambda self: self.number)
    @rule(to=counsellors, by=counsellors)
    def assign(self, to: Actor, by: Actor) -> None:
        def move(session: Session) -> object:
            return service.assign(
                session, self.number, to=to, by=by, catalogues=CATALOGUES, now=self.clock()
            )

        with self.database.transaction() as session:
            if not self.is_open:
                with pytest.raises(IllegalMoveError):
                    move(session)
                return
            move(session)
        if self.state == WAITING:
            self.state = HandoverState.CLAIMED
            self.told += 1
        self.holder, self.bot_answers = to, False
        self.lines += 1

    @precondition(lambda self: self.number)
    @rule(by=counsellors)
    def transfer(self, by: Actor) -> None:
        def move(session: Session) -> object:
            return service.transfer(
                session,
                self.number,
                queue_id=None,
                by=by,
                catalogues=CATALOGUES,
                now=self.clock(),
            )

        with self.database.transaction() as session:
            if not self.is_open:
                with pytest.raises(IllegalMoveError):
                    move(session)
                return
            move(session)
        if self.with_counsellor:
            self.told += 1
            self.bot_answers = False
        self.state, self.holder = WAITING, None
        self.lines += 1

    @precondition(lambda self: self.number)
    @rule(text=st.sampled_from(["Hello", " ", "x" * 5_000]), by=counsellors)
    def reply(self, text: str, by: Actor) -> None:
        with self.database.transaction() as session:
            if not (self.is_open and text.strip()):
                with pytest.raises(IllegalMoveError):
                    service.reply(session, self.number, text=text, by=by, now=self.clock())
                return
            service.reply(session, self.number, text=text, by=by, now=self.clock())
        if self.state == WAITING:
            self.holder = by
            self.lines += 1
        self.state, self.bot_answers, self.ended = HandoverState.FOR_NEWCOMER, False, False
        self.told += 1
        self.lines += 1

    @precondition(lambda self: self.number)
    @rule(hours=st.sampled_from([-1, 1]), by=counsellors)
    def snooze(self, hours: int, by: Actor) -> None:
        until = self.clock() + timedelta(hours=hours)
        with self.database.transaction() as session:
            if not (self.is_open and hours > 0):
                with pytest.raises(IllegalMoveError):
                    service.snooze(session, self.number, until=until, by=by, now=self.clock())
                return
            service.snooze(session, self.number, until=until, by=by, now=self.clock())
        self.lines += 1

    @precondition(lambda self: self.number)
    @rule(by=counsellors)
    def close(self, by: Actor) -> None:
        def move(session: Session) -> object:
            return service.close(
                session, self.number, by=by, catalogues=CATALOGUES, now=self.clock()
            )

        with self.database.transaction() as session:
            if not self.is_open:
                with pytest.raises(IllegalMoveError):
                    move(session)
                return
            move(session)
        self.state, self.bot_answers = CLOSED, True
        self.ended = self.holder is not None
        self.told += 1
        self.lines += 1

    @precondition(lambda self: self.number)
    @rule(by=counsellors)
    def reopen(self, by: Actor) -> None:
        with self.database.transaction() as session:
            if self.state != CLOSED:
                with pytest.raises(IllegalMoveError):
                    service.reopen(session, self.number, by=by, now=self.clock())
                return
            service.reopen(session, self.number, by=by, now=self.clock())
        self.state, self.holder = HandoverState.FOR_COUNSELLOR, by
        self.bot_answers = False
        self.lines += 1

    @rule(hours=st.sampled_from([1, 25]))
    def newcomer_returns(self, hours: int) -> None:
        self.clock.advance(hours * 3600)
        with self.database.transaction() as session:
            conversation = self.conversation(session)
            found = newcomer.return_to_counsellor(session, conversation, now=self.clock())
        assert (found is not None) == (self.state == CLOSED and self.ended and hours < 24)
        if found is None:
            # More than a day has passed, or there was nothing to return to.
            self.ended = self.ended and hours < 24 and self.state != CLOSED
            return
        self.state, self.bot_answers = HandoverState.FOR_COUNSELLOR, False
        self.lines += 1

    @invariant()
    def the_database_agrees(self) -> None:
        with self.database.reading() as session:
            conversation = self.conversation(session)
            handovers = session.scalars(
                select(Handover).where(Handover.conversation_id == self.conversation_id)
            ).all()
            told = session.scalar(
                select(func.count())
                .select_from(OutboxMessage)
                .where(OutboxMessage.conversation_id == self.conversation_id)
            )
            assert (conversation.state == ConversationState.BOT) == self.bot_answers
            assert (conversation.state == ConversationState.WITH_HUMAN) == self.with_counsellor
            assert (len(handovers), told) == (self.opened, self.told)
            for item in handovers:
                assert (item.closed_at is None) == item.is_open
                assert item.id == self.number or not item.is_open
            if self.number:
                current = session.get_one(Handover, self.number)
                assert (current.state, current.urgent) == (self.state, self.urgent)
                assert len(journal.events(session, self.number)) == self.lines
                if self.with_counsellor:
                    assert self.holder is not None
                    assert self.holder.has(current)


def test_any_order_of_moves_keeps_the_machine_whole(sqlite: Database) -> None:
    Moves.database = sqlite
    # Who returns is given back to the same counsellor only where that one still has an
    # account; without hours they count as there.
    with sqlite.transaction() as session:
        session.add_all(
            Account(
                id=by.id,
                name=by.name,
                email=f"{by.name.lower()}@example.org",
                role=Role.COUNSELLOR,
                created_at=Moves.clock(),
            )
            for by in COUNSELLORS
        )
    run_state_machine_as_test(
        Moves, settings=settings(max_examples=40, stateful_step_count=16, deadline=None)
    )
