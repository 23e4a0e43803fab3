"""Chat hours and absences of one's own; for admins those of the house, and the queues."""

from datetime import date
from typing import Annotated, Any

from babel.dates import get_day_names
from fastapi import APIRouter, Depends, Form, Path, Request
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.console import access
from bot.console.inbox.routes import COUNSELLORS
from bot.console.pages import STUTTGART, NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors import accounts, audit, schedule
from bot.counsellors.models import Account, Role
from bot.counsellors.schedule import DAYS, Owner, ScheduleRefusedError
from bot.errors import NotFoundError
from bot.handover.models import Queue, QueueMember
from bot.i18n.texts import source_text
from bot.measures.models import Organization
from bot.measures.topics import Topic, topic_name

NAVIGATION = NavItem(
    path="/console/duty",
    label=source_text("Chat hours"),
    icon="bell",
    roles=frozenset(COUNSELLORS),
)
PROBLEMS = {
    "times": source_text("Please write times like this: 9:00–12:00, 13:00–17:00."),
    "days": source_text("The last day must not be before the first one."),
    "many": source_text("There are too many entries already. Please remove some."),
    "name": source_text("Please give a name that no other queue has."),
}
NAME_LENGTH = 100

router = APIRouter(prefix="/duty")

Counsellor = Annotated[Account, Depends(access.require(*COUNSELLORS))]
Admin = Annotated[Account, Depends(access.require(Role.ADMIN))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str, Form(max_length=200)]


class _Week:
    """The seven fields of a form."""

    def __init__(
        self,
        day0: Text = "",
        day1: Text = "",
        day2: Text = "",
        day3: Text = "",
        day4: Text = "",
        day5: Text = "",
        day6: Text = "",
    ) -> None:
        self.days = dict(enumerate((day0, day1, day2, day3, day4, day5, day6)))


Week = Annotated[_Week, Depends()]


@router.get("")
def show(request: Request, services: Services, account: Counsellor) -> Response:
    """All forms that the account may use."""
    return _page(request, services, account)


@router.post("/mine")
def set_mine(request: Request, services: Services, account: Counsellor, week: Week) -> Response:
    """Sets one's own hours; without any those of the house count."""
    return _save_week(request, services, account, Owner(account_id=account.id), week)


@router.post("/house")
def set_house(request: Request, services: Services, account: Admin, week: Week) -> Response:
    """Sets the hours of the whole house."""
    return _save_week(request, services, account, Owner(), week)


@router.post("/queues/{queue_id}/hours")
def set_queue_hours(
    request: Request, services: Services, account: Admin, queue_id: Number, week: Week
) -> Response:
    """Sets the hours of a queue; without any those of the house count."""
    with services.database.reading() as session:
        _queue(session, queue_id)
    return _save_week(request, services, account, Owner(queue_id=queue_id), week)


@router.post("/absences")
def add_absence(
    request: Request,
    services: Services,
    account: Counsellor,
    first: Annotated[date, Form()],
    last: Annotated[date, Form()],
    house: Annotated[bool, Form()] = False,
) -> Response:
    """Notes days on which one is away, or an admin days on which the house is closed."""
    owner = _absent(account, house=house)
    try:
        with services.database.transaction() as session:
            schedule.add_absence(session, owner, first, last)
            _note(session, services, account, "duty.absence_added", house=house)
    except ScheduleRefusedError as error:
        return _page(request, services, account, problem=error.reason)
    return redirect("/duty", notice="saved")


@router.post("/absences/{absence_id}/remove")
def remove_absence(
    services: Services,
    account: Counsellor,
    absence_id: Number,
    house: Annotated[bool, Form()] = False,
) -> Response:
    """Takes such days back."""
    owner = _absent(account, house=house)
    with services.database.transaction() as session:
        schedule.remove_absence(session, owner, absence_id)
        _note(session, services, account, "duty.absence_removed", house=house)
    return redirect("/duty", notice="saved")


@router.post("/queues")
def add_queue(request: Request, services: Services, account: Admin, name: Text = "") -> Response:
    """Makes a queue."""
    named = " ".join(name.split())[:NAME_LENGTH]
    try:
        with services.database.transaction() as session:
            if not named:
                raise ScheduleRefusedError("name")
            session.add(Queue(name=named, topics=[]))
            session.flush()
            _note(session, services, account, "duty.queue_added", details={"name": named})
    except (IntegrityError, ScheduleRefusedError):
        return _page(request, services, account, problem="name")
    return redirect("/duty", notice="saved")


