"""An appointment in the reader's words: labels of buttons, cards, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.booking.calendar_files import appointment_file
from bot.booking.clocktime import comes_twice
from bot.booking.models import Appointment, AppointmentState, CounsellingService, Way
from bot.booking.reminders import Planned
from bot.i18n.texts import Texts
from bot.messages import Button, Card, CardLine, Document, OutgoingMessage

# What buttons below a message about an appointment mean to the router.
REMINDERS_OFF = "booking_reminders_off"


@dataclass(frozen=True)
class Site:
    """Where this product is reached: ``https://…`` without a slash at the end."""

    base_url: str

    def appointment(self, token: str) -> str:
        """The page of a booking; whoever has the address may change it."""
        return f"{self.base_url}/appointment/{token}"

    def calendar_file(self, token: str) -> str:
        """The calendar file of a booking, always as it stands now."""
        return f"{self.appointment(token)}/appointment.ics"

    def feed(self, token: str) -> str:
        """A counsellor's private calendar feed."""
        return f"{self.base_url}/calendar/{token}.ics"


def in_language(written: Mapping[str, Any], language: str) -> str:
    """A text of a service in ``language``, else in English, German, or whatever there is."""
    for code in (language, "en", "de"):
        if written.get(code):
            return str(written[code])
    return str(next(iter(written.values()), ""))


def local(moment: datetime, zone: str) -> datetime:
    """A moment as clocks in a zone show it."""
    return moment.astimezone(ZoneInfo(zone))


def slot_label(starts_at: datetime, zone: str, texts: Texts) -> str:
    """A time as a short button title: "Tue, Nov 17, 9:00 AM"."""
    shown = local(starts_at, zone)
    label = texts.day_and_time(shown)
    return f"{label} ({texts.zone_name(shown)})" if comes_twice(shown) else label


def time_label(starts_at: datetime, zone: str, texts: Texts) -> str:
    """The time of day; with the zone's name where the clock shows it twice that day."""
    shown = local(starts_at, zone)
    time = texts.time(shown)
    return f"{time} ({texts.zone_name(shown)})" if comes_twice(shown) else time


def when(starts_at: datetime, zone: str, texts: Texts) -> str:
    """A time in full, with the zone that makes it unmistakable."""
    shown = local(starts_at, zone)
    return f"{texts.date(shown, 'full')}, {texts.time(shown)} ({texts.zone_name(shown)})"


def way_name(way: Way, texts: Texts) -> str:
    """How counsellor and person meet, as a button title."""
    return {
        Way.PLACE: texts.gettext("In person"),
        Way.PHONE: texts.gettext("By phone"),
        Way.VIDEO: texts.gettext("By video"),
    }[way]


def card(row: Appointment, texts: Texts, *, link: str = "") -> Card:
    """The facts of an appointment, ``link`` included where it may be changed."""
    service = row.service
    lines = [
        CardLine(label=texts.gettext("When"), value=when(row.starts_at, service.zone, texts)),
        CardLine(
            label=texts.gettext("Length"),
            value=texts.ngettext("{number} minute", "{number} minutes", _minutes(row)),
        ),
        *_where(row, service, texts),
        CardLine(label=texts.gettext("Your counsellor"), value=row.calendar.name),
        CardLine(label=texts.gettext("Language"), value=texts.language_name(row.language)),
    ]
    if bring := in_language(service.bring, texts.language):
        lines.append(CardLine(label=texts.gettext("Please bring"), value=bring))
    if service.childcare and row.way == Way.PLACE:
        lines.append(CardLine(label="", value=texts.gettext("Childcare is on site."), kind="note"))
    if link:
        lines.append(
            CardLine(label=texts.gettext("See, move or cancel it"), value=link, kind="url")
        )
    if service.demo:
        lines.append(CardLine(label="", value=demo_note(texts), kind="note"))
    return Card(title=in_language(service.title, texts.language), lines=tuple(lines))


def demo_note(texts: Texts) -> str:
    """What must stand wherever a demo could be taken for a real offer."""
    return texts.gettext("This is a demonstration: nobody waits for you there.")


