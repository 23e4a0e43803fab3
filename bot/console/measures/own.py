"""Whose rows a page shows: a partner's own, or all of them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.counsellors.models import Account, Role
from bot.errors import NotFoundError
from bot.measures.models import Measure


def organization(account: Account) -> str | None:
    """The organization to whose rows an account is limited; None for all rows."""
    if account.role is not Role.PARTNER:
        return None
    # A partner without organization, which accounts do not allow, would see nothing.
    return account.organization_id or ""


def measure(session: Session, account: Account, measure_id: str) -> Measure:
    """A row of the account; raises ``NotFoundError`` for any other."""
    found = session.get(Measure, measure_id)
    own = organization(account)
    if found is None or (own is not None and found.organization_id != own):
        raise NotFoundError("There is no such measure.")
    return found
