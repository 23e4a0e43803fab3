"""What a decision about a message writes, in the one transaction that settles the message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.booking.telling import Teller
from bot.clock import Clock
from bot.conversations import inbox, outbox
from bot.conversations.models import ConversationState, InboxMessage, InboxState
from bot.dialogue import appointments, people
from bot.dialogue import texts as phrases
from bot.dialogue.effects import (
    CountFailure,
    NoteCorrection,
    Reply,
    RequestHandover,
    SetLanguage,
)
from bot.handover import newcomer as handover
from bot.handover.models import Reason
from bot.i18n.texts import Catalogues, Texts
from bot.measures import corrections
from bot.messages import Kind, OutgoingMessage
from bot.privacy import consent
from bot.privacy.service import forget_contents
from bot.router.turn import Turn
from bot.safety import answers as safety_answers
from bot.safety.detect import detect

# So many attempts before a message that the engine cannot process is given up.
ATTEMPTS = 3
# How long the engine may be away before the person is told.
PATIENCE = timedelta(seconds=4)

Settle = Callable[[Session, InboxMessage], None]


class Settling:
    """The ways to settle a message; each returns what its transaction is to write."""

    def __init__(self, *, catalogues: Catalogues, clock: Clock, teller: Teller) -> None:
        self._catalogues = catalogues
        self._clock = clock
        self._teller = teller

    def answered(self, reply: Reply, *, engine_was_up: bool = False) -> Settle:
        """The ordinary way: the reply, with its effects."""

        def settle(session: Session, message: InboxMessage) -> None:
            self._apply(session, message, reply, engine_was_up=engine_was_up)

        return settle

    def for_the_desk(self, turn: Turn, *, urgent: bool) -> Settle:
        """For people: the bot is silent, save in an emergency."""

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

    def press(self, command: str, texts: Texts) -> Settle:
        """A button about being counselled."""

        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            self._say(
                session,
                message,
                people.press(session, message, command=command, texts=texts, now=now),
            )

        return settle

    def rate(self, payload: dict[str, Any], texts: Texts) -> Settle:
        """What somebody thinks of the counselling."""

        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            inbox.finish(message, now=now)
            thanks = people.rate(session, message, payload=payload, texts=texts, now=now)
            self._say(session, message, thanks or phrases.old_button(texts))

        return settle

    def ask_for_consent(self, turn: Turn, texts: Texts) -> Settle:
        """The question for consent; the message is kept until it is answered."""

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

    def agreed(self) -> Settle:
        """Consent, and what waited for it is answered."""

        def settle(session: Session, message: InboxMessage) -> None:
            now = self._clock()
            contact = message.conversation.identity.contact
            contact.consented_at = contact.consented_at or now
            inbox.finish(message, now=now)
            if not inbox.release_after_consent(session, message.conversation_id, now=now):
                texts = self._catalogues.get(message.conversation.language)
                self._say(session, message, consent.thanks(texts))

        return settle

    def forgotten(self, last_words: OutgoingMessage) -> Settle:
        """Everything about the person goes, this message too."""

        def settle(session: Session, message: InboxMessage) -> None:
            conversation = message.conversation
            session.expunge(message)
            forget_contents(session, conversation, now=self._clock())
            outbox.add(session, conversation=conversation, messages=[last_words], now=self._clock())

        return settle

    def about_appointment(self, turn: Turn, texts: Texts) -> Settle:
        """A button of a message about an appointment."""

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

    def engine_away(self, turn: Turn) -> Settle:
        """The message waits for the engine; after a while the person is told once."""

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

    def not_processed(self, turn: Turn) -> Settle:
        """Another attempt later, or none after the last one."""

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

    def _apply(
        self, session: Session, message: InboxMessage, reply: Reply, *, engine_was_up: bool
    ) -> None:
        now = self._clock()
        conversation = message.conversation
        message.intent = reply.intent
        first_after_talk = conversation.engine_reset_due and engine_was_up
        if engine_was_up:
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
