"""Asking what somebody meant: intents by names that can stand on a button."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.buttons import human_button, more_button, topics_button
from bot.i18n.texts import Texts
from bot.measures.topics import Topic, topic_name
from bot.messages import Button, OutgoingMessage

_NAMES: dict[str, Callable[[Texts], str]] = {
    "request_human": lambda texts: texts.gettext("Talk to a person"),
    "book_counselling": lambda texts: texts.gettext("Book an appointment"),
    "change_booking": lambda texts: texts.gettext("Change my appointment"),
    "cancel_booking": lambda texts: texts.gettext("Cancel my appointment"),
    "show_bookings": lambda texts: texts.gettext("My appointments"),
    "change_language": lambda texts: texts.gettext("Change the language"),
    "ask_privacy": lambda texts: texts.gettext("What is stored about me"),
    "delete_my_data": lambda texts: texts.gettext("Delete my data"),
}
# The intents that somebody can be asked about. Small talk is not among them: "do you mean hello
# or thank you?" helps nobody.
ASKABLE = frozenset((*(topic.intent for topic in Topic if topic != Topic.EMERGENCY), *_NAMES))


def intent_name(intent: str, texts: Texts) -> str:
    """An intent of ``ASKABLE`` in the reader's language, as it stands on a button."""
    topic = Topic.from_intent(intent)
    return topic_name(topic, texts) if topic else _NAMES[intent](texts)


def ask_back(intents: Sequence[str], texts: Texts, *, again: bool) -> OutgoingMessage:
    """Asks which of one to three intents was meant; a person comes first when it failed before."""
    names = [intent_name(intent, texts) for intent in intents]
    sole = len(intents) == 1
    choices = tuple(
        Button(title=name, payload={"intent": intent}, means="yes" if sole else "")
        for intent, name in zip(intents, names, strict=True)
    )
    if sole:
        other = Button(
            title=texts.gettext("No, something else"), payload={"intent": "help"}, means="no"
        )
    else:
        other = topics_button(texts)
    ways_on = (human_button(texts), other) if again else (other, human_button(texts))
    return OutgoingMessage(
        text=texts.gettext("Do you mean {choices}?", choices=texts.alternatives(names)),
        buttons=(*choices, *ways_on),
        language=texts.language,
    )


def alternatives(meanings: Sequence[str], texts: Texts, *, more: bool) -> OutgoingMessage:
    """Answers "that's wrong": other meanings, other offers when there are, a person."""
    text = texts.gettext("I am sorry that this was not right.")
    if meanings:
        names = [intent_name(intent, texts) for intent in meanings]
        question = texts.gettext("Do you mean {choices}?", choices=texts.alternatives(names))
    else:
        question = texts.gettext(
            "Tell me in other words what you need, choose another topic, or talk to a person."
        )
    meant = [
        Button(title=intent_name(intent, texts), payload={"intent": intent})
        for intent in meanings
        if intent != "request_human"
    ]
    return OutgoingMessage(
        text=f"{text} {question}",
        buttons=(
            *meant,
            *((more_button(texts),) if more else ()),
            topics_button(texts),
            human_button(texts),
        ),
        language=texts.language,
    )
