"""A person's talk with a real router, driven message by message."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from sqlalchemy import select

from bot.booking.presentation import Site
from bot.booking.telling import Teller
from bot.conversations import inbox, outbox
from bot.conversations.models import Conversation, InboxMessage, OutboxMessage
from bot.db.session import Database
from bot.dialogue.output import Output
from bot.handover.models import Handover
from bot.handover.routing import Presence
from bot.i18n.identify import identify
from bot.i18n.texts import Catalogues
from bot.measures.answers import MeasureAnswers
from bot.messages import Button, IncomingMessage, Kind, OutgoingMessage
from bot.observing import Observer
from bot.privacy.export import Exporter
from bot.router import Router
from bot.workers.outbox import OutboxWorker
from tests.conftest import Clock
from tests.support.booking_form import booking_answers
from tests.support.builders import incoming
from tests.support.fakes import FakeChannel, FakeEngine, FakeMeanings

CATALOGUES = Catalogues()
SOMEBODY_IS_THERE = Presence(is_open=True, back_at=None)


def make_router(
    database: Database,
    clock: Clock,
    engine: FakeEngine,
    *,
    ask_consent: bool = False,
    observer: Observer | None = None,
) -> Router:
    """The real router with real texts; only the engine is a stand-in."""
    measures = MeasureAnswers(database=database, meanings=FakeMeanings(), clock=clock)
    teller = Teller(catalogues=CATALOGUES, site=Site("https://lotse.test"))
    return Router(
        database=database,
        engine=engine,
        output=Output(
            catalogues=CATALOGUES,
            measures=measures,
            booking=booking_answers(database, clock, CATALOGUES),
        ),
        catalogues=CATALOGUES,
        identify=identify,
        clock=clock,
        ask_consent=ask_consent,
        teller=teller,
        observer=observer,
    )


class Talk:
    """What one person at ``address`` says and is told. ``texts`` are those of ``language``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        engine: FakeEngine | None = None,
        ask_consent: bool = False,
        address: str = "anna",
        hint: str | None = "en",
        observer: Observer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.engine = engine or FakeEngine()
        self.router = make_router(
            database, clock, self.engine, ask_consent=ask_consent, observer=observer
        )
        self.address = address
        self.hint = hint
        self.texts = CATALOGUES.get(hint)
        self._seen = 0

    def receive(self, *said: str | IncomingMessage) -> None:
        """Stores what the person sends; nothing is answered yet."""
        messages = [
            incoming(one, address=self.address, language_hint=self.hint)
            if isinstance(one, str)
            else one
            for one in said
        ]
        with self.database.transaction() as session:
            inbox.record(session, messages, now=self.clock())

    async def settle(self) -> list[OutgoingMessage]:
        """Has everything due answered; returns what the person is newly told."""
        conversation = self.find()
        if conversation is not None:
            while await self.router.answer_next(conversation.id):
                pass
        return self.new_replies()

    async def say(self, *said: str | IncomingMessage) -> list[OutgoingMessage]:
        """Sends and has it answered."""
        self.receive(*said)
        return await self.settle()

    async def send(self, kind: Kind, text: str = "", **more: Any) -> list[OutgoingMessage]:
        """Sends something other than plain text."""
        message = incoming(text, kind=kind, address=self.address, language_hint=self.hint, **more)
        return await self.say(message)

    async def press(self, title: str) -> list[OutgoingMessage]:
        """Presses the button with this title that was shown last."""
        return await self.send(Kind.BUTTON, button_key=self.key(title))

    def show_button(self, payload: dict[str, Any], title: str = "press me") -> str:
        """Shows the person a button that means ``payload``; returns its key."""
        self.show(OutgoingMessage(text="choose", buttons=(Button(title=title, payload=payload),)))
        return self.key(title)

    def show(self, message: OutgoingMessage) -> None:
        """The bot says something of its own accord."""
        with self.database.transaction() as session:
            conversation = session.get_one(Conversation, self.conversation.id)
            outbox.add(session, conversation=conversation, messages=[message], now=self.clock())
        self.new_replies()

    def key(self, title: str) -> str:
        """The key of the button with this title that was shown last."""
        return next(
            button.key
            for message in reversed(self.replies())
            for button in message.buttons
            if button.title == title
        )

    def find(self) -> Conversation | None:
        """The conversation as it is stored now."""
        with self.database.reading() as session:
            return inbox.find_conversation(session, channel="web", address=self.address)

    @property
    def conversation(self) -> Conversation:
        found = self.find()
        assert found is not None
        return found

    def rows(self) -> list[OutboxMessage]:
        """All replies of the conversation, in order."""
        conversation = self.find()
        if conversation is None:
            return []
        with self.database.reading() as session:
            return list(
                session.scalars(
                    select(OutboxMessage)
                    .where(OutboxMessage.conversation_id == conversation.id)
                    .order_by(OutboxMessage.id)
                )
            )

    def replies(self) -> list[OutgoingMessage]:
        return [OutgoingMessage.from_data(row.content) for row in self.rows()]

    def new_replies(self) -> list[OutgoingMessage]:
        fresh = [row for row in self.rows() if row.id > self._seen]
        self._seen = max((row.id for row in fresh), default=self._seen)
        return [OutgoingMessage.from_data(row.content) for row in fresh]

    def messages(self) -> list[InboxMessage]:
        """All that the person sent and that is still stored, in order."""
        conversation = self.find()
        with self.database.reading() as session:
            return list(
                session.scalars(
                    select(InboxMessage)
                    .where(InboxMessage.conversation_id == (conversation and conversation.id))
                    .order_by(InboxMessage.id)
                )
            )

    def handovers(self) -> list[Handover]:
        """All handovers of the conversation, in order."""
        with self.database.reading() as session:
            return list(
                session.scalars(
                    select(Handover)
                    .where(Handover.conversation_id == self.conversation.id)
                    .order_by(Handover.id)
                )
            )

    async def deliver(self, count: int) -> FakeChannel:
        """Has the outbox send ``count`` messages; returns the channel that took them."""
        channel = FakeChannel()
        worker = OutboxWorker(
            database=self.database,
            channels={"web": channel},
            owner="worker",
            clock=self.clock,
            limit=4,
            exporter=Exporter(database=self.database, remembered=self.engine.remembered),
        )
        async with running(worker):
            await channel.until(lambda: len(channel.sent) >= count)
        return channel


@contextlib.asynccontextmanager
async def running(worker: Any) -> Any:
    """A pool at work; when the block ends, what it has in hand is finished."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
