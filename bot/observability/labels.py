"""Values of labels: only from lists that this installation knows, so that nobody's words are any.

Each value of a label is a time series that a server keeps for weeks. What people, platforms or
an imported row bring along therefore never becomes one: it is counted as ``other``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import yaml

from bot.config import PROJECT

OTHER = "other"
ENGINE_CALLS = frozenset(("webhook", "resume", "choice", "forget"))


def known(value: object, values: Collection[str]) -> str:
    """``value`` if it is one of ``values``, else ``other``."""
    return value if isinstance(value, str) and value in values else OTHER


def intents(directory: Path = PROJECT / "domain") -> frozenset[str]:
    """The intents that the domain declares."""
    names: set[str] = set()
    for path in sorted(directory.glob("*.yml")):
        for declared in yaml.safe_load(path.read_text("utf-8")).get("intents") or ():
            names.update(declared if isinstance(declared, dict) else (declared,))
    return frozenset(names)
