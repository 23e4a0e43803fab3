"""The live part: server-sent events of one conversation."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from bot.channels.web.sessions import ChatSession
from bot.channels.web.streams import EventStreams, Subscription
from bot.channels.web.wire import reply_data
from bot.conversations.inbox import find_conversation
from bot.conversations.transcript import ReplyEntry, replies_after
from bot.db.session import Database

HEARTBEAT_SECONDS = 15
# Replies are announced within one process; this finds those sent by another one.
RECHECK_SECONDS = 5.0
SEND_SECONDS = 30.0
RECONNECT_MILLISECONDS = 2_000

# Two transactions may commit in another order than that of their ids. Looking
# back this far finds a reply that became visible after one with a greater id.
LOOK_BACK = 100
REPLIES_AT_ONCE = 2 * LOOK_BACK


class ReplyCursor:
    """What one reader has been shown. Gives every later reply exactly once."""

    def __init__(self, database: Database, session: ChatSession, *, after: int) -> None:
        self._database = database
        self._session = session
        self._start = after
        self._last = after
        self._shown: deque[int] = deque(maxlen=REPLIES_AT_ONCE)

    async def new_replies(self) -> list[ReplyEntry]:
        """Replies not given before, by id; at most ``REPLIES_AT_ONCE``, empty when up to date."""
        found = await run_in_threadpool(self._read, max(self._start, self._last - LOOK_BACK))
        new = [reply for reply in found if reply.id not in self._shown]
        for reply in new:
            self._shown.append(reply.id)
            self._last = max(self._last, reply.id)
        return new

    def _read(self, after: int) -> list[ReplyEntry]:
        with self._database.reading() as session:
            conversation = find_conversation(
                session, channel=self._session.channel, address=self._session.address
            )
            if conversation is None:
                return []
            return replies_after(session, conversation.id, after=after, limit=REPLIES_AT_ONCE)


def event_response(
    *, database: Database, streams: EventStreams, session: ChatSession, after: int
) -> EventSourceResponse:
    """A stream that begins after the reply with the id ``after``.

    Events: ``ready``; ``message`` with the outbox id as event id; the passing
    ``typing``, ``said``, ``left`` and ``superseded``; ``ping`` as a heartbeat that
    scripts can see, so that a page notices a connection that died in silence.
    """
    cursor = ReplyCursor(database, session, after=after)
    return EventSourceResponse(
        _events(streams, session, cursor),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(event="ping", data="{}"),
        send_timeout=SEND_SECONDS,
        sep="\n",
    )


async def _events(
    streams: EventStreams, session: ChatSession, cursor: ReplyCursor
) -> AsyncIterator[ServerSentEvent]:
    # Subscribed here and not before: a response that is never started would
    # otherwise keep its subscription.
    with streams.subscribed(session.key) as subscription:
        yield _event("ready", {}, retry=RECONNECT_MILLISECONDS)
        async for event in _follow(subscription, cursor):
            yield event


async def _follow(
    subscription: Subscription, cursor: ReplyCursor
) -> AsyncIterator[ServerSentEvent]:
    while True:
        while replies := await cursor.new_replies():
            for reply in replies:
                yield _event("message", reply_data(reply), id=str(reply.id))
        closed = subscription.closed
        for passing in await subscription.wait(seconds=0 if closed else RECHECK_SECONDS):
            yield _event(passing.name, passing.data)
        if closed:
            return


def _event(name: str, data: Mapping[str, Any], **fields: Any) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data, ensure_ascii=False), **fields)
