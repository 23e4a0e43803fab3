"""What a message answers to each question of the booking form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.booking import counselling
from bot.booking import service as booking
from bot.booking.choosing import confirmed, held_row, time
from bot.booking.draft import GIVEN, SKIPPED, Meaning, Outcome, Question, Stop
from bot.booking.models import Way
from bot.booking.opening import service
from bot.booking.refusals import does_without, refuses
from bot.booking.said import folded, read_child_age
from bot.booking.turn import (
    EXPECTING,
    NO_CHILD,
    SKIP,
    SUBJECTS,
    Turn,
    aged,
    is_question,
    said_way,
    with_way,
)

FEWEST_DIGITS, MOST_DIGITS = 6, 17
# A longer message is no name, and one with a question mark is no answer.
LONGEST_NAME_WORDS = 6
# So few words are a name, whatever the engine takes them for.
SURELY_A_NAME = 2


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
    # "No, she is two" tells an age.
    no_child = value is None and turn.said.meaning == Meaning.NO and not turn.said.ages
    if value == NO_CHILD or no_child:
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


def language(turn: Turn) -> Outcome:
    """The language to be advised in."""
    spoken = counselling.languages_of(turn.session, turn.service)
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


def name(turn: Turn) -> Outcome:
    """What the counsellor may call the person; may be left out."""
    words = " ".join(turn.said.text.split())
    # The engine takes some names for a "no", Anna for example.
    few = len(words.split()) <= SURELY_A_NAME
    says_no = turn.said.meaning == Meaning.NO and (not few or refuses(words))
    if turn.value(Question.NAME) == SKIP or says_no or does_without(words):
        return Outcome(draft=turn.draft.answered(booking_name=SKIPPED))
    if not words or turn.said.pressed is not None or is_question(words):
        return turn.not_understood()
    something_else = turn.said.meaning == Meaning.SOMETHING_ELSE and turn.said.sure
    if something_else and not few:
        return turn.not_understood()
    if len(words) > booking.MAXIMUM_NAME or len(words.split()) > LONGEST_NAME_WORDS:
        return turn.noted("name_too_long")
    if not re.search(r"[^\W\d_]", words) or re.search(r"\d", words):
        return turn.not_understood()
    held_row(turn).name = words
    return Outcome(draft=turn.draft.answered(booking_name=GIVEN))


def contact(turn: Turn) -> Outcome:
    """The number to call; without one, the counsellor cannot call."""
    digits = re.sub(r"\D", "", folded(turn.said.text))
    if FEWEST_DIGITS <= len(digits) <= MOST_DIGITS and turn.said.pressed is None:
        held_row(turn).reach = " ".join(turn.said.text.split())[: booking.MAXIMUM_REACH]
        return Outcome(draft=turn.draft.answered(booking_contact=GIVEN))
    if turn.said.meaning == Meaning.NO:
        return turn.noted("number_needed")
    return turn.noted("no_number") if digits else turn.not_understood()


def _asks(turn: Turn) -> bool:
    """Whether words that could answer a free question are a question themselves."""
    something_else = turn.said.meaning == Meaning.SOMETHING_ELSE and turn.said.sure
    return something_else and (is_question(turn.said.text) or not turn.said.topic)


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
