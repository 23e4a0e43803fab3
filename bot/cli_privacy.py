"""``lotse privacy``: what is stored about people, and for how long."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot import config
from bot.clock import utc_now
from bot.config import Settings
from bot.db import migrate
from bot.db.session import Database
from bot.errors import ConfigurationError, EngineUnavailableError
from bot.privacy import retention
from bot.privacy.retention import Due, Terms

privacy_app = typer.Typer(
    no_args_is_help=True, help="What is stored about people, and for how long."
)
console = Console()


@privacy_app.callback()
def group() -> None:
    """What is stored about people, and for how long."""


@privacy_app.command("retention")
def run_retention(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted; delete nothing.")
    ] = False,
) -> None:
    """Delete what is older than the settings allow; `lotse up` does it every hour by itself.

    Conversations that wait for a person, or whose person has an appointment, are kept. Needs the
    engine, which forgets the conversations too: run it beside `lotse up`.

    Example: LOTSE_RETENTION_DAYS=90 lotse privacy retention --dry-run
    """
    settings = config.load()
    terms = Terms.of(settings)
    database = Database(settings.database_url.get_secret_value())
    if not migrate.is_current(database):
        raise ConfigurationError(
            "The database is not up to date. Run `lotse db upgrade`, or `lotse up`."
        )
    with database.reading() as session:
        due = retention.count_due(session, terms, now=utc_now())
    console.print(_table(due, terms))
    if dry_run:
        console.print("Nothing was deleted.")
        return
    asyncio.run(_delete(settings, database, terms))


def _table(due: Due, terms: Terms) -> Table:
    table = Table("what", "kept for", "to be deleted")
    for what, term, count in (
        ("conversations, after the last message", terms.conversations, due.conversations),
        ("the same, without consent", terms.without_consent, due.without_consent),
        ("whose past appointments were", terms.appointments, due.appointments),
    ):
        table.add_row(what, f"{term.days} days", str(count))
    table.add_row("leftovers: buttons, receipts, audit log", "", str(due.leftovers))
    return table


async def _delete(settings: Settings, database: Database, terms: Terms) -> None:
    # Everything heavy is imported only now, so that other commands start quickly.
    from bot.bootstrap.wiring import engine_token
    from bot.dialogue.engine import Engine
    from bot.workers.retention import RetentionWorker

    engine = Engine(
        url=settings.engine_url, token=engine_token(settings), timeout=settings.engine_timeout
    )
    worker = RetentionWorker(database=database, engine=engine, terms=terms, clock=utc_now)
    try:
        deleted = await worker.look()
    except EngineUnavailableError as error:
        raise ConfigurationError(
            "The engine does not run, so the conversations are kept. Start it with `lotse up`."
        ) from error
    finally:
        await engine.close()
        database.dispose()
    console.print(
        f"Deleted: {deleted.conversations} conversations, {deleted.appointments} appointments' "
        f"people, {deleted.leftovers} leftovers."
    )
    if deleted.left:
        console.print(f"{deleted.left} conversations could not be deleted; try again later.")
