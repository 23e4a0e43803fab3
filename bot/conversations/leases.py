"""Leases: one worker at a time handles a conversation or a thread, also across processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.conversations.models import Conversation


@dataclass(frozen=True)
class Lease:
    """The pair of columns that says who handles a row, and until when; ``key`` is its id."""

    key: InstrumentedAttribute[Any]
    owner: InstrumentedAttribute[str | None]
    until: InstrumentedAttribute[datetime | None]

    def free(self, now: datetime) -> ColumnElement[bool]:
        """Condition: nobody holds the lease at ``now``."""
        return self.until.is_(None) | (self.until < now)

    def take(
        self, session: Session, row_id: Any, *, owner: str, now: datetime, until: datetime
    ) -> bool:
        """Takes or prolongs the lease; False when somebody else holds it.

        One UPDATE decides, which both databases carry out atomically.
        """
        taken = session.scalar(
            update(self.key.class_)
            .where(self.key == row_id, self.free(now) | (self.owner == owner))
            .values({self.owner.key: owner, self.until.key: until})
            .returning(self.key)
            .execution_options(synchronize_session=False)
        )
        return taken is not None

    def release(self, session: Session, row_id: Any, *, owner: str) -> None:
        """Gives the lease back, if ``owner`` still holds it."""
        session.execute(
            update(self.key.class_)
            .where(self.key == row_id, self.owner == owner)
            .values({self.owner.key: None, self.until.key: None})
            .execution_options(synchronize_session=False)
        )

    def release_all(self, session: Session) -> None:
        """Drops all leases; only for a database that a single process uses, at its start."""
        session.execute(
            update(self.key.class_)
            .values({self.owner.key: None, self.until.key: None})
            .execution_options(synchronize_session=False)
        )


INBOX = Lease(
    key=Conversation.id,
    owner=Conversation.inbox_lease_owner,
    until=Conversation.inbox_lease_until,
)
OUTBOX = Lease(
    key=Conversation.id,
    owner=Conversation.outbox_lease_owner,
    until=Conversation.outbox_lease_until,
)
