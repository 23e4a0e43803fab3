"""Builds what tests need, with sensible defaults."""

from __future__ import annotations

import itertools
from typing import Any

from bot.messages import IncomingMessage, Kind

_numbers = itertools.count(1)


def incoming(text: str = "hello", **changes: Any) -> IncomingMessage:
    """A message of one person; every call has another external id."""
    values: dict[str, Any] = {
        "channel": "web",
        "address": "anna",
        "external_id": f"message-{next(_numbers)}",
        "kind": Kind.TEXT,
        "text": text,
    }
    return IncomingMessage(**{**values, **changes})
