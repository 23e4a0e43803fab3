"""One message as the booking form reads it, and what several questions have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.booking import counselling
from bot.booking.draft import GIVEN, SKIPPED, Draft, Meaning, Outcome, Question, Said, Stop
from bot.booking.models import CounsellingService, Way
from bot.booking.said import folded
from bot.conversations.models import Conversation

# Values of buttons.
SKIP, OTHER, ANYTIME, WAIT, YES, LEAVE = "skip", "other", "anytime", "wait", "yes", "leave"
EXPECTING, NO_CHILD = "expecting", "no_child"
SUBJECTS = ("work", "training", "recognition", "other")

FORMATS = {"online": Way.VIDEO, "in_person": Way.PLACE}
_WAYS = {
    Way.PHONE: re.compile(
        r"phone|telefon|هاتف|تلفون|تليفون|تلفن|telef|τηλεφ|телефон|anruf|позвон|дзвін"
    ),
    Way.VIDEO: re.compile(r"video|відео|видео|فيديو|ويديو|βιντεο|zoom|teams|skype"),
}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One message, with the conversation's row, inside a transaction."""

    session: Session
    conversation: Conversation
    service: CounsellingService
    draft: Draft
    said: Said
    now: datetime
    question: Question = Question.SERVICE

    @property
    def contact_id(self) -> str:
        """Whose form it is."""
        return self.conversation.identity.contact_id

    @property
    def today(self) -> date:
        """The day where the service is given."""
        return self.now.astimezone(ZoneInfo(self.service.zone)).date()

    def noted(self, name: str, draft: Draft | None = None, **more: Any) -> Outcome:
        """Says something and asks again, or asks what ``draft`` leaves open."""
        return Outcome(draft=draft or self.draft, notes=({"name": name, **more},))

    def value(self, question: Question) -> str | None:
        """The value of the button pressed for a question."""
        pressed = self.said.pressed
        return pressed.value if pressed and pressed.question == question else None

    def not_understood(self) -> Outcome:
        """Asks again, or lets something else answer what is plainly no answer."""
        if self.said.meaning == Meaning.SOMETHING_ELSE and self.said.sure:
            return Outcome(draft=None)
        if self.said.meaning == Meaning.NO:
            return self.noted("how_to_stop")
        if is_question(self.said.text):
            return self.noted("why", question=self.question.value)
        draft = replace(self.draft, misses=self.draft.misses + 1)
        return self.noted("not_understood", draft, again=draft.misses > 1)


def said_way(turn: Turn) -> Way | None:
    """The way that a button, the engine's rules or a word names."""
    value = turn.value(Question.WAY)
    if value in tuple(Way):
        return Way(value)
    plain = folded(turn.said.text)
    named = (one for one, pattern in _WAYS.items() if pattern.search(plain))
    understood = (FORMATS[name] for name in turn.said.ways if name in FORMATS)
    return next(named, next(understood, None))


def with_way(draft: Draft, chosen: Way) -> Draft:
    """The draft with a way; a number to call is asked for only where it is needed."""
    contact = draft.answer(Question.CONTACT)
    needed = chosen == Way.PHONE
    return draft.answered(
        booking_way=chosen.value,
        booking_contact=(None if contact == SKIPPED else contact) if needed else SKIPPED,
        # A time that was chosen may not be given in this way.
        booking_time=None
        if draft.answer(Question.WAY) != chosen.value
        else draft.answer(Question.TIME),
    )


def aged(turn: Turn, months: int) -> Outcome:
    """The draft with a child of this age."""
    try:
        accepted = counselling.accepts_child(turn.service, months)
    except ValueError:
        return turn.noted("impossible_age")
    if not accepted:
        return Outcome(draft=replace(turn.draft, stop=Stop.TOO_OLD))
    # That it was young enough is all that is needed from here on.
    return Outcome(draft=turn.draft.answered(booking_child=GIVEN))


def is_question(text: str) -> bool:
    """Whether a text has a question mark, the Greek one included."""
    return "?" in text or "؟" in text or text.rstrip().endswith((";", "\u037e"))
