"""The only place that wires things together."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
import uvicorn
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from actions import Booking, all_actions
from bot.api.app import create_app as create_api
from bot.booking.answers import BookingAnswers
from bot.booking.appointments import Appointments
from bot.booking.form import BookingForm
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.channels.appointments import appointment_routes
from bot.channels.chatwoot import chatwoot_routes
from bot.channels.health import health_routes
from bot.channels.telegram import (
    ChatBlocked,
    DeskIntake,
    SendLimiter,
    TelegramApi,
    TelegramChannel,
    protect_logs,
)
from bot.channels.telegram.receipt import TelegramReceipt
from bot.channels.web.channel import TERMINAL, WEB, WebChannel
from bot.channels.web.routes import WebSettings, web_routes
from bot.channels.web.streams import EventStreams
from bot.channels.web.uploads import Uploads
from bot.clock import Clock, utc_now
from bot.config import Settings
from bot.console.app import create_app as create_console
from bot.console.live import Live
from bot.console.services import ConsoleServices
from bot.conversations import inbox, leases
from bot.conversations.files import MAXIMUM_SIZE, FileStore
from bot.conversations.scanning import scanner
from bot.counsellors.passwords import Passwords
from bot.db.session import Database
from bot.dialogue import endpoints
from bot.dialogue.engine import Engine
from bot.dialogue.output import Output
from bot.dialogue.responses import Responses
from bot.dialogue.supervisor import EngineProcess
from bot.errors import ConfigurationError
from bot.handover.desks import feed as desk_feed
from bot.handover.desks.agents import AgentAct
from bot.handover.desks.agents import take as take_act
from bot.handover.desks.chatwoot import ChatwootDesk, ChatwootInbox
from bot.handover.desks.desk import Desk
from bot.handover.desks.telegram import TelegramDesk, TopicPost
from bot.handover.desks.topics import take as take_posts
from bot.handover.translation import LibreTranslate
from bot.i18n.identify import identify, preload
from bot.i18n.texts import CONSOLE_DOMAIN, CONSOLE_LANGUAGES, Catalogues, Texts
from bot.measures.answers import MeasureAnswers
from bot.measures.encoding import SentenceMeanings
from bot.measures.search import Meanings
from bot.messages import Channel, IncomingMessage
from bot.router import Router
from bot.safety.detect import load as load_phrases
from bot.workers.attention import AttentionWorker
from bot.workers.booking import Announce, BookingWorker
from bot.workers.desks import DeskWorker
from bot.workers.files import FileWorker
from bot.workers.inbox import InboxWorker
from bot.workers.outbox import OutboxWorker
from bot.workers.search import SearchUpkeep
from bot.workers.translation import TranslationWorker

log = structlog.get_logger(__name__)

OUTBOX_LIMIT = 64
STOP_SECONDS = 5.0


def engine_token(settings: Settings) -> str:
    """The secret between engine and application: as set, or made once and kept in a file."""
    if given := settings.engine_token.get_secret_value():
        return given
    path = settings.state_directory / "engine-token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), "utf-8")
    return path.read_text("utf-8").strip()


@dataclass(kw_only=True)
class Lotse:
    """The running product: everything that ``lotse up`` starts, built and not yet started."""

    settings: Settings
    database: Database
    engine: Engine
    engine_process: EngineProcess | None
    inbox_worker: InboxWorker
    file_worker: FileWorker
    outbox_worker: OutboxWorker
    booking_worker: BookingWorker
    search_upkeep: SearchUpkeep
    attention: AttentionWorker
    desk_workers: Sequence[DeskWorker]
    translation: TranslationWorker | None
    internal: Starlette
    public: Starlette
    streams: EventStreams
    live: Live
    telegram: TelegramReceipt | None
    warm_up: Callable[[], None]

    async def run(self) -> None:
        """Runs until cancelled; the first part that ends ends all."""
        if self.database.is_sqlite:
            # Only one process uses this database, so leases left in it are a
            # dead process's.
            with self.database.transaction() as session:
                leases.INBOX.release_all(session)
                leases.OUTBOX.release_all(session)
                desk_feed.LEASE.release_all(session)
        uncertain = self.outbox_worker.settle_interrupted()
        if uncertain:
            log.warning("outbox.interrupted", uncertain=uncertain)
        # The engine takes seconds to start; what the application needs to answer the
        # first message is loaded meanwhile.
        warming = asyncio.create_task(asyncio.to_thread(self.warm_up))
        parts: list[Awaitable[None]] = [
            _serve(self.internal, "127.0.0.1", self.settings.internal_port),
            _serve(self.public, self.settings.host, self.settings.port),
            self.inbox_worker.run(),
            self.outbox_worker.run(),
            self.file_worker.run(),
            self.booking_worker.run(),
            self.search_upkeep.run(),
            self.attention.run(),
            *(worker.run() for worker in self.desk_workers),
            *([self.translation.run()] if self.translation else ()),
        ]
        if self.engine_process:
            parts.append(self.engine_process.run())
        if self.telegram:
            parts.append(self.telegram.run())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.streams.close()
            self.live.close()
            await asyncio.gather(warming, return_exceptions=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.engine.close()
            self.database.dispose()


def build(settings: Settings, *, clock: Clock = utc_now) -> Lotse:
    """Builds the product from its settings. Starts nothing and opens no connection."""
    database = Database(settings.database_url.get_secret_value())
    catalogues = Catalogues()
    token = engine_token(settings)
    engine = Engine(url=settings.engine_url, token=token, timeout=settings.engine_timeout)
    meanings = SentenceMeanings()
    measures = MeasureAnswers(database=database, meanings=meanings, clock=clock)
    owner = uuid.uuid4().hex
    streams = EventStreams()
    channels: dict[str, Channel] = {
        WEB: WebChannel(streams),
        TERMINAL: WebChannel(streams, name=TERMINAL),
    }
    texts = Catalogues(domain=CONSOLE_DOMAIN, languages=CONSOLE_LANGUAGES)
    api = _telegram_api(settings)
    limiter = SendLimiter()
    telegram_channel = TelegramChannel(api, limiter=limiter) if api else None
    if telegram_channel:
        channels[TelegramChannel.name] = telegram_channel
    teller = Teller(catalogues=catalogues, site=Site(settings.base_url.rstrip("/")))
    outbox_worker = OutboxWorker(
        database=database, channels=channels, owner=owner, clock=clock, limit=OUTBOX_LIMIT
    )
    inbox_worker = InboxWorker(
        database=database,
        router=Router(
            database=database,
            engine=engine,
            output=Output(
                catalogues=catalogues,
                measures=measures,
                booking=BookingAnswers(database=database, teller=teller, clock=clock),
            ),
            catalogues=catalogues,
            identify=identify,
            clock=clock,
            ask_consent=settings.ask_consent,
            teller=teller,
        ),
        channels=channels,
        owner=owner,
        clock=clock,
        limit=settings.workers,
        answered=outbox_worker.wake,
    )

    async def receive(
        messages: Sequence[IncomingMessage], blocked: Sequence[ChatBlocked] = ()
    ) -> None:
        """Stores what arrived; it is safe when this returns."""

        def store() -> None:
            with database.transaction() as session:
                inbox.record(session, messages, now=clock())
                for change in blocked:
                    inbox.set_blocked(
                        session,
                        channel=TelegramChannel.name,
                        address=change.address,
                        now=clock() if change.blocked else None,
                    )

        await asyncio.to_thread(store)
        inbox_worker.wake()

    desks = _desks(
        settings,
        api=api,
        limiter=limiter,
        database=database,
        clock=clock,
        owner=owner,
        catalogues=catalogues,
        texts=texts[settings.desk_language],
        moved=outbox_worker.wake,
    )
    telegram = (
        TelegramReceipt(settings, api, telegram_channel, receive, catalogues, desks.topics)
        if api and telegram_channel
        else None
    )
    live = Live(database)
    file_store = FileStore(settings.state_directory / "files")
    scan = scanner(settings.clamd)
    console = create_console(
        ConsoleServices(
            database=database,
            clock=clock,
            catalogues=catalogues,
            texts=texts,
            passwords=Passwords(),
            teller=teller,
            base_url=settings.base_url,
            live=live,
            files=file_store,
            channels=channels,
            replied=outbox_worker.wake,
            stale_after=timedelta(days=settings.stale_days),
        )
    )
    routes: list[BaseRoute] = [
        *health_routes(database=database, engine=engine),
        *web_routes(
            database=database,
            receive=receive,
            streams=streams,
            clock=clock,
            gettext_for=lambda language: catalogues.get(language).gettext,
            uploads=Uploads(database=database, store=file_store, scan=scan),
            settings=WebSettings(secure_cookies=settings.public_url.startswith("https://")),
        ),
        *appointment_routes(
            database=database,
            catalogues=catalogues,
            teller=teller,
            clock=clock,
            told=outbox_worker.wake,
        ),
        *(telegram.routes if telegram else ()),
        *desks.routes,
        Mount("/console", console),
        Mount(
            "/hsds",
            create_api(database=database, clock=clock, base_url=settings.public_url),
        ),
    ]
    return Lotse(
        settings=settings,
        database=database,
        engine=engine,
        engine_process=None if settings.engine_external else EngineProcess(settings, token=token),
        inbox_worker=inbox_worker,
        file_worker=FileWorker(
            database=database,
            store=file_store,
            fetchers={TelegramChannel.name: partial(api.fetch_file, limit=MAXIMUM_SIZE)}
            if api
            else {},
            scan=scan,
            clock=clock,
        ),
        outbox_worker=outbox_worker,
        booking_worker=BookingWorker(
            database=database,
            teller=teller,
            clock=clock,
            told=outbox_worker.wake,
            announce=desks.announce,
            desk_texts=texts[settings.desk_language],
        ),
        search_upkeep=SearchUpkeep(database=database, meanings=meanings),
        attention=AttentionWorker(
            database=database, catalogues=catalogues, clock=clock, changed=outbox_worker.wake
        ),
        desk_workers=desks.workers,
        translation=_translation(
            settings,
            database=database,
            clock=clock,
            catalogues=catalogues,
            texts=texts[settings.desk_language],
            changed=outbox_worker.wake,
        ),
        internal=endpoints.create_app(
            responses=Responses(catalogues),
            actions=all_actions(
                measures,
                Booking(
                    form=BookingForm(database=database, clock=clock),
                    appointments=Appointments(database=database, clock=clock),
                ),
            ),
            token=token,
        ),
        public=Starlette(routes=routes),
        streams=streams,
        live=live,
        telegram=telegram,
        warm_up=lambda: _warm_up(meanings),
    )


@dataclass(kw_only=True)
class _Desks:
    """The desks beside the console: who tells them, and how what is done there comes in."""

    workers: list[DeskWorker] = field(default_factory=list)
    topics: DeskIntake | None = None
    announce: Announce | None = None
    routes: list[Route] = field(default_factory=list)


def _desks(
    settings: Settings,
    *,
    api: TelegramApi | None,
    limiter: SendLimiter,
    database: Database,
    clock: Clock,
    owner: str,
    catalogues: Catalogues,
    texts: Texts,
    moved: Callable[[], None],
) -> _Desks:
    desks = _Desks()

    def add(desk: Desk) -> None:
        desks.workers.append(DeskWorker(database=database, desk=desk, owner=owner, clock=clock))

    async def carry_out(move: Callable[[Session], object]) -> None:
        """Stores what was done at a desk; it is safe when this returns."""

        def store() -> None:
            with database.transaction() as session:
                move(session)

        await asyncio.to_thread(store)
        moved()
        for worker in desks.workers:
            worker.wake()

    if api and settings.telegram_desk_chat_id:
        chat_id = settings.telegram_desk_chat_id

        async def receive_posts(posts: Sequence[TopicPost]) -> None:
            await carry_out(
                lambda session: take_posts(
                    session,
                    posts,
                    catalogues=catalogues,
                    texts=texts,
                    now=clock(),
                    translates=bool(settings.translation_url),
                )
            )

        desks.topics = DeskIntake(receive_posts, chat_id=chat_id)
        desk = TelegramDesk(api, chat_id=chat_id, limits=limiter, texts=texts)
        add(desk)
        desks.announce = desk.announce
    if settings.chatwoot_url:

        async def receive_act(act: AgentAct, delivery: str) -> None:
            await carry_out(
                lambda session: take_act(
                    session,
                    act,
                    delivery=delivery,
                    catalogues=catalogues,
                    texts=texts,
                    now=clock(),
                )
            )

        inbox_id = settings.chatwoot_inbox_id
        secret = settings.chatwoot_webhook_secret.get_secret_value()
        if not secret:
            raise ConfigurationError(
                "LOTSE_CHATWOOT_URL needs LOTSE_CHATWOOT_WEBHOOK_SECRET, which signs its webhook."
            )
        desks.routes = chatwoot_routes(receive_act, secret=secret, inbox_id=inbox_id)
        place = ChatwootInbox(
            url=settings.chatwoot_url,
            token=settings.chatwoot_token.get_secret_value(),
            account_id=settings.chatwoot_account_id,
            inbox_id=inbox_id,
        )
        add(ChatwootDesk(place, texts=texts))
    return desks


def _translation(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    catalogues: Catalogues,
    texts: Texts,
    changed: Callable[[], None],
) -> TranslationWorker | None:
    if not settings.translation_url:
        return None
    return TranslationWorker(
        database=database,
        translator=LibreTranslate(
            settings.translation_url, key=settings.translation_key.get_secret_value()
        ),
        catalogues=catalogues,
        texts=texts,
        clock=clock,
        changed=changed,
    )


def _warm_up(meanings: Meanings) -> None:
    load_phrases()
    preload()
    meanings.query("")


def _telegram_api(settings: Settings) -> TelegramApi | None:
    token = settings.telegram_token.get_secret_value()
    if not token:
        return None
    protect_logs(token)
    return TelegramApi(token, base_url=settings.telegram_api_url)


async def _serve(app: Starlette, host: str, port: int) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=int(timedelta(seconds=3).total_seconds()),
        )
    )
    # Signals are handled once, for all parts, by `lotse up`.
    with contextlib.suppress(asyncio.CancelledError):
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    await server.serve()
