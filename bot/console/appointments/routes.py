"""The calendar of a counsellor, by day and week and as a list."""

from datetime import date, timedelta
from typing import Annotated, Literal

from babel.dates import format_date
from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from bot.booking import calendars
from bot.booking.calendars import ZONE
from bot.booking.hours import holiday_names
from bot.booking.models import CounsellorCalendar
from bot.console import access
from bot.console.appointments import chosen, entered, grid
from bot.console.appointments.words import STATES, WAYS, service_title
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import Services
from bot.counsellors.models import Account, Role
from bot.i18n.texts import source_text

ROLES = (Role.COUNSELLOR, Role.PARTNER, Role.ADMIN)
NAVIGATION = NavItem(
    path="/console/appointments",
    label=source_text("Appointments"),
    icon="calendar",
    roles=frozenset(ROLES),
)
LIST_DAYS = 60
NEWS_SHOWN = 4

router = APIRouter(prefix="/appointments")

Counsellor = Annotated[Account, Depends(access.require(*ROLES))]
View = Literal["day", "week", "list"]


@router.get("")
def show(
    request: Request,
    services: Services,
    account: Counsellor,
    view: View = "week",
    day: str = "",
    calendar: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Response:
    """The calendar by day or week, or as a list of what lies ahead."""
    now = services.clock()
    today = now.astimezone(ZONE).date()
    shown = entered.day_of(day) or today
    first, last, step = _span(view, shown)
    with services.database.reading() as session:
        own = chosen.chosen(session, account, calendar)
        if own is None:
            return render(request, "appointments/none.html")
        rows = calendars.appointments_between(session, own, first, last, now=now)
        conflicts = calendars.conflicts(session, rows, now=now)
        days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
        placed = grid.build(
            days,
            appointments=rows,
            away=calendars.away_between(session, own, first, last),
            hours=calendars.hours_between(own, first, last),
            conflicts=conflicts,
            holidays=_holidays(own, days),
            today=today,
            zone=ZONE,
        )
        news = calendars.news(session, own, limit=NEWS_SHOWN)
        more_news = calendars.count_news(session, own) - len(news)
        return render(
            request,
            "appointments/page.html",
            calendar=own,
            choices=chosen.choices(session, account),
            view=view,
            day=shown,
            first=first,
            last=last,
            before=shown - step,
            after=shown + step,
            today=today,
            grid=placed,
            rows=rows,
            conflicts=conflicts,
            news=news,
            more_news=more_news,
            weekday=lambda day: format_date(day, "EEEE", locale=texts_of(request).language),
            date_of=lambda day: texts_of(request).date(day),
            service_title=service_title(request),
            states=STATES,
            ways=WAYS,
        )


@router.post("/seen")
def mark_seen(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: Annotated[int, Form(ge=1, lt=2**31)],
) -> Response:
    """Notes that the news were read."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        calendars.mark_seen(own, now=services.clock())
    return redirect(f"/appointments?calendar={calendar}")


def _span(view: View, day: date) -> tuple[date, date, timedelta]:
    """The first and last day shown, and how far the arrows lead."""
    if view == "day":
        return day, day, timedelta(days=1)
    if view == "list":
        return day, day + timedelta(days=LIST_DAYS), timedelta(days=LIST_DAYS)
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6), timedelta(days=7)


def _holidays(calendar: CounsellorCalendar, days: list[date]) -> dict[date, str]:
    region = calendar.services[0].holiday_region if calendar.services else "BW"
    return holiday_names(region, days)
