"""The booking form's questions and remarks in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.booking.draft import Question, named_slot
from bot.booking.models import Appointment, CounsellingService, Way
from bot.booking.presentation import card, in_language, slot_label, way_name
from bot.booking.turn import (
    ANYTIME,
    EXPECTING,
    LEAVE,
    NO_CHILD,
    OTHER,
    SKIP,
    SUBJECTS,
    WAIT,
    YES,
)
from bot.buttons import human_button
from bot.i18n.texts import Texts
from bot.messages import Asks, Button, Card, OutgoingMessage

# Questions whose answers say something about the person in their own words.
_PERSONAL = frozenset({Question.SUBJECT, Question.NAME, Question.CONTACT})
# Where a number is an answer, it counts no buttons.
_NUMBERS_ANSWER = frozenset({Question.CHILD, Question.NAME, Question.CONTACT})


def ask(
    question: Question,
    asked: Mapping[str, Any],
    texts: Texts,
    *,
    services: Sequence[CounsellingService],
    service: CounsellingService | None,
    languages: Sequence[str],
    row: Appointment | None,
) -> OutgoingMessage:
    """A question with its buttons.

    ``asked`` is what ``BookingForm.question`` describes; ``row`` the appointment that is held or
    moved, where there is one.
    """
    form = str(asked["form"])
    countable = question not in _NUMBERS_ANSWER

    def button(title: str, value: str, *, of: Question = question, counted: bool = True) -> Button:
        return Button(
            title=title,
            payload=payload(form, of, value),
            choosable=counted and countable,
        )

    text, buttons, cards = _PARTS[question](
        _Asked(asked, texts, services, service, languages, row), button
    )
    leave = Button(
        title=_leave_title(asked, texts), payload=payload(form, question, LEAVE), choosable=False
    )
    return OutgoingMessage(
        text=text,
        buttons=(*buttons, leave),
        cards=cards,
        asks=Asks.PERSONAL if question in _PERSONAL else Asks.WORDS,
        language=texts.language,
    )


def payload(form: str, question: Question, value: str) -> dict[str, Any]:
    """What a button of a form means to the engine."""
    entities = {"booking": form, "booking_question": question.value, "booking_value": value}
    return {"intent": "inform", "entities": entities}


class _Asked:
    """What a question is put together from."""

    def __init__(
        self,
        data: Mapping[str, Any],
        texts: Texts,
        services: Sequence[CounsellingService],
        service: CounsellingService | None,
        languages: Sequence[str],
        row: Appointment | None,
    ) -> None:
        self.data = data
        self.texts = texts
        self.services = services
        self.service = service
        self.languages = languages
        self.row = row


_MakeButton = Callable[..., Button]
_Parts = tuple[str, Sequence[Button], tuple[Card, ...]]


def _service(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    buttons = [
        button(in_language(service.title, texts.language), service.key)
        for service in asked.services
    ]
    return texts.gettext("Which advice do you want?"), buttons, ()


def _subject(asked: _Asked, button: _MakeButton) -> _Parts:
    texts, service = asked.texts, asked.service
    text = texts.gettext("What do you want to talk about? Choose, or write it in a few words.")
    if service is not None:
        title = in_language(service.title, texts.language)
        text = f"{title}\n\n{text}"
    buttons = [button(subject_name(subject, texts), subject) for subject in SUBJECTS]
    return text, [*buttons, button(texts.gettext("Skip"), SKIP, counted=False)], ()


def subject_name(subject: str, texts: Texts) -> str:
    """What an advice is about, as a button title."""
    return {
        "work": texts.gettext("Finding work"),
        "training": texts.gettext("Training or study"),
        "recognition": texts.gettext("My qualifications"),
        "other": texts.gettext("Something else"),
    }[subject]


def _child(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    number = asked.data.get("number")
    if number is not None:
        buttons = [
            button(texts.ngettext("{number} month", "{number} months", number), str(number)),
            button(texts.ngettext("{number} year", "{number} years", number), str(12 * number)),
        ]
        return texts.gettext("Is your child that many months or years old?"), buttons, ()
    text = texts.gettext(
        "How old is your youngest child? Write, for example, the months, the years or the date "
        "of birth."
    )
    buttons = [
        button(texts.gettext("I am pregnant"), EXPECTING),
        button(texts.gettext("I have no child"), NO_CHILD),
    ]
    return text, buttons, ()


def _language(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    # The reader's own language first, then German and English.
    own = [code for code in (texts.language, "de", "en") if code in asked.languages]
    codes = list(dict.fromkeys([*own, *asked.languages]))
    buttons = [button(texts.language_name(code), code) for code in codes]
    return texts.gettext("In which language do you want to talk?"), buttons, ()


def _way(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    ways = asked.service.ways if asked.service else []
    buttons = [button(way_name(Way(way), texts), way) for way in ways]
    return texts.gettext("How do you want to talk to the counsellor?"), buttons, ()


def _time(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    zone = asked.service.zone if asked.service else "Europe/Berlin"
    slots = [slot for name in asked.data["slots"] if (slot := named_slot(name))]
    buttons = [
        button(slot_label(slot.starts_at, zone, texts), name)
        for slot, name in zip(slots, asked.data["slots"], strict=True)
    ]
    if not slots:
        text = texts.gettext("There is no free time at the moment.")
        if not asked.data["moves"]:
            buttons = [button(texts.gettext("Tell me when a time is free"), WAIT)]
        return text, [*buttons, human_button(texts)], ()
    if asked.data["moves"] and asked.row is not None:
        text = texts.gettext(
            "Your appointment is on {time}. Which new time do you want?",
            time=slot_label(asked.row.starts_at, zone, texts),
        )
    else:
        text = texts.gettext("When do you have time? Choose, or write a day and a time.")
    ways_on = [button(texts.gettext("Only mornings"), "morning", counted=False)]
    ways_on.append(button(texts.gettext("Only afternoons"), "afternoon", counted=False))
    if asked.data["narrowed"]:
        ways_on = [button(texts.gettext("Any time"), ANYTIME, counted=False)]
    if asked.data["more"]:
        ways_on.insert(0, button(texts.gettext("Other times"), OTHER, counted=False))
    return text, [*buttons, *ways_on], ()


def _name(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    text = texts.gettext("What may the counsellor call you? You can leave this out.")
    return text, [button(texts.gettext("Skip"), SKIP)], ()


def _contact(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    ways = asked.service.ways if asked.service else []
    buttons = [
        button(way_name(Way(way), texts), way, of=Question.WAY) for way in ways if way != Way.PHONE
    ]
    text = texts.gettext("Which phone number shall the counsellor call?")
    return text, buttons, ()


def _confirmed(asked: _Asked, button: _MakeButton) -> _Parts:
    texts = asked.texts
    if asked.data["moves"]:
        slot = named_slot(str(asked.data["time"]))
        zone = asked.service.zone if asked.service else "Europe/Berlin"
        new = slot_label(slot.starts_at, zone, texts) if slot else ""
        text = texts.gettext("Shall I move your appointment to {time}?", time=new)
        title = texts.gettext("Yes, move it")
        cards: tuple[Card, ...] = ()
    else:
        text = texts.gettext("Is this right? Then I book it.")
        title = texts.gettext("Yes, book it")
        cards = (card(asked.row, texts),) if asked.row is not None else ()
        if asked.row is not None and asked.row.name:
            text = texts.gettext("{name}, is this right? Then I book it.", name=asked.row.name)
    buttons = [button(title, YES), button(texts.gettext("Other time"), OTHER)]
    return text, buttons, cards


_PARTS: Mapping[Question, Callable[[_Asked, _MakeButton], _Parts]] = {
    Question.SERVICE: _service,
    Question.SUBJECT: _subject,
    Question.CHILD: _child,
    Question.LANGUAGE: _language,
    Question.WAY: _way,
    Question.TIME: _time,
    Question.NAME: _name,
    Question.CONTACT: _contact,
    Question.CONFIRMED: _confirmed,
}


def _leave_title(asked: Mapping[str, Any], texts: Texts) -> str:
    return texts.gettext("Keep the old time") if asked["moves"] else texts.gettext("Stop booking")


def why(question: Question, texts: Texts) -> str:
    """Why something is asked, and what happens with the answer."""
    return {
        Question.SERVICE: texts.gettext("I ask so that you get the right appointment."),
        Question.SUBJECT: texts.gettext(
            "I ask so that the counsellor can prepare. Only the counsellor reads it. "
            "You can leave it out."
        ),
        Question.CHILD: texts.gettext(
            "I ask because this advice is for women with young children. I keep only that your "
            "child is young enough, not the age."
        ),
        Question.LANGUAGE: texts.gettext("I ask so that you get a counsellor who speaks it."),
        Question.WAY: texts.gettext(
            "I ask because not every counsellor has the same times for visits, calls and video."
        ),
        Question.TIME: texts.gettext(
            "I keep a time for you for ten minutes while you go on. It is booked only when you "
            "say yes at the end."
        ),
        Question.NAME: texts.gettext(
            "I ask so that the counsellor knows how to greet you. Only the counsellor sees it. "
            "You can leave it out or choose another name."
        ),
        Question.CONTACT: texts.gettext(
            "I ask because the counsellor calls you. The number is used for this only."
        ),
        Question.CONFIRMED: texts.gettext("I ask so that no mistake is booked."),
    }[question]


def remark(note: Mapping[str, Any], texts: Texts) -> OutgoingMessage:
    """What is said before a question is asked again; ``note`` is one of ``Outcome.notes``."""
    name = note["name"]
    if name == "why":
        return _said(why(Question(note["question"]), texts), texts)
    words = {
        "not_understood": texts.gettext(
            "I did not understand that. Choose a button, or say it in other words."
        ),
        "how_to_stop": texts.gettext("If you do not want to go on, press the last button."),
        "old_button": texts.gettext("This button belongs to an earlier question."),
        "impossible_age": texts.gettext("This cannot be an age or a date of birth."),
        "months_or_years": "",
        "language_not_spoken": texts.gettext("No counsellor speaks this language yet."),
        "way_not_offered": texts.gettext("This is not offered here."),
        "no_such_day": texts.gettext("There is no such day in the calendar."),
        "past": texts.gettext("This day is over."),
        "nothing_then": texts.gettext(
            "There is no free time then. These times come closest to it."
        ),
        "taken": texts.gettext(
            "I am sorry, somebody has just taken this time. These times come closest to it."
        ),
        "none_left": texts.gettext("I am sorry, somebody has just taken this time."),
        "name_too_long": texts.gettext("That is too long for a name. A first name is enough."),
        "no_number": texts.gettext("This is no complete phone number."),
        "number_needed": texts.gettext(
            "Without a number nobody can call you. You can also choose another way to talk."
        ),
    }[name]
    buttons = (human_button(texts),) if note.get("again") else ()
    return OutgoingMessage(text=words, buttons=buttons, language=texts.language)


def _said(text: str, texts: Texts) -> OutgoingMessage:
    return OutgoingMessage(text=text, language=texts.language)
