"""Deleting by age: at the right moment, everything, nobody who is still needed, and once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from bot.booking import links, waiting
from bot.booking.models import Appointment, AppointmentLink, AppointmentState, WaitingEntry, Way
from bot.config import Settings
from bot.conversations import files, inbox, leases, outbox
from bot.conversations.files import FileStore
from bot.conversations.models import (
    ButtonKey,
    Contact,
    Conversation,
    ConversationState,
    InboxMessage,
    InboxState,
    OutboxMessage,
    StoredFile,
)
from bot.counsellors import audit
from bot.counsellors.models import AuditEntry
from bot.db.base import Base
from bot.db.session import Database
from bot.errors import EngineUnavailableError, MessageNotProcessedError
from bot.handover import newcomer
from bot.handover import service as handover
from bot.handover.desks import feed as desk_feed
from bot.handover.desks import receipts
from bot.handover.desks.models import DeskReceipt, DeskThread
from bot.handover.journal import Actor
from bot.handover.models import ContactFact, Reason
from bot.messages import Attachment, Button, Kind, OutgoingMessage
from bot.privacy import retention
from bot.privacy.retention import Due, Terms
from bot.workers.files import FileWorker
from bot.workers.retention import Deleted, RetentionWorker
from tests.conftest import Clock
from tests.support.booking import book, new_calendar, new_service, slot_at
from tests.support.builders import incoming
from tests.support.fakes import FakeEngine
from tests.support.talk import CATALOGUES

DAY = timedelta(days=1)
TERMS = Terms(
    conversations=180 * DAY, without_consent=7 * DAY, appointments=180 * DAY, audit=730 * DAY
)
WEBER = Actor(name="Weber", desk="console")
SECRET = "moonflower"

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def make_worker(
    database: Database, clock: Clock, engine: FakeEngine | None = None
) -> RetentionWorker:
    return RetentionWorker(
        database=database,
        engine=engine or FakeEngine(),  # type: ignore[arg-type]
        terms=TERMS,
        clock=clock,
    )


def talked(
    session: Session, at: datetime, *, address: str = "anna", agreed: bool = True, said: str = "hi"
) -> Conversation:
    """Somebody who wrote and was answered at this moment."""
    inbox.record(session, [incoming(said, address=address)], now=at)
    conversation = inbox.find_conversation(session, channel="web", address=address)
    assert conversation is not None
    if agreed:
        conversation.identity.contact.consented_at = at
    for message in session.scalars(
        select(InboxMessage).where(InboxMessage.conversation_id == conversation.id)
    ):
        inbox.finish(message, now=at)
    outbox.add(
        session,
        conversation=conversation,
        messages=[
            OutgoingMessage(text=said, buttons=(Button(title=said, payload={"intent": "help"}),))
        ],
        now=at,
    )
    session.flush()
    return conversation


def left(database: Database) -> set[str]:
    """The addresses of those still known."""
    with database.reading() as session:
        return {row.identity.address for row in session.scalars(select(Conversation))}


def dump(database: Database) -> str:
    """Everything in the database, as text."""
    with database.reading() as session:
        return repr(
            [
                (table.name, [tuple(map(str, row)) for row in session.execute(select(table))])
                for table in Base.metadata.sorted_tables
            ]
        )


# The age


@pytest.mark.parametrize(
    ("agreed", "term"), [(True, TERMS.conversations), (False, TERMS.without_consent)]
)
async def test_a_conversation_goes_when_its_term_is_over_and_not_a_second_sooner(
    database: Database, clock: Clock, agreed: bool, term: timedelta
) -> None:
    began = clock.now
    with database.transaction() as session:
        talked(session, began, agreed=agreed)
    worker = make_worker(database, clock)
    clock.now = began + term - timedelta(seconds=1)
    assert await worker.look() == Deleted()
    assert left(database) == {"anna"}
    clock.now = began + term
    assert (await worker.look()).conversations == 1
    assert left(database) == set()
    assert await worker.look() == Deleted()


@pytest.mark.parametrize("who", ["person", "counsellor"])
async def test_the_last_word_of_either_side_counts(
    database: Database, clock: Clock, who: str
) -> None:
    began = clock.now
    with database.transaction() as session:
        conversation = talked(session, began)
        later = began + 100 * DAY
        if who == "person":
            inbox.record(session, [incoming(address="anna")], now=later)
            for message in session.scalars(select(InboxMessage)):
                inbox.finish(message, now=later)
        else:
            outbox.add(
                session,
                conversation=conversation,
                messages=[OutgoingMessage(text="How are you?")],
                now=later,
            )
    worker = make_worker(database, clock)
    clock.now = began + TERMS.conversations
    assert (await worker.look()).conversations == 0
    clock.now = later + TERMS.conversations
    assert (await worker.look()).conversations == 1


async def test_who_never_answered_the_question_for_consent_goes_with_what_waits_for_it(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        inbox.record(session, [incoming(SECRET)], now=clock.now)
        for message in session.scalars(select(InboxMessage)):
            inbox.await_consent(message)
    clock.now += TERMS.without_consent
    assert (await make_worker(database, clock).look()).conversations == 1
    assert SECRET not in dump(database)


ages = st.integers(0, 200 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
near = st.sampled_from([TERMS.conversations, TERMS.without_consent]).flatmap(
    lambda term: st.integers(-2, 2).map(lambda seconds: term + timedelta(seconds=seconds))
)
people = st.lists(st.tuples(ages | near, ages | near, st.booleans()), min_size=1, max_size=8)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(people=people)
def test_exactly_those_go_whose_last_word_is_old_enough(
    sqlite: Database, clock: Clock, people: list[tuple[timedelta, timedelta, bool]]
) -> None:
    now = clock.now
    expected = set()
    with sqlite.transaction() as session:
        session.execute(delete(Contact))
        for number, (first, second, agreed) in enumerate(people):
            for age in sorted((first, second), reverse=True):
                talked(session, now - age, address=str(number), agreed=agreed)
            term = TERMS.conversations if agreed else TERMS.without_consent
            if min(first, second) < term:
                expected.add(str(number))
    asyncio.run(make_worker(sqlite, clock).look())
    assert left(sqlite) == expected


def test_where_nobody_is_asked_for_consent_nobody_lacks_it() -> None:
    asked = Terms.of(Settings(_env_file=None))
    assert asked == TERMS
    not_asked = Terms.of(Settings(_env_file=None, ask_consent=False, retention_days=30))
    assert not_asked.without_consent == not_asked.conversations == 30 * DAY


# Who is kept


def waits_for_a_person(session: Session, conversation: Conversation, now: datetime) -> None:
    newcomer.request(session, conversation, reason=Reason.ASKED, urgent=False, now=now)


def is_with_a_person(session: Session, conversation: Conversation, now: datetime) -> None:
    opened = newcomer.request(session, conversation, reason=Reason.ASKED, urgent=False, now=now)
    session.flush()
    handover.reply(session, opened.id, text="Hello", by=WEBER, now=now)


def went_on_with_the_bot(session: Session, conversation: Conversation, now: datetime) -> None:
    """The request stays open with the counsellors, although the bot answers again."""
    waits_for_a_person(session, conversation, now)
    session.flush()
    conversation.state = ConversationState.BOT


def has_an_appointment(session: Session, conversation: Conversation, now: datetime) -> None:
    service = new_service(session, horizon_days=400)
    calendar = new_calendar(session, service)
    row = book(session, service, slot_at(now + DAY, calendar), conversation, now=now)
    row.starts_at, row.blocked_from = now + 190 * DAY, now + 190 * DAY
    row.ends_at = row.blocked_until = row.starts_at + timedelta(hours=1)


def is_on_the_waiting_list(session: Session, conversation: Conversation, now: datetime) -> None:
    waiting.join(
        session,
        new_service(session),
        contact_id=conversation.identity.contact_id,
        conversation_id=conversation.id,
        way=Way.PLACE,
        language="en",
        now=now,
    )


def is_not_answered_yet(session: Session, conversation: Conversation, now: datetime) -> None:
    inbox.record(session, [incoming(address="anna")], now=now)


def is_being_answered(session: Session, conversation: Conversation, now: datetime) -> None:
    leases.INBOX.take(session, conversation.id, owner="router", now=now, until=now + 400 * DAY)


def is_being_sent_to(session: Session, conversation: Conversation, now: datetime) -> None:
    leases.OUTBOX.take(session, conversation.id, owner="outbox", now=now, until=now + 400 * DAY)


@pytest.mark.parametrize(
    "needed",
    [
        waits_for_a_person,
        is_with_a_person,
        went_on_with_the_bot,
        has_an_appointment,
        is_on_the_waiting_list,
        is_not_answered_yet,
        is_being_answered,
        is_being_sent_to,
    ],
)
async def test_who_is_still_needed_is_kept(
    database: Database,
    clock: Clock,
    needed: Callable[[Session, Conversation, datetime], None],
) -> None:
    began = clock.now
    with database.transaction() as session:
        needed(session, talked(session, began), began)
        talked(session, began, address="ben")
    clock.now = began + TERMS.conversations + DAY
    engine = FakeEngine()
    assert (await make_worker(database, clock, engine).look()).conversations == 1
    assert left(database) == {"anna"}
    assert len(engine.forgotten) == 1


async def test_who_had_an_appointment_goes_once_it_is_over(
    database: Database, clock: Clock
) -> None:
    began = clock.now
    with database.transaction() as session:
        has_an_appointment(session, talked(session, began), began)
    clock.now = began + 191 * DAY
    assert (await make_worker(database, clock).look()).conversations == 1
    assert left(database) == set()


# What goes


async def test_everything_goes_and_nobody_is_told(
    database: Database, clock: Clock, tmp_path: Any
) -> None:
    began = clock.now
    store = FileStore(tmp_path / "files")
    with database.transaction() as session:
        conversation = talked(session, began, said=SECRET)
        attached = incoming(
            SECRET,
            address="anna",
            kind=Kind.PHOTO,
            attachments=(Attachment(source="f1", name=f"{SECRET}.jpg", size=3),),
        )
        inbox.record(session, [attached], now=began)
        for message in session.scalars(select(InboxMessage)):
            inbox.finish(message, now=began)
        file = session.scalars(select(StoredFile)).one()
        files.settle(file, files.FileState.STORED, media_type="image/jpeg", size=3)
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=False, now=began
        )
        session.flush()
        desk_feed.open_threads(session, "topics", now=began)
        handover.reply(session, opened.id, text=SECRET, by=WEBER, now=began)
        handover.note(session, opened.id, text=SECRET, by=WEBER, now=began)
        handover.close(session, opened.id, by=WEBER, catalogues=CATALOGUES, now=began)
        session.add(
            ContactFact(
                contact_id=conversation.identity.contact_id,
                name="phone",
                value=SECRET,
                noted_by="Weber",
                noted_at=began,
            )
        )
        service = new_service(session)
        calendar = new_calendar(session, service)
        book(
            session,
            service,
            slot_at(began + DAY, calendar),
            conversation,
            now=began,
            name=SECRET,
            reach=SECRET,
            subject=SECRET,
        )
        other = talked(session, began + 100 * DAY, address="ben")
        ids = (conversation.id, conversation.identity.contact_id, conversation.identity_id)
    store.write(file.id, b"jpg")
    clock.now = began + TERMS.conversations
    engine = FakeEngine()
    assert (await make_worker(database, clock, engine).look()).conversations == 1
    assert engine.forgotten == [conversation.id]
    shown = dump(database)
    assert SECRET not in shown
    assert not any(one in shown for one in ids)
    assert left(database) == {"ben"}
    with database.reading() as session:
        assert [row.conversation_id for row in session.scalars(select(OutboxMessage))] == [other.id]
        # The time stays, without a person; the desk's thread waits to be deleted there.
        [row] = session.scalars(select(Appointment))
        assert (row.state, row.contact_id, row.name) == (AppointmentState.BOOKED, None, "")
        assert [thread.conversation_id for thread in session.scalars(select(DeskThread))] == [None]
    sweeper = FileWorker(
        database=database, store=store, fetchers={}, scan=lambda _: True, clock=clock
    )
    assert sweeper.sweep() == 1
    assert not store.path(file.id).exists()


# Appointments


def past_appointment(session: Session, clock: Clock, *, by_hand: bool = False) -> Appointment:
    conversation = talked(session, clock.now)
    service = new_service(session)
    calendar = new_calendar(session, service)
    row = book(
        session,
        service,
        slot_at(clock.now + DAY, calendar),
        conversation,
        now=clock.now,
        name=SECRET,
        reach=SECRET,
        subject=SECRET,
    )
    row.notes = SECRET
    if by_hand:
        row.contact_id = row.conversation_id = None
    return row


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_past_appointment_loses_its_person_in_time(
    database: Database, clock: Clock, by_hand: bool
) -> None:
    with database.transaction() as session:
        row = past_appointment(session, clock, by_hand=by_hand)
        token = links.new_token(session, row.booking_id, now=clock.now)
        ended = row.ends_at
        talked(session, clock.now + 100 * DAY)
    worker = make_worker(database, clock)
    clock.now = ended + TERMS.appointments - timedelta(seconds=1)
    assert (await worker.look()).appointments == 0
    clock.now = ended + TERMS.appointments
    assert (await worker.look()).appointments == 1
    assert (await worker.look()).appointments == 0
    with database.reading() as session:
        kept = session.get_one(Appointment, row.id)
        assert (kept.name, kept.reach, kept.subject, kept.notes) == ("", "", "", "")
        assert (kept.contact_id, kept.conversation_id) == (None, None)
        assert kept.starts_at == row.starts_at
        assert links.appointment_by_token(session, token) is None
        assert session.scalar(select(func.count()).select_from(AppointmentLink)) == 0
    assert left(database) == {"anna"}


async def test_a_booking_that_was_moved_counts_by_its_last_time(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        row = past_appointment(session, clock)
        row.state = AppointmentState.MOVED
        service, calendar = row.service, row.calendar
        conversation = session.get_one(Conversation, row.conversation_id)
        later = book(
            session, service, slot_at(clock.now + 7 * DAY, calendar), conversation, now=clock.now
        )
        later.booking_id, later.sequence = row.booking_id, 1
        ended = (row.ends_at, later.ends_at)
        talked(session, clock.now + 100 * DAY)
    worker = make_worker(database, clock)
    clock.now = ended[0] + TERMS.appointments
    assert (await worker.look()).appointments == 0
    clock.now = ended[1] + TERMS.appointments
    assert (await worker.look()).appointments == 2


# Leftovers


async def test_leftovers_of_those_who_stay_go_too(database: Database, clock: Clock) -> None:
    began = clock.now
    with database.transaction() as session:
        conversation = talked(session, began)
        pressed = session.scalars(select(ButtonKey)).one()
        outbox.add(
            session,
            conversation=conversation,
            messages=[OutgoingMessage(text="or", buttons=(Button(title="never pressed"),))],
            now=began,
        )
        press = incoming("", kind=Kind.BUTTON, button_key=pressed.key, address="anna")
        inbox.record(session, [press], now=began)
        receipts.is_new(session, "topics", "update-1", now=began)
        receipts.is_new(session, "topics", "update-2", now=began)
        [reply] = outbox.add(
            session,
            conversation=conversation,
            messages=[OutgoingMessage(text="yes")],
            now=began,
        )
        receipts.keep_reply(session, "topics", "update-2", reply)
        is_on_the_waiting_list(session, conversation, began)
        entry = session.scalars(select(WaitingEntry)).one()
        waiting.leave(session, entry.id, contact_id=entry.contact_id, now=began)
        audit.record(session, "account.signed_in", actor="Weber", now=began)
        audit.record(session, "account.signed_in", actor="Weber", now=began + DAY)
        talked(session, began + 700 * DAY)
    clock.now = began + TERMS.audit
    assert (await make_worker(database, clock).look()).leftovers == 4
    with database.reading() as session:
        assert session.get(ButtonKey, pressed.key) is not None
        titles = [row.title for row in session.scalars(select(ButtonKey))]
        assert "never pressed" not in titles
        assert [row.external_id for row in session.scalars(select(DeskReceipt))] == ["update-2"]
        assert session.scalars(select(WaitingEntry)).all() == []
        assert len(session.scalars(select(AuditEntry)).all()) == 1
    assert left(database) == {"anna"}


# Failing, and doing it again


async def test_while_the_engine_is_away_the_conversation_stays_whole(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        past_appointment(session, clock)
        talked(session, clock.now + 2 * DAY)
    engine = FakeEngine()
    engine.away = True
    clock.now += 2 * DAY + TERMS.conversations
    worker = make_worker(database, clock, engine)
    with pytest.raises(EngineUnavailableError):
        await worker.look()
    assert left(database) == {"anna"}
    with database.reading() as session:
        # What needs no engine is done, and nobody who writes now has to wait.
        assert session.scalars(select(Appointment)).one().name == ""
        assert session.scalars(select(Conversation)).one().inbox_lease_until is None
    engine.away = False
    assert (await worker.look()).conversations == 1


async def test_a_crash_between_engine_and_database_is_caught_up_on(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        conversation = talked(session, clock.now)
    clock.now += TERMS.conversations
    engine = FakeEngine()
    dying = make_worker(database, clock, engine)
    dying._delete_claimed = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt):
        await dying.look()
    assert left(database) == {"anna"}
    # The claim of the dead worker ends by itself.
    clock.now += retention.LEASE + timedelta(seconds=1)
    assert (await make_worker(database, clock, engine).look()).conversations == 1
    assert engine.forgotten == [conversation.id] * 2
    assert left(database) == set()


async def test_one_that_the_engine_cannot_forget_does_not_keep_the_others(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        ids = sorted(
            talked(session, clock.now, address=address).id for address in ("anna", "ben", "cem")
        )
    clock.now += TERMS.conversations

    class Stubborn(FakeEngine):
        async def forget(self, sender: str) -> None:
            if sender == ids[0]:
                raise MessageNotProcessedError("status 500")
            await super().forget(sender)

    deleted = await make_worker(database, clock, Stubborn()).look()
    assert (deleted.conversations, deleted.left) == (2, 1)
    with database.reading() as session:
        assert session.scalars(select(Conversation.id)).all() == [ids[0]]


async def test_who_writes_in_that_moment_is_kept_and_answered(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        talked(session, clock.now)
    clock.now += TERMS.conversations

    class Meanwhile(FakeEngine):
        async def forget(self, sender: str) -> None:
            with database.transaction() as session:
                inbox.record(session, [incoming("I am back", address="anna")], now=clock())
                # Nobody answers while it is being decided.
                taken = inbox.claim(session, owner="w", now=clock(), lease=DAY, limit=9)
                assert taken == []

    assert (await make_worker(database, clock, Meanwhile()).look()).conversations == 0
    with database.transaction() as session:
        assert len(inbox.claim(session, owner="w", now=clock(), lease=DAY, limit=9)) == 1
        texts = session.scalars(select(InboxMessage.text).order_by(InboxMessage.id)).all()
        assert texts == ["hi", "I am back"]


async def test_two_at_once_do_not_disturb_each_other(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        for number in range(12):
            talked(session, clock.now, address=str(number))
    clock.now += TERMS.conversations
    engine = FakeEngine()
    done = await asyncio.gather(*(make_worker(database, clock, engine).look() for _ in range(3)))
    assert sum(one.conversations for one in done) == 12
    assert sum(one.left for one in done) == 0
    assert left(database) == set()


def wait_until_somebody_waits(postgres: Database) -> None:
    """Returns when a transaction waits for another one to end."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 20
    with postgres.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(waiting):
            assert time.monotonic() < deadline


