"""The booking form: from "I need an appointment" to an appointment, message by message.

Availability is looked at anew with every message, and a time that was chosen is held while the
form is open. Each method is one transaction, and repeating it after a crash changes nothing more:
holding the same time again prolongs it, booking it again finds it booked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from bot.booking import answering, choosing, counselling, opening, times
from bot.booking import service as booking
from bot.booking.draft import (
    GIVEN,
    Draft,
    Meaning,
    Outcome,
    Question,
    Said,
    Stop,
    slot_name,
)
from bot.booking.models import CounsellingService
from bot.booking.turn import LEAVE, Turn
from bot.clock import Clock
from bot.conversations.models import Conversation
from bot.db.session import Database

# Questions that nearly any words answer.
_FREE = frozenset({Question.SUBJECT, Question.NAME})
_NEED_TIME = frozenset({Question.NAME, Question.CONTACT, Question.CONFIRMED})


class BookingForm:
    """Leads a person through the form. Threads may share it."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, conversation_id: str, said: Said) -> Draft | None:
        """A new form, with what the first message says already; None when nothing can be booked.

        It is stopped at once when the person has as many appointments as one may have, or when
        the child is too old.
        """
        with self._database.transaction() as session:
            services = counselling.services(session)
            if not services:
                return None
            conversation = session.get_one(Conversation, conversation_id)
            draft = Draft(form=said.message_id)
            turn = self._turn(session, conversation, services[0], draft, said)
            if len(services) > 1:
                return opening.with_wishes(turn)
            return opening.prepared(turn)

    def begin_move(self, conversation_id: str, appointment_id: str, said: Said) -> Draft:
        """A form that asks for another time of an appointment and nothing else.

        Raises ``AppointmentNotFoundError`` when it is not this person's.
        """
        with self._database.reading() as session:
            conversation = session.get_one(Conversation, conversation_id)
            row = booking.own(session, appointment_id, conversation.identity.contact_id)
            draft = Draft(form=said.message_id, moves=row.id).answered(
                booking_service=row.service.key,
                booking_subject=GIVEN,
                booking_child=GIVEN,
                booking_language=row.language,
                booking_way=row.way.value,
                booking_name=GIVEN,
                booking_contact=GIVEN,
            )
            return opening.with_wishes(self._turn(session, conversation, row.service, draft, said))

    def answer(self, conversation_id: str, draft: Draft, question: Question, said: Said) -> Outcome:
        """What a message makes of a draft whose ``question`` was asked last."""
        with self._database.transaction() as session:
            conversation = session.get_one(Conversation, conversation_id)
            service = _service(session, draft)
            if service is None:
                return Outcome(draft=replace(draft, stop=Stop.LEFT))
            turn = self._turn(session, conversation, service, draft, said)
            return self._answered(turn, question)

    def leave(self, conversation_id: str, draft: Draft) -> None:
        """Lets go of the time held for a form that ends without an appointment."""
        held = draft.answer(Question.TIME)
        if draft.moves is None and held and not draft.answer(Question.CONFIRMED):
            with self._database.transaction() as session:
                conversation = session.get_one(Conversation, conversation_id)
                contact_id = conversation.identity.contact_id
                booking.release(session, held, contact_id=contact_id, now=self._clock())

    def question(self, draft: Draft, question: Question) -> dict[str, Any]:
        """What the next question is made of, as plain data; ``BookingAnswers`` puts it in words."""
        asked: dict[str, Any] = {
            "question": question.value,
            "form": draft.form,
            "service": draft.answer(Question.SERVICE),
            "moves": draft.moves,
            "number": draft.number,
            "time": draft.answer(Question.TIME),
        }
        if question == Question.TIME:
            with self._database.reading() as session:
                service = counselling.by_key(session, asked["service"])
                offered = times.offered(session, service, draft, now=self._clock())
            asked["slots"] = [slot_name(slot) for slot in offered.slots]
            asked["more"], asked["narrowed"] = offered.more, offered.narrowed
        return asked

    def _answered(self, turn: Turn, question: Question) -> Outcome:
        turn, taken = choosing.keep_hold(replace(turn, question=question))
        if taken is not None:
            return taken
        said = turn.said
        if said.pressed is not None:
            if said.pressed.form != turn.draft.form:
                return turn.noted("old_button")
            if said.pressed.value == LEAVE:
                return Outcome(draft=replace(turn.draft, stop=Stop.LEFT))
            # A button further up corrects an answer that was given before.
            question = said.pressed.question
        elif said.sure and said.meaning == Meaning.LEAVE:
            return Outcome(draft=replace(turn.draft, stop=Stop.LEFT))
        elif said.meaning == Meaning.WHY and (said.sure or question not in _FREE):
            return turn.noted("why", question=question.value)
        if question in _NEED_TIME and not turn.draft.answer(Question.TIME):
            return turn.noted("old_button")
        return answering.ANSWERS[question](turn)

    def _turn(
        self,
        session: Session,
        conversation: Conversation,
        service: CounsellingService,
        draft: Draft,
        said: Said,
    ) -> Turn:
        return Turn(
            session=session,
            conversation=conversation,
            service=service,
            draft=draft,
            said=said,
            now=self._clock(),
        )


def _service(session: Session, draft: Draft) -> CounsellingService | None:
    """The service of a draft, or one to read the clock of while none is chosen.

    None when it is given no more: only what is booked already can then still be moved.
    """
    key = draft.answer(Question.SERVICE)
    if key is None:
        return next(iter(counselling.services(session)), None)
    service = counselling.by_key(session, key)
    return service if service.active or draft.moves is not None else None
