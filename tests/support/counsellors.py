"""Counsellors, queues and hours for tests."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy.orm import Session

from bot.counsellors.hours import OfficeHours
from bot.counsellors.models import Account, Role
from bot.handover.models import Queue, QueueMember

EVERY_DAY = range(7)
WORKDAYS = range(5)


def add_account(session: Session, name: str, *languages: str, **more: Any) -> Account:
    """A counsellor who speaks these languages."""
    values: dict[str, Any] = {
        "email": f"{name.lower()}@example.org",
        "role": Role.COUNSELLOR,
        "created_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        **more,
    }
    account = Account(name=name, languages=list(languages), **values)
    session.add(account)
    session.flush()
    return account


def add_hours(
    session: Session, opens: int, closes: int, *, days: range = WORKDAYS, **owner: Any
) -> None:
    """Weekly hours of the house, or of ``account_id=…`` or ``queue_id=…``."""
    session.add_all(
        OfficeHours(weekday=day, opens=time(opens), closes=time(closes), **owner) for day in days
    )
    session.flush()


def add_queue(
    session: Session, name: str, *topics: str, members: tuple[Account, ...] = (), **more: Any
) -> Queue:
    """A queue for these topics with its members."""
    queue = Queue(name=name, topics=list(topics), **more)
    session.add(queue)
    session.flush()
    session.add_all(QueueMember(queue_id=queue.id, account_id=one.id) for one in members)
    session.flush()
    return queue
