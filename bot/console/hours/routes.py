"""Hours, breaks, absences, the private calendar feed, and other calendars to read from."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from babel.dates import get_day_names
from fastapi import APIRouter, Depends, Form, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.booking import busy_times, calendars
from bot.booking.busy_fetch import FetchRefusedError
from bot.booking.calendars import ZONE, CalendarRefusedError
from bot.booking.models import BusyKind, BusyTime, Span
from bot.console import access
from bot.console.appointments import chosen
from bot.console.appointments.routes import ROLES
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors import audit
from bot.counsellors.models import Account
from bot.i18n.texts import source_text

NAVIGATION = NavItem(
    path="/console/hours",
    label=source_text("My hours"),
    icon="clock",
    roles=frozenset(ROLES),
)
PROBLEMS = {
    "times": source_text("The end must come after the beginning."),
    "days": source_text("The last day must not be before the first one."),
    "many": source_text("There are too many entries already. Please remove some."),
    "form": source_text("Please fill in days and times."),
    "address": source_text("Please give an address that begins with https:// or webcal://."),
    "private_address": source_text("This address is not on the public internet."),
    "unknown_host": source_text("There is no server under this address."),
    "redirects": source_text("This address leads on and on."),
    "status": source_text("The server does not give out a calendar there."),
    "unreachable": source_text("The server cannot be reached."),
    "too_large": source_text("The calendar is too large."),
    "too_slow": source_text("The server is too slow."),
    "no_calendar": source_text("What stands there is no calendar."),
    "too_many": source_text("The calendar holds too many events."),
}

router = APIRouter(prefix="/hours")

Counsellor = Annotated[Account, Depends(access.require(*ROLES))]
Text = Annotated[str, Form()]
CalendarId = Annotated[int, Form(ge=1, lt=2**31)]
RowId = Annotated[int, Form(ge=1, lt=2**31)]


@router.get("")
def show(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Response:
    """Everything that says when a counsellor can be booked."""
    return _page(request, services, account, calendar)


@router.post("/weekly")
def add_weekly_time(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: CalendarId,
    weekday: Annotated[int, Form(ge=0, le=6)],
    span: Annotated[Span, Form()] = Span.OPEN,
    starts: Text = "",
    ends: Text = "",
    valid_from: Text = "",
    valid_until: Text = "",
) -> Response:
    """Adds weekly hours or a weekly break."""
    begins, stops = _minutes(starts), _minutes(ends)
    if begins is None or stops is None:
        return _page(request, services, account, calendar, problem="form")
    try:
        with services.database.transaction() as session:
            own = chosen.required(session, account, calendar)
            calendars.add_weekly_time(
                session,
                own,
                span=span,
                weekday=weekday,
                starts=begins,
                # Midnight at the end of a day is written as its beginning.
                ends=stops or 24 * 60,
                valid_from=_day(valid_from),
                valid_until=_day(valid_until),
            )
            _record(session, "calendar.hours", own.id, account, services)
    except CalendarRefusedError as error:
        return _page(request, services, account, calendar, problem=error.reason)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/weekly/remove")
def remove_weekly_time(
    request: Request, services: Services, account: Counsellor, calendar: CalendarId, row: RowId
) -> Response:
    """Takes weekly hours or a break away; what is booked in them stays booked."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        calendars.remove_weekly_time(session, own, row)
        _record(session, "calendar.hours", own.id, account, services)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/absences")
def add_absence(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: CalendarId,
    first: Text = "",
    last: Text = "",
    starts: Text = "",
    ends: Text = "",
    note: Text = "",
) -> Response:
    """Adds an absence: whole days, or from a time to a time."""
    first_day, last_day = _day(first), _day(last or first)
    if first_day is None or last_day is None:
        return _page(request, services, account, calendar, problem="form")
    try:
        with services.database.transaction() as session:
            own = chosen.required(session, account, calendar)
            calendars.add_absence(
                session,
                own,
                starts_at=_instant(first_day, _minutes(starts) or 0),
                ends_at=_instant(last_day, _minutes(ends) or 24 * 60),
                note=note,
            )
            _record(session, "calendar.absence", own.id, account, services)
    except CalendarRefusedError as error:
        return _page(request, services, account, calendar, problem=error.reason)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/absences/remove")
