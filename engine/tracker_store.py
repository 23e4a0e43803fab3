"""Rasa's SQL tracker store with the conversations in use kept in memory.

Rasa reads a conversation three times for each message and parses all its events
each time; that was 43 % of the engine's time. The engine is one process, so what
it saved last is what stands in the database.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Optional

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.trackers import DialogueStateTracker

REMEMBERED = 500


class CachedSQLTrackerStore(SQLTrackerStore):
    """An SQL tracker store that answers from memory for the latest conversations.

    Every conversation is saved to the database before it is remembered. What is
    handed out is a copy: a message that fails half-way leaves no trace.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._latest: OrderedDict[str, DialogueStateTracker] = OrderedDict()

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation's present session, or None."""
        known = self._latest.get(sender_id)
        if known is not None:
            self._latest.move_to_end(sender_id)
            return known.copy()
        return await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Writes new events; when that fails, the database is asked again next time."""
        self._latest.pop(tracker.sender_id, None)
        await super().save(tracker)
        self._latest[tracker.sender_id] = tracker.copy()
        if len(self._latest) > REMEMBERED:
            self._latest.popitem(last=False)

    def forget(self, sender_id: str) -> None:
        """Deletes all events of a conversation; Rasa 3.6 has no call of its own for this."""
        self._latest.pop(sender_id, None)
        with self.session_scope() as session:
            session.query(self.SQLEvent).filter_by(sender_id=sender_id).delete()
            session.commit()