@router.post("/queues/{queue_id}")
def change_queue(
    services: Services,
    account: Admin,
    queue_id: Number,
    topics: Annotated[list[Topic] | None, Form()] = None,
    members: Annotated[list[str] | None, Form()] = None,
    organization: Text = "",
) -> Response:
    """Sets what a queue is for, and who answers in it."""
    with services.database.transaction() as session:
        queue = _queue(session, queue_id)
        if organization and session.get(Organization, organization) is None:
            raise NotFoundError("There is no such organization.")
        queue.topics = [topic.value for topic in topics or []]
        queue.organization_id = organization or None
        session.execute(delete(QueueMember).where(QueueMember.queue_id == queue_id))
        known = {one.id for one in _counsellors(session)}
        session.add_all(
            QueueMember(queue_id=queue_id, account_id=member)
            for member in sorted(known & set(members or []))
        )
        _note(session, services, account, "duty.queue_changed", subject=f"queue:{queue_id}")
    return redirect("/duty", notice="saved")


@router.post("/queues/{queue_id}/remove")
def remove_queue(services: Services, account: Admin, queue_id: Number) -> Response:
    """Deletes a queue; what waits in it is everybody's then."""
    with services.database.transaction() as session:
        session.delete(_queue(session, queue_id))
        _note(session, services, account, "duty.queue_removed", subject=f"queue:{queue_id}")
    return redirect("/duty", notice="saved")


def _absent(account: Account, *, house: bool) -> str | None:
    if not house:
        return account.id
    if account.role is not Role.ADMIN:
        raise access.ForbiddenError("only admins close the house")
    return None


def _queue(session: Session, queue_id: int) -> Queue:
    queue = session.get(Queue, queue_id)
    if queue is None:
        raise NotFoundError("There is no such queue.")
    return queue


def _counsellors(session: Session) -> list[Account]:
    return [one for one in accounts.all_accounts(session) if one.active and one.role in COUNSELLORS]


def _save_week(
    request: Request, services: ConsoleServices, account: Account, owner: Owner, week: _Week
) -> Response:
    try:
        with services.database.transaction() as session:
            schedule.set_week(session, owner, week.days)
            whose = "own" if owner.account_id else owner.queue_id or "house"
            _note(session, services, account, "duty.hours_set", details={"of": whose})
    except ScheduleRefusedError as error:
        return _page(request, services, account, problem=error.reason)
    return redirect("/duty", notice="saved")


def _note(
    session: Session,
    services: ConsoleServices,
    account: Account,
    action: str,
    *,
    subject: str = "",
    house: bool = False,
    details: dict[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        action,
        actor=account,
        now=services.clock(),
        subject=subject or ("house" if house else f"account:{account.id}"),
        details=details,
    )


def _page(
    request: Request, services: ConsoleServices, account: Account, *, problem: str = ""
) -> Response:
    texts = texts_of(request)
    today = services.clock().astimezone(STUTTGART).date()
    with services.database.reading() as session:
        context: dict[str, Any] = {
            "mine": schedule.week(session, Owner(account_id=account.id)),
            "house": schedule.week(session, Owner()),
            "absences": schedule.absences(session, account.id, today=today),
        }
        if account.role is Role.ADMIN:
            context |= _for_admins(session, today)
    names = get_day_names("wide", locale=texts.language)
    return render(
        request,
        "duty/page.html",
        status=422 if problem else 200,
        days=[names[day] for day in range(DAYS)],
        day_of=texts.date,
        topics=[
            (topic.value, topic_name(topic, services.catalogues.get(texts.language)))
            for topic in Topic
        ],
        problem=texts.gettext(PROBLEMS[problem]) if problem else "",
        **context,
    )


def _for_admins(session: Session, today: date) -> dict[str, Any]:
    queues = session.scalars(select(Queue).order_by(Queue.name)).all()
    members: dict[int, set[str]] = {queue.id: set() for queue in queues}
    for member in session.scalars(select(QueueMember)):
        members[member.queue_id].add(member.account_id)
    return {
        "closures": schedule.absences(session, None, today=today),
        "queues": queues,
        "members": members,
        "queue_weeks": {
            queue.id: schedule.week(session, Owner(queue_id=queue.id)) for queue in queues
        },
        "people": _counsellors(session),
        "organizations": session.execute(
            select(Organization.id, Organization.name).order_by(Organization.name)
        ).all(),
    }
