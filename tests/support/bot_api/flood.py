"""Telegram's sending limits as a check: who sends faster is written down."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

CHAT_INTERVAL = 1.0
CHAT_BURST = 3
OVERALL_PER_SECOND = 30
GROUP_PER_MINUTE = 20
#: Seconds and messages by which the way through the network may blur the rhythm.
JITTER_SECONDS = 0.3
JITTER_MESSAGES = 3


@dataclass
class FloodCheck:
    """Counts one bot's messages; negative chat ids are groups."""

    clock: Callable[[], float] = time.monotonic
    _due: dict[int, float] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _groups: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _paused: dict[int, float] = field(default_factory=dict)

    def pause(self, chat_id: int, seconds: float) -> None:
        """The bot was told to leave this chat alone for so long."""
        self._paused[chat_id] = self.clock() + seconds

    def record(self, chat_id: int) -> list[str]:
        """Counts a message and returns the limits it breaks."""
        now = self.clock()
        broken = []
        if now < self._paused.get(chat_id, now) - JITTER_SECONDS:
            broken.append("flood: sent before retry_after had passed")
        if self._over_chat_limit(chat_id, now):
            broken.append("flood: more than 1 message per second to one chat")
        if _over(self._recent, now, 1.0, OVERALL_PER_SECOND + JITTER_MESSAGES):
            broken.append("flood: more than 30 messages per second")
        if chat_id < 0 and _over(
            self._groups[chat_id], now, 60.0 - JITTER_SECONDS, GROUP_PER_MINUTE
        ):
            broken.append("flood: more than 20 messages per minute to one group")
        return broken

    def _over_chat_limit(self, chat_id: int, now: float) -> bool:
        due = max(self._due.get(chat_id, now), now) + CHAT_INTERVAL
        self._due[chat_id] = due
        return due - now > CHAT_BURST * CHAT_INTERVAL + JITTER_SECONDS


def _over(times: deque[float], now: float, window: float, limit: int) -> bool:
    times.append(now)
    while times[0] <= now - window:
        times.popleft()
    return len(times) > limit
