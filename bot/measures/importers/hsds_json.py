"""Imports HSDS 3 documents in JSON: one object, a list, a page of an API, or one a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bot.measures.hsds import parse
from bot.measures.hsds.parse import Assumptions
from bot.measures.importers import json_stream
from bot.measures.importers.records import Record, Rejected, Shared


def records(file: BinaryIO, assume: Assumptions) -> Iterator[Record | Shared | Rejected]:
    """The records of a file, in its order; see ``json_stream.values``.

    What is wrong with single entries is yielded as ``Rejected``.
    """
    for number, document in enumerate(json_stream.values(file), start=1):
        yield from parse.read(document, f"entry {number}", assume)
