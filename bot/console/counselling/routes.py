"""What can be booked, and who gives it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from bot.booking import calendars, offers
from bot.booking.calendars import CalendarRefusedError
from bot.booking.models import CounsellingService, Way
from bot.booking.offers import ServiceData
from bot.booking.presentation import in_language
from bot.console import access
from bot.console.appointments.routes import ROLES
from bot.console.appointments.words import WAYS
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors import audit
from bot.counsellors.models import Account, Role
from bot.errors import NotFoundError
from bot.i18n.texts import source_text

NAVIGATION = NavItem(
    path="/console/counselling",
    label=source_text("Counselling"),
    icon="book",
    roles=frozenset({Role.ADMIN}),
)
PROBLEMS = {
    "title": source_text("Please give a title."),
    "number": source_text("One of the numbers is missing, too small or too large."),
    "ways": source_text("Please choose at least one way to meet."),
    "map": source_text("The map link must begin with https://."),
    "name": source_text("Please give the first name that people are told."),
    "languages": source_text("Please choose at least one language."),
    "account": source_text("Please choose an account."),
}
MAIN_LANGUAGES = ("de", "en")

router = APIRouter(prefix="/counselling")

Admin = Annotated[Account, Depends(access.require(Role.ADMIN))]


async def sent_form(request: Request) -> FormData:
    """The whole form; a service has a text per language, whose names are made as they come."""
    return await request.form()


Sent = Annotated[FormData, Depends(sent_form)]


@router.get("")
def show(request: Request, services: Services, account: Admin) -> Response:
    """The services, and the counsellors who can be booked."""
    return _list(request, services)


@router.get("/new")
def show_new(request: Request, services: Services, account: Admin) -> Response:
    """The form for a new service."""
    return _form(request, services, None)


@router.post("/calendars")
def open_calendar(
    request: Request,
    services: Services,
    account: Admin,
    form: Sent,
) -> Response:
    """Makes an account bookable, or changes what it gives."""
    try:
        with services.database.transaction() as session:
            holder = session.get(Account, str(form.get("account", "")))
            if holder is None or holder.role not in ROLES:
                raise CalendarRefusedError("account")
            wanted = {str(value) for value in form.getlist("service")}
            given = [row for row in _all(session) if row.id in wanted]
            own = calendars.open_calendar(
                session,
                account_id=holder.id,
                name=str(form.get("name", "")) or holder.name.split(" ")[0],
                languages=holder.languages,
                services=given,
            )
            audit.record(
                session,
                "calendar.opened",
                actor=account,
                now=services.clock(),
                subject=f"calendar:{own.id}",
            )
    except CalendarRefusedError as error:
        return _list(request, services, problem=error.reason)
    return redirect("/counselling", notice="saved")


@router.post("/calendars/active")
def switch_calendar(
    request: Request,
    services: Services,
    account: Admin,
    calendar: Annotated[int, Form(ge=1, lt=2**31)],
    active: Annotated[bool, Form()],
) -> Response:
    """Stops new bookings with a counsellor, or allows them again."""
    with services.database.transaction() as session:
        found = next((row for row in calendars.all_calendars(session) if row.id == calendar), None)
        if found is None:
            raise NotFoundError("There is no such calendar.")
        found.active = active
        audit.record(
            session,
            "calendar.switched",
            actor=account,
            now=services.clock(),
            subject=f"calendar:{calendar}",
        )
    return redirect("/counselling", notice="saved")


@router.get("/{service_id}")
def show_one(request: Request, services: Services, account: Admin, service_id: str) -> Response:
    """The form of a service."""
    return _form(request, services, service_id)


@router.post("/{service_id}")
def save(
    request: Request,
    services: Services,
    account: Admin,
    service_id: str,
    form: Sent,
) -> Response:
    """Keeps a service; ``new`` makes one."""
    try:
        data = _data(form)
        with services.database.transaction() as session:
            row = None if service_id == "new" else _service(session, service_id)
            saved = offers.save(session, row, data, now=services.clock())
            audit.record(
                session,
                "service.saved",
                actor=account,
                now=services.clock(),
                subject=f"service:{saved.id}",
            )
    except CalendarRefusedError as error:
        shown = None if service_id == "new" else service_id
        return _form(request, services, shown, problem=error.reason, written=form)
    return redirect("/counselling", notice="saved")


def _list(request: Request, services: ConsoleServices, *, problem: str = "") -> Response:
    texts = texts_of(request)
    with services.database.reading() as session:
        accounts = session.scalars(
            select(Account).where(Account.role.in_(ROLES), Account.active).order_by(Account.name)
        ).all()
        return render(
            request,
            "counselling/page.html",
            status=422 if problem else 200,
            services=_all(session),
            calendars=calendars.all_calendars(session),
            accounts=accounts,
            title=lambda row: in_language(row.title, texts.language),
            ways=WAYS,
            problem=texts.gettext(PROBLEMS[problem]) if problem else "",
        )


def _form(
    request: Request,
    services: ConsoleServices,
    service_id: str | None,
    *,
    problem: str = "",
    written: FormData | None = None,
) -> Response:
    texts = texts_of(request)
    with services.database.reading() as session:
        row = _service(session, service_id) if service_id else None
        values = {key: str(value) for key, value in written.items()} if written else _values(row)
        return render(
            request,
            "counselling/service.html",
            status=422 if problem else 200,
            service=row,
            values=values,
            chosen_ways=written.getlist("way") if written else (row.ways if row else ["place"]),
            main_languages=MAIN_LANGUAGES,
            ways=WAYS,
            problem=texts.gettext(PROBLEMS[problem]) if problem else "",
        )


def _values(row: CounsellingService | None) -> dict[str, str]:
    if row is None:
        return {"active": "true"}
    values: dict[str, str] = {
        name: "" if getattr(row, name) is None else str(getattr(row, name))
        for name in (
            *("duration", "step", "buffer_before", "buffer_after", "horizon_days", "place"),
            *("map_url", "weekly_limit", "open_per_contact", "maximum_child_age_months"),
        )
    }
    values["notice_hours"] = str(row.notice // 60)
    values |= {"childcare": "true"} if row.childcare else {}
    values |= {"active": "true"} if row.active else {}
    for name in ("title", "audience", "bring"):
        values |= {f"{name}_{code}": text for code, text in getattr(row, name).items()}
    return values


def _data(form: FormData) -> ServiceData:
    def number(name: str, *, factor: int = 1) -> int:
        found = optional(name)
        if found is None:
            raise CalendarRefusedError("number")
        return found * factor

    def optional(name: str) -> int | None:
        text = str(form.get(name, "")).strip()
        if not text:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > 6:
            raise CalendarRefusedError("number")
        return int(text)

    def texts(name: str) -> dict[str, str]:
        return {
            key.removeprefix(f"{name}_"): str(value)
            for key, value in form.items()
            if key.startswith(f"{name}_")
        }

    known = {way.value for way in Way}
    return ServiceData(
        title=texts("title"),
        audience=texts("audience"),
        bring=texts("bring"),
        maximum_child_age_months=optional("maximum_child_age_months"),
        duration=number("duration"),
        step=number("step"),
        buffer_before=number("buffer_before"),
        buffer_after=number("buffer_after"),
        ways=tuple(Way(str(way)) for way in form.getlist("way") if way in known),
        childcare="childcare" in form,
        place=str(form.get("place", "")),
        map_url=str(form.get("map_url", "")),
        notice=number("notice_hours", factor=60),
        horizon_days=number("horizon_days"),
        weekly_limit=optional("weekly_limit"),
        open_per_contact=number("open_per_contact"),
        active="active" in form,
    )


def _all(session: Session) -> list[CounsellingService]:
    return list(session.scalars(select(CounsellingService).order_by(CounsellingService.key)))


def _service(session: Session, service_id: str) -> CounsellingService:
    row = session.get(CounsellingService, service_id)
    if row is None:
        raise NotFoundError("There is no such service.")
    return row
