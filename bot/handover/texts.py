"""What the newcomer is told when a handover moves, in their language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.buttons import topics_button
from bot.counsellors.hours import ZONE
from bot.handover.routing import Presence
from bot.i18n.texts import Texts
from bot.messages import Button, OutgoingMessage

#: Commands of the buttons below these texts; the router carries them out.
WITHDRAW = "handover.withdraw"
LEAVE_MESSAGE = "handover.leave_message"
ASK_FOR_CALL = "handover.ask_for_call"
RATE = "handover.rate"
WRITE_AGAIN = "handover.write_again"


# Waiting


def requested(texts: Texts, presence: Presence) -> OutgoingMessage:
    """What happens next when a person was called: soon, or when somebody is back."""
    if not presence.is_open:
        return nobody_there(texts, presence)
    return OutgoingMessage(
        text=texts.gettext(
            "I have passed this chat on to our counsellors. A person will answer you here, "
            "as soon as somebody is free. You can go on writing: everything will be read. "
            "In an emergency do not wait: call 110 or 112."
        ),
        buttons=(withdraw_button(texts),),
        language=texts.language,
    )


def nobody_there(texts: Texts, presence: Presence) -> OutgoingMessage:
    """Says when somebody is back and what can be done until then."""
    closed = _back(
        texts,
        presence,
        texts.gettext("Our counsellors are not there at the moment."),
        lambda moment: texts.gettext(
            "Our counsellors are not there at the moment. They are back on {moment}.",
            moment=moment,
        ),
    )
    choice = texts.gettext(
        "You can leave a message here, ask for a call, or go on with me, the chat assistant. "
        "In an emergency do not wait: call 110 or 112."
    )
    return OutgoingMessage(
        text=f"{closed} {choice}",
        buttons=(
            Button(title=texts.gettext("Leave a message"), payload={"command": LEAVE_MESSAGE}),
            Button(title=texts.gettext("Ask for a call"), payload={"command": ASK_FOR_CALL}),
            withdraw_button(texts),
        ),
        language=texts.language,
    )


def write_message(texts: Texts) -> OutgoingMessage:
    """Invites to leave a message."""
    return OutgoingMessage(
        text=texts.gettext(
            "Write your message here now, in your language. Our counsellors will read it."
        ),
        buttons=(withdraw_button(texts),),
        language=texts.language,
    )


def write_number(texts: Texts) -> OutgoingMessage:
    """Asks for what is needed for a call."""
    return OutgoingMessage(
        text=texts.gettext(
            "Please write your telephone number, and on which days and at what time we can "
            "call you."
        ),
        buttons=(withdraw_button(texts),),
        language=texts.language,
    )


def message_kept(texts: Texts, presence: Presence) -> OutgoingMessage:
    """Answers the first message left while nobody is there."""
    text = _back(
        texts,
        presence,
        texts.gettext("Thank you. Our counsellors will read this and answer you here."),
        lambda moment: texts.gettext(
            "Thank you. Our counsellors will read this and answer you here. "
            "They are back on {moment}.",
            moment=moment,
        ),
    )
    return OutgoingMessage(text=text, buttons=(withdraw_button(texts),), language=texts.language)


def takes_longer(texts: Texts) -> OutgoingMessage:
    """Said once to whoever has waited for long while counsellors are there."""
    return OutgoingMessage(
        text=texts.gettext(
            "I am sorry that you have to wait. All counsellors are busy; you are not forgotten, "
            "and somebody will answer you here. You can close this chat and look again later."
        ),
        buttons=(
            Button(title=texts.gettext("Ask for a call"), payload={"command": ASK_FOR_CALL}),
            withdraw_button(texts),
        ),
        language=texts.language,
    )


def withdraw_button(texts: Texts) -> Button:
    """Goes on with the bot instead of waiting for a person."""
    return Button(
        title=texts.gettext("Go on with the chat assistant"), payload={"command": WITHDRAW}
    )


def withdrawn(texts: Texts, *, stays: bool) -> str:
    """Said when the person goes on with the bot; ``stays``: a counsellor will still answer."""
    going_on = texts.gettext("All right, I answer you again. What do you need?")
    kept = texts.gettext("Our counsellors keep your message and will answer it here.")
    return f"{kept} {going_on}" if stays else going_on


def _back(texts: Texts, presence: Presence, unknown: str, known: Callable[[str], str]) -> str:
    if presence.back_at is None:
        return unknown
    return known(texts.day_and_time(presence.back_at.astimezone(ZONE)))


# With a counsellor


def somebody_is_here(texts: Texts) -> OutgoingMessage:
    """Said when a counsellor has taken the chat and has not written yet."""
    return OutgoingMessage(
        text=texts.gettext(
            "A counsellor has taken over your chat, reads what you wrote and will answer here."
        ),
        language=texts.language,
    )


def passed_on(texts: Texts) -> OutgoingMessage:
    """Said when a counsellor passes the chat on to others."""
    return OutgoingMessage(
        text=texts.gettext(
            "Your chat has been passed on to other counsellors. Somebody will answer you here. "
            "You need not explain everything again."
        ),
        language=texts.language,
    )


def talk_ended(texts: Texts, *, handover_id: int) -> OutgoingMessage:
    """Gives the chat back to the bot and asks how the talk was."""
    goodbye = texts.gettext(
        "The talk with our counsellor has ended. From now on I, the chat assistant, "
        "answer you again. If you need a person, just say so."
    )
    question = texts.gettext("Did this talk help you?")
    return OutgoingMessage(
        text=f"{goodbye}\n\n{question}",
        buttons=(
            _rating(texts.gettext("👍 Yes, it helped"), handover_id, 1),
            _rating(texts.gettext("👎 No, it did not"), handover_id, -1),
            write_again_button(texts),
        ),
        language=texts.language,
    )


def _rating(title: str, handover_id: int, value: int) -> Button:
    payload: dict[str, Any] = {"command": RATE, "handover": handover_id, "rating": value}
    return Button(title=title, payload=payload)


def write_again_button(texts: Texts) -> Button:
    """Goes back to the counsellor after the end."""
    return Button(
        title=texts.gettext("Write to the counsellor again"), payload={"command": WRITE_AGAIN}
    )


def back_with_counsellor(texts: Texts, presence: Presence) -> OutgoingMessage:
    """Said when the person goes back to a counsellor after the end of a talk."""
    again = texts.gettext(
        "You are connected with our counsellors again. They see what you wrote before. "
        "Write what you still need."
    )
    if not presence.is_open:
        later = _back(
            texts,
            presence,
            texts.gettext("At the moment nobody is there."),
            lambda moment: texts.gettext(
                "At the moment nobody is there. They are back on {moment}.", moment=moment
            ),
        )
        again = f"{again} {later}"
    return OutgoingMessage(text=again, language=texts.language)


def thanks_for_rating(texts: Texts, *, rating: int) -> OutgoingMessage:
    """Answers a thumb up or down after a talk with a counsellor."""
    if rating > 0:
        text = texts.gettext("Thank you, we are glad. What else can I do for you?")
        return OutgoingMessage(text=text, buttons=(topics_button(texts),), language=texts.language)
    return OutgoingMessage(
        text=texts.gettext(
            "Thank you for telling us. I am sorry that it did not help. "
            "You can write to the counsellor again, or ask me."
        ),
        buttons=(write_again_button(texts), topics_button(texts)),
        language=texts.language,
    )


def correction(message: OutgoingMessage, texts: Texts, *, of: Sequence[str]) -> OutgoingMessage:
    """A reply that takes the place of one; ``of`` are the platform's ids of that."""
    marked = texts.gettext("Correction: {text}", text=message.text)
    return replace(message, text=marked, replaces=tuple(of), replacement=message.text)


def translated(translation: str, texts: Texts, *, original: str) -> OutgoingMessage:
    """A counsellor's words as a machine translated them, marked, with the original below."""
    mark = texts.gettext("Translated by a machine. The original:")
    return OutgoingMessage(
        text=f"{translation}\n\n🌐 {mark}\n{texts.value(original)}", language=texts.language
    )


def request_closed(texts: Texts) -> OutgoingMessage:
    """Said when a request is closed to which no counsellor had written anything."""
    return OutgoingMessage(
        text=texts.gettext(
            "Our counsellors have closed your request. I, the chat assistant, answer you. "
            "If you still need a person, just say so."
        ),
        language=texts.language,
    )
