"""Rasa's SQL tracker store with the conversations in use kept in memory.

Rasa reads a conversation three times for each message and parses all its events
each time; that was 43 % of the engine's time. The engine is one process, so what
it saved last is what stands in the database.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any, Iterator, Optional

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

REMEMBERED = 500
# Stands where words were that are not kept.
LEFT_OUT = "…"


class CachedSQLTrackerStore(SQLTrackerStore):
    """An SQL tracker store that answers from memory for the latest conversations.

    Every conversation is saved to the database before it is remembered. What is
    handed out is a copy: a message that fails half-way leaves no trace.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._latest: OrderedDict[str, DialogueStateTracker] = OrderedDict()

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation's present session, or None.

        From memory, the turn in which the session began comes with it.
        """
        known = self._latest.get(sender_id)
        if known is not None:
            self._latest.move_to_end(sender_id)
            return known.copy()
        return await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Writes new events; when that fails, the database is asked again next time.

        Of messages that answer a personal question, neither memory nor the database gets the
        words.
        """
        _leave_out_personal_words(tracker)
        try:
            await super().save(tracker)
        except BaseException:
            self._latest.pop(tracker.sender_id, None)
            raise
        self._latest[tracker.sender_id] = _present_session(tracker)
        self._latest.move_to_end(tracker.sender_id)
        if len(self._latest) > REMEMBERED:
            self._latest.popitem(last=False)

    def forget(self, sender_id: str) -> None:
        """Deletes all events of a conversation; Rasa 3.6 has no call of its own for this."""
        self._latest.pop(sender_id, None)
        with self.session_scope() as session:
            session.query(self.SQLEvent).filter_by(sender_id=sender_id).delete()
            session.commit()

    def _additional_events(self, session: Any, tracker: DialogueStateTracker) -> Iterator[Any]:
        # Rasa counts the stored events since the last SessionStarted and takes the
        # tracker to begin with just these. That holds for what it reads from the
        # database; what comes from memory begins with what was remembered.
        known = self._latest.get(tracker.sender_id)
        if known is None:
            additional: Iterator[Any] = super()._additional_events(session, tracker)
            return additional
        return itertools.islice(tracker.events, len(known.events), None)


def _leave_out_personal_words(tracker: DialogueStateTracker) -> None:
    for event in tracker.events:
        if isinstance(event, UserUttered) and (event.metadata or {}).get("personal"):
            event.text = LEFT_OUT
            event.entities = []
            event.parse_data = {**event.parse_data, "text": LEFT_OUT, "entities": []}


def _present_session(tracker: DialogueStateTracker) -> DialogueStateTracker:
    """A copy without the sessions that are over.

    The message in whose turn the session began is kept, because ``/restart`` begins
    one after itself and must still be found when it is repeated. A new session resets
    all state, so nothing before that message is missed.
    """
    events = list(tracker.events)
    session = _last_index(events, SessionStarted)
    copy = tracker.init_copy()
    for event in events[_last_index(events[:session], UserUttered) :]:
        copy.update(event)
    return copy


def _last_index(events: list[Any], kind: type) -> int:
    return max((index for index, event in enumerate(events) if isinstance(event, kind)), default=0)
