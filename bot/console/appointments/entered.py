"""Days and times as they stand in forms, and the instants that they name."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bot.booking.availability import Slot
from bot.booking.calendars import ZONE

# A free time in a list to choose from, in UTC.
SLOT = "%Y%m%dT%H%MZ"


def day_of(written: str) -> date | None:
    """A day such as ``2026-02-09`` between 2000 and 2200; None for anything else."""
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def moment_of(day: str, time: str) -> datetime | None:
    """The instant that a day and a time of the wall clock name; None for anything else.

    A time that clocks skip in spring does not exist; one that comes twice is its first coming.
    """
    found = day_of(day)
    try:
        clock = datetime.strptime(time, "%H:%M").time()
    except ValueError:
        return None
    if found is None:
        return None
    local = datetime.combine(found, clock, ZONE)
    instant = local.astimezone(UTC)
    same = instant.astimezone(ZONE).replace(tzinfo=None) == local.replace(tzinfo=None)
    return instant if same else None


def written_slot(slot: Slot) -> str:
    """A free time as a form sends it back."""
    return slot.starts_at.strftime(SLOT)


def moment_of_slot(written: str) -> datetime | None:
    """The instant that ``written_slot`` wrote; None for anything else."""
    try:
        return datetime.strptime(written, SLOT).replace(tzinfo=UTC)
    except ValueError:
        return None
