"""The calendar of a counsellor, and what can be done with an appointment."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from babel.dates import format_date
from fastapi import APIRouter, Depends, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.booking import availability, calendars
from bot.booking import service as booking
from bot.booking.availability import Slot, Wishes
from bot.booking.calendars import ZONE
from bot.booking.errors import AppointmentClosedError, SlotNotOfferedError, SlotTakenError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Way,
)
from bot.booking.presentation import in_language
from bot.console import access
from bot.console.appointments import chosen, grid
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors import audit
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
FREE_TIMES = 40
NEWS_SHOWN = 4
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

router = APIRouter(prefix="/appointments")

Counsellor = Annotated[Account, Depends(access.require(*ROLES))]
Text = Annotated[str, Form()]
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
    shown = _date(day) or today
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
            service_title=_title(request),
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


@router.get("/new")
def show_new(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Response:
    """The form to book for somebody who called."""
    return _new_page(request, services, account, calendar)


@router.post("/new")
def book_by_hand(
    request: Request,
    services: Services,
    account: Counsellor,
    calendar: Annotated[int, Form(ge=1, lt=2**31)],
    service: Text = "",
    way: Text = "",
    language: Text = "de",
    day: Text = "",
    time: Text = "",
    name: Text = "",
    reach: Text = "",
    subject: Text = "",
    outside_hours: Annotated[bool, Form()] = False,
) -> Response:
    """Books for somebody who called, and leads to the appointment."""
    starts_at = _moment(day, time)
    problem = "" if starts_at else "time"
    if starts_at is not None:
        try:
            with services.database.transaction() as session:
                own = chosen.required(session, account, calendar)
                given = _service(own, service)
                if given is None or way not in given.ways:
                    return _new_page(request, services, account, calendar, problem="service")
                row = booking.book_by_hand(
                    session,
                    given,
                    _slot(starts_at, given, own),
                    way=Way(way),
                    language=language[:8],
                    details=booking.Details(name=name, reach=reach, subject=subject),
                    actor=account.id,
                    now=services.clock(),
                    outside_hours=outside_hours,
                ).appointment
                _record(session, "appointment.booked", row, account, services)
            return redirect(f"/appointments/{row.id}", notice="saved")
        except SlotTakenError:
            problem = "taken"
        except SlotNotOfferedError:
            problem = "hours"
    return _new_page(request, services, account, calendar, problem=problem)


@router.get("/{appointment_id}")
def show_one(
    request: Request, services: Services, account: Counsellor, appointment_id: str
) -> Response:
    """One appointment, with everything known about it."""
    return _one(request, services, account, appointment_id)


@router.post("/{appointment_id}/notes")
def save_notes(
    request: Request,
    services: Services,
    account: Counsellor,
    appointment_id: str,
    notes: Text = "",
) -> Response:
    """Keeps the counsellor's own notes."""

    def change(session: Session, row: Appointment, now: datetime) -> None:
        row.notes = notes.strip()[: calendars.NOTES]

    return _change(request, services, account, appointment_id, change, "appointment.notes")


@router.post("/{appointment_id}/outcome")
def save_outcome(
    request: Request,
    services: Services,
    account: Counsellor,
    appointment_id: str,
    attended: Annotated[bool, Form()],
) -> Response:
    """Notes whether the person came."""

    def change(session: Session, row: Appointment, now: datetime) -> None:
        booking.note_outcome(session, row.id, attended=attended, actor=account.id, now=now)

    return _change(request, services, account, appointment_id, change, "appointment.outcome")


@router.post("/{appointment_id}/cancel")
def cancel(
    request: Request, services: Services, account: Counsellor, appointment_id: str
) -> Response:
    """Cancels, and tells the person in their chat."""

    def change(session: Session, row: Appointment, now: datetime) -> None:
        if row.state != AppointmentState.CANCELLED:
            booking.cancel(session, row.id, actor=account.id, now=now)
            services.teller.cancelled(session, row, now=now, by_counsellor=True)

    return _change(request, services, account, appointment_id, change, "appointment.cancelled")


