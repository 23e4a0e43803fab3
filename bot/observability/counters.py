"""The counters of one process, which start at zero with it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from importlib.metadata import version

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from bot.booking.models import AppointmentState
from bot.handover.models import EventKind
from bot.i18n.languages import REPLY_LANGUAGES
from bot.observability.labels import ENGINE_CALLS, known
from bot.observing import CallResult, SearchResult, Understanding

# When a series began is a second series that nobody here asks for.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds; most replies take less than one, and a message may wait minutes for an engine.
REPLY_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 300, 1800)
ENGINE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20)


class Delivery(StrEnum):
    """How an attempt to send a reply ended. ``RETRIED``: it is tried again later."""

    SENT = "sent"
    RETRIED = "retried"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
    RECIPIENT_GONE = "recipient_gone"


#: The lines of a handover's journal that move it.
HANDOVER_MOVES = frozenset(
    (
        EventKind.REQUESTED,
        EventKind.MADE_URGENT,
        EventKind.CLAIMED,
        EventKind.ALERTED,
        EventKind.WITHDRAWN,
        EventKind.CLOSED,
        EventKind.REOPENED,
        EventKind.UNDELIVERED,
    )
)


class Counters:
    """An ``Observer``, and what ``CommitWatch`` counts. Safe for use from any thread.

    ``channels`` and ``intents`` are those that this installation knows; anything else is
    counted as ``other``.
    """

    def __init__(self, *, channels: Collection[str], intents: Collection[str]) -> None:
        self.registry = CollectorRegistry()
        self.channels = frozenset(channels)
        self._intents = frozenset(intents)
        ProcessCollector(registry=self.registry)
        self._received = self._counter(
            "lotse_messages_received", "Messages stored, before anything is answered.", "channel"
        )
        self._answered = self._counter(
            "lotse_messages_answered",
            "Messages settled: answered by the bot or given to counsellors.",
            *("channel", "language"),
        )
        self._failed = self._counter(
            "lotse_messages_failed", "Messages given up after all attempts.", "channel"
        )
        self._reply = self._histogram(
            "lotse_reply_seconds",
            "From the arrival of a message, or the consent to answer it, to its stored reply.",
            *("channel",),
            buckets=REPLY_BUCKETS,
        )
        self._intent = self._counter("lotse_intents", "Intents of answered messages.", "intent")
        self._understanding = self._counter(
            "lotse_understanding", "Whether written messages were understood.", "result"
        )
        self._searches = self._counter("lotse_searches", "Searches by what they gave.", "result")
        self._emergencies = self._counter(
            "lotse_emergencies", "Emergencies recognised that made a handover urgent."
        )
        self._engine = self._histogram(
            "lotse_engine_call_seconds",
            "Calls of the engine, also those that failed.",
            *("call",),
            buckets=ENGINE_BUCKETS,
        )
        self._engine_failures = self._counter(
            "lotse_engine_failures", "Calls of the engine that failed.", "reason"
        )
        self._deliveries = self._counter(
            "lotse_deliveries", "Attempts to send a reply.", "channel", "result"
        )
        self._handovers = self._counter("lotse_handover_moves", "Moves of handovers.", "move")
        self._appointments = self._counter(
            "lotse_appointment_moves", "Moves of appointments, by the state reached.", "state"
        )
        self._reminders = self._counter("lotse_reminders_sent", "Reminders of appointments sent.")
        self._begin_at_zero()

    def engine_called(self, call: str, *, seconds: float, result: CallResult) -> None:
        """The engine was called."""
        self._engine.labels(known(call, ENGINE_CALLS)).observe(seconds)
        if result is not CallResult.ANSWERED:
            self._engine_failures.labels(result.value).inc()

    def understood(self, understanding: Understanding) -> None:
        """The engine answered written words."""
        self._understanding.labels(understanding.value).inc()

    def searched(self, result: SearchResult) -> None:
        """An answer shows what a new search gave."""
        self._searches.labels(result.value).inc()

    def received(self, channel: str) -> None:
        """A message was stored."""
        self._received.labels(self._channel(channel)).inc()

    def answered(self, channel: str, *, language: str | None, intent: str | None) -> None:
        """A message was settled; ``intent`` is None for what the bot did not read."""
        self._answered.labels(self._channel(channel), known(language, REPLY_LANGUAGES)).inc()
        if intent:
            self._intent.labels(known(intent, self._intents)).inc()

    def failed(self, channel: str) -> None:
        """A message was given up."""
        self._failed.labels(self._channel(channel)).inc()

    def replied(self, channel: str, *, seconds: float) -> None:
        """A message got its reply ``seconds`` after it had arrived."""
        self._reply.labels(self._channel(channel)).observe(max(0.0, seconds))

    def delivered(self, channel: str | None, delivery: Delivery) -> None:
        """An attempt to send a reply ended."""
        self._deliveries.labels(self._channel(channel), delivery.value).inc()

    def handover_moved(self, move: str) -> None:
        """A line was written into a handover's journal; lines that move nothing are left out."""
        if move in HANDOVER_MOVES:
            self._handovers.labels(move).inc()

    def emergency(self) -> None:
        """A handover became urgent."""
        self._emergencies.inc()

    def appointment_moved(self, state: AppointmentState) -> None:
        """An appointment reached a state."""
        self._appointments.labels(state.value).inc()

    def reminded(self) -> None:
        """A reminder went into the outbox."""
        self._reminders.inc()

    def _channel(self, channel: str | None) -> str:
        return known(channel, self.channels)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, *labels: str, buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Rates need a first value: a series that appears with 1 seems never to have risen."""
        Gauge(
            "lotse_build_info", "The version that runs.", ["version"], registry=self.registry
        ).labels(version("lotse")).set(1)
        for channel in self.channels:
            self._received.labels(channel)
            self._failed.labels(channel)
            self._reply.labels(channel)
            for language in REPLY_LANGUAGES:
                self._answered.labels(channel, language)
            for delivery in Delivery:
                self._deliveries.labels(channel, delivery.value)
        for counter, values in (
            (self._intent, self._intents),
            (self._understanding, Understanding),
            (self._searches, SearchResult),
            (self._engine_failures, (CallResult.AWAY, CallResult.FAILED)),
            (self._handovers, HANDOVER_MOVES),
            (self._appointments, AppointmentState),
        ):
            for value in values:
                counter.labels(str(value))
        for call in ENGINE_CALLS:
            self._engine.labels(call)
