"""Which free times a form offers, and which of them a message chooses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.booking.availability import Slot, Wishes, free_slots, nearest
from bot.booking.clocktime import DAY_MINUTES
from bot.booking.draft import Draft, Question
from bot.booking.models import Appointment, CounsellingService, Way
from bot.booking.said import When

SHOWN = 5
PER_DAY = 2
NOON, EVENING = 12 * 60, 17 * 60
DAYTIMES = {
    "morning": (0, NOON),
    "afternoon": (NOON, EVENING),
    "evening": (EVENING, DAY_MINUTES),
}
WEEKEND = (5, 6)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The times a question shows; ``more`` when there are later ones, ``narrowed`` by wishes."""

    slots: tuple[Slot, ...]
    more: bool = False
    narrowed: bool = False


def offered(
    session: Session, service: CounsellingService, draft: Draft, *, now: datetime
) -> Offered:
    """The next free times that suit a draft, soonest first; none when there is none at all.

    Near a time that was wished when there is one, else spread over several days. Wishes for days
    and hours are given up when nothing suits them.
    """
    wishes = wishes_of(draft)
    free = _free(session, service, draft, wishes, now=now)
    narrowed = draft.wishes != Wishes()
    if not free and narrowed:
        free, narrowed = _free(session, service, draft, _anytime(wishes), now=now), False
    if draft.near is not None:
        near = nearest(free, draft.near, limit=SHOWN)
        return Offered(slots=tuple(near), more=len(free) > len(near), narrowed=narrowed)
    later = [slot for slot in free if draft.after is None or slot.starts_at > draft.after]
    # Behind the last one the list begins again.
    later = later or free
    shown = _spread(later)
    return Offered(slots=tuple(shown), more=len(later) > len(shown), narrowed=narrowed)


def matching(
    session: Session,
    service: CounsellingService,
    draft: Draft,
    when: When,
    *,
    now: datetime,
) -> tuple[Draft, list[Slot]]:
    """The draft with the wishes that a message adds, and the free times that meet them all."""
    zone = ZoneInfo(service.zone)
    narrowed = narrowed_by(draft, when)
    free = _free(session, service, narrowed, wishes_of(narrowed), now=now)
    if when.minute is not None:
        free = [slot for slot in free if _minute(slot, zone) == when.minute]
    return narrowed, free


def narrowed_by(draft: Draft, when: When) -> Draft:
    """The draft with the day or weekday that was wished instead of others."""
    wishes = draft.wishes
    if when.day is not None:
        wishes = replace(wishes, from_day=when.day, until_day=when.day, weekdays=())
    elif when.weekday is not None:
        wishes = replace(wishes, weekdays=(when.weekday,), from_day=None, until_day=None)
    return replace(draft, wishes=wishes, after=None, near=None)


def narrowed_to(draft: Draft, daytimes: Iterable[str]) -> Draft:
    """The draft with the parts of the day or the week that were wished instead of others."""
    wishes = draft.wishes
    spans = [DAYTIMES[daytime] for daytime in daytimes if daytime in DAYTIMES]
    if spans:
        earliest, latest = min(span[0] for span in spans), max(span[1] for span in spans)
        wishes = replace(wishes, earliest=earliest, latest=latest)
    if "weekend" in set(daytimes):
        wishes = replace(wishes, weekdays=WEEKEND)
    return replace(draft, wishes=wishes, after=None, near=None)


def wanted(when: When, *, service: CounsellingService, now: datetime) -> datetime:
    """The moment that a message comes nearest to naming."""
    zone = ZoneInfo(service.zone)
    today = now.astimezone(zone).date()
    day = when.day or _next(today, when.weekday)
    minute = when.minute if when.minute is not None else NOON
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)


def wishes_of(draft: Draft) -> Wishes:
    """The wishes of a draft together with the language and way that it has settled."""
    way = draft.answer(Question.WAY)
    return replace(
        draft.wishes,
        language=draft.answer(Question.LANGUAGE),
        way=Way(way) if way else None,
    )


def _anytime(wishes: Wishes) -> Wishes:
    return Wishes(language=wishes.language, way=wishes.way)


def _free(
    session: Session,
    service: CounsellingService,
    draft: Draft,
    wishes: Wishes,
    *,
    now: datetime,
) -> list[Slot]:
    free = free_slots(session, service, now=now, wishes=wishes, ignoring=draft.moves)
    moved = session.get(Appointment, draft.moves) if draft.moves else None
    return [slot for slot in free if moved is None or slot.starts_at != moved.starts_at]


def _spread(slots: Sequence[Slot]) -> list[Slot]:
    """The first times with at most ``PER_DAY`` of one day, filled up when there are few days."""
    days: Counter[date] = Counter()
    chosen: list[Slot] = []
    for slot in slots:
        day = slot.starts_at.date()
        if len(chosen) < SHOWN and days[day] < PER_DAY:
            days[day] += 1
            chosen.append(slot)
    rest = [slot for slot in slots if slot not in chosen]
    return sorted([*chosen, *rest[: SHOWN - len(chosen)]])


def _minute(slot: Slot, zone: ZoneInfo) -> int:
    local = slot.starts_at.astimezone(zone)
    return local.hour * 60 + local.minute


def _next(today: date, weekday: int | None) -> date:
    return today if weekday is None else today + timedelta(days=(weekday - today.weekday()) % 7)
