"""Who should answer, and whether and when they are there."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from bot.conversations import inbox
from bot.conversations.models import Conversation, InboxMessage
from bot.counsellors.hours import Absence
from bot.counsellors.models import Role
from bot.db.session import Database
from bot.handover import newcomer, routing
from bot.handover.models import Handover, Queue, Reason
from bot.measures.models import Organization
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.counsellors import add_account, add_hours, add_queue

# Monday, 23 November 2026, 10:00 in Stuttgart: the clock of the tests.
NINE_NEXT_DAY = datetime(2026, 11, 24, 8, tzinfo=UTC)


def conversation(session: Session, clock: Clock, *said: tuple[str, str]) -> Conversation:
    """A conversation with messages of these (language, intent)."""
    inbox.record(session, [incoming() for _ in said or [()]], now=clock())
    found = inbox.find_conversation(session, channel="web", address="anna")
    assert found is not None
    messages = session.query(InboxMessage).order_by(InboxMessage.id)
    for message, (language, intent) in zip(messages, said, strict=False):
        message.language, message.intent = language, intent
        found.language = language
    session.flush()
    return found


def ask(session: Session, found: Conversation, clock: Clock, **more: str) -> Handover:
    return newcomer.request(session, found, reason=Reason.ASKED, urgent=False, now=clock(), **more)


def names(session: Session, queue: Queue | None, *languages: str) -> list[str]:
    found = routing.counsellors_for(session, queue=queue, languages=languages)
    return [account.name for account in found]


def test_a_request_waits_in_the_queue_of_the_topic_asked_about_last(
    database: Database, clock: Clock
) -> None:
    with database.transaction() as session:
        add_queue(session, "Work", "job", "recognition")
        housing = add_queue(session, "Housing", "housing")
        found = conversation(
            session, clock, ("uk", "ask_job"), ("en", "ask_housing"), ("uk", "ask_privacy")
        )
        opened = ask(session, found, clock)
        assert (opened.topic, opened.queue_id) == ("housing", housing.id)
        assert opened.languages == ["uk", "en"]


def test_an_organization_comes_before_a_topic(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        caritas = Organization(name="Caritas")
        session.add(caritas)
        session.flush()
        add_queue(session, "Housing", "housing")
        own = add_queue(session, "Caritas", organization_id=caritas.id)
        found = conversation(session, clock, ("en", "ask_housing"))
        assert ask(session, found, clock, organization_id=caritas.id).queue_id == own.id


def test_a_topic_never_leads_into_an_organizations_queue(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        caritas = Organization(name="Caritas")
        session.add(caritas)
        session.flush()
        add_queue(session, "Caritas", "housing", organization_id=caritas.id)
        found = conversation(session, clock, ("en", "ask_housing"))
        assert ask(session, found, clock).queue_id is None


def test_who_speaks_the_language_comes_before_who_does_not(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        add_account(session, "Berg", "de")
        add_account(session, "Kaya", "de", "tr")
        add_account(session, "Gone", "tr", active=False)
        add_account(session, "Editor", "tr", role=Role.EDITOR)
        assert names(session, None, "tr") == ["Kaya"]
        assert names(session, None, "uk") == ["Berg", "Kaya"]


def test_members_serve_their_queues_and_all_others_the_rest(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        member = add_account(session, "Member")
        add_account(session, "Berg")
        housing = add_queue(session, "Housing", "housing", members=(member,))
        assert names(session, housing) == ["Berg", "Member"]
        assert names(session, None) == ["Berg"]


def test_a_partner_serves_only_their_organization(sqlite: Database) -> None:
    with sqlite.transaction() as session:
        caritas, other = Organization(name="Caritas"), Organization(name="AWO")
        session.add_all([caritas, other])
        session.flush()
        add_account(session, "Partner", role=Role.PARTNER, organization_id=caritas.id)
        add_account(session, "Berg")
        own = add_queue(session, "Caritas", organization_id=caritas.id)
        foreign = add_queue(session, "AWO", organization_id=other.id)
        assert names(session, own) == ["Partner"]
        assert names(session, foreign) == []
        assert names(session, None) == ["Berg"]


def presence(session: Session, now: datetime, queue: Queue | None = None) -> routing.Presence:
    return routing.presence(session, queue=queue, languages=["en"], now=now)


def test_without_any_hours_somebody_counts_as_there(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        add_account(session, "Berg")
        assert presence(session, clock()) == routing.Presence(is_open=True, back_at=None)


def test_the_hours_of_the_house_hold_for_whoever_has_no_own(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        add_hours(session, 9, 12)
        assert presence(session, clock()).is_open
        clock.advance(3 * 3600)
        assert presence(session, clock()) == routing.Presence(is_open=False, back_at=NINE_NEXT_DAY)
        late = add_account(session, "Late")
        add_hours(session, 13, 15, account_id=late.id)
        assert presence(session, clock()).is_open


def test_the_hours_of_a_queue_come_before_those_of_the_house(
    sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        add_hours(session, 9, 12)
        queue = add_queue(session, "Evening", "job")
        add_hours(session, 18, 20, queue_id=queue.id)
        assert not presence(session, clock(), queue).is_open
        assert presence(session, clock(), queue).back_at == datetime(2026, 11, 23, 17, tzinfo=UTC)


def test_whoever_is_away_opens_no_door(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        add_hours(session, 9, 12)
        berg = add_account(session, "Berg")
        session.add(
            Absence(account_id=berg.id, starts_on=date(2026, 11, 23), ends_on=date(2026, 11, 23))
        )
        session.flush()
        assert presence(session, clock()) == routing.Presence(is_open=False, back_at=NINE_NEXT_DAY)
        assert routing.on_duty(session, now=clock()) == []


def test_on_duty_is_whoever_is_there_whatever_their_queue(sqlite: Database, clock: Clock) -> None:
    with sqlite.transaction() as session:
        now_there = add_account(session, "Now")
        add_hours(session, 9, 12, account_id=now_there.id)
        later = add_account(session, "Later")
        add_hours(session, 15, 16, account_id=later.id)
        add_account(session, "Unknown")
        add_queue(session, "Housing", "housing", members=(now_there,))
        there = [account.name for account in routing.on_duty(session, now=clock())]
        assert there == ["Now", "Unknown"]
