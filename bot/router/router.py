"""Bot or human? The one decision about every message."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import structlog

from bot import commands
from bot.booking.telling import Teller
from bot.clock import Clock
from bot.conversations.hold import hold
from bot.conversations.models import ConversationState, InboxMessage, InboxState
from bot.db.session import Database
from bot.dialogue import appointments, people
from bot.dialogue import texts as phrases
from bot.dialogue.effects import Reply, RequestHandover
from bot.dialogue.engine import Engine
from bot.dialogue.output import Output, as_payload_text
from bot.errors import EngineUnavailableError, MessageNotProcessedError
from bot.handover import texts as handover_phrases
from bot.handover.models import Reason
from bot.i18n.texts import Catalogues, Texts
from bot.messages import Kind
from bot.observing import Observer, Unobserved
from bot.privacy import consent
from bot.router.settling import Settle, Settling
from bot.router.turn import Identify, Turn, read_next
from bot.safety.detect import detect

log = structlog.get_logger(__name__)

# A longer text is not the place of a button, so the engine need not be asked.
LONGEST_CHOICE = 60
# What a plain answer presses below the bot's last question, by the engine's intent for it.
_PLAIN_ANSWERS = {"affirm": "yes", "deny": "no"}


class Router:
    """Answers the messages of conversations, one at a time each."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        output: Output,
        catalogues: Catalogues,
        identify: Identify,
        clock: Clock,
        ask_consent: bool,
        teller: Teller,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer or Unobserved()
        self._database = database
        self._engine = engine
        self._output = output
        self._catalogues = catalogues
        self._identify = identify
        self._clock = clock
        self._ask_consent = ask_consent
        self._settling = Settling(catalogues=catalogues, clock=clock, teller=teller)

    async def answer_next(self, conversation_id: str) -> bool:
        """Answers the oldest due message of a conversation; False when there is none.

        The caller holds the conversation's lease. Never raises for reasons that lie
        in the message or in the engine.
        """
        turn = await asyncio.to_thread(self._read, conversation_id)
        if turn is None:
            return False
        try:
            settle = await self._decide(turn)
        except EngineUnavailableError:
            settle = self._settling.engine_away(turn)
        except MessageNotProcessedError as error:
            log.warning("message.failed", message=turn.message_id, error=str(error))
            settle = self._settling.not_processed(turn)
        except Exception as error:
            # A fault of ours must not keep the later messages waiting for ever. Its words
            # may hold what the person wrote.
            log.error("message.fault", message=turn.message_id, error=type(error).__name__)
            settle = self._settling.not_processed(turn)
        await asyncio.to_thread(self._settle, turn, settle)
        return True

    def _read(self, conversation_id: str) -> Turn | None:
        now = self._clock()
        with self._database.transaction() as session:
            return read_next(
                session,
                conversation_id,
                identify=self._identify,
                ask_consent=self._ask_consent,
                now=now,
            )

    async def _decide(self, turn: Turn) -> Settle:
        texts = self._catalogues.get(turn.language)
        command = (turn.payload or {}).get("command")
        emergency = detect(turn.text)
        if command in people.COMMANDS and turn.state != ConversationState.WITH_HUMAN:
            return self._settling.press(command, texts)
        # What is stored about a person is theirs to decide, whoever answers them.
        if command == consent.DECLINE:
            return await self._declined(turn, texts)
        if command == consent.AGREE:
            return self._settling.agreed()
        if command == commands.EXPORT:
            return self._settling.answered(Reply(messages=(consent.copy_of_data(texts),)))
        if command == consent.FORGET:
            return await self._forget(turn, texts)
        if command in appointments.COMMANDS:
            return self._settling.about_appointment(turn, texts)
        if command == handover_phrases.RATE:
            return self._settling.rate(turn.payload or {}, texts)
        if turn.state != ConversationState.BOT and not turn.pressed_while_waiting:
            if emergency is None and (turn.payload or {}).get("intent") == "delete_my_data":
                return self._settling.answered(Reply(messages=(consent.ask_delete(texts),)))
            return self._settling.for_the_desk(turn, urgent=emergency is not None)
        if emergency is not None:
            effect = RequestHandover(reason=Reason.EMERGENCY, urgent=True)
            message = phrases.emergency(emergency, texts)
            return self._settling.answered(
                Reply(messages=(message,), effects=(effect,), intent="report_emergency")
            )
        if not turn.may_answer:
            return self._settling.ask_for_consent(turn, texts)
        if turn.has_button and "intent" not in (turn.payload or {}):
            return self._settling.answered(Reply(messages=(phrases.old_button(texts),)))
        if turn.kind not in (Kind.TEXT, Kind.BUTTON) and not (turn.text or turn.payload):
            return self._settling.answered(Reply(messages=(phrases.cannot_read(turn.kind, texts),)))
        if turn.payload is None and not re.search(r"\w", turn.text):
            return self._settling.answered(
                Reply(messages=(phrases.not_understood(texts, again=False),), intent="none")
            )
        return await self._ask_engine(turn)

    async def _chosen(self, turn: Turn) -> Settle | None:
        """What follows when the message is the place of a button, such as "2"; else None."""
        if turn.payload is not None or not turn.last_words.choosable:
            return None
        if len(turn.text) > LONGEST_CHOICE:
            return None
        place = await self._engine.choice(turn.text)
        if place is None:
            return None
        button = turn.last_words.at(place)
        if button is None:
            if turn.last_words.asks:
                # "10" is no place among the times below a question, but an hour.
                return None
            texts = self._catalogues.get(turn.language)
            again = phrases.no_such_choice(texts, turn.last_words.choosable)
            return self._settling.answered(Reply(messages=(again,), intent="inform"))
        return await self._decide(replace(turn, payload=button.payload))

    async def _ask_engine(self, turn: Turn) -> Settle:
        chosen = await self._chosen(turn)
        if chosen is not None:
            return chosen
        if turn.reset_due:
            await self._engine.resume(turn.conversation_id)
        # A leading slash would be read as an intent; only buttons may name one.
        text = as_payload_text(turn.payload) if turn.payload else turn.text.lstrip("/ ")
        answer = await self._engine.answer(
            sender=turn.conversation_id,
            message=text,
            message_id=f"{turn.message_id}{'-pressed' if turn.by_words else ''}",
            metadata=turn.metadata(),
        )
        meant = turn.last_words.meaning(_PLAIN_ANSWERS.get(answer.intent, ""))
        if turn.payload is None and meant is not None:
            # The same message goes to the engine once more, as the button it pressed.
            return await self._decide(
                replace(turn, payload=meant.payload, reset_due=False, by_words=True)
            )
        reply = await asyncio.to_thread(
            self._output.reply,
            answer,
            language=turn.language,
            failures=turn.failures,
        )
        if turn.payload is None:
            self._observer.understood(reply.understanding)
        if reply.search is not None:
            self._observer.searched(reply.search)
        return self._settling.answered(reply, engine_was_up=True)

    async def _declined(self, turn: Turn, texts: Texts) -> Settle:
        if turn.may_answer:
            # Whoever agreed before may be known to the engine already.
            await self._engine.forget(turn.conversation_id)
        return self._settling.forgotten(consent.declined(texts))

    async def _forget(self, turn: Turn, texts: Texts) -> Settle:
        await self._engine.forget(turn.conversation_id)
        return self._settling.forgotten(consent.forgotten(texts))

    def _settle(self, turn: Turn, settle: Settle) -> None:
        with self._database.transaction() as session:
            conversation = hold(session, turn.conversation_id)
            message = session.get(
                InboxMessage, turn.message_id, with_for_update={"of": InboxMessage}
            )
            if conversation is not None and conversation.state != turn.state:
                # A counsellor took over or gave back in this very moment: what was decided
                # no longer holds, and the message, still open, is decided about anew.
                return
            if message is None or message.state != InboxState.PENDING:
                # The person was forgotten meanwhile; there is nobody to answer.
                return
            settle(session, message)
