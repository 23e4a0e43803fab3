"""The command line: helpful help, helpful errors, and the counsellors' few commands."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from bot import cli, cli_measures, cli_privacy, config
from bot.clock import utc_now
from bot.conversations import inbox, outbox
from bot.conversations.models import (
    Conversation,
    ConversationState,
    InboxMessage,
    OutboxMessage,
)
from bot.db.session import Database
from bot.errors import ConfigurationError
from bot.handover import newcomer
from bot.handover.models import Handover, Reason
from bot.measures.models import Kind, Measure
from bot.measures.search import MeasureSearch, Wishes
from bot.measures.search.codes import Matrix
from bot.measures.search.models import SearchEntry
from tests.conftest import Clock
from tests.support.builders import incoming
from tests.support.fakes import FakeMeanings
from tests.support.product import free_port

runner = CliRunner()


def commands_of(group: typer.Typer) -> Iterator[list[str]]:
    command = typer.main.get_command(group)
    for name, entry in command.commands.items():  # type: ignore[attr-defined]
        if hasattr(entry, "commands"):
            yield from ([name, nested] for nested in entry.commands)
        else:
            yield [name]


COMMANDS = list(commands_of(cli.app))


@pytest.fixture(autouse=True)
def database_file(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated database that the commands use; a wide terminal; no `.env`."""
    path = tmp_path / "lotse.db"
    shutil.copy(migrated_file, path)
    monkeypatch.setenv("LOTSE_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setattr("bot.measures.remembered.FILE", tmp_path / "passages.db")
    monkeypatch.chdir(tmp_path)
    for console in (cli.console, cli.errors, cli_measures.console, cli_privacy.console):
        monkeypatch.setattr(console, "_width", 200)
    return path


@pytest.fixture
def database(database_file: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{database_file}")
    yield opened
    opened.dispose()


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `lotse …` as the command line does; gives exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lotse", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
            # A command that ends well returns.
            raise SystemExit(0)
        written = capsys.readouterr()
        return int(exit_.value.code or 0), written.out, written.err

    return run


@pytest.fixture
def number(database: Database, clock: Clock) -> int:
    """The number of a handover that waits."""
    with database.transaction() as session:
        inbox.record(session, [incoming("I need [bold]help[/bold]")], now=clock())
        conversation = inbox.find_conversation(session, channel="web", address="anna")
        assert conversation is not None
        conversation.language = "tr"
        opened = newcomer.request(
            session, conversation, reason=Reason.ASKED, urgent=True, now=clock()
        )
        session.flush()
        return opened.id


# Help


def test_all_commands_agreed_exist() -> None:
    assert {" ".join(command) for command in COMMANDS} >= {
        *("up", "train", "chat", "measures import", "measures list", "handovers"),
        *("reply", "close", "db upgrade", "doctor"),
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example(command: list[str]) -> None:
    result = runner.invoke(cli.app, [*command, "--help"])
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    assert "Example" in text
    assert f"lotse {' '.join(command)}" in text


def test_help_alone_lists_the_commands(run: Callable[..., tuple[int, str, str]]) -> None:
    _, output, _ = run("--help")
    assert all(command[0] in output for command in COMMANDS)
    assert "lotse up" in output


# Errors


@pytest.mark.parametrize("arguments", [("reply", "99", "hello"), ("close", "99")], ids=" ".join)
def test_an_unknown_handover_is_named(
    run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...]
) -> None:
    code, output, error = run(*arguments)
    assert (code, output) == (1, "")
    assert "There is no handover 99. `lotse handovers` lists them." in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments",
    [("handovers",), ("measures", "list"), ("measures", "import"), ("close", "1")],
    ids=" ".join,
)
def test_a_database_not_migrated_says_what_to_do(
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("LOTSE_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    code, _, error = run(*arguments)
    assert code == 1
    assert "The database is not up to date. Run `lotse db upgrade`" in error
    assert run("db", "upgrade")[0] == 0
    assert run("handovers")[0] == 0


def test_a_wrong_setting_is_named(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTSE_PORT", "eighty")
    code, _, error = run("handovers")
    assert code == 1
    assert "LOTSE_PORT" in error
    assert "Traceback" not in error


def test_a_faulty_file_is_refused_line_by_line(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "m.csv"
    rows = "".join(f"r{number},nothing,T,T,D,https://example.org\n" for number in range(60))
    file.write_text(f"id,topics,title_de,title_en,description_facts,source_url\n{rows}", "utf-8")
    code, _, error = run("measures", "import", str(file))
    assert code == 1
    assert "60 problems in the file; nothing was imported" in error
    assert "line 2, topics: 'nothing' is not one of" in error
    assert "and 10 more" in error


def test_a_file_that_is_not_there_is_named(run: Callable[..., tuple[int, str, str]]) -> None:
    code, _, error = run("measures", "import", "missing.csv")
    assert code == 1
    assert "the file cannot be read: No such file or directory" in error


# Measures


def test_measures_are_imported_and_listed(
    run: Callable[..., tuple[int, str, str]], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.measures.encoding.SentenceMeanings", lambda threads: FakeMeanings())
    code, output, _ = run("measures", "import")
    assert code == 0
    assert "144 added, 0 changed, 0 unchanged; 16 are drafts" in output
    assert "0 added, 0 changed, 144 unchanged" in run("measures", "import")[1]
    assert "128 offers" in run("measures", "list")[1]
    assert "144 offers" in run("measures", "list", "--drafts")[1]
    listed = run("measures", "list", "--topic", "housing")[1]
    assert "stg-notuebernachtung" in run("measures", "list")[1]
    assert 0 < int(listed.split()[-2]) < 128
    with database.reading() as session:
        assert set(session.scalars(select(SearchEntry.model))) == {"fake"}


class Unread(FakeMeanings):
    """A model of meaning that reads no passage."""

    def passages(self, texts: Sequence[str]) -> Matrix:
        raise AssertionError("a first start must not wait for this")


def test_a_first_start_makes_the_starter_measures_findable_by_words_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.measures.encoding.SentenceMeanings", lambda threads: Unread())
    monkeypatch.setenv("LOTSE_TRAIN_WHEN_STALE", "false")
    cli.prepare(config.load())
    cli.prepare(config.load())
    searcher = MeasureSearch(meanings=Unread())
    with database.reading() as session:
        kinds = session.scalars(select(Measure.kind).join(SearchEntry).distinct())
        assert set(kinds) == {Kind.OFFER.value, Kind.GUIDE.value}
        found = searcher.find(
            session, topic=None, wishes=Wishes(), text="Notübernachtung", first=1, now=utc_now()
        )
        named = session.get_one(Measure, found.ids[0])
    assert "Notübernachtung" in " ".join(f"{t.title} {t.description}" for t in named.texts)


def test_offers_that_a_file_lists_no_more_are_shown_then_archived(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.measures.encoding.SentenceMeanings", lambda threads: FakeMeanings())
    file = tmp_path / "m.csv"
    head = "id,topics,title_de,title_en,description_facts,source_url,confidence\n"
    rows = [f"{key},job,T,T,D,https://example.org,high\n" for key in "ab"]
    file.write_text(head + "".join(rows), "utf-8")
    run("measures", "import", str(file))
    file.write_text(head + rows[1], "utf-8")
    assert "1 that the file does not list any more stay" in run("measures", "import", str(file))[1]
    archive = ("measures", "import", str(file), "--archive-missing")
    tried = run(*archive, "--dry-run")[1]
    assert "~ a  status\n    - published\n    + archived" in tried
    assert "Would be: 1 archived" in tried
    assert "1 archived, which the file does not list any more" in run(*archive)[1]
    assert "archived" not in run(*archive)[1]


# Handovers


def test_the_list_shows_who_waits(run: Callable[..., tuple[int, str, str]], number: int) -> None:
    code, output, _ = run("handovers")
    assert code == 0
    for part in (str(number), "waiting", "asked", "yes", "tr", "23.11. 10:00"):
        assert part in output
    # What a person wrote is shown as they wrote it.
    assert "I need [bold]help[/bold]" in output


def test_nobody_waits(run: Callable[..., tuple[int, str, str]]) -> None:
    code, output, _ = run("handovers")
    assert code == 0
    assert "lotse reply" not in output


def test_a_counsellor_answers_and_closes(
    run: Callable[..., tuple[int, str, str]], database: Database, number: int
) -> None:
    assert run("reply", str(number), "Guten Tag", "--as", "Weber")[:2] == (0, "On its way.\n")
    with database.reading() as session:
        assert session.get_one(Handover, number).claimed_by == "Weber"
        [row] = session.query(OutboxMessage).all()
        assert row.content["text"] == "Guten Tag"
        assert session.query(Conversation).one().state == ConversationState.WITH_HUMAN
    assert run("close", str(number))[0] == 0
    with database.reading() as session:
        assert session.query(Conversation).one().state == ConversationState.BOT
        assert outbox.count_by_state(session) == {"pending": 2}
    code, _, error = run("close", str(number))
    assert (code, f"Handover {number} is closed already." in error) == (1, True)


def test_an_empty_reply_is_refused(run: Callable[..., tuple[int, str, str]], number: int) -> None:
    code, _, error = run("reply", str(number), "  ")
    assert code == 1
    assert "An empty reply cannot be sent." in error


def test_nlu_report_names_a_table_that_is_missing(tmp_path: Path) -> None:
    result = runner.invoke(
        cli.app, ["nlu", "report", "--messages", str(tmp_path / "none.tsv"), "--quick"]
    )
    assert isinstance(result.exception, ConfigurationError)
    assert "none.tsv does not exist" in str(result.exception)


# Deleting by age


@pytest.fixture
def long_silent(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who never agreed and wrote nothing for a week, by the commands' clock."""
    with database.transaction() as session:
        inbox.record(session, [incoming("hello")], now=clock())
        inbox.await_consent(session.scalars(select(InboxMessage)).one())
    clock.advance(7 * 24 * 3600)
    monkeypatch.setattr(cli_privacy, "utc_now", clock)


@pytest.mark.usefixtures("long_silent")
def test_a_dry_run_of_the_retention_says_what_is_due_and_deletes_nothing(
    run: Callable[..., tuple[int, str, str]], database: Database
) -> None:
    code, output, _ = run("privacy", "retention", "--dry-run")
    assert code == 0
    [line] = [line for line in output.splitlines() if "without consent" in line]
    assert [cell.strip() for cell in line.split("│")[2:4]] == ["7 days", "1"]
    assert "Nothing was deleted." in output
    with database.reading() as session:
        assert session.scalars(select(Conversation)).one()


@pytest.mark.usefixtures("long_silent")
def test_the_retention_without_the_engine_says_what_to_do(
    run: Callable[..., tuple[int, str, str]], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTSE_ENGINE_PORT", str(free_port()))
    monkeypatch.setenv("LOTSE_ENGINE_TOKEN", "token")
    code, _, error = run("privacy", "retention")
    assert code == 1
    assert "Start it with `lotse up`." in error
    with database.reading() as session:
        assert session.scalars(select(Conversation)).one()
