"""The end of the booking form: choosing a time, keeping it, and making it an appointment."""

from __future__ import annotations

from dataclasses import replace

from bot.booking import service as booking
from bot.booking import times, waiting
from bot.booking.availability import Slot, Wishes
from bot.booking.draft import Meaning, Outcome, Question, Stop, named_slot, slot_name
from bot.booking.errors import AlreadyBookedError, BookingError
from bot.booking.models import Appointment, Way
from bot.booking.said import When, read_when
from bot.booking.turn import ANYTIME, OTHER, SUBJECTS, WAIT, YES, Turn, said_way, with_way
from bot.conversations.models import InboxMessage


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
            held = held_row(turn)
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
        wanted = named_slot(str(draft.answer(Question.TIME))) or _slot_of(held_row(turn))
        return lost(turn, wanted, error)
    return Outcome(draft=draft.answered(booking_confirmed=row.id))


def held_row(turn: Turn) -> Appointment:
    """The time that the draft has chosen, as it is held."""
    return booking.get(turn.session, str(turn.draft.answer(Question.TIME)))


def _slot_of(row: Appointment) -> Slot:
    return Slot(row.starts_at, row.ends_at, row.calendar_id)


def keep_hold(turn: Turn) -> tuple[Turn, Outcome | None]:
    """Holds the chosen time on; with the outcome when somebody else took it meanwhile."""
    chosen = turn.draft.answer(Question.TIME)
    if turn.draft.moves is not None or not chosen:
        return turn, None
    row = held_row(turn)
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
