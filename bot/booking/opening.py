"""How a booking form begins: which counselling it is, and what need not be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.booking import counselling, times
from bot.booking import service as booking
from bot.booking.draft import SKIPPED, Draft, Outcome, Question, Stop
from bot.booking.models import CounsellingService, Way
from bot.booking.said import folded, read_when
from bot.booking.turn import FORMATS, Turn, aged, is_question, with_way

# Words are alike when they begin alike: at least so many letters, and all but an ending.
_LETTERS, _ENDING = 4, 2


def prepared(turn: Turn) -> Draft:
    """A new draft with its service and what need not be asked of it.

    It is stopped at once when the person has as many appointments as one may have, or when the
    child is too old.
    """
    service = turn.service
    ahead = booking.appointments_of(turn.session, turn.contact_id, now=turn.now)
    if len([row for row in ahead if row.service_id == service.id]) >= service.open_per_contact:
        return replace(turn.draft, stop=Stop.ALREADY_BOOKED)
    draft = turn.draft.answered(booking_service=service.key)
    if service.maximum_child_age_months is None:
        draft = draft.answered(booking_child=SKIPPED)
    elif turn.said.ages:
        judged = aged(replace(turn, draft=draft), min(turn.said.ages))
        draft = judged.draft or draft
    languages = counselling.languages_of(turn.session, service)
    if len(languages) == 1:
        draft = draft.answered(booking_language=languages[0])
    offered = [Way(name) for name in service.ways]
    wished = next((FORMATS[name] for name in turn.said.ways if name in FORMATS), None)
    if len(offered) == 1 or wished in offered:
        draft = with_way(draft, wished if wished in offered else offered[0])
    return with_wishes(replace(turn, draft=draft))


def with_wishes(turn: Turn) -> Draft:
    """The draft with the days and times that the message wishes."""
    draft = times.narrowed_to(turn.draft, turn.said.daytimes)
    when = read_when(turn.said.text, today=turn.today)
    if when.day is not None or when.weekday is not None:
        draft = times.narrowed_by(draft, when)
    return draft


def service(turn: Turn) -> Outcome:
    """Which counselling it is, by button or by words of its title.

    Another one than before begins anew: what was answered, and the time that is held, belong to
    the one before.
    """
    offered = counselling.services(turn.session)
    pressed = turn.value(Question.SERVICE)
    if pressed is not None:
        chosen = next((row for row in offered if row.key == pressed), None)
    elif is_question(turn.said.text):
        chosen = None
    else:
        chosen = _named(turn.said.text, offered)
    if chosen is None:
        return turn.not_understood()
    before = turn.draft.answer(Question.SERVICE)
    if before == chosen.key:
        return Outcome(draft=turn.draft)
    held = turn.draft.answer(Question.TIME)
    if held:
        booking.release(turn.session, held, contact_id=turn.contact_id, now=turn.now)
    fresh = Draft(form=turn.draft.form, wishes=turn.draft.wishes)
    return Outcome(draft=prepared(replace(turn, service=chosen, draft=fresh)))


def _named(text: str, offered: Sequence[CounsellingService]) -> CounsellingService | None:
    """The service whose title, in any language, shares the most words with a text; None for two.

    Words that stand in every title tell nothing.
    """
    said = _words(text)
    shared = [
        {word for word in said if any(_alike(word, titled) for titled in _words(" ".join(titles)))}
        for titles in (row.title.values() for row in offered)
    ]
    telling = [words - said.intersection(*shared) for words in shared]
    most = max(map(len, telling), default=0)
    best = [row for row, words in zip(offered, telling, strict=True) if len(words) == most]
    return best[0] if most and len(best) == 1 else None


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", folded(text)))


def _alike(said: str, titled: str) -> bool:
    shorter, longer = sorted((said, titled), key=len)
    if len(shorter) < _LETTERS:
        return said == titled
    # German joins words: "Beratung" is said of a "Berufsberatung".
    stem = shorter[: max(_LETTERS, len(shorter) - _ENDING)]
    return longer.startswith(stem) or said in titled
