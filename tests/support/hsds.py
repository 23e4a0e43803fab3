"""Official HSDS 3.0 examples and schemas (see tests/data/hsds/LICENSE), and importing them."""

from __future__ import annotations

import gzip
import io
import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from bot.config import PROJECT
from bot.db.session import Database
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers import hsds_json
from bot.measures.importers.store import ImportReport, store
from tests.support.measures import NOW

HSDS = PROJECT / "tests" / "data" / "hsds"


def example(name: str) -> Any:
    """An official example document."""
    return json.loads((HSDS / "examples" / f"{name}.json").read_text("utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """Validates against an official compiled schema, formats included."""
    packed = HSDS / "schema" / f"{name}.json.gz"
    text = (
        gzip.decompress(packed.read_bytes())
        if packed.exists()
        else (HSDS / "schema" / f"{name}.json").read_bytes()
    )
    return Draft202012Validator(
        json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def problems(schema: str, document: Any) -> list[str]:
    """What a schema finds wrong with a document."""
    return [
        f"{'/'.join(map(str, error.path))}: {error.message[:120]}"
        for error in validator(schema).iter_errors(document)
    ]


def load(
    database: Database, document: Any, *, language: str = "en", **options: Any
) -> ImportReport:
    """Imports a document, or the bytes of a file."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    with database.transaction() as session:
        return store(
            session,
            hsds_json.records(io.BytesIO(content), Assumptions(language=language)),
            **{"source": "import:test", "now": NOW, **options},
        )
