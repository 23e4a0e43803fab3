"""What can be booked: making and changing counselling services."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.calendars import CalendarRefusedError
from bot.booking.models import CounsellingService, Way
from bot.db.base import new_id

TEXT_LENGTH = 300
_BOUNDS = {
    "duration": (5, 480),
    "step": (5, 240),
    "buffer_before": (0, 240),
    "buffer_after": (0, 240),
    "notice": (0, 60 * 24 * 60),
    "horizon_days": (1, 365),
    "open_per_contact": (1, 20),
}


@dataclass(frozen=True, kw_only=True)
class ServiceData:
    """A counselling service as it is entered. Lengths and notice are minutes."""

    title: dict[str, str]
    audience: dict[str, str] = field(default_factory=dict)
    bring: dict[str, str] = field(default_factory=dict)
    maximum_child_age_months: int | None = None
    duration: int = 45
    step: int = 30
    buffer_before: int = 0
    buffer_after: int = 0
    ways: tuple[Way, ...] = (Way.PLACE,)
    childcare: bool = False
    place: str = ""
    map_url: str = ""
    notice: int = 24 * 60
    horizon_days: int = 56
    weekly_limit: int | None = None
    open_per_contact: int = 1
    active: bool = True


def save(
    session: Session, row: CounsellingService | None, data: ServiceData, *, now: datetime
) -> CounsellingService:
    """Changes a service, or makes a new one for None.

    Raises ``CalendarRefusedError`` with ``title``, ``number``, ``ways`` or ``map`` when something
    is missing or out of bounds. Appointments that are booked already stay as they are.
    """
    title = _texts(data.title)
    if not title:
        raise CalendarRefusedError("title")
    for name, (lowest, highest) in _BOUNDS.items():
        if not lowest <= getattr(data, name) <= highest:
            raise CalendarRefusedError("number")
    age, limit = data.maximum_child_age_months, data.weekly_limit
    if (age is not None and not 0 <= age <= 240) or (limit is not None and not 1 <= limit <= 200):
        raise CalendarRefusedError("number")
    if not data.ways:
        raise CalendarRefusedError("ways")
    if data.map_url and not _is_web_address(data.map_url):
        raise CalendarRefusedError("map")
    if row is None:
        row = CounsellingService(key=_free_key(session, title), created_at=now)
        session.add(row)
    row.title, row.audience, row.bring = title, _texts(data.audience), _texts(data.bring)
    for name in _BOUNDS:
        setattr(row, name, getattr(data, name))
    row.maximum_child_age_months, row.weekly_limit = age, limit
    row.ways = [way.value for way in data.ways]
    row.place, row.map_url = data.place.strip()[:TEXT_LENGTH], data.map_url.strip()
    row.childcare, row.active = data.childcare, data.active
    session.flush()
    return row


def _texts(written: dict[str, str]) -> dict[str, str]:
    return {code: text.strip()[:TEXT_LENGTH] for code, text in written.items() if text.strip()}


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and len(text) <= 500


def _free_key(session: Session, title: dict[str, str]) -> str:
    plain = unicodedata.normalize("NFKD", next(iter(title.values()))).encode("ascii", "ignore")
    key = re.sub(r"[^a-z0-9]+", "-", plain.decode().lower()).strip("-")[:40] or "service"
    taken = session.scalar(select(CounsellingService.id).where(CounsellingService.key == key))
    return f"{key}-{new_id()[:8]}" if taken else key
