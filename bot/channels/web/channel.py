"""The chat page and the terminal chat as channels."""

from __future__ import annotations

from bot.channels.web.streams import EventStreams, PassingEvent, StreamKey
from bot.messages import OutgoingMessage

WEB = "web"
TERMINAL = "terminal"


class WebChannel:
    """Delivers by waking whoever is looking at the conversation.

    A reply is delivered once it stands in the database: an open page is woken and
    reads it there, a page opened later finds it in the history.
    """

    def __init__(self, streams: EventStreams, *, name: str = WEB) -> None:
        self._streams = streams
        self._name = name

    @property
    def name(self) -> str:
        """``web``, or ``terminal`` for the terminal chat, which uses the same routes."""
        return self._name

    async def wait_until_free(self, *, address: str) -> None:
        """Returns at once: a page takes replies as fast as they come."""

    async def send(self, *, address: str, message: OutgoingMessage) -> list[str]:
        """Wakes the open streams of the address. Never fails.

        The list is empty: a reply has no other id here than its own in the outbox.
        """
        self._streams.wake(StreamKey(self._name, address))
        return []

    async def show_typing(self, *, address: str) -> None:
        """Shows the open pages of the address that an answer is being prepared."""
        self._streams.wake(StreamKey(self._name, address), PassingEvent(name="typing"))
