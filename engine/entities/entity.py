"""What the extractor finds, and the names it may use."""

from __future__ import annotations

from dataclasses import dataclass

GERMAN_LEVEL = "german_level"
CHILD_AGE_MONTHS = "child_age_months"
DISTRICT = "district"
TIME_OF_DAY = "time_of_day"
WEEKDAY = "weekday"
OPEN_NOW = "open_now"
FORMAT = "format"
LANGUAGE = "language"
AUDIENCE = "audience"
CHILDCARE = "childcare"
FREE_OF_CHARGE = "free_of_charge"
CHOICE = "choice"


@dataclass(frozen=True)
class Entity:
    """One fact read from a message, with the span of the original text it stands in."""

    entity: str
    value: str | int
    start: int
    end: int
