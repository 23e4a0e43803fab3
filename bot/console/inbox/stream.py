"""The live part: server-sent events that say what changed. The pages fetch the rest."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from bot.console.access import token_of
from bot.console.inbox.routes import Counsellor
from bot.console.live import Listener, News
from bot.console.services import ConsoleServices, Services
from bot.counsellors import sessions
from bot.handover import inbox
from bot.handover.inbox import Viewer

HEARTBEAT_SECONDS = 15
SEND_SECONDS = 30.0
RECONNECT_MILLISECONDS = 2_000
# Whoever was disabled, or signed out elsewhere, hears no more after this.
CHECK_EVERY = timedelta(seconds=20)

router = APIRouter(prefix="/inbox")


@router.get("/events/stream")
async def events(
    request: Request,
    services: Services,
    account: Counsellor,
    open: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Events ``ready``, ``changed``, ``typing``; ``open`` is the conversation that is shown."""
    if services.live.is_full:
        return PlainTextResponse("too many open pages", status_code=503)
    viewer = Viewer.of(account)
    conversation_id = ""
    if open:
        conversation_id = await run_in_threadpool(_conversation, services, viewer, open)
    return EventSourceResponse(
        _events(services, viewer, token_of(request), open or None, conversation_id),
        ping=HEARTBEAT_SECONDS,
        send_timeout=SEND_SECONDS,
        sep="\n",
        headers={"Cache-Control": "no-store"},
    )


def _conversation(services: ConsoleServices, viewer: Viewer, handover_id: int) -> str:
    with services.database.reading() as session:
        return inbox.visible(session, handover_id, viewer).conversation_id


async def _events(
    services: ConsoleServices,
    viewer: Viewer,
    token: str,
    handover_id: int | None,
    conversation_id: str,
) -> AsyncIterator[ServerSentEvent]:
    listening = services.live.listening(
        viewer, handover_id=handover_id, conversation_id=conversation_id
    )
    async with listening as listener:
        yield ServerSentEvent(event="ready", data="{}", retry=RECONNECT_MILLISECONDS)
        async for event in _follow(services, viewer, token, listener):
            yield event


async def _follow(
    services: ConsoleServices, viewer: Viewer, token: str, listener: Listener
) -> AsyncIterator[ServerSentEvent]:
    checked = services.clock()
    while not listener.closed:
        news = await listener.next(seconds=CHECK_EVERY.total_seconds())
        if services.clock() - checked >= CHECK_EVERY:
            checked = services.clock()
            if not await run_in_threadpool(_still_allowed, services, viewer, token):
                return
        for event in _told(news):
            yield event


def _told(news: News) -> list[ServerSentEvent]:
    told = []
    if news.typing:
        told.append(ServerSentEvent(event="typing", data=json.dumps({"name": news.typing})))
    if news.handovers:
        data = {
            "handovers": sorted(news.handovers),
            "calling": sorted(news.calling),
            "urgent": news.urgent,
        }
        told.append(ServerSentEvent(event="changed", data=json.dumps(data)))
    return told


def _still_allowed(services: ConsoleServices, viewer: Viewer, token: str) -> bool:
    with services.database.reading() as session:
        found = sessions.find(session, token, now=services.clock())
        return found is not None and found.full and Viewer.of(found.account) == viewer
