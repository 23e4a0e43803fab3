"""Failures to order: what the next calls of a bot meet instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    BLOCKED = "blocked"
    FLOOD = "flood"
    MIGRATED = "migrated"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    SLOW = "slow"


@dataclass
class Fault:
    """One failure for the next ``times`` calls of a method (of a chat).

    ``value`` is what the kind needs: seconds for ``FLOOD`` and ``SLOW``, the new
    chat id for ``MIGRATED``. ``description`` is the reason given by ``REFUSED``.
    ``skip`` lets that many fitting calls pass first.
    """

    kind: FaultKind
    method: str = "sendMessage"
    chat_id: int | None = None
    times: int = 1
    value: float = 0
    description: str = "something is wrong"
    skip: int = 0

    def fits(self, method: str, chat_id: int | None) -> bool:
        """Whether this failure is meant for the call; counts the calls let pass."""
        if method != self.method or self.chat_id not in (None, chat_id):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return True
