"""What open pages are told, and what they are not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.console.access import CSRF_HEADER
from bot.console.inbox.stream import CHECK_EVERY, _still_allowed
from bot.console.inbox.thread import SILENT
from bot.console.inbox.words import EVENTS, REASONS
from bot.console.live import STREAMS_PER_ACCOUNT, Listener, Live, News
from bot.conversations.models import OutboxMessage, OutboxState
from bot.counsellors import accounts
from bot.counsellors.models import Account, Role
from bot.db.session import Database
from bot.handover import service
from bot.handover.inbox import Viewer
from bot.handover.journal import LOTSE, Actor, record
from bot.handover.models import EventKind, Handover, Reason
from tests.conftest import Clock
from tests.support.console import CATALOGUES, Console, new_account
from tests.support.handovers import handed_over, handover, wrote

SECONDS = 10.0


def listening(live: Live, account: Account, handover_id: int = 0, conversation_id: str = ""):  # type: ignore[no-untyped-def]
    return live.listening(
        Viewer.of(account), handover_id=handover_id or None, conversation_id=conversation_id
    )


async def told(listener: Listener) -> News:
    news = await listener.next(seconds=SECONDS)
    assert news, "nothing was told in time"
    return news


async def test_a_message_is_told_with_a_call_and_read_ones_are_not_repeated(
    database: Database, clock: Clock
) -> None:
    account = new_account(database, clock)
    old = handed_over(database, clock())
    live = Live(database)
    async with listening(live, account) as listener:
        new = handed_over(database, clock(), address="amal", urgent=True)
        news = await told(listener)
        assert (news.handovers, news.calling, news.urgent) == ({new}, {new}, True)

        wrote(database, clock(), text="one more")
        news = await told(listener)
        assert (news.handovers, news.calling, news.urgent) == ({old}, {old}, False)


async def test_what_one_does_oneself_and_colleagues_talks_do_not_call(
    sqlite: Database, clock: Clock
) -> None:
    me = new_account(sqlite, clock)
    other = new_account(sqlite, clock, email="other@example.org", name="Other")
    number = handed_over(sqlite, clock())
    live = Live(sqlite)
    async with listening(live, me) as mine, listening(live, other) as theirs:
        with sqlite.transaction() as session:
            by = Actor(name=me.name, id=me.id)
            service.claim(session, number, by=by, catalogues=CATALOGUES, now=clock())
        assert (await told(mine)).calling == set()
        await told(theirs)

        wrote(sqlite, clock(), text="for the one who has it")
        assert (await told(mine)).calling == {number}
        news = await told(theirs)
        assert (news.handovers, news.calling) == ({number}, set())


async def test_an_emergency_calls_again_until_it_is_taken(sqlite: Database, clock: Clock) -> None:
    account = new_account(sqlite, clock)
    number = handed_over(sqlite, clock(), urgent=True)
    live = Live(sqlite)
    async with listening(live, account) as listener:
        with sqlite.transaction() as session:
            waiting = session.get_one(Handover, number)
            record(session, waiting, EventKind.ALERTED, by=LOTSE, now=clock(), on_duty=[])
        news = await told(listener)
        assert (news.calling, news.urgent) == ({number}, True)


def test_every_line_of_the_journal_has_its_words() -> None:
    # These show what they hold: a note, a translation, why something was not sent.
    own = {EventKind.NOTE, EventKind.TRANSLATED, EventKind.TO_TRANSLATE, EventKind.REFUSED}
    shown = {EventKind.RATED, *own, *SILENT}

    assert set(EventKind) - shown - set(EVENTS) == set()
    assert set(Reason) == set(REASONS)


async def test_a_partner_hears_of_the_own_organization_only(sqlite: Database, clock: Clock) -> None:
    partner = new_account(sqlite, clock, Role.PARTNER)
    live = Live(sqlite)
    async with listening(live, partner) as listener:
        handed_over(sqlite, clock(), address="city")
        own = handed_over(sqlite, clock(), address="own", organization_id=partner.organization_id)
        assert (await told(listener)).handovers == {own}


async def test_a_reply_that_got_on_is_told_to_who_looks_at_it(
    sqlite: Database, clock: Clock
) -> None:
    account = new_account(sqlite, clock)
    number = handed_over(sqlite, clock())
    conversation = handover(sqlite, number).conversation_id
    live = Live(sqlite)
    async with listening(live, account, number, conversation) as listener:
        # Something may have got on between the loading of the page and the first look.
        assert (await told(listener)).handovers == {number}
        with sqlite.transaction() as session:
            session.scalars(select(OutboxMessage)).one().state = OutboxState.SENT
        news = await told(listener)
        assert (news.handovers, news.calling) == ({number}, set())


async def test_the_oldest_of_too_many_pages_ends_and_all_end_at_the_end(
    sqlite: Database, clock: Clock
) -> None:
    account = new_account(sqlite, clock)
    live = Live(sqlite)
    contexts = [listening(live, account) for _ in range(STREAMS_PER_ACCOUNT + 1)]
    listeners = [await context.__aenter__() for context in contexts]

    assert [one.closed for one in listeners] == [True] + [False] * STREAMS_PER_ACCOUNT
    live.close()
    assert all(one.closed for one in listeners)
    for context in contexts:
        await context.__aexit__(None, None, None)
    async with listening(live, account) as late:
        assert late.closed


async def test_typing_is_told_to_colleagues_in_the_same_conversation(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    me, other = new_account(sqlite, clock), new_account(sqlite, clock, Role.ADMIN)
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(me)
    live = console.services.live
    async with listening(live, other, number) as here, listening(live, other, 99) as elsewhere:
        headers = {CSRF_HEADER: await browser.form_token()}
        answer = await browser.post(f"/console/inbox/{number}/typing", headers=headers)

        assert answer.status_code == 204
        assert (await told(here)).typing == me.name
        assert not await elsewhere.next(seconds=0)


@pytest.mark.parametrize("change", ["signed out", "disabled", "another organization"])
def test_a_stream_ends_with_the_right_to_it(
    console: Console, sqlite: Database, clock: Clock, change: str
) -> None:
    from bot.counsellors import sessions

    account = new_account(sqlite, clock, Role.PARTNER)
    with sqlite.transaction() as session:
        token = sessions.begin(session, account, now=clock())
    viewer = Viewer.of(account)
    assert _still_allowed(console.services, viewer, token)

    with sqlite.transaction() as session:
        own = session.get_one(Account, account.id)
        if change == "signed out":
            sessions.sign_out(session, token, now=clock())
        elif change == "disabled":
            accounts.set_active(session, own, active=False, actor="test", now=clock())
        else:
            own.organization_id = None

    assert not _still_allowed(console.services, viewer, token)
    assert CHECK_EVERY.total_seconds() <= 20
