"""Accounts: inviting, changing, disabling; every change is noted in the audit log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.counsellors import audit, tokens
from bot.counsellors.models import Account, AccountLink, AccountSession, LinkPurpose, Role
from bot.counsellors.passwords import Passwords, require_strong
from bot.errors import LotseError, NotFoundError
from bot.i18n.languages import LANGUAGES
from bot.i18n.texts import CONSOLE_LANGUAGES

LINK_LIFETIME = {LinkPurpose.INVITATION: timedelta(days=7), LinkPurpose.RESET: timedelta(hours=24)}
EMAIL_LENGTH = 254
NAME_LENGTH = 100


class AccountRefusedError(LotseError):
    """An account cannot be made or changed like this.

    ``reason`` is ``email``, ``taken``, ``name``, ``language``, ``organization`` or
    ``last_admin``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LinkInvalidError(LotseError):
    """The link was used already, is too old, was replaced, or never existed."""


def invite(
    session: Session,
    *,
    email: str,
    name: str,
    role: Role,
    actor: Account | str,
    now: datetime,
    organization_id: str | None = None,
    languages: Collection[str] = (),
    interface_language: str = "de",
) -> tuple[Account, str]:
    """Makes an account and returns it with the secret of its invitation link.

    Raises ``AccountRefusedError``; a partner needs an organization.
    """
    account = Account(
        email=_email(email),
        name=_name(name),
        role=role,
        organization_id=_organization(role, organization_id),
        languages=_languages(languages),
        interface_language=_interface_language(interface_language),
        active=True,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise AccountRefusedError("taken", "There is an account with this e-mail.") from error
    audit.record(
        session,
        "account.invited",
        actor=actor,
        now=now,
        subject=f"account:{account.id}",
        details={"role": role.value},
    )
    return account, _new_link(session, account, LinkPurpose.INVITATION, now=now)


def reset(session: Session, account: Account, *, actor: Account | str, now: datetime) -> str:
    """Returns the secret of a link that sets a new password; earlier links stop working.

    The old password and the second factor work on until the link is used.
    """
    purpose = LinkPurpose.RESET if account.password_hash else LinkPurpose.INVITATION
    audit.record(session, "account.reset", actor=actor, now=now, subject=f"account:{account.id}")
    return _new_link(session, account, purpose, now=now)


def _new_link(session: Session, account: Account, purpose: LinkPurpose, *, now: datetime) -> str:
    session.execute(delete(AccountLink).where(AccountLink.account_id == account.id))
    secret = tokens.new_token()
    session.add(
        AccountLink(
            token_hash=tokens.digest(secret),
            account_id=account.id,
            purpose=purpose,
            created_at=now,
            expires_at=now + LINK_LIFETIME[purpose],
        )
    )
    return secret


def open_link(session: Session, secret: str, *, now: datetime) -> AccountLink:
    """The link with this secret; raises ``LinkInvalidError`` unless it may be used."""
    link = session.get(AccountLink, tokens.digest(secret))
    if link is None or link.used_at or link.expires_at <= now or not link.account.active:
        raise LinkInvalidError("The link is not valid (any more).")
    return link


def use_link(
    session: Session, secret: str, *, password: str, passwords: Passwords, now: datetime
) -> Account:
    """Sets the password by a link, which is used up; all sessions of the account end.

    A reset also switches the second factor off: whoever lost the phone must get in
    again. Raises ``LinkInvalidError`` or ``WeakPasswordError``.
    """
    link = open_link(session, secret, now=now)
    account = link.account
    hashed = _new_hash(account, password, passwords)
    # One UPDATE decides, so that of two uses at once only one succeeds.
    used = session.scalar(
        update(AccountLink)
        .where(AccountLink.token_hash == link.token_hash, AccountLink.used_at.is_(None))
        .values(used_at=now)
        .returning(AccountLink.token_hash)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        raise LinkInvalidError("The link is not valid (any more).")
    account.password_hash = hashed
    if link.purpose is LinkPurpose.RESET:
        account.totp_secret = None
    end_sessions(session, account)
    audit.record(
        session,
        "account.joined" if link.purpose is LinkPurpose.INVITATION else "account.password_reset",
        actor=account,
        now=now,
        subject=f"account:{account.id}",
    )
    return account


def change_password(
    session: Session,
    account: Account,
    *,
    password: str,
    passwords: Passwords,
    now: datetime,
    keep: str | None = None,
) -> None:
    """Sets a new password and ends all sessions but that with the digest ``keep``.

    Raises ``WeakPasswordError``. That the old password is known has been checked before.
    """
    account.password_hash = _new_hash(account, password, passwords)
    end_sessions(session, account, keep=keep)
    audit.record(
        session, "account.password_changed", actor=account, now=now, subject=f"account:{account.id}"
    )


def _new_hash(account: Account, password: str, passwords: Passwords) -> str:
    words = (account.email, account.email.partition("@")[0], account.name)
    require_strong(password, own_words=words)
    return passwords.hash(password)


def set_active(
    session: Session, account: Account, *, active: bool, actor: Account | str, now: datetime
) -> None:
    """Disables an account, which ends its sessions and links, or enables it again.

    Raises ``AccountRefusedError`` for the last active admin.
    """
    if account.active == active:
        return
    if not active:
        _keep_an_admin(session, account)
        end_sessions(session, account)
        session.execute(delete(AccountLink).where(AccountLink.account_id == account.id))
    account.active = active
    action = "account.enabled" if active else "account.disabled"
    audit.record(session, action, actor=actor, now=now, subject=f"account:{account.id}")


def set_role(
    session: Session,
    account: Account,
    *,
    role: Role,
    organization_id: str | None,
    actor: Account | str,
    now: datetime,
) -> None:
    """Gives an account another role or organization. Raises ``AccountRefusedError``."""
    organization_id = _organization(role, organization_id)
    if (account.role, account.organization_id) == (role, organization_id):
        return
    if role is not Role.ADMIN:
        _keep_an_admin(session, account)
    details = {"before": account.role.value, "after": role.value}
    account.role = role
    account.organization_id = organization_id
    audit.record(
        session,
        "account.role_changed",
        actor=actor,
        now=now,
        subject=f"account:{account.id}",
        details=details,
    )


def set_preferences(
    account: Account, *, name: str, languages: Collection[str], interface_language: str
) -> None:
    """What people choose for themselves. Raises ``AccountRefusedError``."""
    account.name = _name(name)
    account.languages = _languages(languages)
    account.interface_language = _interface_language(interface_language)


def end_sessions(session: Session, account: Account, *, keep: str | None = None) -> None:
    """Signs an account out everywhere, except in the session with the digest ``keep``."""
    ending = delete(AccountSession).where(AccountSession.account_id == account.id)
    if keep is not None:
        ending = ending.where(AccountSession.token_hash != keep)
    session.execute(ending.execution_options(synchronize_session=False))


def by_email(session: Session, email: str) -> Account:
    """The account with this e-mail; raises ``NotFoundError``."""
    account = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if account is None:
        raise NotFoundError("There is no account with this e-mail. `lotse users list` shows all.")
    return account


def all_accounts(session: Session) -> Sequence[Account]:
    """Every account, by name."""
    return session.scalars(select(Account).order_by(Account.name, Account.email)).all()


def _keep_an_admin(session: Session, account: Account) -> None:
    if account.role is not Role.ADMIN:
        return
    # The rows are locked, so that two admins cannot remove each other at once.
    others = session.scalars(
        select(Account.id)
        .where(Account.role == Role.ADMIN, Account.active, Account.password_hash.is_not(None))
        .with_for_update()
    ).all()
    if not set(others) - {account.id}:
        raise AccountRefusedError("last_admin", "This is the last admin who can sign in.")


def _email(written: str) -> str:
    email = written.strip().lower()
    name, at, host = email.partition("@")
    if (
        not (name and at and "." in host and len(email) <= EMAIL_LENGTH)
        or not email.isprintable()
        or set(email) & set(' <>"\\,;')
        or "@" in host
    ):
        raise AccountRefusedError("email", "This is not an e-mail address.")
    return email


def _name(written: str) -> str:
    name = " ".join(written.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise AccountRefusedError("name", f"A name has 1 to {NAME_LENGTH} characters.")
    return name


def _languages(codes: Collection[str]) -> list[str]:
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown:
        raise AccountRefusedError("language", f"Unknown languages: {', '.join(unknown)}.")
    return sorted(set(codes))


def _interface_language(code: str) -> str:
    if code not in CONSOLE_LANGUAGES:
        raise AccountRefusedError("language", f"The pages exist in {CONSOLE_LANGUAGES}.")
    return code


def _organization(role: Role, organization_id: str | None) -> str | None:
    if role is Role.PARTNER and not organization_id:
        raise AccountRefusedError("organization", "A partner belongs to an organization.")
    return organization_id or None