def remove_absence(
    request: Request, services: Services, account: Counsellor, calendar: CalendarId, row: RowId
) -> Response:
    """Takes an absence away."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        calendars.remove_absence(session, own, row)
        _record(session, "calendar.absence", own.id, account, services)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/feed")
def make_feed(
    request: Request, services: Services, account: Counsellor, calendar: CalendarId
) -> Response:
    """Makes a new secret address for the feed and shows it, once."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        token = calendars.new_feed(own)
        _record(session, "calendar.feed_made", own.id, account, services)
    feed = services.teller.site.feed(token)
    return _page(request, services, account, calendar, feed=feed)


@router.post("/feed/close")
def close_feed(
    request: Request, services: Services, account: Counsellor, calendar: CalendarId
) -> Response:
    """Makes the feed's address useless."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        calendars.close_feed(own)
        _record(session, "calendar.feed_closed", own.id, account, services)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/sources")
def add_source(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: CalendarId,
    url: Text = "",
) -> Response:
    """Adds an address to read busy times from; it is read within a minute."""
    try:
        with services.database.transaction() as session:
            own = chosen.required(session, account, calendar)
            busy_times.add_source(session, own, url)
            _record(session, "calendar.source_added", own.id, account, services)
    except FetchRefusedError as error:
        return _page(request, services, account, calendar, problem=error.reason)
    return redirect(f"/hours?calendar={calendar}")


@router.post("/sources/remove")
def remove_source(
    request: Request, services: Services, account: Counsellor, calendar: CalendarId, row: RowId
) -> Response:
    """Forgets an address and the busy times from it."""
    with services.database.transaction() as session:
        own = chosen.required(session, account, calendar)
        busy_times.remove_source(session, own, row)
        _record(session, "calendar.source_removed", own.id, account, services)
    return redirect(f"/hours?calendar={calendar}")


def _record(
    session: Session, action: str, calendar_id: int, account: Account, services: ConsoleServices
) -> None:
    subject = f"calendar:{calendar_id}"
    audit.record(session, action, actor=account, now=services.clock(), subject=subject)


def _page(
    request: Request,
    services: ConsoleServices,
    account: Account,
    calendar_id: int | None,
    *,
    problem: str = "",
    feed: str = "",
) -> Response:
    now = services.clock()
    texts = texts_of(request)
    with services.database.reading() as session:
        own = chosen.chosen(session, account, calendar_id)
        if own is None:
            return render(request, "appointments/none.html")
        absences = session.scalars(
            select(BusyTime)
            .where(
                BusyTime.calendar_id == own.id,
                BusyTime.kind == BusyKind.ABSENCE,
                BusyTime.ends_at > now,
            )
            .order_by(BusyTime.starts_at)
        ).all()
        return render(
            request,
            "hours/page.html",
            status=422 if problem else 200,
            calendar=own,
            choices=chosen.choices(session, account),
            weekdays=get_day_names("wide", locale=texts.language),
            clock=_clock,
            date_of=lambda day: texts.date(day) if day else "",
            absences=absences,
            last_moment=lambda at: at - timedelta(seconds=1),
            sources=busy_times.sources_of(session, own),
            problems=PROBLEMS,
            problem=texts.gettext(PROBLEMS[problem]) if problem else "",
            feed=feed,
            today=now.astimezone(ZONE).date(),
        )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(written: str) -> int | None:
    try:
        found = time.fromisoformat(written)
    except ValueError:
        return None
    return found.hour * 60 + found.minute


def _day(written: str) -> date | None:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _instant(day: date, minutes: int) -> datetime:
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return local.replace(tzinfo=ZONE).astimezone(UTC)
