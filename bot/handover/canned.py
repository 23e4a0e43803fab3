"""Answers that counsellors give often: chosen in their language, sent in the newcomer's.

They are ordinary texts of the catalogues, so all of them exist in every reply language.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.i18n.texts import Texts, source_text


@dataclass(frozen=True, kw_only=True)
class CannedAnswer:
    """One answer; ``key`` never changes."""

    key: str
    text: str


ANSWERS: tuple[CannedAnswer, ...] = (
    CannedAnswer(
        key="greeting",
        text=source_text("Hello! I am a counsellor and I read what you wrote. One moment, please."),
    ),
    CannedAnswer(
        key="how_can_i_help",
        text=source_text("Hello! How can I help you? Please write in your own language."),
    ),
    CannedAnswer(
        key="more_details",
        text=source_text(
            "Please tell me a little more, so that I can find the right offer for you."
        ),
    ),
    CannedAnswer(
        key="which_district", text=source_text("In which district of Stuttgart do you live?")
    ),
    CannedAnswer(
        key="which_level",
        text=source_text("How well do you speak German? Do you know your level, such as A2?"),
    ),
    CannedAnswer(key="child_age", text=source_text("How old is your child?")),
    CannedAnswer(
        key="residence_permit",
        text=source_text(
            "Which residence permit do you have? You need not send a photo, the name is enough."
        ),
    ),
    CannedAnswer(
        key="send_photo",
        text=source_text(
            "You can send me a photo of the letter here. Only counsellors of this chat see it."
        ),
    ),
    CannedAnswer(
        key="file_received",
        text=source_text("I have received your photo and will read it. One moment, please."),
    ),
    CannedAnswer(
        key="i_will_ask",
        text=source_text("I have to ask a colleague about this. I will answer you here."),
    ),
    CannedAnswer(
        key="takes_longer",
        text=source_text("This takes a little longer. I will write to you here as soon as I know."),
    ),
    CannedAnswer(
        key="come_by",
        text=source_text("It is best if you come to a counselling centre. Shall I tell you where?"),
    ),
    CannedAnswer(
        key="call_office",
        text=source_text(
            "Please call the office. If you do not speak German well yet, ask somebody to help you."
        ),
    ),
    CannedAnswer(
        key="book_appointment",
        text=source_text("Would you like an appointment with a counsellor?"),
    ),
    CannedAnswer(key="did_it_help", text=source_text("Did this help you? Do you need more?")),
    CannedAnswer(
        key="not_in_charge",
        text=source_text(
            "Another office is in charge of this. I give you its address, so that you get help."
        ),
    ),
    CannedAnswer(
        key="emergency",
        text=source_text(
            "If you are in danger, call the police now: 110. Ambulance and fire brigade: 112."
        ),
    ),
    CannedAnswer(
        key="goodbye",
        text=source_text("You are welcome. I end our talk now. You can write again at any time."),
    ),
)


def text_of(key: str, texts: Texts) -> str | None:
    """The answer with this key in the language of ``texts``; None when there is none."""
    found = next((answer for answer in ANSWERS if answer.key == key), None)
    return texts.gettext(found.text) if found else None


def offer_times(service: str, texts: Texts) -> str:
    """Said above times of a counselling service that can be chosen."""
    return texts.gettext(
        'I can offer you these times for "{service}". Please choose one.', service=service
    )
