"""Lets Babel find the English source of Rasa's responses in ``domain/*.yml``."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from typing import IO, Any

import yaml

Extracted = tuple[int, str, str, list[str]]


def extract_domain(
    file: IO[bytes],
    keywords: Collection[str],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Generator[Extracted]:
    """Yields texts and button titles of responses, in the form Babel asks of an extractor."""
    domain = yaml.safe_load(file.read().decode()) or {}
    for name, variants in (domain.get("responses") or {}).items():
        for variant in variants:
            if text := (variant.get("text") or "").strip():
                yield 1, "gettext", text, [f"Response {name}"]
            for button in variant.get("buttons") or []:
                yield 1, "gettext", button["title"], [f"Button of {name}"]
