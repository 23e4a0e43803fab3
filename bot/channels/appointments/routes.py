"""Seeing, moving and cancelling an appointment by its secret address.

A GET only shows: programs that fetch links for a preview change nothing. What changes something
is a POST from the page itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment, FileSystemLoader
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.booking import links, presentation
from bot.booking import service as booking
from bot.booking.availability import Slot, Wishes, free_slots
from bot.booking.calendar_files import appointment_file, feed_file
from bot.booking.errors import AppointmentClosedError, BookingError
from bot.booking.models import Appointment, AppointmentState, CounsellorCalendar
from bot.booking.telling import Teller
from bot.channels.web.preferences import page_language
from bot.channels.web.security import SecurityHeaders, is_same_origin
from bot.clock import Clock
from bot.conversations.models import Conversation
from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import Catalogues, Texts
from bot.rates import Rate, RateLimiter

log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
CALENDAR_TYPE = "text/calendar; charset=utf-8"
# Tokens cannot be guessed; the limit keeps guessing from costing anything.
PER_CLIENT = Rate(per_minute=60, burst=40)
SLOTS_SHOWN = 60
MAXIMUM_BODY = 4_000
FEED_BEFORE = timedelta(days=30)

Endpoint = Callable[[Request], Awaitable[Response]]


def appointment_routes(
    *,
    database: Database,
    catalogues: Catalogues,
    teller: Teller,
    clock: Clock,
    told: Callable[[], None],
) -> list[BaseRoute]:
    """The routes ``/appointment/…`` and ``/calendar/…``.

    ``told`` is called in the event loop when a message to somebody was queued.
    """
    pages = _Pages(database, catalogues, teller, clock, told)
    protected = [Middleware(SecurityHeaders, frame_ancestors="'none'")]
    endpoints: list[tuple[str, str, Endpoint]] = [
        ("GET", "/appointment/style.css", pages.style),
        ("GET", "/appointment/{token}", pages.show),
        ("GET", "/appointment/{token}/appointment.ics", pages.calendar_file),
        ("POST", "/appointment/{token}/move", pages.move),
        ("POST", "/appointment/{token}/cancel", pages.cancel),
        ("POST", "/appointment/{token}/reminders", pages.set_reminders),
        ("GET", "/calendar/{token}.ics", pages.feed),
    ]
    return [
        Route(path, pages.guarded(endpoint), methods=[method], middleware=protected)
        for method, path, endpoint in endpoints
    ]


class _RefusedError(Exception):
    """What is asked for cannot be shown; ``status`` says why to programs."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True)
class _Shown:
    """What the page needs, read in one transaction."""

    title: str
    state: str
    lines: tuple[tuple[str, str, str], ...]
    days: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    reminders: bool | None


