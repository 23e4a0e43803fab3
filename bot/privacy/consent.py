"""What a person is told and asked about what is stored of them: consent, copy, deletion."""

from __future__ import annotations

from bot.i18n.texts import Texts
from bot.messages import Button, Document, OutgoingMessage

AGREE = "consent.agree"
DECLINE = "consent.decline"
FORGET = "privacy.forget"
EXPORT_NAME = "lotse-export.json"


def question(texts: Texts) -> OutgoingMessage:
    """Who speaks, what is stored and how to have it deleted; asks for consent."""
    return OutgoingMessage(
        text=texts.gettext(
            "Hello! I am Lotse, the chat assistant of the City of Stuttgart for newcomers. "
            "I am a computer program. When needed, I bring in a person.\n\n"
            "To answer you, I store what you write here. Only the advice team can read it. "
            "Other offices do not get it. You can delete everything at any time: "
            "write {command}.\n\n"
            "Do you agree? Then I answer your message right away.",
            command="/forget",
        ),
        buttons=(
            Button(title=texts.gettext("Yes, I agree"), payload={"command": AGREE}),
            Button(title=texts.gettext("No"), payload={"command": DECLINE}),
        ),
        language=texts.language,
    )


def reminder(texts: Texts) -> OutgoingMessage:
    """Repeats the choice shortly, for a person who wrote on instead of choosing."""
    return OutgoingMessage(
        text=texts.gettext("I have kept your message. May I store it and answer it?"),
        buttons=question(texts).buttons,
        language=texts.language,
    )


def declined(texts: Texts) -> OutgoingMessage:
    """Confirms a "no" and names a way to get help without the chat."""
    return OutgoingMessage(
        text=texts.gettext(
            "All right. I have deleted what you wrote. "
            "In an emergency call 110 or 112. If you change your mind, just write again."
        ),
        language=texts.language,
    )


def thanks(texts: Texts) -> OutgoingMessage:
    """Said when consent was given before anything was asked."""
    return OutgoingMessage(
        text=texts.gettext("Thank you. What do you need? Write to me in your language."),
        language=texts.language,
    )


def copy_of_data(texts: Texts) -> OutgoingMessage:
    """The file that a person asked for with ``/export``; its content is made when it is sent."""
    return OutgoingMessage(
        text=texts.gettext(
            "This file shows what is stored about you in this chat. "
            "It is for you alone. Please do not pass it on."
        ),
        documents=(
            Document(
                name=EXPORT_NAME,
                title=texts.gettext("My data"),
                media_type="application/json",
                content="",
                holds_all_data=True,
                otherwise=texts.gettext(
                    "I am sorry, your file cannot be made at the moment. "
                    "Please write {command} again tomorrow.",
                    command="/export",
                ),
            ),
        ),
        language=texts.language,
    )


def ask_delete(texts: Texts) -> OutgoingMessage:
    """Makes sure before all is deleted; said where the engine is not asked."""
    return OutgoingMessage(
        text=texts.gettext(
            "Shall I delete everything you wrote here and what I remember of you? "
            "This cannot be undone."
        ),
        buttons=(
            Button(
                title=texts.gettext("Yes, delete everything"),
                payload={"command": FORGET},
                means="yes",
            ),
            Button(title=texts.gettext("No, keep it"), payload={"intent": "deny"}, means="no"),
        ),
        language=texts.language,
    )


def forgotten(texts: Texts) -> OutgoingMessage:
    """The last words to a person whose data are deleted."""
    return OutgoingMessage(
        text=texts.gettext("Everything is deleted. If you need something, just write again."),
        language=texts.language,
    )
