"""``lotse``: the one command."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from bot import config, doctor, logs
from bot.booking import seed
from bot.cli_desk import hours_app, queues_app
from bot.cli_measures import STARTER_GUIDES, STARTER_MEASURES, import_file, measures_app
from bot.cli_nlu import nlu_app
from bot.cli_privacy import privacy_app
from bot.cli_users import users_app
from bot.clock import utc_now
from bot.config import Settings
from bot.db import migrate
from bot.db.session import Database
from bot.dialogue import model
from bot.errors import ConfigurationError, ImportRejectedError, LotseError
from bot.handover import service as handover
from bot.handover.journal import Actor
from bot.handover.moves import list_open
from bot.i18n.texts import Catalogues
from bot.measures import taxonomies
from bot.measures.models import Kind, Measure

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Lotse, the chat assistant for newcomers. Start with [bold]lotse up[/bold].",
    epilog="Example: TELEGRAM_TOKEN=… lotse up · lotse chat · lotse handovers",
)
booking_app = typer.Typer(no_args_is_help=True, help="Counselling appointments.")
database_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(measures_app, name="measures")
app.add_typer(booking_app, name="booking")
app.add_typer(database_app, name="db")
app.add_typer(users_app, name="users")
app.add_typer(hours_app, name="hours")
app.add_typer(queues_app, name="queues")
app.add_typer(nlu_app, name="nlu")
app.add_typer(privacy_app, name="privacy")

console = Console()
errors = Console(stderr=True)
STUTTGART = ZoneInfo("Europe/Berlin")


def main() -> None:
    """Runs the command line; known errors become one line that says what to do."""
    try:
        app()
    except ImportRejectedError as error:
        errors.print(f"[red]{error}[/red]")
        for problem in error.problems[:50]:
            errors.print(f"  {problem}", markup=False)
        if len(error.problems) > 50:
            errors.print(f"  … and {len(error.problems) - 50} more")
        sys.exit(1)
    except LotseError as error:
        errors.print(f"[red]{error}[/red]", markup=True)
        sys.exit(1)


@app.command()
def up(
    train_anew: Annotated[bool, typer.Option("--train", help="Train even if not needed.")] = False,
) -> None:
    """Start everything: database, measures, model, engine, web chat and Telegram.

    Example: TELEGRAM_TOKEN=123:abc lotse up
    """
    settings = config.load()
    logs.configure(settings.log_level)
    prepare(settings, train_anew=train_anew)
    # Everything heavy is imported only now, so that other commands start quickly.
    from bot.bootstrap import build

    lotse = build(settings)
    console.print(f"Chat:    [bold]http://{settings.host}:{settings.port}/[/bold]")
    console.print(f"Console: http://{settings.host}:{settings.port}/console/")
    console.print(f"Health:  http://{settings.host}:{settings.port}/health/ready")
    console.print(f"Metrics: {settings.internal_url}/metrics")
    if lotse.telegram:
        way = "webhook" if settings.telegram_by_webhook else "long polling"
        console.print(f"Telegram: {way}")
    console.print("The engine needs some seconds to start. Stop with Ctrl+C.")
    asyncio.run(_until_stopped(lotse.run()))


async def _until_stopped(running: Any) -> None:
    task = asyncio.ensure_future(running)
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def prepare(settings: Settings, *, train_anew: bool = False) -> None:
    """Migrates the database, loads the starter measures, trains a stale model.

    Starter measures are found by facts and words from then on; their vectors are left to
    the running product, because they take longer than all the rest of a first start.
    """
    database = Database(settings.database_url.get_secret_value())
    migrate.upgrade(database)
    with database.transaction() as session:
        taxonomies.ensure(session)
    for kind, starter in ((Kind.OFFER, STARTER_MEASURES), (Kind.GUIDE, STARTER_GUIDES)):
        with database.reading() as session:
            of_kind = select(func.count()).select_from(Measure).where(Measure.kind == kind.value)
            present = session.scalar(of_kind)
        if not present:
            console.print(f"Loading the starter {kind.value}s …")
            import_file(database, str(starter), settings=settings, vectors=False)
            console.print(f"What the {kind.value}s mean is read later; searches go by words first.")
    database.dispose()
    if train_anew or (settings.train_when_stale and model.is_stale(settings)):
        console.print("Training the model …")
        model.train(settings)


@app.command()
def train(
    force: Annotated[bool, typer.Option("--force", help="Train even if nothing changed.")] = False,
) -> None:
    """Train the model if its data, configuration or code changed.

    Example: lotse train --force
    """
    settings = config.load()
    if not force and not model.is_stale(settings):
        console.print("The model is up to date. Use --force to train anyway.")
        return
    model.train(settings)


@app.command()
def chat(
    url: Annotated[str, typer.Option(help="Address of the running server.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 30.0,
) -> None:
    """Talk to the running assistant in this terminal.

    Examples: lotse chat · echo "where german course" | lotse chat
    """
    from bot.channels.terminal import hold_conversation

    settings = config.load()
    answered = asyncio.run(
        hold_conversation(
            base_url=url or f"http://{settings.host}:{settings.port}",
            stdin=sys.stdin,
            console=console,
            answer_seconds=timeout,
        )
    )
    raise typer.Exit(0 if answered else 1)


@app.command("handovers")
def list_handovers() -> None:
    """List the conversations that wait for a person or are with one, urgent ones first.

    Example: lotse handovers
    """
    database = _database()
    table = Table("ID", "state", "reason", "urgent", "language", "since", "last message")
    with database.reading() as session:
        for item in list_open(session):
            table.add_row(
                str(item.id),
                item.state,
                item.reason,
                "[red]yes[/red]" if item.urgent else "",
                item.language,
                _local(item.requested_at),
                _last_words(session, item.conversation_id),
            )
    console.print(table)
    if table.row_count:
        console.print('Answer with: lotse reply ID "…"   Give back with: lotse close ID')


def _last_words(session: Any, conversation_id: str) -> str:
    from rich.markup import escape

    from bot.conversations.models import InboxMessage

    text = session.scalar(
        select(InboxMessage.text)
        .where(InboxMessage.conversation_id == conversation_id, InboxMessage.text != "")
        .order_by(InboxMessage.id.desc())
        .limit(1)
    )
    return escape((text or "")[:80])


@app.command()
def reply(
    handover_id: Annotated[int, typer.Argument(help="Number from `lotse handovers`.")],
    text: Annotated[str, typer.Argument(help="What the person is told.")],
    name: Annotated[str, typer.Option("--as", help="Who answers.")] = "counsellor",
) -> None:
    """Answer a person as a counsellor; the bot is silent from then on.

    Example: lotse reply 3 "Guten Tag, ich bin Frau Weber. Wie kann ich helfen?"
    """
    with _database().transaction() as session:
        handover.reply(session, handover_id, text=text, by=_at_command_line(name), now=utc_now())
    console.print("On its way.")


@app.command()
def close(
    handover_id: Annotated[int, typer.Argument(help="Number from `lotse handovers`.")],
) -> None:
    """Give a conversation back to the bot; the person is told.

    Example: lotse close 3
    """
    with _database().transaction() as session:
        by = _at_command_line("counsellor")
        handover.close(session, handover_id, by=by, catalogues=Catalogues(), now=utc_now())
    console.print("Closed. The bot answers again.")


def _at_command_line(name: str) -> Actor:
    return Actor(name=name, desk="command line")


@booking_app.command("seed-demo")
def seed_demo_booking() -> None:
    """Set up career counselling with two made-up counsellors, to try booking out.

    Example: lotse booking seed-demo
    """
    with _database().transaction() as session:
        measure = session.scalar(select(Measure).where(Measure.external_id == seed.MEASURE))
        titles = {text.language: text.title for text in measure.texts} if measure else {}
        done = seed.seed_demo(session, titles=titles, now=utc_now())
    console.print("Set up; it is marked as a demo." if done else "It is set up already.")


@database_app.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to the present schema; harmless when it is there already.

    Example: LOTSE_DATABASE_URL=postgresql://lotse@localhost/lotse lotse db upgrade
    """
    migrate.upgrade(_raw_database())
    console.print("The database is up to date.")


@app.command("doctor")
def run_doctor() -> None:
    """Check environments, engine, database, model, texts and token; say how to mend each.

    Example: lotse doctor
    """
    findings = asyncio.run(doctor.examine(config.load()))
    marks: dict[bool, str] = {True: "[green]ok[/green]", False: "[red]to mend[/red]"}
    table = Table("what", "state", "details")
    for finding in findings:
        table.add_row(finding.name, marks[finding.ok], finding.details)
    console.print(table)
    settings_table = Table("setting", "value", "meaning")
    for name, value, meaning in doctor.settings_in_force(config.load()):
        settings_table.add_row(name, value, meaning)
    console.print(settings_table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _raw_database() -> Database:
    return Database(config.load().database_url.get_secret_value())


def _database() -> Database:
    database = _raw_database()
    if not migrate.is_current(database):
        raise ConfigurationError(
            "The database is not up to date. Run `lotse db upgrade`, or `lotse up`."
        )
    return database


def _local(moment: datetime) -> str:
    return moment.astimezone(STUTTGART).strftime("%d.%m. %H:%M")