@router.post("/{appointment_id}/move")
def move(
    request: Request,
    services: Services,
    account: Counsellor,
    appointment_id: str,
    day: Text = "",
    time: Text = "",
    slot: Text = "",
    outside_hours: Annotated[bool, Form()] = False,
) -> Response:
    """Moves to a free time from the list, or to a day and time typed in; tells the person."""
    starts_at = _moment(day, time) if day or time else _written(slot)
    if starts_at is None:
        return _one(request, services, account, appointment_id, problem="time")

    def change(session: Session, row: Appointment, now: datetime) -> Appointment:
        new = booking.move(
            session,
            row.id,
            _slot(starts_at, row.service, row.calendar),
            actor=account.id,
            outside_hours=outside_hours,
            now=now,
        )
        if new is not row:
            services.teller.moved(session, new, now=now, by_counsellor=True)
        return new

    return _change(request, services, account, appointment_id, change, "appointment.moved")


def _change(
    request: Request,
    services: ConsoleServices,
    account: Account,
    appointment_id: str,
    change: Callable[[Session, Appointment, datetime], Appointment | None],
    action: str,
) -> Response:
    try:
        with services.database.transaction() as session:
            row = chosen.appointment(session, account, appointment_id)
            row = change(session, row, services.clock()) or row
            _record(session, action, row, account, services)
    except SlotTakenError:
        return _one(request, services, account, appointment_id, problem="taken")
    except SlotNotOfferedError:
        return _one(request, services, account, appointment_id, problem="hours")
    except AppointmentClosedError:
        return _one(request, services, account, appointment_id, problem="closed")
    return redirect(f"/appointments/{row.id}", notice="saved")


def _record(
    session: Session, action: str, row: Appointment, account: Account, services: ConsoleServices
) -> None:
    subject = f"appointment:{row.id}"
    audit.record(session, action, actor=account, now=services.clock(), subject=subject)


def _one(
    request: Request,
    services: ConsoleServices,
    account: Account,
    appointment_id: str,
    *,
    problem: str = "",
) -> Response:
    now = services.clock()
    with services.database.reading() as session:
        row = chosen.appointment(session, account, appointment_id)
        ahead = row.state == AppointmentState.BOOKED and row.starts_at > now
        free = (
            booking.free_slots(
                session,
                row.service,
                now=now,
                wishes=Wishes(calendar_id=row.calendar_id),
                limit=FREE_TIMES,
                ignoring=row.id,
            )
            if ahead
            else []
        )
        return render(
            request,
            "appointments/one.html",
            status=422 if problem else 200,
            row=row,
            ahead=ahead,
            begun=row.starts_at <= now,
            free=free,
            written=lambda slot: f"{slot.starts_at:%Y%m%dT%H%MZ}",
            conflict=row.id in calendars.conflicts(session, [row], now=now),
            problem=texts_of(request).gettext(PROBLEMS[problem]) if problem else "",
            service_title=_title(request),
            local=_local,
            states=STATES,
            ways=WAYS,
            has_chat=row.conversation_id is not None,
        )


def _new_page(
    request: Request,
    services: ConsoleServices,
    account: Account,
    calendar_id: int | None,
    *,
    problem: str = "",
) -> Response:
    with services.database.reading() as session:
        own = chosen.required(session, account, calendar_id)
        return render(
            request,
            "appointments/new.html",
            status=422 if problem else 200,
            calendar=own,
            services=[row for row in own.services if row.active],
            service_title=_title(request),
            problem=texts_of(request).gettext(PROBLEMS[problem]) if problem else "",
            today=services.clock().astimezone(ZONE).date(),
            ways=WAYS,
        )


def _title(request: Request) -> Callable[[CounsellingService], str]:
    language = texts_of(request).language
    return lambda service: in_language(service.title, language)


def _service(calendar: CounsellorCalendar, service_id: str) -> CounsellingService | None:
    return next((row for row in calendar.services if row.id == service_id), None)


def _slot(starts_at: datetime, service: CounsellingService, calendar: CounsellorCalendar) -> Slot:
    return Slot(starts_at, starts_at + timedelta(minutes=service.duration), calendar.id)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZONE)


def _date(written: str) -> date | None:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _moment(day: str, time: str) -> datetime | None:
    """The instant that a day and a time of the wall clock name; None for anything else.

    A time that clocks skip in spring does not exist; one that comes twice is its first coming.
    """
    found = _date(day)
    try:
        clock = datetime.strptime(time, "%H:%M").time()
    except ValueError:
        return None
    if found is None:
        return None
    local = datetime.combine(found, clock, ZONE)
    instant = local.astimezone(UTC)
    same = instant.astimezone(ZONE).replace(tzinfo=None) == local.replace(tzinfo=None)
    return instant if same else None


def _written(slot: str) -> datetime | None:
    try:
        return datetime.strptime(slot, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None


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
    return availability.holiday_names(region, days)