def _minutes(row: Appointment) -> int:
    return int((row.ends_at - row.starts_at).total_seconds() // 60)


def _where(row: Appointment, service: CounsellingService, texts: Texts) -> list[CardLine]:
    label = texts.gettext("How")
    if row.way == Way.PHONE:
        return [CardLine(label=label, value=texts.gettext("By phone. We call you."))]
    if row.way == Way.VIDEO:
        value = texts.gettext("By video. You get the link before the appointment.")
        return [CardLine(label=label, value=value)]
    lines = [CardLine(label=texts.gettext("Place"), value=service.place)] if service.place else []
    if service.map_url:
        lines.append(CardLine(label=texts.gettext("Map"), value=service.map_url, kind="url"))
    return lines or [CardLine(label=label, value=texts.gettext("In person"))]


def booked(
    row: Appointment, texts: Texts, *, token: str, site: Site, planned: Sequence[Planned]
) -> OutgoingMessage:
    """The confirmation, with everything needed to be there."""
    words = [texts.gettext("Your appointment is booked."), *_reminders(row, planned, texts)]
    return _with_file(row, " ".join(words), texts, token=token, site=site)


def moved(
    row: Appointment, texts: Texts, *, token: str, site: Site, by_counsellor: bool
) -> OutgoingMessage:
    """The new time, and a calendar file that replaces the old one."""
    text = (
        texts.gettext("Your counsellor had to move your appointment. This is the new time:")
        if by_counsellor
        else texts.gettext("Your appointment is moved. This is the new time:")
    )
    return _with_file(row, text, texts, token=token, site=site)


def cancelled(
    row: Appointment, texts: Texts, *, site: Site, now: datetime, by_counsellor: bool
) -> OutgoingMessage:
    """That the appointment does not take place, and a file that takes it out of a calendar."""
    at = when(row.starts_at, row.service.zone, texts)
    text = (
        texts.gettext("Your counsellor had to cancel your appointment on {time}.", time=at)
        if by_counsellor
        else texts.gettext("Your appointment on {time} is cancelled.", time=at)
    )
    another = Button(
        title=texts.gettext("Book another time"), payload={"intent": "book_counselling"}
    )
    return OutgoingMessage(
        text=text,
        buttons=(another,),
        documents=(_document(row, texts, site=site, now=now),),
        language=texts.language,
    )


def reminder(row: Appointment, texts: Texts, *, token: str, site: Site) -> OutgoingMessage:
    """A reminder; whoever wants no more of them presses a button."""
    return OutgoingMessage(
        text=texts.gettext("A reminder of your appointment:"),
        cards=(card(row, texts, link=site.appointment(token)),),
        buttons=(
            Button(title=texts.gettext("Move it"), payload={"intent": "change_booking"}),
            Button(title=texts.gettext("Cancel it"), payload={"intent": "cancel_booking"}),
            Button(
                title=texts.gettext("No more reminders"),
                payload={"command": REMINDERS_OFF, "appointment": row.id},
            ),
        ),
        language=texts.language,
    )


def reminders_off(texts: Texts) -> OutgoingMessage:
    """No reminder of this appointment comes any more; it stays booked."""
    return _plain(texts.gettext("You get no more reminders. Your appointment stays booked."), texts)


def _plain(text: str, texts: Texts) -> OutgoingMessage:
    return OutgoingMessage(text=text, language=texts.language)


def _reminders(row: Appointment, planned: Sequence[Planned], texts: Texts) -> list[str]:
    """When the person will be reminded, and that the night moved it where it did."""
    if not planned:
        return []
    times = [slot_label(reminder.due_at, row.service.zone, texts) for reminder in planned]
    words = [texts.gettext("I will remind you: {times}.", times=texts.enumeration(times))]
    if any(reminder.shifted for reminder in planned):
        words.append(texts.gettext("I do not write at night."))
    return words


def _with_file(
    row: Appointment, text: str, texts: Texts, *, token: str, site: Site
) -> OutgoingMessage:
    return OutgoingMessage(
        text=text,
        cards=(card(row, texts, link=site.appointment(token)),),
        documents=(
            _document(row, texts, site=site, now=row.changed_at, url=site.calendar_file(token)),
        ),
        language=texts.language,
    )


def _document(
    row: Appointment, texts: Texts, *, site: Site, now: datetime, url: str = ""
) -> Document:
    content = appointment_file(row, card(row, texts), site_url=site.base_url, now=now)
    cancels = row.state == AppointmentState.CANCELLED
    return Document(
        name="cancelled.ics" if cancels else "appointment.ics",
        title=texts.gettext("Calendar file"),
        media_type="text/calendar",
        content=content,
        url=url,
    )
