"""What an answer changes besides what is said; applied together with storing the replies.

Actions only describe effects. Carrying them out in the transaction that also
stores the replies makes a crash in between harmless: either both happened or
neither, and the message is processed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.handover.models import Reason
from bot.messages import OutgoingMessage
from bot.observing import SearchResult, Understanding


@dataclass(frozen=True, kw_only=True)
class RequestHandover:
    """Bring in a person."""

    reason: Reason
    urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class SetLanguage:
    """Reply in this language from now on, whatever is detected."""

    code: str


@dataclass(frozen=True, kw_only=True)
class CountFailure:
    """The person was not understood; anything else said by the bot resets the count.

    ``asked_back``: the bot has some ideas of what was meant and asks which one is right.
    """

    asked_back: bool = False


@dataclass(frozen=True, kw_only=True)
class NoteCorrection:
    """The person says that something about an offer is wrong; editors get the hint."""

    measure: str
    text: str = field(repr=False)


Effect = RequestHandover | SetLanguage | CountFailure | NoteCorrection


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Everything that answers one message; ``search`` is what a new search gave, if any."""

    messages: tuple[OutgoingMessage, ...] = ()
    effects: tuple[Effect, ...] = ()
    intent: str | None = None
    understanding: Understanding = Understanding.UNDERSTOOD
    search: SearchResult | None = None