class _Pages:
    def __init__(
        self,
        database: Database,
        catalogues: Catalogues,
        teller: Teller,
        clock: Clock,
        told: Callable[[], None],
    ) -> None:
        self._database = database
        self._catalogues = catalogues
        self._teller = teller
        self._clock = clock
        self._told = told
        self._limiter = RateLimiter(PER_CLIENT, clock=clock)
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True
        )
        self._template = environment.get_template("appointment.html")
        self._style = (HERE / "static" / "appointment.css").read_text("utf-8")

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Limits how often one address may ask, and turns failures into a page."""

        async def answer(request: Request) -> Response:
            try:
                waiting = self._limiter.take(request.client.host if request.client else "")
                if waiting > 0:
                    raise _RefusedError(429)
                return await endpoint(request)
            except _RefusedError as refused:
                return self._refusal(request, refused.status)
            except Exception as error:
                log.error("appointment_page_failed", error=type(error).__name__)
                return self._refusal(request, 503)

        return answer

    async def style(self, request: Request) -> Response:
        """The look of the page."""
        headers = {"Cache-Control": "max-age=3600"}
        return Response(self._style, media_type="text/css", headers=headers)

    async def show(self, request: Request) -> Response:
        """The appointment as it stands, and what can be done about it."""
        token = request.path_params["token"]
        moving = "move" in request.query_params

        def read() -> tuple[_Shown, Texts]:
            with self._database.reading() as session:
                row = _row(session, token)
                texts = self._texts(request, session, row)
                return self._shown(session, row, texts, moving=moving), texts

        shown, texts = await run_in_threadpool(read)
        note = _note(request.query_params.get("done", ""), texts)
        return self._page(texts, shown=shown, token=token, note=note, moving=moving)

    async def calendar_file(self, request: Request) -> Response:
        """The calendar file of the appointment as it stands now."""
        token = request.path_params["token"]

        def read() -> str:
            with self._database.reading() as session:
                row = _row(session, token)
                texts = self._texts(request, session, row)
                return appointment_file(
                    row,
                    presentation.card(row, texts, link=self._teller.site.appointment(token)),
                    site_url=self._teller.site.base_url,
                    now=row.changed_at,
                )

        content = await run_in_threadpool(read)
        headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
        return Response(content, media_type=CALENDAR_TYPE, headers=headers)

    async def move(self, request: Request) -> Response:
        """Moves the appointment to one of the times that the page offered."""
        form = await _form(request)
        slot = _slot(form.get("slot", ""))

        def change(session: Session, row: Appointment, now: datetime) -> str:
            if slot is None:
                return "choose"
            ends_at = slot[0] + timedelta(minutes=row.service.duration)
            try:
                new = booking.move(
                    session,
                    row.id,
                    Slot(slot[0], ends_at, slot[1]),
                    contact_id=row.contact_id,
                    now=now,
                )
            except BookingError:
                return "taken"
            self._teller.moved(session, new, now=now, by_counsellor=False)
            return "moved"

        return await self._changed(request, change)

    async def cancel(self, request: Request) -> Response:
        """Cancels the appointment."""
        await _form(request)

        def change(session: Session, row: Appointment, now: datetime) -> str:
            if row.state != AppointmentState.CANCELLED:
                booking.cancel(session, row.id, now=now)
                self._teller.cancelled(session, row, now=now, by_counsellor=False)
            return "cancelled"

        return await self._changed(request, change)

    async def set_reminders(self, request: Request) -> Response:
        """Turns the reminders on or off."""
        wanted = (await _form(request)).get("wanted") == "yes"

        def change(session: Session, row: Appointment, now: datetime) -> str:
            booking.set_reminders(session, row, wanted=wanted, now=now)
            return "reminders"

        return await self._changed(request, change)

    async def feed(self, request: Request) -> Response:
        """A counsellor's appointments, for their own calendar program."""
        token = request.path_params["token"]

        def read() -> str:
            now = self._clock()
            with self._database.reading() as session:
                calendar = _calendar(session, token)
                rows = session.scalars(
                    select(Appointment)
                    .where(
                        Appointment.calendar_id == calendar.id,
                        Appointment.booked_at.is_not(None),
                        Appointment.state != AppointmentState.MOVED,
                        Appointment.ends_at > now - FEED_BEFORE,
                    )
                    .order_by(Appointment.starts_at)
                )
                texts = self._catalogues.get("de")
                titled = [(row, _feed_title(row, texts)) for row in rows]
                return feed_file(titled, name="Lotse", site_url=self._teller.site.base_url, now=now)

        return Response(await run_in_threadpool(read), media_type=CALENDAR_TYPE)

    async def _changed(
        self, request: Request, change: Callable[[Session, Appointment, datetime], str]
    ) -> Response:
        """Carries out a change and shows the page anew, so that reloading repeats nothing."""
        token = request.path_params["token"]

        def write() -> str:
            with self._database.transaction() as session:
                try:
                    return change(session, _row(session, token), self._clock())
                except AppointmentClosedError:
                    return "closed"

        done = await run_in_threadpool(write)
        self._told()
        again = "&move=1" if done in ("taken", "choose") else ""
        return RedirectResponse(f"/appointment/{token}?done={done}{again}", status_code=303)

    def _shown(self, session: Session, row: Appointment, texts: Texts, *, moving: bool) -> _Shown:
        now = self._clock()
        ahead = row.state == AppointmentState.BOOKED and row.starts_at > now
        card = presentation.card(row, texts)
        slots: list[Slot] = []
        if moving and ahead:
            wishes = Wishes(language=row.language, way=row.way)
            slots = free_slots(
                session, row.service, now=now, wishes=wishes, limit=SLOTS_SHOWN, ignoring=row.id
            )
        return _Shown(
            title=card.title,
            state="ahead" if ahead else _ended(row),
            lines=tuple((line.label, line.value, line.kind) for line in card.lines),
            days=_by_day(slots, row.service.zone, texts),
            reminders=row.reminders_wanted if ahead and row.conversation_id else None,
        )

    def _texts(self, request: Request, session: Session, row: Appointment) -> Texts:
        conversation = (
            session.get(Conversation, row.conversation_id) if row.conversation_id else None
        )
        spoken = conversation.language if conversation else None
        language = page_language(request, served=REPLY_LANGUAGES, conversation_language=spoken)
        return self._catalogues[language]

    def _page(
        self,
        texts: Texts,
        *,
        status: int = 200,
        shown: _Shown | None = None,
        token: str = "",
        note: str = "",
        moving: bool = False,
    ) -> Response:
        content = self._template.render(
            texts=texts,
            gettext=texts.gettext,
            direction="rtl" if texts.is_right_to_left else "ltr",
            shown=shown,
            token=token,
            note=note,
            moving=moving,
            status=status,
        )
        return HTMLResponse(content, status_code=status, headers={"X-Robots-Tag": "noindex"})

    def _refusal(self, request: Request, status: int) -> Response:
        if request.url.path.endswith(".ics"):
            return PlainTextResponse("", status_code=status)
        language = page_language(request, served=REPLY_LANGUAGES, conversation_language=None)
        return self._page(self._catalogues[language], status=status)


