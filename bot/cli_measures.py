"""``lotse measures``: importing, exporting and listing offers and guides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import select

from bot import config
from bot.clock import utc_now
from bot.config import PROJECT, Settings
from bot.db import migrate
from bot.db.session import Database
from bot.errors import ConfigurationError
from bot.measures.exporters import csv as csv_export
from bot.measures.exporters import hsds as hsds_export
from bot.measures.exporters import ical as ical_export
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers.run import DEFAULTS, Choices, Format, Limits, run
from bot.measures.importers.store import Difference, ImportReport
from bot.measures.models import Measure
from bot.measures.topics import Topic

measures_app = typer.Typer(no_args_is_help=True, help="The offers that Lotse answers with.")
console = Console()
STARTER_MEASURES = PROJECT / "data" / "measures.csv"
STARTER_GUIDES = PROJECT / "data" / "guides.csv"
SHOWN_DIFFERENCES = 200


class ExportFormat(StrEnum):
    """What an export writes."""

    HSDS_JSON = "hsds-json"
    HSDS_CSV = "hsds-csv"
    CSV = "csv"
    ICAL = "ical"


@measures_app.command("import")
def import_command(
    source: Annotated[
        str, typer.Argument(help="A file, a directory of tables, or a web address.")
    ] = str(STARTER_MEASURES),
    file_format: Annotated[
        Format | None, typer.Option("--format", help="By default told by the name.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, change nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what editors wrote by hand, too.")
    ] = False,
    archive_missing: Annotated[
        bool,
        typer.Option(
            "--archive-missing",
            help="Archive offers that this file listed before and does not list any more; "
            "those that an editor wrote or changed stay.",
        ),
    ] = False,
    origin: Annotated[
        str,
        typer.Option(
            help="Name that tells whose offers may be missing. By default the name of the file."
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="Language of the texts of HSDS.")] = "de",
    topic: Annotated[str, typer.Option(help="Topic of entries that tell none.")] = "",
) -> None:
    """Import offers and guides: all of a file, or nothing if an entry is faulty.

    Entries are known by their id, so importing again updates them. With a CSV file, texts
    in other languages are read from `measure_texts/<language>.csv` beside it.

    Examples: lotse measures import data/measures.csv · lotse measures import
    https://example.org/services --format hsds-json --dry-run · lotse measures import
    courses-2026.csv --origin courses --archive-missing
    """
    if topic and topic not in frozenset(Topic):
        raise ConfigurationError(f"--topic {topic}: not one of {', '.join(Topic)}")
    settings = config.load()
    import_file(
        _database(settings),
        source,
        settings=settings,
        file_format=file_format or Format.of(source),
        assume=Assumptions(language=language, topic=topic),
        choices=Choices(origin=origin, archive_missing=archive_missing, force=force),
        dry_run=dry_run,
    )


def import_file(
    database: Database,
    source: str,
    *,
    settings: Settings,
    file_format: Format = Format.CSV,
    assume: Assumptions | None = None,
    choices: Choices = DEFAULTS,
    dry_run: bool = False,
    vectors: bool = True,
) -> None:
    """Imports with a progress bar, says what was done and makes it ready for searches.

    Without ``vectors`` searches find it by facts and words, and by meaning once a running
    ``bot.workers.search.SearchUpkeep`` has made the vectors.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("Importing", total=None)
        report = run(
            database,
            source,
            file_format=file_format,
            now=utc_now(),
            limits=Limits(
                maximum_bytes=settings.import_max_bytes,
                seconds=settings.import_timeout,
                private_addresses=settings.import_private_addresses,
            ),
            assume=assume or Assumptions(),
            choices=choices,
            dry_run=dry_run,
            progress=lambda count: bar.update(task, completed=count),
        )
    if dry_run:
        _show(report.differences)
    else:
        _make_findable(database, vectors=vectors)
    _summarise(report, choices, dry_run=dry_run)


def _make_findable(database: Database, *, vectors: bool) -> None:
    # The sentence encoder is loaded only where it is needed.
    from bot.measures import remembered
    from bot.measures.encoding import SentenceMeanings
    from bot.workers.search import SearchUpkeep

    meanings = remembered.RememberedMeanings(SentenceMeanings(threads=2), file=remembered.FILE)
    upkeep = SearchUpkeep(database=database, meanings=meanings)
    with console.status("Making them ready for searches"):
        if vectors:
            upkeep.catch_up()
        else:
            upkeep.catch_up_facts()


