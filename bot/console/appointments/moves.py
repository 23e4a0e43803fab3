"""An appointment booked by hand, the page of one, and what a counsellor does with it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.booking import calendars
from bot.booking import service as booking
from bot.booking.availability import Slot, Wishes, free_slots
from bot.booking.calendars import ZONE
from bot.booking.errors import AppointmentClosedError, SlotNotOfferedError, SlotTakenError
from bot.booking.models import (
    Appointment,
    AppointmentState,
    CounsellingService,
    CounsellorCalendar,
    Way,
)
from bot.console.appointments import chosen, entered
from bot.console.appointments.routes import Counsellor
from bot.console.appointments.words import STATES, WAYS, problem_text, service_title
from bot.console.pages import redirect, render
from bot.console.services import ConsoleServices, Services
from bot.counsellors import audit
from bot.counsellors.models import Account

FREE_TIMES = 40

router = APIRouter(prefix="/appointments")
Text = Annotated[str, Form()]


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
    starts_at = entered.moment_of(day, time)
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
    starts_at = entered.moment_of(day, time) if day or time else entered.moment_of_slot(slot)
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
            free_slots(
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
            written=entered.written_slot,
            conflict=row.id in calendars.conflicts(session, [row], now=now),
            problem=problem_text(request, problem),
            service_title=service_title(request),
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
            service_title=service_title(request),
            problem=problem_text(request, problem),
            today=services.clock().astimezone(ZONE).date(),
            ways=WAYS,
        )


def _service(calendar: CounsellorCalendar, service_id: str) -> CounsellingService | None:
    return next((row for row in calendar.services if row.id == service_id), None)


def _slot(starts_at: datetime, service: CounsellingService, calendar: CounsellorCalendar) -> Slot:
    return Slot(starts_at, starts_at + timedelta(minutes=service.duration), calendar.id)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZONE)