def _row(session: Session, token: str) -> Appointment:
    row = links.appointment_by_token(session, token)
    if row is None:
        raise _RefusedError(404)
    return row


def _calendar(session: Session, token: str) -> CounsellorCalendar:
    found = None
    if len(token) <= links.MAXIMUM_TOKEN:
        wanted = CounsellorCalendar.feed_token_hash == links.hashed(token)
        found = session.scalar(select(CounsellorCalendar).where(wanted))
    if found is None:
        raise _RefusedError(404)
    return found


def _feed_title(row: Appointment, texts: Texts) -> str:
    title = presentation.in_language(row.service.title, texts.language)
    way = presentation.way_name(row.way, texts)
    return f"{title} ({way}, {texts.language_name(row.language)})"


async def _form(request: Request) -> dict[str, str]:
    if not is_same_origin(request):
        raise _RefusedError(403)
    if int(request.headers.get("Content-Length") or MAXIMUM_BODY + 1) > MAXIMUM_BODY:
        raise _RefusedError(413)
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _slot(written: str) -> tuple[datetime, int] | None:
    """A time as the page offered it; None for anything else."""
    moment, _, calendar = written.partition("/")
    try:
        starts_at = datetime.strptime(moment, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    if not (calendar.isascii() and calendar.isdecimal() and len(calendar) < 10):
        return None
    return starts_at, int(calendar)


def _by_day(
    slots: list[Slot], zone: str, texts: Texts
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Free times under their days: the value that comes back, and its label."""
    days: dict[str, list[tuple[str, str]]] = {}
    for slot in slots:
        local = presentation.local(slot.starts_at, zone)
        value = f"{slot.starts_at:%Y%m%dT%H%MZ}/{slot.calendar_id}"
        days.setdefault(texts.date(local, "full"), []).append(
            (value, presentation.time_label(slot.starts_at, zone, texts))
        )
    return tuple((day, tuple(times)) for day, times in days.items())


def _ended(row: Appointment) -> str:
    return "cancelled" if row.state == AppointmentState.CANCELLED else "past"


def _note(done: str, texts: Texts) -> str:
    notes: dict[str, Callable[[], Any]] = {
        "moved": lambda: texts.gettext("Your appointment is moved."),
        "taken": lambda: texts.gettext("Somebody else has this time now. Please choose another."),
        "choose": lambda: texts.gettext("Please choose a time."),
        "closed": lambda: texts.gettext("This appointment can no longer be changed."),
        "reminders": lambda: texts.gettext("Your choice is saved."),
    }
    return str(notes[done]()) if done in notes else ""
