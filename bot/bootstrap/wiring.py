"""Builds the product from its settings."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from actions import Booking, all_actions
from bot.api.app import create_app as create_api
from bot.booking.answers import BookingAnswers
from bot.booking.appointments import Appointments
from bot.booking.form import BookingForm
from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.bootstrap.desks import wire_desks, wire_translation
from bot.bootstrap.product import Lotse
from bot.bootstrap.watching import wire_counters, wire_watching
from bot.channels.appointments import appointment_routes
from bot.channels.telegram import (
    ChatBlocked,
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
from bot.conversations import inbox
from bot.conversations.files import MAXIMUM_SIZE, FileStore
from bot.conversations.scanning import scanner
from bot.counsellors.passwords import Passwords
from bot.db.session import Database
from bot.dialogue import endpoints
from bot.dialogue.engine import Engine
from bot.dialogue.output import Output
from bot.dialogue.responses import Responses
from bot.dialogue.supervisor import EngineProcess
from bot.i18n.identify import identify, preload
from bot.i18n.texts import CONSOLE_DOMAIN, CONSOLE_LANGUAGES, Catalogues
from bot.measures import remembered
from bot.measures.answers import MeasureAnswers
from bot.measures.encoding import SentenceMeanings
from bot.measures.search import Meanings
from bot.messages import Channel, IncomingMessage
from bot.privacy.export import Exporter
from bot.privacy.retention import Terms
from bot.router import Router
from bot.safety.detect import load as load_phrases
from bot.workers.attention import AttentionWorker
from bot.workers.booking import BookingWorker
from bot.workers.files import FileWorker
from bot.workers.inbox import InboxWorker
from bot.workers.outbox import OutboxWorker
from bot.workers.retention import RetentionWorker
from bot.workers.search import SearchUpkeep

OUTBOX_LIMIT = 64


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


def build(settings: Settings, *, clock: Clock = utc_now) -> Lotse:
    """Builds the product from its settings. Starts nothing and opens no connection."""
    database = Database(settings.database_url.get_secret_value())
    catalogues = Catalogues()
    token = engine_token(settings)
    meanings = SentenceMeanings()
    stale_after = timedelta(days=settings.stale_days)
    measures = MeasureAnswers(
        database=database, meanings=meanings, clock=clock, stale_after=stale_after
    )
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
    counters = wire_counters(database, channels=channels)
    engine = Engine(
        url=settings.engine_url, token=token, timeout=settings.engine_timeout, observer=counters
    )
    teller = Teller(catalogues=catalogues, site=Site(settings.base_url.rstrip("/")))
    exporter = Exporter(database=database, remembered=engine.remembered)
    outbox_worker = OutboxWorker(
        database=database,
        channels=channels,
        owner=owner,
        clock=clock,
        limit=OUTBOX_LIMIT,
        exporter=exporter,
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
            observer=counters,
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

    desks = wire_desks(
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
            stale_after=stale_after,
            translates=bool(settings.translation_url),
        )
    )
    file_worker = FileWorker(
        database=database,
        store=file_store,
        fetchers={TelegramChannel.name: partial(api.fetch_file, limit=MAXIMUM_SIZE)} if api else {},
        scan=scan,
        clock=clock,
    )
    booking_worker = BookingWorker(
        database=database,
        teller=teller,
        clock=clock,
        told=outbox_worker.wake,
        announce=desks.announce,
        desk_texts=texts[settings.desk_language],
    )
    search_upkeep = SearchUpkeep(
        database=database,
        meanings=remembered.RememberedMeanings(meanings, file=remembered.FILE),
    )
    retention = RetentionWorker(
        database=database, engine=engine, terms=Terms.of(settings), clock=clock
    )
    attention = AttentionWorker(
        database=database, catalogues=catalogues, clock=clock, changed=outbox_worker.wake
    )
    translation = wire_translation(
        settings,
        database=database,
        clock=clock,
        catalogues=catalogues,
        texts=texts[settings.desk_language],
        changed=outbox_worker.wake,
    )
    watching = wire_watching(
        settings,
        counters=counters,
        database=database,
        engine=engine,
        clock=clock,
        pulses={
            "inbox": inbox_worker.pulse,
            "outbox": outbox_worker.pulse,
            "files": file_worker.pulse,
            "booking": booking_worker.pulse,
            "search": search_upkeep.pulse,
            "attention": attention.pulse,
            "retention": retention.pulse,
            **{worker.name: worker.pulse for worker in desks.workers},
            **({"translation": translation.pulse} if translation else {}),
        },
    )
    routes: list[BaseRoute] = [
        *watching.public,
        *web_routes(
            database=database,
            receive=receive,
            streams=streams,
            clock=clock,
            gettext_for=lambda language: catalogues.get(language).gettext,
            uploads=Uploads(database=database, store=file_store, scan=scan),
            exporter=exporter,
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
        file_worker=file_worker,
        outbox_worker=outbox_worker,
        booking_worker=booking_worker,
        search_upkeep=search_upkeep,
        retention=retention,
        attention=attention,
        desk_workers=desks.workers,
        translation=translation,
        internal=watching.beside(
            endpoints.create_app(
                responses=Responses(catalogues),
                actions=all_actions(
                    measures,
                    Booking(
                        form=BookingForm(database=database, clock=clock),
                        appointments=Appointments(database=database, clock=clock),
                    ),
                ),
                token=token,
            )
        ),
        public=Starlette(routes=routes),
        streams=streams,
        live=live,
        telegram=telegram,
        warm_up=lambda: _warm_up(meanings),
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
