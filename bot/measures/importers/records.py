"""What every importer yields, whatever the format: records, and rejected rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from bot.measures.fields import Fields
from bot.measures.taxonomies import NAMESPACE


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Organizations, locations, taxonomies and terms, which several measures may share."""

    organizations: list[Fields] = field(default_factory=list)
    locations: list[Fields] = field(default_factory=list)
    taxonomies: list[Fields] = field(default_factory=list)
    terms: list[Fields] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Record(Shared):
    """One measure as a source describes it, with what it refers to.

    ``where`` names the line or entry for messages. ``fields`` holds what the source says
    (``bot.measures.fields``); a field that is missing there is left as it is in the
    database. ``provider`` names the organization when the source has no id for it. A
    ``partial`` record is a summary: what it does not carry in ``extra`` stays too.
    ``defaults`` are fields for a measure that is new, left alone in one that is known.
    """

    where: str
    external_id: str
    id: str
    fields: Fields
    provider: str = ""
    partial: bool = False
    defaults: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class Rejected:
    """An entry that cannot be taken; each problem names place, field and reason."""

    problems: list[str]


def stable_id(kind: str, *parts: str) -> str:
    """The same id for the same thing in every import."""
    return str(uuid.uuid5(NAMESPACE, "/".join((kind, *parts))))


def uuid_of(kind: str, original: str) -> str:
    """An id as a UUID: itself when it is one, else always the same made from it."""
    try:
        return str(uuid.UUID(original))
    except ValueError:
        return stable_id(kind, original)
