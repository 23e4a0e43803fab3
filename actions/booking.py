"""Booking, showing, moving and cancelling appointments: the actions around the booking form.

The form's slots hold plain data; what a message makes of them is decided in ``bot.booking``.
Unlike other actions, those of the form write, because the person has to be told at once whether
a time is theirs. Each write is harmless when the message is processed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.measures import SearchMeasures
from bot.booking.appointments import Appointments
from bot.booking.draft import EMPTY_SLOTS, Draft, Meaning, Pressed, Question, Said, Stop
from bot.booking.errors import AppointmentClosedError, AppointmentNotFoundError
from bot.booking.form import BookingForm
from bot.measures.topics import Topic

FORM = "booking_form"
REQUESTED_SLOT = "requested_slot"
# From this probability on the engine counts as sure of what somebody means.
SURE = 0.6

_MEANINGS = {
    "affirm": Meaning.YES,
    "deny": Meaning.NO,
    "more_results": Meaning.MORE,
    "goodbye": Meaning.LEAVE,
    "cancel_booking": Meaning.LEAVE,
    "restart": Meaning.LEAVE,
    "help": Meaning.WHY,
    "ask_privacy": Meaning.WHY,
    "change_booking": Meaning.CHANGE_TIME,
    # What people say when they answer; none of it asks for something else.
    "inform": Meaning.UNCLEAR,
    "greet": Meaning.UNCLEAR,
    "thank": Meaning.UNCLEAR,
    "book_counselling": Meaning.UNCLEAR,
    "feedback_negative": Meaning.UNCLEAR,
    "out_of_scope": Meaning.UNCLEAR,
}
_OTHER_TOPICS = {Stop.TOO_OLD: Topic.JOB, Stop.NO_CHILD: Topic.JOB}

Events = list[dict[str, Any]]


@dataclass(frozen=True)
class Booking:
    """What the actions need of the booking room."""

    form: BookingForm
    appointments: Appointments


class _BookingAction(Action):
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    async def _describe(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, ids: list[str], *, purpose: str
    ) -> None:
        """Describes appointments, and the places on waiting lists that the person has as well."""
        places = await asyncio.to_thread(self._booking.appointments.waiting, tracker.sender_id)
        dispatcher.utter_message(
            json_message={"appointments": ids, "places": places, "for": purpose}
        )


class _EndingAction(_BookingAction):
    """An action that may have to say why there is no appointment."""

    def __init__(self, booking: Booking, search: SearchMeasures) -> None:
        super().__init__(booking)
        self._search = search

    async def _stopped(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, draft: Draft
    ) -> Events:
        """Describes why, and what there is instead."""
        if draft.stop == Stop.ALREADY_BOOKED:
            ids = await asyncio.to_thread(self._booking.appointments.of, tracker.sender_id)
            await self._describe(dispatcher, tracker, ids, purpose="show")
            return []
        stop = draft.stop or Stop.LEFT
        service = draft.answer(Question.SERVICE)
        places = await asyncio.to_thread(self._booking.appointments.waiting, tracker.sender_id)
        dispatcher.utter_message(
            json_message={"booking_stopped": stop.value, "service": service, "places": places}
        )
        topic = _OTHER_TOPICS.get(stop)
        return await self._search.search(dispatcher, topic, {}, "") if topic else []


class StartBooking(_EndingAction):
    """Begins the form, unless nothing can be booked or an appointment stands already."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_start_booking"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Fills the form's slots with what the message says already."""
        said = said_of(tracker)
        draft = await asyncio.to_thread(self._booking.form.begin, tracker.sender_id, said)
        if draft is None:
            dispatcher.utter_message(json_message={"booking_unavailable": True})
            return []
        if draft.stop is not None:
            return await self._stopped(dispatcher, tracker, draft)
        return [*_slots(draft.to_slots()), FollowupAction(FORM)]


class ValidateBooking(_BookingAction):
    """Reads the answer to the question that was asked last."""

    def name(self) -> str:
        """The action's name in the domain; Rasa calls it by the form's name."""
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Fills slots and says what has to be said first; nothing when something else answers."""
        draft = Draft.from_slots(tracker.slots)
        asked = tracker.slots.get(REQUESTED_SLOT)
        if draft is None:
            return [SlotSet(REQUESTED_SLOT, None)]
        if draft.stop is not None:
            return [*_slots(draft.to_slots()), SlotSet(REQUESTED_SLOT, None)]
        if asked not in tuple(Question):
            return []
        said = said_of(tracker)
        if _is_about_another_intent(tracker, said):
            return []
        outcome = await asyncio.to_thread(
            self._booking.form.answer, tracker.sender_id, draft, Question(asked), said
        )
        if outcome.draft is None:
            return []
        for note in outcome.notes:
            dispatcher.utter_message(json_message={"booking_note": note})
        events = _slots(outcome.draft.to_slots())
        if outcome.draft.stop is not None:
            events.append(SlotSet(REQUESTED_SLOT, None))
        return events


class AskBooking(_BookingAction):
    """Asks one question of the form."""

    def __init__(self, booking: Booking, question: Question) -> None:
        super().__init__(booking)
        self._question = question

    def name(self) -> str:
        """The action's name in the domain; the form finds it by its slot's name."""
        return f"action_ask_{self._question.value}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Describes the question with all that its buttons are made of."""
        draft = Draft.from_slots(tracker.slots)
        if draft is None:
            return []
        asked = await asyncio.to_thread(self._booking.form.question, draft, self._question)
        dispatcher.utter_message(json_message={"booking_question": asked})
        return []


