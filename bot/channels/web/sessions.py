"""Whose conversation a request belongs to: a random token in a cookie.

The database holds the SHA-256 of the token only, so that a copy of it opens
nobody's conversation.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from bot.channels.web.channel import TERMINAL, WEB
from bot.channels.web.streams import StreamKey

COOKIE = "lotse_chat"
COOKIE_SECONDS = 365 * 24 * 3600
TOKEN_BYTES = 32
CHANNEL_HEADER = "X-Lotse-Channel"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class ChatSession:
    """A browser or terminal and its conversation."""

    channel: str
    token: str = field(repr=False)

    @property
    def address(self) -> str:
        """What stands in the database: 64 hexadecimal digits."""
        return hashlib.sha256(self.token.encode("ascii")).hexdigest()

    @property
    def key(self) -> StreamKey:
        """Where the streams of this session are found."""
        return StreamKey(self.channel, self.address)

    def external_id(self, message_id: str) -> str:
        """The id of a message of this session, unique in the channel."""
        return self.external_id_prefix + message_id

    @property
    def external_id_prefix(self) -> str:
        """What comes before the page's own id, so that two pages cannot collide."""
        return self.address[:16] + ":"


def channel_of(request: Request) -> str | None:
    """``web``, or ``terminal`` when asked for from this machine; None when refused."""
    wanted = request.headers.get(CHANNEL_HEADER, WEB)
    if wanted == WEB:
        return WEB
    return TERMINAL if wanted == TERMINAL and _is_loopback(request) else None


def _is_loopback(request: Request) -> bool:
    host = request.client.host if request.client else ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def session_of(request: Request, *, channel: str) -> ChatSession | None:
    """The session of the request's cookie; None without a well-formed one."""
    token = request.cookies.get(COOKIE, "")
    return ChatSession(channel=channel, token=token) if _TOKEN.fullmatch(token) else None


def new_session(*, channel: str) -> ChatSession:
    """A session that nobody else can guess."""
    return ChatSession(channel=channel, token=secrets.token_urlsafe(TOKEN_BYTES))


def remember(response: Response, session: ChatSession, *, secure: bool) -> None:
    """Gives the browser its cookie, or prolongs it."""
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        # The terminal talks to this machine without encryption.
        secure=secure and session.channel == WEB,
    )


def forget(response: Response, *, secure: bool) -> None:
    """Takes the cookie away."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=secure)
