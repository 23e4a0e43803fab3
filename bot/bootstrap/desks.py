"""Wires the desks beside the console, and translation for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.routing import Route

from bot.channels.chatwoot import chatwoot_routes
from bot.channels.telegram import DeskIntake, SendLimiter, TelegramApi
from bot.clock import Clock
from bot.config import Settings
from bot.db.session import Database
from bot.errors import ConfigurationError
from bot.handover.desks.agents import AgentAct
from bot.handover.desks.agents import take as take_act
from bot.handover.desks.chatwoot import ChatwootDesk, ChatwootInbox
from bot.handover.desks.desk import Desk
from bot.handover.desks.telegram import TelegramDesk, TopicPost
from bot.handover.desks.topics import take as take_posts
from bot.handover.translation import LibreTranslate
from bot.i18n.texts import Catalogues, Texts
from bot.workers.booking import Announce
from bot.workers.desks import DeskWorker
from bot.workers.translation import TranslationWorker


@dataclass(kw_only=True)
class Desks:
    """The desks beside the console: who tells them, and how what is done there comes in."""

    workers: list[DeskWorker] = field(default_factory=list)
    topics: DeskIntake | None = None
    announce: list[Announce] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)


def wire_desks(
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
) -> Desks:
    """The desks that the settings name, and how to take in what is done there.

    Raises ``ConfigurationError`` for a desk whose settings are not complete.
    """
    desks = Desks()

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
        topics = TelegramDesk(api, chat_id=chat_id, limits=limiter, texts=texts)
        add(topics)
        desks.announce.append(topics.announce)
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
        chatwoot = ChatwootDesk(place, texts=texts)
        add(chatwoot)
        desks.announce.append(chatwoot.announce)
    return desks


def wire_translation(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    catalogues: Catalogues,
    texts: Texts,
    changed: Callable[[], None],
) -> TranslationWorker | None:
    """What translates between newcomers and counsellors; None where no service is set."""
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
