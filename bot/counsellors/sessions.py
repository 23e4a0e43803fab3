"""Signing in and out. Every sign-in makes a new session; the old secret is never kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.counsellors import audit, throttle, tokens, totp
from bot.counsellors.models import Account, AccountSession
from bot.counsellors.passwords import Passwords
from bot.counsellors.throttle import Attempt

IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=7)
# Until the one-time code is given.
HALF_LIFETIME = timedelta(minutes=5)
# How exactly the last use is kept: not every request needs to write.
SEEN_EVERY = timedelta(minutes=5)


class Outcome(StrEnum):
    """What came of an attempt to sign in."""

    SIGNED_IN = "signed_in"
    CODE_NEEDED = "code_needed"
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The result of an attempt. ``token`` is the cookie's value when there is a session."""

    outcome: Outcome
    token: str = ""
    account: Account | None = None
    wait: timedelta = timedelta()

    def __repr__(self) -> str:
        return f"<SignIn {self.outcome}>"


def sign_in(
    session: Session,
    *,
    email: str,
    password: str,
    origin: str,
    passwords: Passwords,
    now: datetime,
) -> SignIn:
    """Tries e-mail and password. Nothing in the answer tells whether the account exists.

    Never raises for wrong input: the caller commits, so that failures are counted.
    """
    email = email.strip().lower()
    attempt = Attempt(email=email, origin=origin)
    if (wait := throttle.locked_for(session, attempt, now=now)) is not None:
        return SignIn(outcome=Outcome.LOCKED, wait=wait)
    account = session.scalar(select(Account).where(Account.email == email))
    stored = account.password_hash if account is not None and account.active else None
    if not passwords.matches(password, stored) or account is None:
        return _failure(session, attempt, account, now=now)
    if account.totp_secret:
        # Failures are forgotten only after the code, or codes could be guessed for ever.
        token = _new_session(session, account, full=False, failed_before=0, now=now)
        return SignIn(outcome=Outcome.CODE_NEEDED, token=token, account=account)
    if passwords.is_outdated(stored or ""):
        account.password_hash = passwords.hash(password)
    return _success(session, attempt, account, now=now)


def give_code(session: Session, token: str, *, code: str, origin: str, now: datetime) -> SignIn:
    """Completes a session that still needs the one-time code; it gets a new secret."""
    half = session.get(AccountSession, tokens.digest(token))
    if half is None or half.full or not _is_alive(half, now=now):
        return SignIn(outcome=Outcome.REFUSED)
    account = half.account
    attempt = Attempt(email=account.email, origin=origin)
    if (wait := throttle.locked_for(session, attempt, now=now)) is not None:
        session.delete(half)
        return SignIn(outcome=Outcome.LOCKED, wait=wait)
    if not use_code(session, account, code, now=now):
        failed = _failure(session, attempt, account, now=now)
        if failed.outcome is Outcome.LOCKED:
            session.delete(half)
            return failed
        return SignIn(outcome=Outcome.CODE_NEEDED, token=token, account=account)
    session.delete(half)
    return _success(session, attempt, account, now=now)


def use_code(session: Session, account: Account, code: str, *, now: datetime) -> bool:
    """Whether ``code`` is right for the account's second factor; it works only once."""
    if not account.totp_secret:
        return False
    step = totp.matching_step(account.totp_secret, code, now=now, after=account.totp_step)
    if step is None:
        return False
    # One UPDATE decides, so that the same code sent twice at once works once.
    used = session.scalar(
        update(Account)
        .where(Account.id == account.id, Account.totp_step.is_(None) | (Account.totp_step < step))
        .values(totp_step=step)
        .returning(Account.id)
        .execution_options(synchronize_session=False)
    )
    return used is not None


def begin(session: Session, account: Account, *, now: datetime) -> str:
    """A session for somebody who has just proved by a link who they are; the cookie's value."""
    return _success(session, None, account, now=now).token


def _success(
    session: Session, attempt: Attempt | None, account: Account, *, now: datetime
) -> SignIn:
    failed = throttle.note_success(session, attempt) if attempt else 0
    _drop_dead(session, now=now)
    account.last_sign_in_at = now
    token = _new_session(session, account, full=True, failed_before=failed, now=now)
    audit.record(
        session, "account.signed_in", actor=account, now=now, subject=f"account:{account.id}"
    )
    return SignIn(outcome=Outcome.SIGNED_IN, token=token, account=account)


def _failure(
    session: Session, attempt: Attempt, account: Account | None, *, now: datetime
) -> SignIn:
    if not throttle.note_failure(session, attempt, now=now):
        return SignIn(outcome=Outcome.REFUSED)
    if account is not None:
        audit.record(
            session, "account.locked", actor="sign-in", now=now, subject=f"account:{account.id}"
        )
    return SignIn(outcome=Outcome.LOCKED, wait=throttle.WINDOW)


def _new_session(
    session: Session, account: Account, *, full: bool, failed_before: int, now: datetime
) -> str:
    token = tokens.new_token()
    session.add(
        AccountSession(
            token_hash=tokens.digest(token),
            account_id=account.id,
            full=full,
            created_at=now,
            last_seen_at=now,
            failed_before=failed_before,
        )
    )
    return token


def find(session: Session, token: str, *, now: datetime) -> AccountSession | None:
    """The living session with this secret, half ones too; None for anything else."""
    found = session.get(AccountSession, tokens.digest(token)) if token else None
    return found if found is not None and _is_alive(found, now=now) else None


def needs_touch(found: AccountSession, *, now: datetime) -> bool:
    """Whether ``touch`` should be called."""
    return now - found.last_seen_at >= SEEN_EVERY


def touch(session: Session, token_hash: str, *, now: datetime) -> None:
    """Notes that a session is in use."""
    session.execute(
        update(AccountSession)
        .where(AccountSession.token_hash == token_hash)
        .values(last_seen_at=now)
        .execution_options(synchronize_session=False)
    )


def sign_out(session: Session, token: str, *, now: datetime) -> None:
    """Ends one session; an unknown secret changes nothing."""
    found = session.get(AccountSession, tokens.digest(token))
    if found is not None:
        audit.record(
            session,
            "account.signed_out",
            actor=found.account,
            now=now,
            subject=f"account:{found.account_id}",
        )
        session.delete(found)


def drop(session: Session, token: str) -> None:
    """Ends a session that another one replaces, without a word in the audit log."""
    found = session.get(AccountSession, tokens.digest(token)) if token else None
    if found is not None:
        session.delete(found)


def _is_alive(found: AccountSession, *, now: datetime) -> bool:
    if not found.account.active:
        return False
    if not found.full:
        return now - found.created_at < HALF_LIFETIME
    return now - found.last_seen_at < IDLE and now - found.created_at < LIFETIME


def _drop_dead(session: Session, *, now: datetime) -> None:
    dead = (AccountSession.created_at < now - LIFETIME) | (AccountSession.last_seen_at < now - IDLE)
    session.execute(delete(AccountSession).where(dead).execution_options(synchronize_session=False))
