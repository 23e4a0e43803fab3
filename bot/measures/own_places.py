"""Places that editors write.

A location may belong to several measures, to another organization and to the next import.
So an edited place becomes a location of its own that is never changed afterwards: the
measure's link moves there, other measures keep theirs, and undoing moves the link back.
Imports leave such locations alone unless they are forced.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.db.base import new_id
from bot.measures import shared_rows
from bot.measures.fields import Fields

BY_HAND = "console:"
"""How the external id of a location that an editor wrote begins."""

_OF_THE_SOURCE = frozenset({"id", "external_id", "organization_id"})


def read(session: Session, ids: Sequence[str]) -> dict[str, Fields]:
    """Locations by their id, with all that belongs to them."""
    return shared_rows.read(session, shared_rows.LOCATIONS, list(dict.fromkeys(ids)))


def add(session: Session, location: Fields) -> str:
    """Stores what ``location`` says as a location of its own; returns its id."""
    key = new_id()
    copy = {name: value for name, value in location.items() if name not in _OF_THE_SOURCE}
    for name in shared_rows.LOCATIONS.rows:
        # Rows of two locations are two rows, also to those who read an export.
        copy[name] = [{**row, "hsds_id": new_id()} for row in copy.get(name, ())]
    document = {**copy, "id": key, "external_id": f"{BY_HAND}{key}"}
    shared_rows.write(session, shared_rows.LOCATIONS, [document])
    return key
