"""Bot or human? The one decision about every message, and what follows from it.

A message is answered in one transaction that stores the replies, applies the
effects and marks the message done. Whatever fails before it leaves the message
open, and it is processed again: nothing is lost and nothing is said twice.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot import commands
from bot.booking.telling import Teller
from bot.clock import Clock
from bot.conversations import inbox, outbox
from bot.conversations.choices import LastWords, last_words
from bot.conversations.hold import hold
from bot.conversations.models import Conversation, ConversationState, InboxMessage, InboxState
from bot.db.session import Database
from bot.dialogue import appointments, people
from bot.dialogue import texts as phrases
from bot.dialogue.effects import (
    CountFailure,
    NoteCorrection,
    Reply,
    RequestHandover,
    SetLanguage,
)
from bot.dialogue.engine import Engine
from bot.dialogue.output import Output, as_payload_text
from bot.errors import EngineUnavailableError, MessageNotProcessedError
from bot.handover import newcomer as handover
from bot.handover import texts as handover_phrases
from bot.handover.models import Reason
from bot.i18n.identify import Identification
from bot.i18n.languages import nearest_reply_language
from bot.i18n.texts import Catalogues, Texts
from bot.measures import corrections
from bot.messages import Asks, Kind, OutgoingMessage
from bot.privacy import consent
from bot.privacy.service import forget_contents
from bot.safety import answers as safety_answers
from bot.safety.detect import detect

log = structlog.get_logger(__name__)

# So many attempts before a message that the engine cannot process is given up.
ATTEMPTS = 3
# How long the engine may be away before the person is told.
PATIENCE = timedelta(seconds=4)
# What the engine reads of a message; the database keeps more.
MAXIMUM_READ = 2_000

# A longer text is not the place of a button, so the engine need not be asked.
LONGEST_CHOICE = 60
# What a plain answer presses below the bot's last question, by the engine's intent for it.
_PLAIN_ANSWERS = {"affirm": "yes", "deny": "no"}

Identify = Callable[..., Identification]


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One message with all that deciding about it needs; no session is held meanwhile."""

    message_id: int
    conversation_id: str
    kind: Kind
    text: str = field(repr=False)
    has_button: bool
    payload: dict[str, Any] | None = field(repr=False)
    last_words: LastWords
    attempts: int
    waiting: timedelta
    state: ConversationState
    language: str
    failures: int
    may_answer: bool
    consent_asked: bool
    reset_due: bool
    outage_noted: bool
    by_words: bool = False


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
    ) -> None:
        self._database = database
        self._engine = engine
        self._output = output
        self._catalogues = catalogues
        self._identify = identify
        self._clock = clock
        self._ask_consent = ask_consent
        self._teller = teller

    async def answer_next(self, conversation_id: str) -> bool:
        """Answers the oldest due message of a conversation; False when there is none.

        The caller holds the conversation's lease. Never raises for reasons that lie
        in the message or in the engine.
        """
        turn = await asyncio.to_thread(self._begin, conversation_id)
        if turn is None:
            return False
        try:
            settle = await self._decide(turn)
        except EngineUnavailableError:
            settle = self._engine_away(turn)
        except MessageNotProcessedError as error:
            log.warning("message.failed", message=turn.message_id, error=str(error))
            settle = self._not_processed(turn)
        except Exception as error:
            # A fault of ours must not keep the later messages waiting for ever. Its words
            # may hold what the person wrote.
            log.error("message.fault", message=turn.message_id, error=type(error).__name__)
            settle = self._not_processed(turn)
        await asyncio.to_thread(self._settle, turn, settle)
        return True

    # Reading

    def _begin(self, conversation_id: str) -> _Turn | None:
        now = self._clock()
        with self._database.transaction() as session:
            message = inbox.next_message(session, conversation_id, now=now)
            if message is None:
                return None
            conversation = message.conversation
            command = commands.parse(message.text) if message.kind == Kind.TEXT else None
            payload = command.payload if command else _pressed(session, message)
            text = readable(message.text)
            spoken = LastWords()
            if message.kind == Kind.LOCATION and text:
                payload = {"intent": "inform", "entities": {"near": text}}
                text = ""
            if message.kind == Kind.TEXT and not command:
                spoken = last_words(session, conversation.id)
                named = spoken.titled(text)
                payload = named.payload if named else None
            self._settle_language(conversation, message, text if not command else "")
            return _Turn(
                message_id=message.id,
                conversation_id=conversation.id,
                kind=Kind(message.kind),
                text=text,
                has_button=message.button_key is not None,
                payload=payload,
                last_words=spoken,
                attempts=message.attempts,
                waiting=now - message.received_at,
                state=conversation.state,
                language=conversation.language or "en",
                failures=conversation.failures,
                may_answer=not self._ask_consent
                or conversation.identity.contact.consented_at is not None,
                consent_asked=conversation.consent_asked_at is not None,
                reset_due=conversation.engine_reset_due,
                outage_noted=conversation.outage_noted_at is not None,
            )

    def _settle_language(
        self, conversation: Conversation, message: InboxMessage, text: str
    ) -> None:
        """Notes the message's language and the one to reply in, which is sticky."""
        identified = self._identify(
            text,
            previous=conversation.language,
            platform=conversation.identity.platform_language,
            pinned=conversation.language_pinned,
        )
        message.language = identified.language
        if not conversation.language_pinned:
            conversation.language = nearest_reply_language(identified.language)

    # Deciding

    async def _decide(self, turn: _Turn) -> _Settle:
        texts = self._catalogues.get(turn.language)
        command = (turn.payload or {}).get("command")
        emergency = detect(turn.text)
        if command in people.COMMANDS and turn.state != ConversationState.WITH_HUMAN:
            return self._press(command, texts)
        # What is stored about a person is theirs to decide, whoever answers them.
        if command == consent.DECLINE:
            return await self._declined(turn, texts)
        if command == consent.AGREE:
            return self._agreed()
        if command == consent.FORGET:
            return await self._forget(turn, texts)
        if command in appointments.COMMANDS:
            return self._about_appointment(turn, texts)
        if command == handover_phrases.RATE:
            return self._rate(turn.payload or {}, texts)
        if turn.state != ConversationState.BOT and not self._pressed_while_waiting(turn):
            if emergency is None and (turn.payload or {}).get("intent") == "delete_my_data":
                return _answered(Reply(messages=(consent.ask_delete(texts),)))
            return self._for_the_desk(turn, urgent=emergency is not None)
        if emergency is not None:
            effect = RequestHandover(reason=Reason.EMERGENCY, urgent=True)
            message = phrases.emergency(emergency, texts)
            return _answered(
                Reply(messages=(message,), effects=(effect,), intent="report_emergency")
            )
        if not turn.may_answer:
            return self._ask_for_consent(turn, texts)
        if turn.has_button and "intent" not in (turn.payload or {}):
            return _answered(Reply(messages=(phrases.old_button(texts),)))
        if turn.kind not in (Kind.TEXT, Kind.BUTTON) and not (turn.text or turn.payload):
            return _answered(Reply(messages=(phrases.cannot_read(turn.kind, texts),)))
        if turn.payload is None and not re.search(r"\w", turn.text):
            return _answered(
                Reply(messages=(phrases.not_understood(texts, again=False),), intent="none")
            )
        return await self._ask_engine(turn)

    async def _chosen(self, turn: _Turn) -> _Settle | None:
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
            return _answered(Reply(messages=(again,), intent="inform"))
        return await self._decide(replace(turn, payload=button.payload))

    @staticmethod
    def _pressed_while_waiting(turn: _Turn) -> bool:
        """A button of the bot's still works while nobody has taken over: it is meant for it."""
        return turn.state == ConversationState.WAITING and "intent" in (turn.payload or {})

    async def _ask_engine(self, turn: _Turn) -> _Settle:
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
            metadata=_metadata(turn),
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
        return _answered(reply, engine_was_up=True)

    def _for_the_desk(self, turn: _Turn, *, urgent: bool) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            texts = self._catalogues.get(turn.language)
            kept = people.for_counsellors(session, message, texts=texts, now=now)
            if kept is not None and not urgent:
                self._say(session, message, kept)
            if urgent:
                self._call_urgently(session, message)
                kind = detect(turn.text) or safety_answers.Emergency.DANGER
                self._say(session, message, safety_answers.answer(kind, texts))

        return settle

    def _press(self, command: str, texts: Texts) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            self._say(
                session,
                message,
                people.press(session, message, command=command, texts=texts, now=now),
            )

        return settle

    def _rate(self, payload: dict[str, Any], texts: Texts) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            thanks = people.rate(session, message, payload=payload, texts=texts, now=now)
            self._say(session, message, thanks or phrases.old_button(texts))

        return settle

    def _ask_for_consent(self, turn: _Turn, texts: Texts) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            conversation = message.conversation
            if message.kind != Kind.BUTTON and (turn.payload or {}).get("intent") != "greet":
                inbox.await_consent(message)
            else:
                inbox.finish(message, now=self._clock())
            question = consent.reminder if turn.consent_asked else consent.question
            self._say(session, message, question(texts))
            conversation.consent_asked_at = self._clock()

        return settle

    def _agreed(self) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            contact = message.conversation.identity.contact
            contact.consented_at = contact.consented_at or now
            inbox.finish(message, now=now)
            if not inbox.release_after_consent(session, message.conversation_id, now=now):
                texts = self._catalogues.get(message.conversation.language)
                self._say(session, message, consent.thanks(texts))

        return settle

    async def _declined(self, turn: _Turn, texts: Texts) -> _Settle:
        if turn.may_answer:
            # Whoever agreed before may be known to the engine already.
            await self._engine.forget(turn.conversation_id)
        return self._forgotten(consent.declined(texts))

    async def _forget(self, turn: _Turn, texts: Texts) -> _Settle:
        await self._engine.forget(turn.conversation_id)
        return self._forgotten(consent.forgotten(texts))

    def _forgotten(self, last_words: OutgoingMessage) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            conversation = message.conversation
            session.expunge(message)
            forget_contents(session, conversation, now=self._clock())
            outbox.add(session, conversation=conversation, messages=[last_words], now=self._clock())

        return settle

    def _about_appointment(self, turn: _Turn, texts: Texts) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            contact_id = message.conversation.identity.contact_id
            answer = appointments.press(
                session,
                turn.payload or {},
                texts,
                contact_id=contact_id,
                teller=self._teller,
                now=now,
            )
            self._say(session, message, answer or phrases.old_button(texts))

        return settle

    def _engine_away(self, turn: _Turn) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.hold(message, now=now)
            conversation = message.conversation
            if turn.waiting >= PATIENCE and not turn.outage_noted:
                texts = self._catalogues.get(turn.language)
                outbox.add(
                    session,
                    conversation=conversation,
                    messages=[phrases.engine_down(texts)],
                    now=now,
                )
                conversation.outage_noted_at = now

        return settle

    def _not_processed(self, turn: _Turn) -> _Settle:
        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.postpone(message, now=now)
            if message.attempts < ATTEMPTS:
                return
            message.state = InboxState.FAILED
            conversation = message.conversation
            conversation.failures += 1
            texts = self._catalogues.get(turn.language)
            self._say(session, message, phrases.failed(texts))

        return settle

    # Settling

    def _settle(self, turn: _Turn, settle: _Settle) -> None:
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
            if isinstance(settle, _Answered):
                self._apply(session, message, settle)
            else:
                settle(session, message)

    def _apply(self, session: Session, message: InboxMessage, answered: _Answered) -> None:
        now = self._clock()
        conversation = message.conversation
        reply = answered.reply
        message.intent = reply.intent
        first_after_talk = conversation.engine_reset_due and answered.engine_was_up
        if answered.engine_was_up:
            conversation.engine_reset_due = False
            conversation.outage_noted_at = None
        inbox.finish(message, now=now)
        texts = self._catalogues.get(conversation.language)
        failure = next((one for one in reply.effects if isinstance(one, CountFailure)), None)
        if failure is not None:
            taken_up = None
            if not failure.asked_back:
                taken_up = people.take_up_talk(session, message, texts=texts, now=now)
            if taken_up is not None:
                self._say(session, message, taken_up)
                return
            conversation.failures += 1
            failures = conversation.failures
        else:
            failures, conversation.failures = conversation.failures, 0
        messages = list(reply.messages)
        for effect in reply.effects:
            if isinstance(effect, RequestHandover) and effect.urgent:
                self._call_urgently(session, message)
            elif isinstance(effect, RequestHandover):
                # Whoever was not understood twice was offered a person; that is why they ask.
                reason = Reason.NOT_UNDERSTOOD if failures > 1 else effect.reason
                messages.append(
                    people.bring_in(session, message, reason=reason, texts=texts, now=now)
                )
            elif isinstance(effect, SetLanguage):
                conversation.language, conversation.language_pinned = effect.code, True
            elif isinstance(effect, NoteCorrection):
                corrections.note(
                    session,
                    effect.measure,
                    text=effect.text,
                    language=conversation.language or "",
                    now=now,
                )
        if first_after_talk and messages and conversation.state == ConversationState.BOT:
            messages[-1] = people.with_way_back(
                session, conversation, messages[-1], texts=texts, now=now
            )
        for outgoing in messages:
            self._say(session, message, outgoing)

    def _call_urgently(self, session: Session, message: InboxMessage) -> None:
        handover.request(
            session,
            message.conversation,
            reason=Reason.EMERGENCY,
            urgent=True,
            now=self._clock(),
        )

    def _say(self, session: Session, message: InboxMessage, outgoing: OutgoingMessage) -> None:
        outbox.add(
            session,
            conversation=message.conversation,
            messages=[outgoing],
            now=self._clock(),
            in_reply_to=message,
        )


