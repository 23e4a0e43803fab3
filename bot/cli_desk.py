"""``lotse hours`` and ``lotse queues``: when counsellors are there, and who answers what."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import config
from bot.counsellors.hours import Absence, OfficeHours
from bot.counsellors.models import Account
from bot.db import migrate
from bot.db.session import Database
from bot.errors import ConfigurationError, NotFoundError
from bot.handover.models import Queue, QueueMember
from bot.measures.models import Organization
from bot.measures.topics import Topic

hours_app = typer.Typer(no_args_is_help=True, help="When counsellors are there.")
queues_app = typer.Typer(no_args_is_help=True, help="Who answers which handovers.")
console = Console()

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Email = Annotated[str, typer.Option("--account", help="Of this counsellor, by e-mail.")]


@hours_app.command("add")
def add_hours(
    days: Annotated[str, typer.Argument(help="mon, or mon-fri.")],
    opens: Annotated[str, typer.Argument(help="For example 9:00.")],
    closes: Annotated[str, typer.Argument(help="For example 12:30.")],
    account: Email = "",
    queue: Annotated[str, typer.Option(help="Of this queue, by name.")] = "",
    valid_from: Annotated[str, typer.Option("--from", help="First day, e.g. 2026-12-01.")] = "",
    valid_until: Annotated[str, typer.Option("--until", help="Last day.")] = "",
) -> None:
    """Add weekly hours, of the whole house unless an account or a queue is named.

    Example: lotse hours add mon-fri 9:00 12:00
    """
    weekdays, start, end = _days(days), _time(opens), _time(closes)
    if start >= end:
        raise ConfigurationError("Hours must end later than they begin.")
    if account and queue:
        raise ConfigurationError("Hours belong to an account or to a queue, not to both.")
    with _database().transaction() as session:
        account_id = _account(session, account).id if account else None
        queue_id = _queue(session, queue).id if queue else None
        session.add_all(
            OfficeHours(
                account_id=account_id,
                queue_id=queue_id,
                weekday=weekday,
                opens=start,
                closes=end,
                valid_from=_day(valid_from) if valid_from else None,
                valid_until=_day(valid_until) if valid_until else None,
            )
            for weekday in weekdays
        )
    console.print("Added.")


@hours_app.command("list")
def list_hours() -> None:
    """List hours and absences.

    Example: lotse hours list
    """
    table = Table("ID", "whose", "day", "from", "until", "valid")
    away = Table("ID", "who", "away from", "until")
    with _database().reading() as session:
        names = {row.id: row.name for row in session.scalars(select(Account))}
        queues = {row.id: row.name for row in session.scalars(select(Queue))}
        rows = session.scalars(select(OfficeHours).order_by(OfficeHours.weekday, OfficeHours.opens))
        for row in rows:
            whose = names.get(row.account_id or "") or queues.get(row.queue_id or 0) or "house"
            valid = f"{row.valid_from or ''} – {row.valid_until or ''}"
            table.add_row(
                str(row.id),
                escape(whose),
                DAYS[row.weekday],
                f"{row.opens:%H:%M}",
                f"{row.closes:%H:%M}",
                valid if row.valid_from or row.valid_until else "",
            )
        for absence in session.scalars(select(Absence).order_by(Absence.starts_on)):
            who = names.get(absence.account_id or "", "everybody")
            away.add_row(str(absence.id), escape(who), str(absence.starts_on), str(absence.ends_on))
    console.print(table)
    console.print(away)


@hours_app.command("remove")
def remove_hours(
    number: Annotated[int, typer.Argument(help="ID from `lotse hours list`.")],
    absence: Annotated[bool, typer.Option("--absence", help="The ID of an absence.")] = False,
) -> None:
    """Remove hours, or an absence.

    Example: lotse hours remove 3
    """
    with _database().transaction() as session:
        row = session.get(Absence if absence else OfficeHours, number)
        if row is None:
            raise NotFoundError(f"There is no {number}. `lotse hours list` lists them.")
        session.delete(row)
    console.print("Removed.")


@hours_app.command("away")
def away(
    first: Annotated[str, typer.Argument(help="First day, e.g. 2026-12-24.")],
    last: Annotated[str, typer.Argument(help="Last day.")],
    account: Email = "",
) -> None:
    """Note days on which a counsellor, or without --account nobody, is there.

    Example: lotse hours away 2026-12-24 2026-12-31
    """
    starts_on, ends_on = _day(first), _day(last)
    if starts_on > ends_on:
        raise ConfigurationError("An absence must not end before it begins.")
    with _database().transaction() as session:
        account_id = _account(session, account).id if account else None
        session.add(Absence(account_id=account_id, starts_on=starts_on, ends_on=ends_on))
    console.print("Noted.")


@queues_app.command("add")
def add_queue(
    name: Annotated[str, typer.Argument(help="The queue's name.")],
    topic: Annotated[list[str] | None, typer.Option(help="A topic; may be repeated.")] = None,
    organization: Annotated[str, typer.Option(help="An organization, by name.")] = "",
    member: Annotated[
        list[str] | None, typer.Option(help="Who answers, by e-mail; may be repeated.")
    ] = None,
) -> None:
    """Add a queue, for topics or for an organization.

    Example: lotse queues add Housing --topic housing --member weber@example.org
    """
    topics = list(topic or [])
    unknown = [one for one in topics if one not in set(Topic)]
    if unknown:
        raise ConfigurationError(f"There is no topic {unknown[0]}. Topics: {', '.join(Topic)}.")
    with _database().transaction() as session:
        if session.scalar(select(Queue.id).where(Queue.name == name)) is not None:
            raise ConfigurationError("There is a queue with this name already.")
        organization_id = None
        if organization:
            organization_id = session.scalar(
                select(Organization.id).where(Organization.name == organization)
            )
            if organization_id is None:
                raise NotFoundError("There is no organization with this name.")
        queue = Queue(name=name[:100], topics=topics, organization_id=organization_id)
        session.add(queue)
        session.flush()
        session.add_all(
            QueueMember(queue_id=queue.id, account_id=_account(session, email).id)
            for email in dict.fromkeys(member or [])
        )
    console.print("Added.")


@queues_app.command("list")
def list_queues() -> None:
    """List the queues with their members.

    Example: lotse queues list
    """
    table = Table("queue", "topics", "organization", "members")
    with _database().reading() as session:
        for queue in session.scalars(select(Queue).order_by(Queue.name)):
            members = session.scalars(
                select(Account.name)
                .join(QueueMember, QueueMember.account_id == Account.id)
                .where(QueueMember.queue_id == queue.id)
                .order_by(Account.name)
            )
            found = session.get(Organization, queue.organization_id or "")
            table.add_row(
                escape(queue.name),
                ", ".join(queue.topics),
                escape(found.name) if found else "",
                escape(", ".join(members)),
            )
    console.print(table)


@queues_app.command("remove")
def remove_queue(name: Annotated[str, typer.Argument(help="The queue's name.")]) -> None:
    """Remove a queue; what waits in it is everybody's then.

    Example: lotse queues remove Housing
    """
    with _database().transaction() as session:
        session.delete(_queue(session, name))
    console.print("Removed.")


def _days(written: str) -> list[int]:
    first, _, last = written.lower().partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise ConfigurationError(f"Days are written as mon or mon-fri, from {', '.join(DAYS)}.")
    start, end = DAYS.index(first), DAYS.index(last or first)
    if start > end:
        raise ConfigurationError("The first day must come before the last.")
    return list(range(start, end + 1))


def _time(written: str) -> time:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", written)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ConfigurationError("Times are written as 9:00 or 16:30.")
    return time(int(match[1]), int(match[2]))


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ConfigurationError("Days are written as 2026-12-24.") from None


def _account(session: Session, email: str) -> Account:
    account = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if account is None:
        raise NotFoundError("There is no account with this e-mail. `lotse users list` lists them.")
    return account


def _queue(session: Session, name: str) -> Queue:
    queue = session.scalar(select(Queue).where(Queue.name == name))
    if queue is None:
        raise NotFoundError("There is no queue with this name. `lotse queues list` lists them.")
    return queue


def _database() -> Database:
    database = Database(config.load().database_url.get_secret_value())
    if not migrate.is_current(database):
        raise ConfigurationError(
            "The database is not up to date. Run `lotse db upgrade`, or `lotse up`."
        )
    return database
