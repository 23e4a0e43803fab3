"""Keeps the bot's token, and the texts that libraries would print, out of the logs.

The token is part of every address of the Bot API, so anything that logs a
request's address would print it.
"""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

_ANY_TOKEN = re.compile(r"(?<!\d)\d{5,}(?::|%3A)[A-Za-z0-9_-]{30,}")
_PLACEHOLDER = "<token>"


class TokenFilter(logging.Filter):
    """Replaces the token in messages and tracebacks; lets every record pass."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._forms = [form for form in (token, quote(token, safe="")) if form]

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record in place."""
        message = record.getMessage()
        clean = self._scrub(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._scrub(record.exc_text)
        return True

    def _scrub(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, _PLACEHOLDER)
        return _ANY_TOKEN.sub(_PLACEHOLDER, text)


def protect_logs(token: str) -> TokenFilter:
    """Silences what libraries log of requests and filters all handlers of the root logger.

    To be called once logging is configured; the filter is returned for handlers
    that are added later.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Its debug lines hold whole messages, its errors whole answers of the server.
    logging.getLogger("telegram").setLevel(logging.CRITICAL)
    token_filter = TokenFilter(token)
    for handler in logging.getLogger().handlers:
        handler.addFilter(token_filter)
    return token_filter
