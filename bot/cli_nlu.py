"""``lotse nlu``: how well messages are understood."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from bot.config import PROJECT
from bot.dialogue.model import ENGINE_PYTHON
from bot.errors import ConfigurationError

nlu_app = typer.Typer(no_args_is_help=True, help="How well messages are understood.")


@nlu_app.callback()
def group() -> None:
    """How well messages are understood."""


@nlu_app.command("report")
def report(
    output: Annotated[Path, typer.Option(help="Directory for the page.")] = Path("var/nlu-report"),
    messages: Annotated[
        list[Path] | None,
        typer.Option(help="More messages to try: a table headed language, intent, text."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two folds only; no language out.")
    ] = False,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Into how many parts to cross-validate.")
    ] = None,
) -> None:
    """Train, evaluate and write a page with pictures and a summary.json.

    Cross-validated by language, each language left out in turn, and on the messages kept apart:
    confusions, confidence, out-of-scope curve. Takes half an hour or more on two cores.

    Example: lotse nlu report --output /tmp/report --messages mine.tsv
    """
    if not ENGINE_PYTHON.exists():
        raise ConfigurationError("The engine's environment is missing. Run `make setup`.")
    missing = next((path for path in messages or [] if not path.is_file()), None)
    if missing:
        raise ConfigurationError(f"{missing} does not exist.")
    extra = [part for path in messages or [] for part in ("--messages", str(path.resolve()))]
    result = subprocess.run(  # noqa: S603 - our own interpreter and module
        [
            str(ENGINE_PYTHON),
            *("-m", "benchmarks.nlu.report", "--output", str(output.resolve())),
            *extra,
            *(["--quick"] if quick else []),
            *(["--folds", str(folds)] if folds else []),
        ],
        cwd=PROJECT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    if result.returncode:
        raise ConfigurationError("The report failed; the messages above say why.")
