"""The fixed, reviewed answers to emergencies. Numbers stand here and nowhere else.

Sources: 110 and 112 are Germany's emergency numbers; 116 016 is the federal
helpline on violence against women; 0800 111 0 111 the crisis line
(TelefonSeelsorge); 116 117 the doctor on call. Night shelter and cold-weather bus
of Stuttgart as of November 2025 (``data/measures.csv``, stg-notuebernachtung).
"""

from __future__ import annotations

from enum import StrEnum

from bot.i18n.texts import Texts
from bot.messages import Card, CardLine, OutgoingMessage


class Emergency(StrEnum):
    """What kind of help is needed at once."""

    DANGER = "danger"
    VIOLENCE = "violence"
    SUICIDE = "suicide"
    MEDICAL = "medical"
    HOMELESS = "homeless"
    CHILD = "child"


def answer(kind: Emergency, texts: Texts) -> OutgoingMessage:
    """What is said at once: what to do now, whom to call, and that a person was told."""
    lines = {
        "110": CardLine(label=texts.gettext("Police"), value="110", kind="phone"),
        "112": CardLine(
            label=texts.gettext("Ambulance and fire brigade"), value="112", kind="phone"
        ),
        "116016": CardLine(
            label=texts.gettext("Help line for women, day and night, free, many languages"),
            value="116 016",
            kind="phone",
        ),
        "crisis": CardLine(
            label=texts.gettext("Crisis line, day and night, free, mostly in German"),
            value="0800 111 0 111",
            kind="phone",
        ),
        "116117": CardLine(
            label=texts.gettext("Doctor on call, not life-threatening"),
            value="116 117",
            kind="phone",
        ),
        "shelter": CardLine(
            label=texts.gettext("Night shelter in Stuttgart, day and night"),
            value="Bottroper Straße 55, Stuttgart-Münster",
        ),
        "bus": CardLine(
            label=texts.gettext("Cold-weather bus in winter nights"),
            value="0711 21954776",
            kind="phone",
        ),
    }
    order = {
        Emergency.DANGER: ("110", "112", "116016", "crisis"),
        Emergency.VIOLENCE: ("110", "116016", "112"),
        Emergency.SUICIDE: ("112", "crisis", "116117"),
        Emergency.MEDICAL: ("112", "116117"),
        Emergency.HOMELESS: ("shelter", "bus", "112"),
        Emergency.CHILD: ("110", "112", "crisis"),
    }[kind]
    return OutgoingMessage(
        text=_advice(kind, texts),
        cards=(Card(title=texts.gettext("Help now"), lines=tuple(lines[key] for key in order)),),
        language=texts.language,
    )


def _advice(kind: Emergency, texts: Texts) -> str:
    first = {
        Emergency.DANGER: texts.gettext("Are you in danger now? Call 110."),
        Emergency.VIOLENCE: texts.gettext(
            "Nobody may hurt you, threaten you or lock you in. This is not your fault. "
            "Are you in danger now? Call 110."
        ),
        Emergency.SUICIDE: texts.gettext(
            "I am glad that you wrote. You are not alone. Please talk to somebody now. "
            "If your life is in danger, call 112."
        ),
        Emergency.MEDICAL: texts.gettext(
            "If it is serious, call 112 now. Say where you are and what has happened."
        ),
        Emergency.HOMELESS: texts.gettext(
            "Nobody has to sleep outside. If you are alone, go to the night shelter, at any hour. "
            "If children are with you, write that here; if nobody answers, call 110."
        ),
        Emergency.CHILD: texts.gettext("Is a child in danger now? Call 110 or 112."),
    }[kind]
    told = texts.gettext("I have also told our counsellors. A person will read this chat.")
    return f"{first}\n\n{told}"