def test_a_message_that_meets_the_deletion_is_not_lost(postgres: Database, clock: Clock) -> None:
    with postgres.transaction() as session:
        conversation = talked(session, clock.now)
    clock.now += TERMS.conversations
    known: list[int] = []

    def write() -> None:
        with postgres.transaction() as session:
            known.append(
                inbox.record(session, [incoming("I am back", address="anna")], now=clock())
            )

    writer = threading.Thread(target=write)
    with postgres.transaction() as session:
        assert retention.delete_claimed(
            session, conversation.id, TERMS, owner="retention", now=clock()
        )
        writer.start()
        wait_until_somebody_waits(postgres)
    writer.join(20)
    assert known == [1]
    with postgres.reading() as session:
        [message] = session.scalars(select(InboxMessage))
        assert (message.text, message.state) == ("I am back", InboxState.PENDING)
        assert message.conversation_id != conversation.id


# Saying what is due


async def test_what_is_due_is_counted_as_it_is_deleted(database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        past_appointment(session, clock)
        talked(session, clock.now + 2 * DAY)
        talked(session, clock.now, address="ben", agreed=False)
        talked(session, clock.now, address="cem", agreed=False)
        audit.record(session, "account.signed_in", actor="Weber", now=clock.now - TERMS.audit)
    clock.now += 2 * DAY + TERMS.conversations
    with database.reading() as session:
        due = retention.count_due(session, TERMS, now=clock())
    assert due == Due(conversations=1, without_consent=2, appointments=1, leftovers=5)
    deleted = await make_worker(database, clock).look()
    assert (deleted.conversations, deleted.appointments, deleted.leftovers) == (3, 1, 5)
    with database.reading() as session:
        assert retention.count_due(session, TERMS, now=clock()) == Due()
