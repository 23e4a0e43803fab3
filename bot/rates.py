"""How often somebody may do something: token buckets."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock

BUCKETS_KEPT = 10_000


@dataclass(frozen=True, kw_only=True)
class Rate:
    """``burst`` times at once, then ``per_minute`` in the long run."""

    per_minute: float
    burst: int


@dataclass
class _Bucket:
    tokens: float
    filled_at: datetime


class RateLimiter:
    """One bucket for each key.

    The least recently used buckets are forgotten beyond ``kept``; a forgotten
    bucket counts as full, so memory stays bounded and nobody is shut out.
    """

    def __init__(self, rate: Rate, *, clock: Clock, kept: int = BUCKETS_KEPT) -> None:
        self._rate = rate
        self._clock = clock
        self._kept = kept
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> float:
        """Takes one token. Returns 0, or the seconds until there will be one."""
        bucket = self._filled(key)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) * 60 / self._rate.per_minute

    def _filled(self, key: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.pop(key, None) or _Bucket(float(self._rate.burst), now)
        # A clock that was set back must not take tokens away.
        elapsed = max((now - bucket.filled_at).total_seconds(), 0.0)
        bucket.tokens = min(
            bucket.tokens + elapsed * self._rate.per_minute / 60, float(self._rate.burst)
        )
        bucket.filled_at = now
        self._buckets[key] = bucket
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return bucket
