"""The open event streams of this process, and how to wake them.

Replies do not pass through here: they stand in the database, and a woken stream
reads them there. A stream that was slow, or not there at all, therefore misses
nothing. Only passing events such as "typing" live in memory, and of those the
oldest are dropped when a reader is too slow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

# A browser opens at most six connections to a host; one must stay free for sending.
STREAMS_PER_ADDRESS = 5
PASSING_EVENTS_KEPT = 16


@dataclass(frozen=True, kw_only=True)
class PassingEvent:
    """An event for those who are looking now; it is not repeated to later ones."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StreamKey:
    """Whose streams: the channel and the address in it."""

    channel: str
    address: str = field(repr=False)


class Subscription:
    """One reader's end. Belongs to the event loop that made it."""

    def __init__(self) -> None:
        self._signal = asyncio.Event()
        self._passing: deque[PassingEvent] = deque(maxlen=PASSING_EVENTS_KEPT)
        self.closed = False

    async def wait(self, *, seconds: float) -> list[PassingEvent]:
        """Returns when woken or closed, at the latest after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._signal.wait()
        except TimeoutError:
            pass
        self._signal.clear()
        passing = list(self._passing)
        self._passing.clear()
        return passing

    def wake(self, event: PassingEvent | None = None) -> None:
        """Makes ``wait`` return, with the event if there is one."""
        if event is not None:
            self._passing.append(event)
        self._signal.set()

    def close(self, event: PassingEvent | None = None) -> None:
        """Ends the stream after the events that are waiting."""
        self.closed = True
        self.wake(event)


class EventStreams:
    """All open streams by address. Not thread-safe: use it within one event loop."""

    def __init__(self, *, maximum: int = 2_000) -> None:
        self._maximum = maximum
        self._open: dict[StreamKey, list[Subscription]] = {}
        self._closed = False

    def __len__(self) -> int:
        return sum(len(subscriptions) for subscriptions in self._open.values())

    @property
    def is_full(self) -> bool:
        """Whether this process serves as many streams as it should."""
        return len(self) >= self._maximum

    @contextmanager
    def subscribed(self, key: StreamKey) -> Iterator[Subscription]:
        """A subscription for as long as the context lasts.

        The oldest stream of an address makes room when there are too many of
        them, as somebody with that many tabs looks at the newest.
        """
        subscription = Subscription()
        subscription.closed = self._closed
        siblings = self._open.setdefault(key, [])
        if len(siblings) >= STREAMS_PER_ADDRESS:
            siblings.pop(0).close(PassingEvent(name="superseded"))
        siblings.append(subscription)
        try:
            yield subscription
        finally:
            self._forget(key, subscription)

    def _forget(self, key: StreamKey, subscription: Subscription) -> None:
        siblings = self._open.get(key, [])
        if subscription in siblings:
            siblings.remove(subscription)
        if not siblings:
            self._open.pop(key, None)

    def wake(self, key: StreamKey, event: PassingEvent | None = None) -> None:
        """Wakes every stream of an address; nothing happens when there is none."""
        for subscription in self._open.get(key, []):
            subscription.wake(event)

    def close(self) -> None:
        """Ends all streams, and those yet to be opened, for the process is stopping."""
        self._closed = True
        for subscriptions in self._open.values():
            for subscription in subscriptions:
                subscription.close()
