"""Starts the engine: ``python -m engine.serve --model models/lotse.tar.gz --port 5005``.

Loads Rasa without TensorFlow (``engine.lean``), listens on the loopback
interface only, and requires the token of ``LOTSE_ENGINE_TOKEN`` on every route.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sqlite3
import sys
import threading
import warnings
from pathlib import Path

from engine import blas, lean, settings

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serves until it is told to stop; exits with 2 when token or model is missing."""
    arguments = _parser().parse_args()
    if not settings.token():
        raise SystemExit(f"{settings.TOKEN_VARIABLE} is not set; `lotse up` sets it.")
    if not arguments.model.exists():
        raise SystemExit(f"{arguments.model} does not exist; run `lotse train` first.")
    if arguments.exit_with_parent:
        threading.Thread(target=_exit_with_parent, daemon=True).start()
    blas.install()
    lean.install()
    _serve(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.serve", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the trained model")
    parser.add_argument("--port", type=int, default=5005, help="default: %(default)s")
    parser.add_argument("--endpoints", type=Path, default=Path("endpoints.yml"))
    parser.add_argument("--credentials", type=Path, default=Path("credentials.yml"))
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input closes, as it does when the starting process dies",
    )
    return parser


def _exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _serve(arguments: argparse.Namespace) -> None:
    # Rasa is imported here because what is installed has to come first.
    import rasa.core.run
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings(log_level=logging.WARNING)
    configure_structlog(logging.WARNING)
    # Rasa would quote the whole text of a payload that it cannot read.
    warnings.filterwarnings("ignore", message="Failed to parse arguments in line")
    _prepare_tracker_database()
    endpoints = AvailableEndpoints.read_endpoints(str(arguments.endpoints))
    _point_at_application(endpoints)
    rasa.core.run.serve_application(
        model_path=str(arguments.model),
        interface=LOOPBACK,
        port=arguments.port,
        credentials=str(arguments.credentials),
        auth_token=settings.token(),
        enable_api=True,
        endpoints=endpoints,
    )


def _prepare_tracker_database() -> None:
    database = os.environ.get(settings.TRACKER_DATABASE_VARIABLE)
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        # The mode is kept in the file: committing takes one write instead of three.
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _point_at_application(endpoints: object) -> None:
    base = os.environ.get(settings.APPLICATION_URL_VARIABLE)
    if base:
        endpoints.action.url = f"{base}/actions"
        endpoints.nlg.url = f"{base}/responses"
    endpoints.action.headers.update(settings.authorisation_headers())
    database = os.environ.get(settings.TRACKER_DATABASE_VARIABLE)
    if database:
        endpoints.tracker_store.kwargs["db"] = database


if __name__ == "__main__":
    main()
