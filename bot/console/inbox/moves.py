"""The counsellor's moves: claim, assign, transfer, put aside, close, reopen; notes and labels."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.console.inbox.routes import Counsellor, Number
from bot.console.pages import STUTTGART, redirect
from bot.console.services import ConsoleServices, Services
from bot.counsellors import forms
from bot.counsellors.models import Account
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover import inbox, service
from bot.handover.inbox import Viewer
from bot.handover.journal import Actor
from bot.handover.models import ContactFact, Handover, Outcome, Queue

MORNING = time(8, 0)
FACT_NAME_LENGTH = 60
FACT_LENGTH = 500

router = APIRouter(prefix="/inbox/{handover_id}")
Text = Annotated[str, Form()]
Move = Callable[[Session, Actor, datetime], object]


def actor_of(account: Account) -> Actor:
    """Who makes the moves of an account."""
    return Actor(name=account.name, id=account.id)


def move(
    services: ConsoleServices, account: Account, handover_id: int, carry_out: Move
) -> Response:
    """Carries a move out, if the account sees the handover, and shows the conversation again."""
    with services.database.transaction() as session:
        inbox.visible(session, handover_id, Viewer.of(account))
        carry_out(session, actor_of(account), services.clock())
    services.replied()
    return redirect(f"/inbox/{handover_id}")


def require_own_or_waiting(session: Session, handover_id: int, account: Account) -> Handover:
    """The handover; raises ``IllegalMoveError`` when a colleague has it."""
    handover = inbox.visible(session, handover_id, Viewer.of(account))
    if handover.claimed_by and handover.is_open and not actor_of(account).has(handover):
        raise IllegalMoveError(f"Handover {handover_id} is with somebody else.")
    return handover


@router.post("/claim")
def claim(
    request: Request, services: Services, account: Counsellor, handover_id: Number
) -> Response:
    """Takes what waits."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        service.claim(session, handover_id, by=by, catalogues=services.catalogues, now=now)

    return move(services, account, handover_id, carry_out)


@router.post("/assign")
def assign(
    services: Services, account: Counsellor, handover_id: Number, colleague: Text = ""
) -> Response:
    """Gives it to a colleague, or takes it over from one, when ``colleague`` is empty."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        to = session.get(Account, colleague or account.id)
        handover = inbox.visible(session, handover_id, Viewer.of(account))
        if to is None or not to.active or not Viewer.of(to).may_see(handover):
            raise NotFoundError("There is no such colleague.")
        service.assign(
            session,
            handover_id,
            to=actor_of(to),
            by=by,
            catalogues=services.catalogues,
            now=now,
        )

    return move(services, account, handover_id, carry_out)


@router.post("/transfer")
def transfer(
    services: Services,
    account: Counsellor,
    handover_id: Number,
    queue: Annotated[str, Form(max_length=12, pattern=r"^\d*$")] = "",
) -> Response:
    """Lets it wait in a queue, or for everybody."""
    queue_id = int(queue) if queue else None

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        if queue_id is not None and session.get(Queue, queue_id) is None:
            raise NotFoundError("There is no such queue.")
        service.transfer(
            session,
            handover_id,
            queue_id=queue_id,
            by=by,
            catalogues=services.catalogues,
            now=now,
        )

    move(services, account, handover_id, carry_out)
    # A partner may not see it any more.
    return redirect("/inbox", notice="passed-on")


@router.post("/snooze")
def snooze(
    services: Services, account: Counsellor, handover_id: Number, until: Text = "hour"
) -> Response:
    """Puts it aside for an hour, until tomorrow morning or until Monday morning."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        require_own_or_waiting(session, handover_id, account)
        service.snooze(session, handover_id, until=snoozed_until(until, now=now), by=by, now=now)

    move(services, account, handover_id, carry_out)
    return redirect("/inbox", notice="put-aside")


def snoozed_until(choice: str, *, now: datetime) -> datetime:
    """The moment that a choice means, by the clock of Stuttgart."""
    local = now.astimezone(STUTTGART)
    days = {"tomorrow": 1, "monday": 7 - local.weekday()}.get(choice)
    if days is None:
        return now + timedelta(hours=1)
    day = local.date() + timedelta(days=days)
    return datetime.combine(day, MORNING, tzinfo=STUTTGART)


@router.post("/close")
def close(
    services: Services,
    account: Counsellor,
    handover_id: Number,
    outcome: Annotated[Outcome, Form()] = Outcome.RESOLVED,
) -> Response:
    """Gives the conversation back to the bot."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        require_own_or_waiting(session, handover_id, account)
        service.close(
            session,
            handover_id,
            by=by,
            catalogues=services.catalogues,
            now=now,
            outcome=outcome,
        )

    return move(services, account, handover_id, carry_out)


@router.post("/reopen")
def reopen(services: Services, account: Counsellor, handover_id: Number) -> Response:
    """Takes a closed conversation up again."""
    return move(
        services,
        account,
        handover_id,
        lambda session, by, now: service.reopen(session, handover_id, by=by, now=now),
    )


@router.post("/note")
def note(
    services: Services,
    account: Counsellor,
    handover_id: Number,
    text: Text = "",
    key: Text = "",
) -> Response:
    """Adds a note that only counsellors see."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        if forms.first_time(session, key, now=now):
            service.note(session, handover_id, text=text, by=by, now=now)

    return move(services, account, handover_id, carry_out)


@router.post("/labels")
def set_labels(
    services: Services, account: Counsellor, handover_id: Number, labels: Text = ""
) -> Response:
    """Replaces the labels, which are separated by commas."""
    return move(
        services,
        account,
        handover_id,
        lambda session, by, now: service.label(
            session, handover_id, names=labels.split(",")[:20], by=by, now=now
        ),
    )


@router.post("/facts")
def set_fact(
    services: Services, account: Counsellor, handover_id: Number, name: Text = "", value: Text = ""
) -> Response:
    """Notes something about the person, such as a telephone number; an empty value deletes it."""

    def carry_out(session: Session, by: Actor, now: datetime) -> None:
        viewer = Viewer.of(account)
        handover = inbox.visible(session, handover_id, viewer)
        if viewer.bounded:
            raise NotFoundError("Partners keep no facts about a person.")
        named = " ".join(name.split())[:FACT_NAME_LENGTH]
        if not named:
            raise IllegalMoveError("A fact needs a name.")
        key = {"contact_id": handover.conversation.identity.contact_id, "name": named}
        fact = session.get(ContactFact, key)
        if not value.strip():
            if fact is not None:
                session.delete(fact)
            return
        if fact is None:
            fact = ContactFact(**key, value="", noted_by="", noted_at=now)
            session.add(fact)
        fact.value = value.strip()[:FACT_LENGTH]
        fact.noted_by = by.name
        fact.noted_at = now

    return move(services, account, handover_id, carry_out)