@dataclass(frozen=True)
class _Answered:
    """The ordinary way to settle a message: its reply, with its effects."""

    reply: Reply
    engine_was_up: bool = False


def _answered(reply: Reply, *, engine_was_up: bool = False) -> _Answered:
    return _Answered(reply, engine_was_up)


def _metadata(turn: _Turn) -> dict[str, Any]:
    """What the engine gets beside a message."""
    metadata: dict[str, Any] = {"language": turn.language}
    if turn.last_words.asks == Asks.PERSONAL:
        # The engine reads such words, and keeps none of them.
        metadata["personal"] = True
    return metadata


_Settle = _Answered | Callable[[Session, InboxMessage], None]


def _pressed(session: Session, message: InboxMessage) -> dict[str, Any] | None:
    if message.button_key is None:
        return None
    button = outbox.button(session, conversation_id=message.conversation_id, key=message.button_key)
    return button.payload if button else None


def readable(text: str) -> str:
    """A text without control and direction characters, on one line, of bounded length."""
    visible = "".join(
        " " if character in "\r\n\t" else character
        for character in unicodedata.normalize("NFC", text[: MAXIMUM_READ * 2])
        # Cc: control, Cf: direction marks and the like; the joiners that Persian
        # and emoji need are kept.
        if unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs")
        or character in "\r\n\t\u200c\u200d"
    )
    return " ".join(visible.split())[:MAXIMUM_READ]
