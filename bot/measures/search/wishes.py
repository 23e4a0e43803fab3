"""What a person wants of an offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# The least important first: what is given up in this order when nothing fits. Level and
# the child's age come last, because an offer for others is of no use at all.
LEAST_IMPORTANT_FIRST = (
    "open_now",
    "weekday",
    "time_of_day",
    "format",
    "near",
    "free_of_charge",
    "childcare",
    "german_level",
    "child_age_months",
)

WEEK = ("mo", "tu", "we", "th", "fr", "sa", "su")
"""The days that a wish may name, from Monday on."""


@dataclass(frozen=True, kw_only=True)
class Near:
    """Within ``kilometres`` of a place that somebody shared; degrees after WGS 84."""

    latitude: float
    longitude: float
    kilometres: float = 3.0

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError("that is no place on Earth")
        if not 0 < self.kilometres <= MAXIMUM_KILOMETRES:
            raise ValueError("the distance is not between 0 and 25 km")

    def __repr__(self) -> str:
        # Where somebody is belongs in no log.
        return f"Near({self.kilometres} km)"


MAXIMUM_KILOMETRES = 25.0


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person wants of an offer; None and empty mean no wish.

    ``weekday`` holds days of ``WEEK``, of which one is enough, as with
    ``time_of_day``. ``open_now`` asks for the moment of the search.
    """

    german_level: str | None = None
    district: str | None = None
    near: Near | None = None
    child_age_months: int | None = None
    time_of_day: tuple[str, ...] = ()
    weekday: tuple[str, ...] = ()
    open_now: bool = False
    format: str | None = None
    language: str | None = None
    audience: str | None = None
    childcare: bool = False
    free_of_charge: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Wishes:
        """The wishes of plain data, as slots and buttons hold them; the inverse of ``data``.

        Raises ``TypeError`` for a name that is no wish, ``ValueError`` for an impossible place.
        """
        values = dict(data)
        for name in ("time_of_day", "weekday"):
            if name in values:
                values[name] = tuple(values[name])
        if isinstance(values.get("near"), Mapping):
            values["near"] = Near(**values["near"])
        return cls(**values)

    def data(self) -> dict[str, Any]:
        """The wishes that were expressed, as plain data."""
        plain = dict(self.named())
        for name, wish in plain.items():
            if isinstance(wish, tuple):
                plain[name] = list(wish)
            elif isinstance(wish, Near):
                plain[name] = {f.name: getattr(wish, f.name) for f in fields(wish)}
        return plain

    def named(self) -> dict[str, object]:
        """The wishes that were expressed, by name."""
        wishes = {f.name: getattr(self, f.name) for f in fields(self)}
        # Not `in (None, (), False)`: a newborn's age, 0, equals False.
        return {
            name: wish
            for name, wish in wishes.items()
            if wish is not None and wish is not False and wish != ()
        }

    def without(self, *names: str) -> Wishes:
        """The same wishes but these."""
        return Wishes.of({name: wish for name, wish in self.named().items() if name not in names})
