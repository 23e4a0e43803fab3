"""Forms that must be carried out once, however often they arrive."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.counsellors.models import UsedForm

KEPT = timedelta(days=1)
KEY_LENGTH = 64


def new_key() -> str:
    """The key that a form is shown with."""
    return secrets.token_urlsafe(18)


def first_time(session: Session, key: str, *, now: datetime) -> bool:
    """Whether the form with this key is carried out now for the first time.

    The answer is kept with the caller's transaction: when that fails, the form may come
    again. A form without a key is always new.
    """
    if not key:
        return True
    session.execute(
        delete(UsedForm)
        .where(UsedForm.at < now - KEPT)
        .execution_options(synchronize_session=False)
    )
    try:
        with session.begin_nested():
            session.add(UsedForm(key=key[:KEY_LENGTH], at=now))
    except IntegrityError:
        return False
    return True
