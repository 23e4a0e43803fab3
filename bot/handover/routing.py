"""Who should answer, and when somebody is there: queues, languages, office hours.

A handover waits in the queue of the organization it is about, else in that of its topic,
else in none, which is everybody's. Counsellors who belong to no queue serve all that are
not another organization's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Conversation, InboxMessage
from bot.counsellors import hours
from bot.counsellors.hours import Timetable
from bot.counsellors.models import Account, Role
from bot.handover.models import Handover, Queue, QueueMember

#: The desk whose counsellors have accounts.
CONSOLE = "console"
COUNSELLING = (Role.COUNSELLOR, Role.ADMIN, Role.PARTNER)
#: So many of the last messages tell which languages somebody writes.
_MESSAGES_READ = 20
_TOPIC = "ask_"
_NO_TOPICS = frozenset({"ask_privacy"})


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Whether somebody is there for a handover, and when next; None: no hours are known."""

    is_open: bool
    back_at: datetime | None


def choose_queue(
    session: Session, *, topic: str | None, organization_id: str | None
) -> Queue | None:
    """The queue for an organization or a topic; None when there is none for either."""
    queues = session.scalars(select(Queue).order_by(Queue.id)).all()
    if organization_id is not None:
        for queue in queues:
            if queue.organization_id == organization_id:
                return queue
    for queue in queues:
        if queue.organization_id is None and topic in queue.topics:
            return queue
    return None


def topic_of(session: Session, conversation_id: str) -> str | None:
    """The topic that was asked about last in a conversation."""
    intent = session.scalar(
        select(InboxMessage.intent)
        .where(
            InboxMessage.conversation_id == conversation_id,
            InboxMessage.intent.startswith(_TOPIC, autoescape=True),
            InboxMessage.intent.not_in(_NO_TOPICS),
        )
        .order_by(InboxMessage.id.desc())
        .limit(1)
    )
    return intent.removeprefix(_TOPIC) if intent else None


def languages_of(session: Session, conversation: Conversation) -> list[str]:
    """The languages in which somebody can be counselled, that of the replies first."""
    written = session.scalars(
        select(InboxMessage.language)
        .where(InboxMessage.conversation_id == conversation.id)
        .order_by(InboxMessage.id.desc())
        .limit(_MESSAGES_READ)
    ).all()
    found = [conversation.language or "en", *(language for language in written if language)]
    return list(dict.fromkeys(found))


def counsellors_for(
    session: Session, *, queue: Queue | None, languages: Sequence[str]
) -> list[Account]:
    """Who may answer in a queue; where some of them speak one of the languages, only those.

    Without a queue all but partners; in an organization's queue its partners too.
    """
    accounts = session.scalars(
        select(Account).where(Account.active, Account.role.in_(COUNSELLING)).order_by(Account.name)
    ).all()
    members = dict[int, set[str]]()
    for member in session.scalars(select(QueueMember)):
        members.setdefault(member.queue_id, set()).add(member.account_id)
    placed = set[str]().union(*members.values())
    able = [
        account for account in accounts if _serves(account, queue, members=members, placed=placed)
    ]
    speakers = [one for one in able if set(one.languages) & set(languages)]
    return speakers or able


def _serves(
    account: Account, queue: Queue | None, *, members: dict[int, set[str]], placed: set[str]
) -> bool:
    if queue is not None and account.id in members.get(queue.id, ()):
        return True
    if account.role == Role.PARTNER:
        return queue is not None and queue.organization_id == account.organization_id is not None
    return (queue is None or queue.organization_id is None) and account.id not in placed


def presence(
    session: Session, *, queue: Queue | None, languages: Sequence[str], now: datetime
) -> Presence:
    """Whether somebody who should answer is there now, else when the first one is.

    A counsellor without own hours keeps those of the queue, and these are those of the
    house where the queue has none. Where no hours at all are known, somebody counts as
    there, and no time is promised.
    """
    shared = hours.of_queue(session, queue.id) if queue else hours.of_house(session)
    accounts = counsellors_for(session, queue=queue, languages=languages)
    timetables = _timetables(session, accounts, otherwise=shared) if accounts else [shared]
    known = [timetable for timetable in timetables if timetable.hours]
    if not known:
        return Presence(is_open=True, back_at=None)
    openings = [at for one in known if (at := one.next_opening(now)) is not None]
    back_at = min(openings, default=None)
    return Presence(is_open=back_at == now, back_at=back_at)


def presence_of(session: Session, handover: Handover, *, now: datetime) -> Presence:
    """Whether the counsellor who has a handover is there, or somebody for it."""
    if handover.claimed_by is not None:
        back_at = claimants_return(session, handover, now=now)
        return Presence(is_open=back_at == now, back_at=back_at)
    return presence(session, queue=handover.queue, languages=handover.languages, now=now)


def claimants_return(session: Session, handover: Handover, *, now: datetime) -> datetime | None:
    """When the counsellor who had a handover last is there next; None for not soon.

    Nothing is known about the hours of those who work at another desk than the console,
    so they count as there.
    """
    if handover.claimed_on != CONSOLE or handover.claimant is None:
        return now
    account = session.get(Account, handover.claimant)
    if account is None or not account.active or account.role not in COUNSELLING:
        return None
    queue = handover.queue
    shared = hours.of_queue(session, queue.id) if queue else hours.of_house(session)
    [timetable] = _timetables(session, [account], otherwise=shared)
    return now if timetable.may_be_there(now) else timetable.next_opening(now)


def on_duty(session: Session, *, now: datetime) -> list[Account]:
    """Every counsellor who is there now, whatever their queue; for emergencies."""
    accounts = session.scalars(
        select(Account).where(Account.active, Account.role.in_(COUNSELLING)).order_by(Account.name)
    ).all()
    timetables = _timetables(session, accounts, otherwise=hours.of_house(session))
    return [
        account
        for account, timetable in zip(accounts, timetables, strict=True)
        if timetable.may_be_there(now)
    ]


def _timetables(
    session: Session, accounts: Sequence[Account], *, otherwise: Timetable
) -> list[Timetable]:
    by_account = hours.of_accounts(
        session, [account.id for account in accounts], otherwise=otherwise
    )
    return [by_account[account.id] for account in accounts]
