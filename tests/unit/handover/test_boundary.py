"""Five hundred messages while a counsellor takes the chat and gives it back, again and again.

Each message arrives exactly once, in order, and on the side that had the chat.
"""

from __future__ import annotations

import asyncio
import random
import threading
from itertools import pairwise

from sqlalchemy import select

from bot.conversations import inbox
from bot.conversations.models import Conversation, InboxMessage, InboxState, OutboxMessage
from bot.db.session import Database
from bot.handover import newcomer, service
from bot.handover.journal import Actor
from bot.handover.models import EventKind, HandoverEvent, Reason
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.talk import CATALOGUES, Talk

# SQLite lets one write at a time, so fewer show as much there.
MESSAGES = {"postgresql": 500, "sqlite": 100}
# So many messages are decided between two moves of the counsellor.
EACH = 6
WEBER = Actor(name="Weber", id="account")


class Pace:
    """Lets the counsellor make a move whenever the router has decided some more messages."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._decided = 0
        self._moves = 0
        self.over = False

    def decided(self, *, over: bool) -> None:
        with self._changed:
            self._decided += 1
            self.over = over
            self._changed.notify_all()

    def next_move(self) -> None:
        with self._changed:
            seen = self._decided
            assert self._changed.wait_for(
                lambda: self.over or self._decided > seen + EACH, timeout=60
            )
            self._moves += 1
            self._changed.notify_all()

    def await_moves(self, number: int) -> None:
        """Waits until the counsellor has made so many moves.

        On SQLite the writes of the others could keep theirs back until all is over.
        """
        with self._changed:
            assert self._changed.wait_for(lambda: self._moves >= number, timeout=60)


def write(talk: Talk, total: int, pace: Pace) -> None:
    """The newcomer, in bursts."""
    written = 0
    chance = random.Random(5)
    while written < total:
        pace.await_moves(written // (4 * EACH))
        burst = min(chance.randint(1, 8), total - written)
        talk.receive(*(f"message {written + number}" for number in range(burst)))
        written += burst


def counsel(talk: Talk, pace: Pace) -> int:
    """A counsellor who takes over and gives back without end; returns how often."""
    turns = 0
    while not pace.over:
        pace.next_move()
        with talk.database.transaction() as session:
            conversation = session.scalars(select(Conversation)).one()
            number = newcomer.request(
                session, conversation, reason=Reason.ASKED, urgent=False, now=talk.clock()
            ).id
        with talk.database.transaction() as session:
            service.claim(session, number, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
        pace.next_move()
        with talk.database.transaction() as session:
            service.reply(session, number, text="I am here", by=WEBER, now=talk.clock())
        with talk.database.transaction() as session:
            service.close(session, number, by=WEBER, catalogues=CATALOGUES, now=talk.clock())
        turns += 1
    return turns


async def test_each_message_arrives_once_in_order_on_the_right_side(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    await talk.say("hello")
    first = talk.messages()[0].id
    total = MESSAGES[database.engine.dialect.name]
    pace = Pace()

    async def answer() -> None:
        conversation_id = talk.conversation.id
        while not pace.over:
            if await talk.router.answer_next(conversation_id):
                pace.decided(over=False)
                continue
            # Nothing to answer: either all is answered, or the newcomer is slower.
            with database.reading() as session:
                done = session.query(InboxMessage).filter_by(state="done").count()
            pace.decided(over=done == total + 1)

    _, _, turns = await asyncio.gather(
        asyncio.to_thread(write, talk, total, pace),
        answer(),
        asyncio.to_thread(counsel, talk, pace),
    )

    with database.reading() as session:
        messages = [
            row
            for row in session.scalars(select(InboxMessage).order_by(InboxMessage.id))
            if row.id != first
        ]
        events = session.scalars(select(HandoverEvent).order_by(HandoverEvent.id)).all()
        replies = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [row.text for row in messages] == [f"message {n}" for n in range(total)]
    assert {row.state for row in messages} == {InboxState.DONE}

    to_counsellor = [one.inbox_message_id for one in events if one.inbox_message_id is not None]
    to_bot = [row.inbox_message_id for row in replies if row.inbox_message_id not in (None, first)]
    assert sorted([*to_counsellor, *to_bot]) == [row.id for row in messages], "once each"
    assert to_counsellor == sorted(to_counsellor), "in order"
    assert to_bot == sorted(to_bot), "in order"
    assert turns > 1

    # The counsellor's messages lie between the request and the end of one handover.
    for one, following in pairwise(events):
        if one.kind == EventKind.CLOSED:
            assert following.kind == EventKind.REQUESTED
        elif following.kind != EventKind.REQUESTED:
            assert one.handover_id == following.handover_id
    # The bot is silent from the words with which the counsellor comes to the closing words.
    silent = False
    for row in replies:
        text = row.content["text"]
        if text.startswith("A counsellor has taken over"):
            silent = True
        elif text.startswith("The talk with our counsellor has ended"):
            silent = False
        else:
            assert not silent or text == "I am here"


async def test_messages_sent_while_the_bot_is_stopped_are_there_afterwards(
    database: Database, clock: Clock
) -> None:
    talk = Talk(database, clock)
    await talk.say("hello")
    with database.transaction() as session:
        conversation = session.get_one(Conversation, talk.conversation.id)
        number = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=clock()
        ).id
        service.claim(session, number, by=WEBER, catalogues=CATALOGUES, now=clock())
    with database.transaction() as session:
        inbox.record(session, [incoming(f"while down {n}") for n in range(3)], now=clock())
    # The process starts again: another router, the same database.
    again = Talk(database, clock)
    await again.settle()
    with database.reading() as session:
        kept = session.scalars(
            select(InboxMessage.text)
            .join(HandoverEvent, HandoverEvent.inbox_message_id == InboxMessage.id)
            .order_by(HandoverEvent.id)
        ).all()
    assert kept == ["while down 0", "while down 1", "while down 2"]
