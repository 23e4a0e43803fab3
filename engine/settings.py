"""Settings of the engine process, read from its environment.

The application starts the engine and passes these; the defaults serve the
plain ``rasa`` commands.
"""

from __future__ import annotations

import os

TOKEN_VARIABLE = "LOTSE_ENGINE_TOKEN"  # noqa: S105 - the variable's name, not a token
APPLICATION_URL_VARIABLE = "LOTSE_INTERNAL_URL"
TRACKER_DATABASE_VARIABLE = "LOTSE_TRACKER_DATABASE"


def token() -> str:
    """The secret shared by engine and application, or "" when none is set."""
    return os.environ.get(TOKEN_VARIABLE, "")


def authorisation_headers() -> dict[str, str]:
    """Headers for calls to the application; empty when no token is set."""
    return {"Authorization": f"Bearer {token()}"} if token() else {}