def _show(differences: list[Difference]) -> None:
    for difference in differences[:SHOWN_DIFFERENCES]:
        name = escape(difference.external_id)
        if difference.field_name == "+":
            console.print(f"[green]+ {name}[/green]  {escape(_short(difference.after))}")
            continue
        console.print(f"[yellow]~ {name}[/yellow]  {escape(difference.field_name)}")
        console.print(f"    [red]- {escape(_short(difference.before))}[/red]")
        console.print(f"    [green]+ {escape(_short(difference.after))}[/green]")
    if len(differences) > SHOWN_DIFFERENCES:
        console.print(f"… and {len(differences) - SHOWN_DIFFERENCES} more")


def _short(value: str) -> str:
    value = " ".join(value.split())
    return value if len(value) <= 100 else f"{value[:99]}…"


def _summarise(report: ImportReport, choices: Choices, *, dry_run: bool) -> None:
    would = "Would be: " if dry_run else ""
    console.print(
        f"{would}{report.added} added, {report.changed} changed, {report.unchanged} unchanged; "
        f"{report.drafts} are drafts that only editors see."
    )
    if report.archived:
        console.print(f"{would}{report.archived} archived, which the file does not list any more.")
    if report.missing and choices.archive_missing:
        console.print(
            f"{report.missing} that the file does not list any more stay, because an editor wrote "
            "in them; --force archives them too."
        )
    elif report.missing:
        console.print(
            f"{report.missing} that the file does not list any more stay; --archive-missing "
            "archives them."
        )
    if report.kept:
        console.print(
            f"{report.kept} fields that an editor wrote by hand stay; --force overwrites them."
        )


@measures_app.command("export")
def export_command(
    output: Annotated[Path, typer.Argument(help="The file to write.")],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="hsds-csv writes a zip file.")
    ] = ExportFormat.HSDS_JSON,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Drafts and archived offers too.")
    ] = False,
) -> None:
    """Export published offers and guides: HSDS 3, our own CSV, or a calendar of their dates.

    Example: lotse measures export services.json --format hsds-json
    """
    database = _database(config.load())
    with database.reading() as session:
        if file_format is ExportFormat.CSV:
            count = csv_export.write(session, output, drafts=drafts)
        else:
            with _replacing(output) as file:
                if file_format is ExportFormat.HSDS_JSON:
                    count = hsds_export.write_json(session, file, drafts=drafts)
                elif file_format is ExportFormat.HSDS_CSV:
                    count = hsds_export.write_tables(session, file, drafts=drafts)
                else:
                    count = ical_export.write(session, file, now=utc_now(), drafts=drafts)
    console.print(f"{count} written to {output}")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name only when it is complete."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


@measures_app.command("list")
def list_measures(
    topic: Annotated[str, typer.Option(help="Only this topic, e.g. housing.")] = "",
    drafts: Annotated[bool, typer.Option("--drafts", help="Drafts too.")] = False,
) -> None:
    """List the offers.

    Example: lotse measures list --topic housing
    """
    table = Table("id", "title", "provider", "topics", "status", "source date")
    with _database(config.load()).reading() as session:
        rows = session.scalars(select(Measure).order_by(Measure.external_id)).unique()
        for measure in rows:
            topics = [entry.topic for entry in measure.topics]
            if (topic and topic not in topics) or (measure.status == "draft" and not drafts):
                continue
            text = measure.text("de") or measure.text("en")
            table.add_row(
                measure.external_id,
                escape(text.title) if text else "",
                escape(measure.organization.name) if measure.organization else "",
                ", ".join(topics),
                measure.status,
                measure.source_date,
            )
    console.print(table)
    console.print(f"{table.row_count} offers")


def _database(settings: Settings) -> Database:
    database = Database(settings.database_url.get_secret_value())
    if not migrate.is_current(database):
        raise ConfigurationError(
            "The database is not up to date. Run `lotse db upgrade`, or `lotse up`."
        )
    return database
