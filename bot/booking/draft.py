"""What is known of a booking while the form is open, and what one message adds to it.

The engine keeps the answers in slots, as plain data. Nothing in them tells who somebody is: name
and number are written beside the time that is held, and what a free text says of the subject
stays where it was received, of which the slot holds the message's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.booking.availability import Slot, Wishes

STATE = "booking_draft"
SKIPPED = "skipped"
GIVEN = "given"


class Question(StrEnum):
    """The questions of the form in their order, by the names of their slots."""

    SERVICE = "booking_service"
    SUBJECT = "booking_subject"
    CHILD = "booking_child"
    LANGUAGE = "booking_language"
    WAY = "booking_way"
    TIME = "booking_time"
    NAME = "booking_name"
    CONTACT = "booking_contact"
    CONFIRMED = "booking_confirmed"


class Meaning(StrEnum):
    """What a message means to an open form, apart from the answer that stands in it."""

    YES = "yes"
    NO = "no"
    MORE = "more"
    LEAVE = "leave"
    WHY = "why"
    CHANGE_TIME = "change_time"
    SOMETHING_ELSE = "something_else"
    UNCLEAR = "unclear"


class Stop(StrEnum):
    """Why a form ends without an appointment."""

    LEFT = "left"
    TOO_OLD = "too_old"
    NO_CHILD = "no_child"
    WAITING = "waiting"
    ALREADY_BOOKED = "already_booked"


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A button of a form: which form's, the question it answers, and how."""

    form: str
    question: Question
    value: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message as the form reads it.

    ``ages`` are months, ``daytimes`` parts of the day, ``ways`` and ``languages`` codes, as the
    engine's rules found them. ``sure`` tells whether the engine is sure of the meaning.
    """

    message_id: str
    text: str = field(default="", repr=False)
    meaning: Meaning = Meaning.UNCLEAR
    sure: bool = False
    topic: bool = False
    pressed: Pressed | None = None
    ages: tuple[int, ...] = ()
    daytimes: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An open form.

    ``moves`` is the appointment that gets another time. ``wishes`` narrow the times offered;
    ``after`` and ``near`` say where to go on and what to stay near to. ``misses`` counts answers
    in a row that were not understood, ``number`` is an age whose unit is not clear.
    """

    form: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    moves: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    after: datetime | None = None
    near: datetime | None = None
    misses: int = 0
    number: int | None = None
    stop: Stop | None = None

    @classmethod
    def from_slots(cls, slots: Mapping[str, Any]) -> Draft | None:
        """The draft in the engine's slots, or None when no form is open."""
        state = slots.get(STATE)
        if not state:
            return None
        moments = {
            name: datetime.fromisoformat(state[name]) if state.get(name) else None
            for name in ("after", "near")
        }
        return cls(
            form=state["form"],
            answers={question.value: slots.get(question.value) for question in Question},
            moves=state.get("moves"),
            wishes=Wishes.from_data(state.get("wishes") or {}),
            misses=state.get("misses", 0),
            number=state.get("number"),
            stop=Stop(state["stop"]) if state.get("stop") else None,
            **moments,
        )

    def to_slots(self) -> dict[str, Any]:
        """All slots of the form as plain data."""
        state = {
            "form": self.form,
            "moves": self.moves,
            "wishes": self.wishes.to_data(),
            "after": self.after.isoformat() if self.after else None,
            "near": self.near.isoformat() if self.near else None,
            "misses": self.misses,
            "number": self.number,
            "stop": self.stop.value if self.stop else None,
        }
        answers = {question.value: self.answers.get(question.value) for question in Question}
        return {**answers, STATE: state}

    def answer(self, question: Question) -> Any:
        """What was answered to a question; None when it is open."""
        return self.answers.get(question.value)

    def answered(self, **values: Any) -> Draft:
        """The draft with answers by the names of their slots; None opens a question again."""
        return replace(self, answers={**self.answers, **values}, misses=0, number=None)


EMPTY_SLOTS: dict[str, None] = {STATE: None, **{question.value: None for question in Question}}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a message makes of a draft.

    ``draft`` None: the message was no answer, something else has to answer it. ``notes`` are
    said before the next question, by name, with what they need.
    """

    draft: Draft | None
    notes: tuple[dict[str, Any], ...] = ()


def slot_name(slot: Slot) -> str:
    """A time as it stands on a button and in a slot."""
    return f"{slot.starts_at.isoformat()}|{slot.ends_at.isoformat()}|{slot.calendar_id}"


def named_slot(name: str) -> Slot | None:
    """The time that ``slot_name`` wrote; None for anything else."""
    try:
        starts, ends, calendar = name.split("|")
        slot = Slot(datetime.fromisoformat(starts), datetime.fromisoformat(ends), int(calendar))
    except ValueError:
        return None
    aware = slot.starts_at.tzinfo is not None and slot.ends_at.tzinfo is not None
    return slot if aware else None
