"""``lotse users``: the accounts of the console."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from bot import config
from bot.clock import utc_now
from bot.counsellors import accounts, audit
from bot.counsellors.models import Role
from bot.db import migrate
from bot.db.session import Database
from bot.errors import ConfigurationError, NotFoundError
from bot.measures.models import Organization

users_app = typer.Typer(no_args_is_help=True, help="The accounts of the console.")
console = Console()

Email = Annotated[str, typer.Argument(help="The e-mail that the person signs in with.")]


@users_app.command("add")
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="The name that newcomers see.")],
    role: Annotated[Role, typer.Option(help="What the account is for.")] = Role.COUNSELLOR,
    organization: Annotated[str, typer.Option(help="A partner's organization, by name.")] = "",
    languages: Annotated[str, typer.Option(help="Languages spoken, e.g. de,en,uk.")] = "",
) -> None:
    """Make an account and print its invitation link, which works once, within seven days.

    Example: lotse users add weber@example.org --name "Frau Weber" --role admin
    """
    with _database().transaction() as session:
        organization_id = None
        if organization:
            organization_id = session.scalar(
                select(Organization.id).where(Organization.name == organization)
            )
            if organization_id is None:
                raise NotFoundError("There is no organization with this name.")
        account, secret = accounts.invite(
            session,
            email=email,
            name=name,
            role=role,
            organization_id=organization_id,
            languages=[code.strip() for code in languages.split(",") if code.strip()],
            actor=audit.COMMAND_LINE,
            now=utc_now(),
        )
        found = account.email
    _print_link(found, secret)


@users_app.command("list")
def list_users() -> None:
    """List the accounts.

    Example: lotse users list
    """
    table = Table("e-mail", "name", "role", "languages", "state", "one-time codes")
    with _database().reading() as session:
        for account in accounts.all_accounts(session):
            state = "active" if account.password_hash else "invited"
            table.add_row(
                escape(account.email),
                escape(account.name),
                account.role.value,
                ", ".join(account.languages),
                state if account.active else "disabled",
                "on" if account.totp_secret else "",
            )
    console.print(table)


@users_app.command("disable")
def disable(
    email: Email,
    undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False,
) -> None:
    """Disable an account: it is signed out everywhere at once.

    Example: lotse users disable weber@example.org
    """
    with _database().transaction() as session:
        account = accounts.by_email(session, email)
        accounts.set_active(session, account, active=undo, actor=audit.COMMAND_LINE, now=utc_now())
    console.print("Enabled." if undo else "Disabled.")


@users_app.command("reset")
def reset(email: Email) -> None:
    """Print a link that sets a new password and switches one-time codes off.

    Example: lotse users reset weber@example.org
    """
    with _database().transaction() as session:
        account = accounts.by_email(session, email)
        secret = accounts.reset(session, account, actor=audit.COMMAND_LINE, now=utc_now())
        found = account.email
    _print_link(found, secret)


def _print_link(email: str, secret: str) -> None:
    console.print(f"Give this link to {escape(email)}; it works once:")
    # Not wrapped: a link broken over two lines cannot be copied.
    console.print(f"{config.load().base_url}/console/invitation/{secret}", soft_wrap=True)


def _database() -> Database:
    database = Database(config.load().database_url.get_secret_value())
    if not migrate.is_current(database):
        raise ConfigurationError("The database is not up to date. Run `lotse db upgrade`.")
    return database
