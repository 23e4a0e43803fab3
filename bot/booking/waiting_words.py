"""What is said of waiting lists: a place on one, a time offered, leaving, and joining again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.booking.models import Appointment, WaitingEntry
from bot.booking.presentation import in_language, time_label, way_name, when
from bot.i18n.texts import Texts
from bot.messages import Button, Card, CardLine, OutgoingMessage

# What the buttons mean to the router.
ACCEPT_OFFER = "booking_accept_offer"
DECLINE_OFFER = "booking_decline_offer"
LEAVE_LIST = "booking_leave_list"
JOIN_AGAIN = "booking_join_again"


def offer(held: Appointment, texts: Texts, *, entry_id: int, until: datetime) -> OutgoingMessage:
    """A time that became free, for somebody on the waiting list."""
    return OutgoingMessage(
        text=_offered(held, texts, until=until),
        buttons=offer_buttons(entry_id, texts),
        language=texts.language,
    )


def offer_buttons(entry_id: int, texts: Texts) -> tuple[Button, Button]:
    """Yes and no to the time that is offered."""
    return (
        Button(
            title=texts.gettext("Yes, book it"),
            payload={"command": ACCEPT_OFFER, "entry": entry_id},
            means="yes",
        ),
        Button(
            title=texts.gettext("No, thank you"),
            payload={"command": DECLINE_OFFER, "entry": entry_id},
            means="no",
        ),
    )


def offer_declined(entry: WaitingEntry, texts: Texts) -> OutgoingMessage:
    """The person keeps waiting for another time, unless they leave."""
    return OutgoingMessage(
        text=texts.gettext("All right. I ask you again when another time is free."),
        buttons=leave_buttons([entry], texts),
        language=texts.language,
    )


def offer_gone(texts: Texts) -> OutgoingMessage:
    """The time offered can no longer be had."""
    return OutgoingMessage(
        text=texts.gettext(
            "I am sorry, this time is no longer free. I ask you again when another time is free."
        ),
        language=texts.language,
    )


def joined(entries: Sequence[WaitingEntry], texts: Texts) -> OutgoingMessage:
    """That the person will be asked when a time becomes free, and how to leave again."""
    return OutgoingMessage(
        text=_waits(texts), buttons=leave_buttons(entries, texts), language=texts.language
    )


def place(entry: WaitingEntry, held: Appointment | None, texts: Texts) -> Card:
    """A place on a waiting list; ``held`` is the time that is offered to the person now."""
    until = entry.offered_until
    said = _offered(held, texts, until=until) if held is not None and until else _waits(texts)
    return Card(
        title=in_language(entry.service.title, texts.language),
        lines=(
            CardLine(label=texts.gettext("How"), value=way_name(entry.way, texts)),
            CardLine(label=texts.gettext("Language"), value=texts.language_name(entry.language)),
            CardLine(label="", value=said, kind="note"),
        ),
    )


def leave_buttons(entries: Sequence[WaitingEntry], texts: Texts) -> tuple[Button, ...]:
    """A button for each place; which one it is stands on it where there are several."""

    def title(entry: WaitingEntry) -> str:
        if len(entries) == 1:
            return texts.gettext("Leave the waiting list")
        service = in_language(entry.service.title, texts.language)
        return texts.gettext("Leave the waiting list: {service}", service=service)

    return tuple(
        Button(title=title(entry), payload=_leaving(entry), choosable=len(entries) > 1)
        for entry in entries
    )


def ask_leave(entries: Sequence[WaitingEntry], texts: Texts) -> OutgoingMessage:
    """Whether somebody who spoke of cancelling, and has a place only, wants to give it up."""
    leave = (
        (
            Button(
                title=texts.gettext("Yes, take me off it"),
                payload=_leaving(entries[0]),
                means="yes",
            ),
        )
        if len(entries) == 1
        else leave_buttons(entries, texts)
    )
    stay = Button(title=texts.gettext("No, I keep waiting"), payload={"intent": "deny"}, means="no")
    return OutgoingMessage(
        text=texts.gettext("Shall I take you off the waiting list?"),
        cards=tuple(place(entry, None, texts) for entry in entries),
        buttons=(*leave, stay),
        language=texts.language,
    )


def left(entry: WaitingEntry, texts: Texts) -> OutgoingMessage:
    """That nobody is asked any more, and how to join again."""
    return OutgoingMessage(
        text=texts.gettext("You are no longer on the waiting list."),
        buttons=(
            Button(
                title=texts.gettext("Join the waiting list again"),
                payload={"command": JOIN_AGAIN, "entry": entry.id},
            ),
        ),
        language=texts.language,
    )


def _leaving(entry: WaitingEntry) -> dict[str, str | int]:
    return {"command": LEAVE_LIST, "entry": entry.id}


def _waits(texts: Texts) -> str:
    return texts.gettext("You are on the waiting list. I write to you when a time becomes free.")


def _offered(held: Appointment, texts: Texts, *, until: datetime) -> str:
    return texts.gettext(
        "A time has become free: {time}. Do you want it? I keep it for you until {until}.",
        time=when(held.starts_at, held.service.zone, texts),
        until=time_label(until, held.service.zone, texts),
    )
