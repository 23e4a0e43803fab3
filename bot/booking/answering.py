"""What a message answers to each question of the booking form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.booking import service as booking
from bot.booking import times, waiting
from bot.booking.availability import Slot, Wishes
from bot.booking.draft import (
    GIVEN,
    SKIPPED,
    Draft,
    Meaning,
    Outcome,
    Question,
    Said,
    Stop,
    named_slot,
    slot_name,
)
from bot.booking.errors import AlreadyBookedError, BookingError
from bot.booking.models import Appointment, CounsellingService, Way
from bot.booking.said import When, folded, read_child_age, read_when
from bot.conversations.models import Conversation, InboxMessage

# Values of buttons.
SKIP, OTHER, ANYTIME, WAIT, YES = "skip", "other", "anytime", "wait", "yes"
EXPECTING, NO_CHILD = "expecting", "no_child"
SUBJECTS = ("work", "training", "recognition", "other")
FEWEST_DIGITS, MOST_DIGITS = 6, 17
# A longer message is no name, and one with a question mark is no answer.
LONGEST_NAME_WORDS = 6
# So few words are a name, whatever the engine takes them for.
SURELY_A_NAME = 2

FORMATS = {"online": Way.VIDEO, "in_person": Way.PLACE}
_WAYS = {
    Way.PHONE: re.compile(r"phone|telefon|هاتف|تلفون|تليفون|تلفن|telef|τηλεφ|телефон|anruf|позвон|дзвін"),
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


def service(turn: Turn) -> Outcome:
    """Which counselling it is."""
    keys = {row.key for row in booking.services(turn.session)}
    chosen = turn.value(Question.SERVICE)
    return (
        Outcome(draft=turn.draft.answered(booking_service=chosen))
        if chosen in keys
        else turn.not_understood()
    )


def subject(turn: Turn) -> Outcome:
    """What it is about: a button, or words, which stay in the message they came in."""
    value = turn.value(Question.SUBJECT)
    if value in SUBJECTS or value == SKIP:
        return Outcome(draft=turn.draft.answered(booking_subject=value))
    if value is not None or _asks(turn) or not turn.said.text:
        return turn.not_understood()
    if turn.said.meaning == Meaning.NO:
        return Outcome(draft=turn.draft.answered(booking_subject=SKIPPED))
    words = f"message:{turn.said.message_id}"
    draft = turn.draft.answered(booking_subject=words)
    if turn.said.ages and draft.answer(Question.CHILD) is None:
        # Whoever tells about their child need not be asked about it again.
        return aged(replace(turn, draft=draft), min(turn.said.ages))
    return Outcome(draft=draft)


def child(turn: Turn) -> Outcome:
    """How old the youngest child is; over the limit the form ends with other offers."""
    value = turn.value(Question.CHILD)
    if value == EXPECTING:
        return Outcome(draft=turn.draft.answered(booking_child=GIVEN))
    if value == NO_CHILD or (value is None and turn.said.meaning == Meaning.NO):
        return Outcome(draft=replace(turn.draft, stop=Stop.NO_CHILD))
    if value is not None:
        return aged(turn, int(value)) if value.isdecimal() else turn.not_understood()
    age = read_child_age(turn.said.text, understood=list(turn.said.ages), today=turn.today)
    if age is None:
        return turn.not_understood()
    if age.impossible:
        return turn.noted("impossible_age")
    if age.months is None:
        return turn.noted("months_or_years", replace(turn.draft, number=age.number))
    return aged(turn, age.months)


def aged(turn: Turn, months: int) -> Outcome:
    """The draft with a child of this age."""
    try:
        accepted = booking.accepts_child(turn.service, months)
    except ValueError:
        return turn.noted("impossible_age")
    if not accepted:
        return Outcome(draft=replace(turn.draft, stop=Stop.TOO_OLD))
    # That it was young enough is all that is needed from here on.
    return Outcome(draft=turn.draft.answered(booking_child=GIVEN))


def language(turn: Turn) -> Outcome:
    """The language to be advised in."""
    spoken = booking.languages_of(turn.session, turn.service)
    value = turn.value(Question.LANGUAGE)
    named = [value] if value else list(turn.said.languages)
    chosen = next((code for code in named if code in spoken), None)
    if chosen:
        return Outcome(draft=turn.draft.answered(booking_language=chosen))
    return turn.noted("language_not_spoken") if named else turn.not_understood()


def way(turn: Turn) -> Outcome:
    """In person, by phone or by video."""
    offered = [Way(name) for name in turn.service.ways]
    chosen = said_way(turn)
    if chosen is None:
        return turn.not_understood()
    if chosen not in offered:
        return turn.noted("way_not_offered")
    return Outcome(draft=with_way(turn.draft, chosen))


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


def time(turn: Turn) -> Outcome:
    """A time by button, by day and hour, or a wish for other ones."""
    value = turn.value(Question.TIME)
    if value == OTHER or (value is None and turn.said.meaning in (Meaning.MORE, Meaning.NO)):
        return _other_times(turn)
    if value == ANYTIME:
        draft = replace(turn.draft, wishes=Wishes(), after=None, near=None)
        return Outcome(draft=draft)
    if value == WAIT:
        return _wait(turn)
    if value in times.DAYTIMES:
        return Outcome(draft=times.narrowed_to(turn.draft, [str(value)]))
    if value is not None:
        slot = named_slot(value)
        return choose(turn, slot) if slot else turn.not_understood()
    when = read_when(turn.said.text, today=turn.today)
    if when.impossible:
        return turn.noted("no_such_day")
    if when.day is not None and when.day < turn.today:
        return turn.noted("past")
    if when or turn.said.daytimes:
        return _at(turn, when)
    if (chosen := said_way(turn)) is not None and chosen.value in turn.service.ways:
        return Outcome(draft=with_way(turn.draft, chosen))
    if turn.said.meaning == Meaning.CHANGE_TIME:
        return _other_times(turn)
    return turn.not_understood()


def _wait(turn: Turn) -> Outcome:
    """Puts the person on the waiting list and ends the form."""
    waiting.join(
        turn.session,
        turn.service,
        contact_id=turn.contact_id,
        conversation_id=turn.conversation.id,
        way=Way(turn.draft.answer(Question.WAY)),
        language=turn.draft.answer(Question.LANGUAGE),
        now=turn.now,
        wishes=turn.draft.wishes,
    )
    return Outcome(draft=replace(turn.draft, stop=Stop.WAITING))


def _other_times(turn: Turn) -> Outcome:
    shown = times.offered(turn.session, turn.service, turn.draft, now=turn.now).slots
    last = shown[-1].starts_at if shown else None
    return Outcome(draft=replace(turn.draft, after=last, near=None))


def _at(turn: Turn, when: When) -> Outcome:
    """The one time that was named, or the times that come closest to it."""
    # "Tuesday at 3 in the afternoon": the hour says more than the part of the day.
    daytimes = () if when.minute is not None else turn.said.daytimes
    draft = times.narrowed_to(turn.draft, daytimes)
    narrowed, found = times.matching(turn.session, turn.service, draft, when, now=turn.now)
    if (
        when.minute is not None
        and found
        and (len(found) == 1 or when.day or when.weekday is not None)
    ):
        return choose(replace(turn, draft=narrowed), found[0])
    if found and when.minute is None:
        return Outcome(draft=narrowed)
    if not found and not when:
        # Only a part of the day was named, and it has no free time.
        return turn.noted("nothing_then", replace(turn.draft, after=None))
    near = times.wanted(when, service=turn.service, now=turn.now)
    everything = replace(turn.draft, wishes=Wishes(), after=None, near=near)
    return Outcome(draft=everything) if found else turn.noted("nothing_then", everything)


def choose(turn: Turn, slot: Slot) -> Outcome:
    """Holds a time; the nearest others are offered when it cannot be had."""
    if turn.draft.moves is not None:
        return Outcome(draft=turn.draft.answered(booking_time=slot_name(slot)))
    try:
        row = hold(turn, slot)
    except BookingError as error:
        return lost(turn, slot, error)
    return Outcome(draft=turn.draft.answered(booking_time=row.id))


def hold(turn: Turn, slot: Slot) -> Appointment:
    """Keeps a time free with what was said of the subject; raises ``BookingError``."""
    row = booking.hold(
        turn.session,
        turn.service,
        slot,
        way=Way(turn.draft.answer(Question.WAY)),
        language=turn.draft.answer(Question.LANGUAGE),
        contact_id=turn.contact_id,
        conversation_id=turn.conversation.id,
        now=turn.now,
        wishes=times.wishes_of(turn.draft),
    )
    row.subject = row.subject or _subject_words(turn)
    return row


def lost(turn: Turn, slot: Slot, error: BookingError) -> Outcome:
    """The time cannot be had: back to the question, near to what was wanted."""
    draft = turn.draft.answered(booking_time=None, booking_confirmed=None)
    draft = replace(draft, near=slot.starts_at, after=None)
    return turn.noted("taken" if error.alternatives else "none_left", draft)


def _subject_words(turn: Turn) -> str:
    said = str(turn.draft.answer(Question.SUBJECT) or "")
    kind, _, number = said.partition(":")
    if kind == "message" and number.isdecimal():
        message = turn.session.get(InboxMessage, int(number))
        own = message is not None and message.conversation_id == turn.conversation.id
        return message.text[: booking.MAXIMUM_SUBJECT] if message is not None and own else ""
    return said if said in SUBJECTS else ""


def name(turn: Turn) -> Outcome:
    """What the counsellor may call the person; may be left out."""
    if turn.value(Question.NAME) == SKIP or turn.said.meaning == Meaning.NO:
        return Outcome(draft=turn.draft.answered(booking_name=SKIPPED))
    words = " ".join(turn.said.text.split())
    if not words or turn.said.pressed is not None or is_question(words):
        return turn.not_understood()
    something_else = turn.said.meaning == Meaning.SOMETHING_ELSE and turn.said.sure
    if something_else and len(words.split()) > SURELY_A_NAME:
        return turn.not_understood()
    if len(words) > booking.MAXIMUM_NAME or len(words.split()) > LONGEST_NAME_WORDS:
        return turn.noted("name_too_long")
    if not re.search(r"[^\W\d_]", words) or re.search(r"\d", words):
        return turn.not_understood()
    _held(turn).name = words
    return Outcome(draft=turn.draft.answered(booking_name=GIVEN))


def contact(turn: Turn) -> Outcome:
    """The number to call; without one, the counsellor cannot call."""
    digits = re.sub(r"\D", "", folded(turn.said.text))
    if FEWEST_DIGITS <= len(digits) <= MOST_DIGITS and turn.said.pressed is None:
        _held(turn).reach = " ".join(turn.said.text.split())[: booking.MAXIMUM_REACH]
        return Outcome(draft=turn.draft.answered(booking_contact=GIVEN))
    if turn.said.meaning == Meaning.NO:
        return turn.noted("number_needed")
    return turn.noted("no_number") if digits else turn.not_understood()


def confirmed(turn: Turn) -> Outcome:
    """Books or moves for good, or goes back to the times."""
    value = turn.value(Question.CONFIRMED)
    if value == YES or (value is None and turn.said.meaning == Meaning.YES):
        return _settle(turn)
    again = turn.draft.answered(booking_time=None)
    if value == OTHER or turn.said.meaning == Meaning.CHANGE_TIME:
        return Outcome(draft=again)
    if turn.said.meaning == Meaning.NO:
        return turn.noted("how_to_stop")
    if read_when(turn.said.text, today=turn.today) or turn.said.daytimes:
        return time(replace(turn, draft=again))
    return turn.not_understood()


def _settle(turn: Turn) -> Outcome:
    draft = turn.draft
    try:
        if draft.moves is not None:
            slot = named_slot(str(draft.answer(Question.TIME)))
            if slot is None:
                return turn.not_understood()
            row = booking.move(
                turn.session,
                draft.moves,
                slot,
                now=turn.now,
                contact_id=turn.contact_id,
                wishes=times.wishes_of(draft),
            )
        else:
            held = _held(turn)
            details = booking.Details(name=held.name, reach=held.reach, subject=held.subject)
            row = booking.book(
                turn.session,
                held.id,
                details=details,
                now=turn.now,
                contact_id=turn.contact_id,
                wishes=times.wishes_of(draft),
            ).appointment
    except AlreadyBookedError:
        return Outcome(draft=replace(draft, stop=Stop.ALREADY_BOOKED))
    except BookingError as error:
        wanted = named_slot(str(draft.answer(Question.TIME))) or _slot_of(_held(turn))
        return lost(turn, wanted, error)
    return Outcome(draft=draft.answered(booking_confirmed=row.id))


def _held(turn: Turn) -> Appointment:
    return booking.get(turn.session, str(turn.draft.answer(Question.TIME)))


def _slot_of(row: Appointment) -> Slot:
    return Slot(row.starts_at, row.ends_at, row.calendar_id)


def keep_hold(turn: Turn) -> tuple[Turn, Outcome | None]:
    """Holds the chosen time on; with the outcome when somebody else took it meanwhile."""
    chosen = turn.draft.answer(Question.TIME)
    if turn.draft.moves is not None or not chosen:
        return turn, None
    row = _held(turn)
    if row.booked_at is not None:
        return turn, None
    try:
        kept = hold(turn, _slot_of(row))
    except BookingError as error:
        return turn, lost(turn, _slot_of(row), error)
    if kept.id != row.id:
        kept.name, kept.reach, kept.subject = row.name, row.reach, row.subject
        row.name = row.reach = row.subject = ""
    answers = {**turn.draft.answers, Question.TIME.value: kept.id}
    return replace(turn, draft=replace(turn.draft, answers=answers)), None


def _asks(turn: Turn) -> bool:
    """Whether words that could answer a free question are a question themselves."""
    something_else = turn.said.meaning == Meaning.SOMETHING_ELSE and turn.said.sure
    return something_else and (is_question(turn.said.text) or not turn.said.topic)


def is_question(text: str) -> bool:
    """Whether a text has a question mark, the Greek one included."""
    return "?" in text or "؟" in text or text.rstrip().endswith((";", "\u037e"))


ANSWERS: Mapping[Question, Callable[[Turn], Outcome]] = {
    Question.SERVICE: service,
    Question.SUBJECT: subject,
    Question.CHILD: child,
    Question.LANGUAGE: language,
    Question.WAY: way,
    Question.TIME: time,
    Question.NAME: name,
    Question.CONTACT: contact,
    Question.CONFIRMED: confirmed,
}
