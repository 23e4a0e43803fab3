"""Failed attempts to sign in: counted, and after too many of them locked for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.counsellors.models import FailedSignIn

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Who tries to sign in, from where. ``origin`` is the network address."""

    email: str
    origin: str

    def counted(self) -> Iterator[tuple[str, int]]:
        """What is counted, with the failures allowed within ``WINDOW``.

        A single attacker locks out only the pair of account and own address; many of
        them together lock the account; an address that tries many accounts is locked
        as well.
        """
        yield _digest("both", self.email, self.origin), 5
        yield _digest("email", self.email), 25
        yield _digest("origin", self.origin), 50


def locked_for(session: Session, attempt: Attempt, *, now: datetime) -> timedelta | None:
    """How long the attempt must wait; None when it may go ahead."""
    keys = [key for key, _ in attempt.counted()]
    ends = session.scalars(
        select(FailedSignIn.locked_until).where(
            FailedSignIn.key.in_(keys), FailedSignIn.locked_until > now
        )
    ).all()
    return max((end - now for end in ends if end is not None), default=None)


def note_failure(session: Session, attempt: Attempt, *, now: datetime) -> bool:
    """Counts a failure; returns whether it locked anything."""
    _forget_old(session, now=now)
    locked = False
    for key, allowed in attempt.counted():
        row = _row(session, key, now=now)
        row.failures += 1
        if row.failures >= allowed and row.locked_until is None:
            row.locked_until = now + WINDOW
            locked = True
    return locked


def note_success(session: Session, attempt: Attempt) -> int:
    """Forgets the failures of this account; returns how many there were lately."""
    own = [key for key, _ in attempt.counted()][:2]
    rows = session.scalars(select(FailedSignIn).where(FailedSignIn.key.in_(own))).all()
    failures = max((row.failures for row in rows), default=0)
    for row in rows:
        session.delete(row)
    return failures


def _row(session: Session, key: str, *, now: datetime) -> FailedSignIn:
    try:
        with session.begin_nested():
            if (row := session.get(FailedSignIn, key, with_for_update=True)) is None:
                row = FailedSignIn(key=key, failures=0, first_at=now)
                session.add(row)
        return row
    except IntegrityError:
        # Two first failures at once: count on in the row that the other one made.
        return session.get_one(FailedSignIn, key, with_for_update=True)


def _forget_old(session: Session, *, now: datetime) -> None:
    old = (FailedSignIn.first_at < now - WINDOW) & (
        FailedSignIn.locked_until.is_(None) | (FailedSignIn.locked_until <= now)
    )
    session.execute(delete(FailedSignIn).where(old).execution_options(synchronize_session="fetch"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
