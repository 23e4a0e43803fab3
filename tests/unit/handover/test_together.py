"""Many counsellors at once: exactly one gets the handover."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from bot.conversations import inbox
from bot.conversations.models import Conversation, ConversationState, OutboxMessage
from bot.db.session import Database
from bot.errors import IllegalMoveError
from bot.handover import journal, newcomer, service
from bot.handover.journal import Actor
from bot.handover.models import Handover, HandoverState, Reason
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.talk import CATALOGUES

COUNSELLORS = 50
# As many as the pool has connections for PostgreSQL: all of them claim at the same moment.
AT_ONCE = 25


def waiting_handover(database: Database, clock: Clock) -> int:
    with database.transaction() as session:
        inbox.record(session, [incoming()], now=clock())
        conversation = session.scalars(select(Conversation)).one()
        return newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=clock()
        ).id


def test_of_fifty_who_claim_at_once_exactly_one_succeeds(database: Database, clock: Clock) -> None:
    number = waiting_handover(database, clock)
    start = Barrier(AT_ONCE)

    def claim(index: int) -> str | None:
        counsellor = Actor(name=f"Counsellor {index}", id=f"account-{index}")
        if index < AT_ONCE:
            start.wait(timeout=30)
        try:
            with database.transaction() as session:
                service.claim(session, number, by=counsellor, catalogues=CATALOGUES, now=clock())
        except IllegalMoveError:
            return None
        return counsellor.name

    with ThreadPoolExecutor(AT_ONCE) as pool:
        winners = [name for name in pool.map(claim, range(COUNSELLORS)) if name]
    with database.reading() as session:
        handover = session.get_one(Handover, number)
        assert winners == [handover.claimed_by]
        assert handover.state == HandoverState.CLAIMED
        assert handover.conversation.state == ConversationState.WITH_HUMAN
        kinds = [event.kind for event in journal.events(session, number)]
        assert kinds == ["requested", "claimed"]
        assert len(session.scalars(select(OutboxMessage)).all()) == 1


def test_of_many_who_close_at_once_exactly_one_says_goodbye(
    database: Database, clock: Clock
) -> None:
    number = waiting_handover(database, clock)
    start = Barrier(8)

    def close(index: int) -> bool:
        start.wait(timeout=30)
        try:
            with database.transaction() as session:
                service.close(
                    session,
                    number,
                    by=Actor(name=f"Counsellor {index}"),
                    catalogues=CATALOGUES,
                    now=clock(),
                )
        except IllegalMoveError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(close, range(8))) == 1
    with database.reading() as session:
        assert len(session.scalars(select(OutboxMessage)).all()) == 1
