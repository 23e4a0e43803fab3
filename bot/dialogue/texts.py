"""What the bot says about the conversation itself: languages, people, misunderstandings."""

from __future__ import annotations

from dataclasses import replace

from bot.buttons import human_button, topics_button
from bot.handover.texts import withdraw_button
from bot.i18n.languages import LANGUAGES, REPLY_LANGUAGES
from bot.i18n.texts import Texts
from bot.measures.topics import Topic, topic_name
from bot.messages import Button, Kind, OutgoingMessage
from bot.safety.answers import Emergency
from bot.safety.answers import answer as answer_emergency

MAIN_TOPICS = (Topic.LANGUAGE_COURSE, Topic.JOB, Topic.CHILDCARE, Topic.HOUSING)


def topic_buttons(texts: Texts) -> tuple[Button, ...]:
    """One button for each of the main topics."""
    return tuple(
        Button(title=topic_name(topic, texts), payload={"intent": topic.intent})
        for topic in MAIN_TOPICS
    )


def emergency(kind: Emergency, texts: Texts) -> OutgoingMessage:
    """The fixed answer to an emergency, with the way back for whoever was misunderstood."""
    return replace(answer_emergency(kind, texts), buttons=(withdraw_button(texts),))


def not_understood(texts: Texts, *, again: bool) -> OutgoingMessage:
    """Says what the bot can do; the second time in a row it offers a person first."""
    if again:
        return OutgoingMessage(
            text=texts.gettext("I am sorry, I still do not understand. Shall I bring in a person?"),
            buttons=(human_button(texts), *topic_buttons(texts)),
            language=texts.language,
        )
    return OutgoingMessage(
        text=texts.gettext(
            "I did not understand that, or I know nothing about it. I know offers for newcomers "
            "in Stuttgart. What is it about?"
        ),
        buttons=(*topic_buttons(texts), topics_button(texts), human_button(texts)),
        language=texts.language,
    )


def restarted(texts: Texts) -> OutgoingMessage:
    """Said when all that was searched for is forgotten on demand."""
    return OutgoingMessage(
        text=texts.gettext("All right, we start again. What do you need?"),
        buttons=(*topic_buttons(texts), topics_button(texts)),
        language=texts.language,
    )


def topic_question(texts: Texts) -> OutgoingMessage:
    """Asks for a topic when a wish or "more" came before any search."""
    return OutgoingMessage(
        text=texts.gettext("What is it about?"),
        buttons=(*topic_buttons(texts), topics_button(texts)),
        language=texts.language,
    )


def no_such_choice(texts: Texts, buttons: tuple[Button, ...]) -> OutgoingMessage:
    """Said when somebody chooses what was not in the last answer; shows its buttons again."""
    return OutgoingMessage(
        text=texts.gettext("There is nothing with this number in my last answer."),
        buttons=buttons,
        language=texts.language,
    )


def language_changed(texts: Texts) -> OutgoingMessage:
    """Confirms in the new language."""
    name = LANGUAGES[texts.language].endonym
    return OutgoingMessage(
        text=texts.gettext("I now write in this language: {language}.", language=name),
        language=texts.language,
    )


def language_not_served(texts: Texts, wanted: str) -> OutgoingMessage:
    """Says that a language is not spoken, and which are."""
    return OutgoingMessage(
        text=texts.gettext(
            "I understand some {language}, but I cannot write it yet. Please choose a language:",
            language=texts.language_name(wanted),
        ),
        buttons=language_buttons(),
        language=texts.language,
    )


def language_question(texts: Texts) -> OutgoingMessage:
    """Asks which language to write in."""
    return OutgoingMessage(
        text=texts.gettext("Which language shall I write in?"),
        buttons=language_buttons(),
        language=texts.language,
    )


def language_buttons() -> tuple[Button, ...]:
    """Every reply language by its own name."""
    return tuple(
        Button(
            title=LANGUAGES[code].endonym,
            payload={"intent": "change_language", "entities": {"language": code}},
        )
        for code in REPLY_LANGUAGES
    )


def engine_down(texts: Texts) -> OutgoingMessage:
    """Said once while the engine cannot be reached."""
    return OutgoingMessage(
        text=texts.gettext(
            "There is a technical problem at the moment. Your message is safe. "
            "I answer it as soon as everything works again."
        ),
        language=texts.language,
    )


def failed(texts: Texts) -> OutgoingMessage:
    """Said when one message could not be processed at all."""
    return OutgoingMessage(
        text=texts.gettext(
            "I am sorry, something went wrong with this message. "
            "Please say it in other words, or talk to a person."
        ),
        buttons=(human_button(texts), topics_button(texts)),
        language=texts.language,
    )


def old_button(texts: Texts) -> OutgoingMessage:
    """Said when a button is pressed that we do not know (any more)."""
    return OutgoingMessage(
        text=texts.gettext("This button no longer works. What can I do for you?"),
        buttons=(*topic_buttons(texts), topics_button(texts)),
        language=texts.language,
    )


def cannot_read(kind: Kind, texts: Texts) -> OutgoingMessage:
    """Says honestly what the bot cannot read, and what to do instead."""
    explanation = {
        Kind.VOICE: texts.gettext("I cannot listen to voice messages yet."),
        Kind.PHOTO: texts.gettext("I cannot look at pictures yet."),
        Kind.DOCUMENT: texts.gettext("I cannot read files yet."),
    }.get(kind, texts.gettext("I can only read text."))
    invitation = texts.gettext("Please write to me what it is about, in your language.")
    return OutgoingMessage(
        text=f"{explanation} {invitation}",
        buttons=(*topic_buttons(texts), human_button(texts)),
        language=texts.language,
    )
