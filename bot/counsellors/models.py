"""Account, session, invitation, failed attempts and the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import NEVER_REUSE_IDS, Base, new_id


class Role(StrEnum):
    """What an account is for. A partner is a counsellor of one organization outside the city."""

    COUNSELLOR = "counsellor"
    EDITOR = "editor"
    ADMIN = "admin"
    PARTNER = "partner"


class LinkPurpose(StrEnum):
    """Why somebody was given a link: to begin, or because the password was lost."""

    INVITATION = "invitation"
    RESET = "reset"


def _enum(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind,
        native_enum=False,
        length=20,
        create_constraint=False,
        values_callable=lambda members: [member.value for member in members],
    )


class Account(Base):
    """Somebody who signs in. ``email`` is kept in lower case.

    ``languages`` are the ISO 639-1 codes that the person can counsel in;
    ``interface_language`` is that of the pages. Without ``password_hash`` the
    invitation has not been taken up. ``totp_step`` is the last 30-second step whose
    one-time code was used, so that no code works twice.
    """

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(_enum(Role))
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    languages: Mapped[list[str]] = mapped_column(default=list)
    interface_language: Mapped[str] = mapped_column(String(8), default="de")
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_step: Mapped[int | None]
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]


class AccountSession(Base):
    """A signed-in browser. The database holds the SHA-256 of its token only.

    ``full`` is false while the one-time code is still missing: such a session opens
    nothing but the page that asks for the code.
    """

    __tablename__ = "account_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    full: Mapped[bool]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    failed_before: Mapped[int] = mapped_column(default=0)

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class AccountLink(Base):
    """A link that lets its holder set the password of an account, once."""

    __tablename__ = "account_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[LinkPurpose] = mapped_column(_enum(LinkPurpose))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class FailedSignIn(Base):
    """Failed attempts under one key, which is a digest: neither address nor e-mail is kept."""

    __tablename__ = "failed_sign_in"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    first_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class AuditEntry(Base):
    """One thing that somebody did. ``actor`` stays readable when the account is gone.

    ``subject`` names what it was done to as ``kind:id``. ``details`` hold nothing
    that a newcomer wrote, and no secret.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), index=True
    )
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80), default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class UsedForm(Base):
    """The key of a form that was carried out, so that sending it twice changes nothing."""

    __tablename__ = "used_form"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
