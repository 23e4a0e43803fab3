"""Fails when models and migrations differ: ``python -m bot.db.check_drift``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic.util import CommandError

from bot.db import migrate
from bot.db.session import Database


def main() -> None:
    """Migrates an empty database up and down and compares it with the models."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{Path(directory) / 'drift.db'}")
        migrate.upgrade(database)
        try:
            migrate.check(database)
        except CommandError as error:
            sys.exit(f"Models and migrations differ: {error}. Write a migration.")
        migrate.downgrade(database, "base")
        database.dispose()
    print("Migrations fit the models.")


if __name__ == "__main__":
    main()
