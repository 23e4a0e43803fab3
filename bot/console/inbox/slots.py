"""Offering times of the counselling calendar in a conversation, and booking the one chosen."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.booking import counselling, presentation
from bot.booking import service as booking
from bot.booking.availability import Slot, Wishes, free_slots
from bot.booking.errors import AlreadyBookedError, BookingError
from bot.booking.models import CounsellingService, Way
from bot.console.inbox.moves import actor_of, require_own_or_waiting
from bot.console.inbox.routes import Counsellor, Number, sent, their_texts
from bot.console.pages import redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.conversations import outbox
from bot.counsellors import forms
from bot.errors import NotFoundError
from bot.handover import service as handover_service
from bot.handover.canned import offer_times
from bot.handover.journal import Actor
from bot.handover.models import Handover
from bot.i18n.texts import Texts
from bot.messages import Button, OutgoingMessage

SHOWN = 12
OFFERED_AT_MOST = 5

router = APIRouter(prefix="/inbox/{handover_id}")
Text = Annotated[str, Form()]


@router.get("/slots")
def show_slots(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    service: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The next free times of a service, with counsellors of the newcomer's language if any."""
    mine = texts_of(request)
    with services.database.reading() as session:
        theirs = their_texts(session, services, account, handover_id)
        offered = counselling.services(session)
        chosen = next((one for one in offered if one.key == service), next(iter(offered), None))
        slots = _free(session, chosen, theirs.language, services) if chosen else []
        shown = [(_written(slot), _label(slot, chosen, mine)) for slot in slots if chosen]
    return render(
        request,
        "inbox/_slots.html",
        handover_id=handover_id,
        offered=[(one.key, presentation.in_language(one.title, mine.language)) for one in offered],
        chosen=chosen.key if chosen else "",
        slots=shown,
        their_language=theirs.language,
        key=forms.new_key(),
    )


@router.post("/slots")
def offer_slots(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    service: Text = "",
    slot: Annotated[list[str] | None, Form()] = None,
    key: Text = "",
) -> Response:
    """Sends times to choose from; what is chosen comes back as a message with a booking button."""
    now = services.clock()
    with services.database.transaction() as session:
        require_own_or_waiting(session, handover_id, account)
        theirs = their_texts(session, services, account, handover_id)
        wanted = counselling.by_key(session, service)
        slots = [_read(one) for one in (slot or [])[:OFFERED_AT_MOST]]
        if not slots:
            raise NotFoundError("No time was chosen.")
        if forms.first_time(session, key, now=now):
            message = _offer(wanted, sorted(slots), theirs)
            handover_service.reply(
                session, handover_id, by=actor_of(account), now=now, message=message
            )
    return sent(request, services, account, handover_id)


@router.post("/book")
def book(
    services: Services, account: Counsellor, handover_id: Number, button: Text = ""
) -> Response:
    """Books the time whose button the newcomer pressed, and sends the confirmation."""
    now = services.clock()
    try:
        with services.database.transaction() as session:
            handover = require_own_or_waiting(session, handover_id, account)
            _book(session, services, handover, button, by=actor_of(account), now=now)
    except AlreadyBookedError:
        return redirect(f"/inbox/{handover_id}", notice="booked-already")
    except BookingError:
        return redirect(f"/inbox/{handover_id}", notice="slot-taken")
    services.replied()
    return redirect(f"/inbox/{handover_id}", notice="booked")


def _book(
    session: Session,
    services: ConsoleServices,
    handover: Handover,
    button: str,
    *,
    by: Actor,
    now: datetime,
) -> None:
    pressed = outbox.button(session, conversation_id=handover.conversation_id, key=button)
    payload = (pressed.payload if pressed else {}).get("slot")
    if not isinstance(payload, dict):
        raise NotFoundError("There is no such time.")
    service = counselling.by_key(session, str(payload.get("service", "")))
    theirs = services.catalogues.get(handover.conversation.language)
    contact_id = handover.conversation.identity.contact_id
    held = booking.hold(
        session,
        service,
        _read(str(payload.get("time", ""))),
        way=Way(service.ways[0]),
        language=theirs.language,
        contact_id=contact_id,
        conversation_id=handover.conversation_id,
        now=now,
    )
    booked = booking.book(
        session, held.id, details=booking.Details(), now=now, contact_id=contact_id
    )
    handover_service.reply(
        session,
        handover.id,
        by=by,
        now=now,
        message=services.teller.confirmation(booked, theirs, now=now),
    )


def _free(
    session: Session, service: CounsellingService, language: str, services: ConsoleServices
) -> list[Slot]:
    now = services.clock()
    spoken = free_slots(session, service, now=now, wishes=Wishes(language=language), limit=SHOWN)
    return spoken or free_slots(session, service, now=now, limit=SHOWN)


def _offer(service: CounsellingService, slots: list[Slot], texts: Texts) -> OutgoingMessage:
    title = presentation.in_language(service.title, texts.language)
    return OutgoingMessage(
        text=offer_times(title, texts),
        buttons=tuple(
            Button(
                title=_label(slot, service, texts),
                # Pressed after the talk has ended, it begins an ordinary booking.
                payload={
                    "intent": "book_counselling",
                    "slot": {"service": service.key, "time": _written(slot)},
                },
            )
            for slot in slots
        ),
        language=texts.language,
    )


def _label(slot: Slot, service: CounsellingService, texts: Texts) -> str:
    return presentation.slot_label(slot.starts_at, service.zone, texts)


def _written(slot: Slot) -> str:
    return f"{slot.starts_at.isoformat()}|{slot.ends_at.isoformat()}|{slot.calendar_id}"


def _read(written: str) -> Slot:
    try:
        starts_at, ends_at, calendar_id = written.split("|")
        return Slot(_moment(starts_at), _moment(ends_at), int(calendar_id))
    except ValueError:
        raise NotFoundError("There is no such time.") from None


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)
