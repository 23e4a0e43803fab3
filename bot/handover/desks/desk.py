"""What every desk does, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.conversations.transcript import Entry
from bot.errors import DeliveryError
from bot.handover.models import EventKind
from bot.messages import Kind


class ThreadGoneError(DeliveryError):
    """The thread was deleted at the desk; a new one is to be made."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the journal with the words it refers to; see ``HandoverEvent``.

    ``done_at_desk`` is the desk where it happened.
    """

    id: int
    kind: EventKind
    at: datetime
    actor: str = field(default="", repr=False)
    done_at_desk: str = ""
    text: str = field(default="", repr=False)
    language: str = ""
    message_kind: Kind | None = None
    edited: bool = False
    details: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Case:
    """The person's handover as a desk shows it.

    ``before`` is what was said before it; ``fresh``: the thread was made just now, so that
    nothing stands in it yet.
    """

    handover_id: int
    conversation_id: str
    channel: str
    language: str
    topic: str
    reason: str
    urgent: bool
    claimed_by: str = field(default="", repr=False)
    before: Sequence[Entry] = field(default=(), repr=False)
    fresh: bool = False


class Desk(Protocol):
    """A place at which counsellors work. Errors leave as ``DeliveryError``."""

    @property
    def name(self) -> str:
        """The desk's name in the journal."""

    async def wait_until_free(self) -> None:
        """Returns when the desk's limits let something be told; never raises.

        What happens meanwhile is told together with the rest.
        """

    async def open_thread(self, case: Case) -> str:
        """Makes a place for a person's handovers and returns its id at the desk."""

    async def tell(self, thread: str, case: Case, lines: Sequence[Line]) -> None:
        """Shows lines in a thread, in order; raises ``ThreadGoneError`` when it is lost.

        May be called again with the same lines after an error.
        """

    async def delete_thread(self, thread: str) -> None:
        """Deletes what the desk holds of a person; one that is gone already is fine."""
