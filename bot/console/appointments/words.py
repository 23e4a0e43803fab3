"""What the calendar's pages call states, ways, problems and services."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from bot.booking.models import AppointmentState, CounsellingService, Way
from bot.booking.presentation import in_language
from bot.console.pages import texts_of
from bot.i18n.texts import source_text

STATES = {
    AppointmentState.HELD: source_text("being booked"),
    AppointmentState.BOOKED: source_text("booked"),
    AppointmentState.ATTENDED: source_text("attended"),
    AppointmentState.MISSED: source_text("missed"),
    AppointmentState.CANCELLED: source_text("cancelled"),
    AppointmentState.MOVED: source_text("moved"),
    AppointmentState.EXPIRED: source_text("expired"),
}
WAYS = {
    Way.PLACE: source_text("In person"),
    Way.PHONE: source_text("By phone"),
    Way.VIDEO: source_text("By video"),
}
PROBLEMS = {
    "taken": source_text("There is another appointment at this time."),
    "hours": source_text("This time is past or outside of the hours."),
    "closed": source_text("This appointment can no longer be changed."),
    "time": source_text("Please give a day and a time."),
    "service": source_text("Please choose a service and a way."),
}


def problem_text(request: Request, problem: str) -> str:
    """What a problem is called in the page's language; "" where there is none."""
    return texts_of(request).gettext(PROBLEMS[problem]) if problem else ""


def service_title(request: Request) -> Callable[[CounsellingService], str]:
    """Says what a service is called in the page's language."""
    language = texts_of(request).language
    return lambda service: in_language(service.title, language)
