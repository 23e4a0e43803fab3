"""The training messages as they lie in folders, one for each language."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, NamedTuple

import yaml


class Example(NamedTuple):
    """A training message."""

    language: str
    intent: str
    text: str


def read_examples(directory: Path) -> Iterator[Example]:
    """Every message of the files in the folders of `directory`, which are named after languages."""
    for path in sorted(directory.glob("*/*.yml")):
        # Both loaders are safe ones.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        for block in content.get("nlu", []):
            for line in block["examples"].splitlines() if "intent" in block else ():
                if line.startswith("- "):
                    yield Example(path.parent.name, block["intent"], line[2:].strip())


# The same safe loader; the one in C is ten times faster and not built everywhere.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
