"""A demo set-up: the city's career counselling for mothers, with two made-up counsellors.

What the service is, and for whom, comes from the measures. Names, hours, place and lengths are
made up so that the product can be tried; they are marked as such and never shown as a fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking.models import (
    CounsellingService,
    CounsellorCalendar,
    Span,
    Way,
    WeeklyTime,
)

KEY = "career-counselling-u3"
MEASURE = "stg-bbi-frauen-u3"
MAXIMUM_CHILD_AGE_MONTHS = 36

_TITLE = {
    "de": "Berufliche Beratung für Frauen mit Kindern unter drei Jahren",
    "en": "Career advice for women with children under three",
}
_AUDIENCE = {
    "de": "Frauen mit Kindern unter drei Jahren",
    "en": "women with children under three years",
}
_BRING = {
    "de": "Wenn Sie haben: Lebenslauf und Zeugnisse",
    "en": "If you have them: your CV and certificates",
}
_PEOPLE = (
    ("Miriam (Demo)", ["de", "en", "ar", "fr"], (0, 1, 3)),
    ("Olena (Demo)", ["de", "en", "uk", "ru", "tr"], (1, 2, 4)),
)


def seed_demo(session: Session, *, titles: Mapping[str, str], now: datetime) -> bool:
    """Writes the demo set-up; False, and nothing changed, when it is there already.

    ``titles`` are those of the measure ``MEASURE``, by language.
    """
    if session.scalar(select(CounsellingService.id).where(CounsellingService.key == KEY)):
        return False
    service = CounsellingService(
        key=KEY,
        title={**_TITLE, **titles},
        audience=_AUDIENCE,
        bring=_BRING,
        maximum_child_age_months=MAXIMUM_CHILD_AGE_MONTHS,
        duration=45,
        buffer_after=15,
        step=30,
        ways=[Way.PLACE.value, Way.PHONE.value, Way.VIDEO.value],
        childcare=True,
        place="Demo-Adresse, Stuttgart",
        map_url="https://www.openstreetmap.org/relation/2793104",
        notice=24 * 60,
        horizon_days=56,
        measure_external_id=MEASURE,
        demo=True,
        created_at=now,
    )
    session.add(service)
    for name, languages, weekdays in _PEOPLE:
        calendar = CounsellorCalendar(name=name, languages=languages, services=[service])
        for weekday in weekdays:
            calendar.weekly_times += [
                WeeklyTime(weekday=weekday, starts=9 * 60, ends=16 * 60),
                WeeklyTime(span=Span.BREAK, weekday=weekday, starts=12 * 60, ends=13 * 60),
            ]
        session.add(calendar)
    return True