class FinishBooking(_EndingAction):
    """Says what came of the form and empties it."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_finish_booking"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Describes the confirmation, or why there is none and what there is instead."""
        draft = Draft.from_slots(tracker.slots) or Draft(form="")
        events = _slots(EMPTY_SLOTS)
        confirmed = draft.answer(Question.CONFIRMED)
        if confirmed:
            moved = draft.moves is not None
            dispatcher.utter_message(json_message={"booked": confirmed, "moved": moved})
            return events
        await asyncio.to_thread(self._booking.form.leave, tracker.sender_id, draft)
        return events + await self._stopped(dispatcher, tracker, draft)


class ShowBookings(_BookingAction):
    """Shows the person's appointments and places on waiting lists."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_show_bookings"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Describes them."""
        ids = await asyncio.to_thread(self._booking.appointments.of, tracker.sender_id)
        await self._describe(dispatcher, tracker, ids, purpose="show")
        return []


class ChangeBooking(_BookingAction):
    """Begins the form that asks for another time, once it is clear for which appointment."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_change_booking"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Fills the form's slots, or asks which appointment is meant."""
        ids = await _meant(self._booking, tracker)
        if len(ids) != 1:
            await self._describe(dispatcher, tracker, ids, purpose="move")
            return []
        try:
            draft = await asyncio.to_thread(
                self._booking.form.begin_move, tracker.sender_id, ids[0], said_of(tracker)
            )
        except (AppointmentNotFoundError, AppointmentClosedError):
            dispatcher.utter_message(json_message={"appointment_gone": True})
            return []
        return [*_slots(draft.to_slots()), FollowupAction(FORM)]


class CancelBooking(_BookingAction):
    """Cancels an appointment, or gives up a place on a waiting list, after asking."""

    def name(self) -> str:
        """The action's name in domain and rules."""
        return "action_cancel_booking"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Asks which and whether; cancels on the button that says so."""
        ids = await _meant(self._booking, tracker)
        sure = next(tracker.get_latest_entity_values("sure"), None)
        if not (sure and len(ids) == 1):
            await self._describe(dispatcher, tracker, ids, purpose="cancel")
            return []
        try:
            await asyncio.to_thread(self._booking.appointments.cancel, tracker.sender_id, ids[0])
        except (AppointmentNotFoundError, AppointmentClosedError):
            dispatcher.utter_message(json_message={"appointment_gone": True})
            return []
        dispatcher.utter_message(json_message={"cancelled": ids[0]})
        return []


def booking_actions(booking: Booking, search: SearchMeasures) -> Iterable[Action]:
    """Every action about appointments."""
    return [
        StartBooking(booking, search),
        ValidateBooking(booking),
        *(AskBooking(booking, question) for question in Question),
        FinishBooking(booking, search),
        ShowBookings(booking),
        ChangeBooking(booking),
        CancelBooking(booking),
    ]


async def _meant(booking: Booking, tracker: Tracker) -> list[str]:
    """The appointment that a button names, else all that the person has before them."""
    named = next(tracker.get_latest_entity_values("appointment"), None)
    if named:
        return [str(named)]
    return await asyncio.to_thread(booking.appointments.of, tracker.sender_id)


def said_of(tracker: Tracker) -> Said:
    """The latest message as the booking room reads it."""
    message = tracker.latest_message
    text = str(message.get("text") or "")
    intent = message.get("intent") or {}
    name = str(intent.get("name") or "")
    found: Callable[[str], tuple[str, ...]] = lambda entity: tuple(  # noqa: E731
        str(value) for value in tracker.get_latest_entity_values(entity)
    )
    return Said(
        message_id=str(message.get("message_id") or ""),
        text="" if text.startswith("/") else text,
        meaning=_MEANINGS.get(name, Meaning.SOMETHING_ELSE),
        sure=float(intent.get("confidence") or 0.0) >= SURE,
        topic=Topic.from_intent(name) is not None,
        pressed=_pressed(found("booking"), found("booking_question"), found("booking_value")),
        ages=tuple(int(age) for age in found("child_age_months")),
        daytimes=found("time_of_day"),
        ways=found("format"),
        languages=found("language"),
    )


def _pressed(
    form: tuple[str, ...], question: tuple[str, ...], value: tuple[str, ...]
) -> Pressed | None:
    if not (form and question and value) or question[0] not in tuple(Question):
        return None
    return Pressed(form=form[0], question=Question(question[0]), value=value[0])


def _is_about_another_intent(tracker: Tracker, said: Said) -> bool:
    """Whether a button was pressed that is none of a form's."""
    text = str(tracker.latest_message.get("text") or "")
    return text.startswith("/") and said.pressed is None


def _slots(values: dict[str, Any]) -> Events:
    return [SlotSet(name, value) for name, value in values.items()]
