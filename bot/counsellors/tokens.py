"""Secrets that open something: random, and only their digest is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """A secret of 256 bits, fit for a cookie or a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What stands in the database instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(session_token: str) -> str:
    """What every form of a session carries, so that no other site can send one.

    It follows from the session's secret and does not reveal it.
    """
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()
