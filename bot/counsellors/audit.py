"""The log of who did what. Entries are added and read, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.counsellors.models import Account, AuditEntry

COMMAND_LINE = "command line"
NAME_LENGTH = 100


def record(
    session: Session,
    action: str,
    *,
    actor: Account | str,
    now: datetime,
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """Notes an action, such as ``handover.claimed``, in the caller's transaction.

    ``actor`` is an account, or a word such as ``COMMAND_LINE`` where there is none.
    ``subject`` reads ``kind:id``. Nothing that a newcomer wrote belongs in ``details``.
    """
    account = actor if isinstance(actor, Account) else None
    entry = AuditEntry(
        at=now,
        account_id=account.id if account else None,
        actor=(account.name if account else str(actor))[:NAME_LENGTH],
        action=action,
        subject=subject,
        details=details or {},
    )
    session.add(entry)
    return entry


def entries(
    session: Session,
    *,
    limit: int,
    before: int | None = None,
    action: str = "",
    subject: str = "",
    account_id: str = "",
) -> Sequence[AuditEntry]:
    """The latest entries, newest first; ``before`` an id for the page that follows.

    ``action`` selects by its beginning (``account.`` or ``account.disabled``).
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(AuditEntry.subject == subject)
    if account_id:
        query = query.where(AuditEntry.account_id == account_id)
    return session.scalars(query).all()
