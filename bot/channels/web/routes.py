"""The routes of the chat page and of the terminal chat."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.web.events import event_response
from bot.channels.web.incoming import RefusedError, read_message, read_position
from bot.channels.web.limits import PER_CLIENT, PER_SESSION
from bot.channels.web.page import ChatPage, GettextFor
from bot.channels.web.preferences import (
    accepted_languages,
    accepted_reply_language,
    page_language,
)
from bot.channels.web.security import SecurityHeaders, is_json, is_same_origin
from bot.channels.web.sessions import (
    ChatSession,
    channel_of,
    forget,
    new_session,
    remember,
    session_of,
)
from bot.channels.web.streams import EventStreams, PassingEvent
from bot.channels.web.texts import error_texts
from bot.channels.web.uploads import Uploads
from bot.channels.web.wire import EXPORT_PATH, entry_data, moment, said_data
from bot.clock import Clock
from bot.conversations.inbox import find_conversation
from bot.conversations.transcript import entries
from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.messages import IncomingMessage
from bot.privacy.consent import EXPORT_NAME
from bot.privacy.export import Exporter
from bot.rates import Rate, RateLimiter

HISTORY_ENTRIES = 200
UNAVAILABLE_RETRY_SECONDS = 5

Receive = Callable[[Sequence[IncomingMessage]], Awaitable[object]]
Endpoint = Callable[[Request], Awaitable[Response]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """What an operator may choose. ``frame_ancestors`` as in Content-Security-Policy."""

    secure_cookies: bool
    frame_ancestors: str = "'none'"
    languages: Sequence[str] = REPLY_LANGUAGES
    per_session: Rate = PER_SESSION
    per_client: Rate = PER_CLIENT


def web_routes(
    *,
    database: Database,
    receive: Receive,
    streams: EventStreams,
    clock: Clock,
    gettext_for: GettextFor,
    settings: WebSettings,
    exporter: Exporter,
    uploads: Uploads | None = None,
) -> list[BaseRoute]:
    """The routes ``/`` and ``/chat/…``, to be added to an application.

    ``receive`` must have stored the messages when it returns: the page is told
    then that they arrived. ``gettext_for`` gives the gettext callable of a
    language. The application closes ``streams`` when it stops. Without ``uploads`` no files
    are taken.
    """
    # It writes every event, and with it what people are told, to its debug log.
    logging.getLogger("sse_starlette").setLevel(logging.INFO)
    chat = _WebChat(database, receive, streams, clock, gettext_for, settings, exporter, uploads)
    page = chat.page
    protected = [Middleware(SecurityHeaders, frame_ancestors=settings.frame_ancestors)]
    endpoints: list[tuple[str, str, Endpoint]] = [
        ("GET", "/", chat.show_page),
        ("GET", "/chat/texts", chat.show_texts),
        ("POST", "/chat/messages", chat.post_message),
        ("POST", "/chat/files", chat.post_file),
        ("GET", "/chat/events", chat.show_events),
        ("GET", "/chat/history", chat.show_history),
        ("GET", EXPORT_PATH, chat.export),
        ("POST", "/chat/leave", chat.leave),
    ]
    routes: list[BaseRoute] = [
        Route(path, chat.guarded(endpoint), methods=[method], middleware=protected)
        for method, path, endpoint in endpoints
    ]
    routes.append(Route("/chat/static/{version}/{name}", page.static, middleware=protected))
    return routes


class _WebChat:
    def __init__(
        self,
        database: Database,
        receive: Receive,
        streams: EventStreams,
        clock: Clock,
        gettext_for: GettextFor,
        settings: WebSettings,
        exporter: Exporter,
        uploads: Uploads | None,
    ) -> None:
        self._database = database
        self._receive = receive
        self._streams = streams
        self._clock = clock
        self._gettext_for = gettext_for
        self._settings = settings
        self._exporter = exporter
        self._uploads = uploads
        self._session_limiter = RateLimiter(settings.per_session, clock=clock)
        self._client_limiter = RateLimiter(settings.per_client, clock=clock)
        self.page = ChatPage(languages=settings.languages, gettext_for=gettext_for)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Answers refusals as JSON, and failures without a word of what was said."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except RefusedError as refused:
                return self._refusal(request, refused)
            except Exception as error:
                # Messages of database errors quote the parameters: personal data.
                _log.error("web_request_failed", path=request.url.path, error=type(error).__name__)
                return self._refusal(request, _unavailable())

        return answer

    async def show_page(self, request: Request) -> Response:
        """The page; gives the browser its session."""
        channel = _channel(request)
        session = session_of(request, channel=channel)
        spoken = await run_in_threadpool(self._language_of, session) if session else None
        language = page_language(
            request, served=self._settings.languages, conversation_language=spoken
        )
        response = HTMLResponse(self.page.html(language))
        remember(
            response,
            session or new_session(channel=channel),
            secure=self._settings.secure_cookies,
        )
        return response

    async def show_texts(self, request: Request) -> Response:
        """The texts of the page in the language asked for."""
        language = page_language(
            request, served=self._settings.languages, conversation_language=None
        )
        return JSONResponse(self.page.data(language))

    async def post_message(self, request: Request) -> Response:
        """Stores one message; 202 means that it will be answered."""
        channel = self._trusted_channel(request)
        _spend(self._client_limiter, request.client.host if request.client else "")
        session = _session(request, channel=channel)
        _spend(self._session_limiter, session.address)
        posted = await read_message(request)
        accepted = next(iter(accepted_languages(request)), None)
        message = posted.to_incoming(session, accepted=accepted)
        await self._receive([message])
        said = {
            "id": str(posted.id),
            **said_data(message.kind, message.text),
            "button": posted.button,
            "at": moment(self._clock()),
        }
        # The other windows of the same conversation show it too.
        self._streams.wake(session.key, PassingEvent(name="said", data=said))
        return JSONResponse({"id": said["id"], "at": said["at"]}, status_code=202)

    async def post_file(self, request: Request) -> Response:
        """Stores one file for the counsellors; 202 means that it is in their hands."""
        if not is_same_origin(request):
            raise RefusedError(403, "foreign")
        if self._uploads is None:
            raise RefusedError(409, "file_not_now")
        _spend(self._client_limiter, request.client.host if request.client else "")
        session = _session(request, channel=_channel(request))
        _spend(self._session_limiter, session.address)
        message = await self._uploads.take(request, session)
        await self._receive([message])
        said = {
            "id": message.external_id.removeprefix(session.external_id_prefix),
            **said_data(message.kind, message.text),
            "button": None,
            "at": moment(self._clock()),
        }
        self._streams.wake(session.key, PassingEvent(name="said", data=said))
        return JSONResponse({"id": said["id"], "at": said["at"]}, status_code=202)

    async def show_events(self, request: Request) -> Response:
        """The event stream of the session."""
        session = _session(request, channel=_channel(request))
        after = read_position(request)
        if self._streams.is_full:
            raise _unavailable()
        return event_response(
            database=self._database, streams=self._streams, session=session, after=after
        )

    async def show_history(self, request: Request) -> Response:
        """The last entries of the session's conversation."""
        session = _session(request, channel=_channel(request))
        return JSONResponse({"entries": await run_in_threadpool(self._history, session)})

    async def export(self, request: Request) -> Response:
        """The copy of everything stored about the session's person, made now."""
        if not is_same_origin(request):
            raise RefusedError(403, "foreign")
        _spend(self._client_limiter, request.client.host if request.client else "")
        session = _session(request, channel=_channel(request))
        _spend(self._session_limiter, session.address)
        conversation_id = await run_in_threadpool(self._conversation_of, session)
        if conversation_id is None:
            raise RefusedError(404, "nothing_stored")
        content = await self._exporter.make(conversation_id, until=self._clock())
        headers = {"Content-Disposition": f'attachment; filename="{EXPORT_NAME}"'}
        return Response(content, media_type="application/json", headers=headers)

    async def leave(self, request: Request) -> Response:
        """Forgets the cookie; the conversation itself stays until it is deleted."""
        channel = self._trusted_channel(request)
        session = session_of(request, channel=channel)
        if session:
            self._streams.wake(session.key, PassingEvent(name="left"))
        response = Response(status_code=204)
        forget(response, secure=self._settings.secure_cookies)
        return response

    def _language_of(self, session: ChatSession) -> str | None:
        with self._database.reading() as reading:
            conversation = find_conversation(
                reading, channel=session.channel, address=session.address
            )
            return conversation.language if conversation else None

    def _conversation_of(self, session: ChatSession) -> str | None:
        with self._database.reading() as reading:
            conversation = find_conversation(
                reading, channel=session.channel, address=session.address
            )
            return conversation.id if conversation else None

    def _history(self, session: ChatSession) -> list[dict[str, Any]]:
        with self._database.reading() as reading:
            conversation = find_conversation(
                reading, channel=session.channel, address=session.address
            )
            if conversation is None:
                return []
            found = entries(reading, conversation.id, limit=HISTORY_ENTRIES)
            return [entry_data(entry, session=session) for entry in found]

    def _trusted_channel(self, request: Request) -> str:
        if not is_same_origin(request):
            raise RefusedError(403, "foreign")
        if not is_json(request):
            raise RefusedError(415, "not_json")
        return _channel(request)

    def _refusal(self, request: Request, refused: RefusedError) -> Response:
        language = accepted_reply_language(request, served=self._settings.languages)
        message = error_texts(self._gettext_for(language))[refused.code]
        error: dict[str, Any] = {"code": refused.code, "message": message}
        headers = {}
        if refused.retry_seconds is not None:
            error["retry_seconds"] = math.ceil(refused.retry_seconds)
            headers["Retry-After"] = str(error["retry_seconds"])
        return JSONResponse({"error": error}, status_code=refused.status, headers=headers)


def _channel(request: Request) -> str:
    channel = channel_of(request)
    if channel is None:
        raise RefusedError(403, "channel_refused")
    return channel


def _session(request: Request, *, channel: str) -> ChatSession:
    session = session_of(request, channel=channel)
    if session is None:
        raise RefusedError(401, "no_session")
    return session


def _unavailable() -> RefusedError:
    return RefusedError(503, "unavailable", retry_seconds=UNAVAILABLE_RETRY_SECONDS)


def _spend(limiter: RateLimiter, key: str) -> None:
    seconds = limiter.take(key)
    if seconds > 0:
        raise RefusedError(429, "too_fast", retry_seconds=seconds)
