"""Finding offers: topic and filters first, then nearness of meaning, then freshness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.measures.models import Kind, Measure, MeasureTopic, Status
from bot.measures.topics import Topic

Vector = NDArray[np.float32]
EncodeQuery = Callable[[str], Vector]

# A wish the row confirms counts this much in units of cosine similarity, whose
# spread between offers of one topic is about 0.1: what a person asked for
# explicitly outweighs likeness of wording.
CONFIRMED_WISH = 0.2
SIDE_TOPIC_PENALTY = 0.04
UNDATED_PENALTY = 0.01


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person wants of an offer; None and empty mean no wish."""

    german_level: str | None = None
    district: str | None = None
    child_age_months: int | None = None
    time_of_day: tuple[str, ...] = ()
    format: str | None = None
    language: str | None = None
    audience: str | None = None
    childcare: bool = False
    free_of_charge: bool = False

    def named(self) -> dict[str, object]:
        """The wishes that were expressed, by name."""
        wishes = {f.name: getattr(self, f.name) for f in fields(self)}
        # Not `in (None, (), False)`: a newborn's age, 0, equals False.
        return {
            name: wish
            for name, wish in wishes.items()
            if wish is not None and wish is not False and wish != ()
        }


@dataclass(frozen=True, kw_only=True)
class Found:
    """Offers in order of fit.

    ``unconfirmed`` names wishes about which the first offers say nothing, so that
    the answer can say so instead of implying them.
    """

    ids: tuple[str, ...]
    unconfirmed: tuple[str, ...] = field(default=())


# What a wish makes of an offer: True confirmed, None unknown, False excluded.
_Verdict = bool | None


def search(
    session: Session, *, topic: Topic, wishes: Wishes, text: str, encode: EncodeQuery, first: int
) -> Found:
    """All published offers of a topic that no wish excludes, best first.

    A fact that a row does not know excludes nothing: it only ranks lower than a
    row that confirms the wish. Providers take turns at the top, so that one of
    them does not fill the first ``first`` places.
    """
    rows = session.execute(
        select(Measure, MeasureTopic.position)
        .join(MeasureTopic)
        .where(
            MeasureTopic.topic == topic.value,
            Measure.kind == Kind.OFFER.value,
            Measure.status == Status.PUBLISHED.value,
        )
    ).all()
    verdicts = {measure.id: _verdicts(measure, wishes) for measure, _ in rows}
    candidates = [
        (measure, position)
        for measure, position in rows
        if False not in verdicts[measure.id].values()
    ]
    nearness = _nearness([measure for measure, _ in candidates], text, encode)
    scores = {
        measure.id: nearness.get(measure.id, 0.0)
        + CONFIRMED_WISH * sum(verdict is True for verdict in verdicts[measure.id].values())
        - (SIDE_TOPIC_PENALTY if position else 0.0)
        - (0.0 if measure.source_date else UNDATED_PENALTY)
        for measure, position in candidates
    }
    ranked = sorted((m for m, _ in candidates), key=lambda m: (-scores[m.id], m.external_id))
    ordered = _taking_turns(ranked, first)
    shown = [verdicts[measure.id] for measure in ordered[:first]]
    unconfirmed = tuple(
        name for name in wishes.named() if shown and not any(verdict.get(name) for verdict in shown)
    )
    return Found(ids=tuple(measure.id for measure in ordered), unconfirmed=unconfirmed)


def _verdicts(measure: Measure, wishes: Wishes) -> dict[str, _Verdict]:
    checks: dict[str, Callable[[], _Verdict]] = {
        "german_level": lambda: _among(wishes.german_level, measure.levels),
        "district": lambda: _in_district(wishes.district, measure),
        "child_age_months": lambda: _of_age(wishes.child_age_months, measure),
        "time_of_day": lambda: _any_among(wishes.time_of_day, measure.times),
        "format": lambda: _among(wishes.format, measure.formats),
        "language": lambda: _confirmed(wishes.language, measure.languages),
        "audience": lambda: _confirmed(wishes.audience, measure.audience),
        "childcare": lambda: measure.childcare,
        "free_of_charge": lambda: measure.free_of_charge,
    }
    return {name: checks[name]() for name in wishes.named()}


def _among(wish: str | None, values: Sequence[str]) -> _Verdict:
    return wish in values if values else None


def _any_among(wishes: Sequence[str], values: Sequence[str]) -> _Verdict:
    return bool(set(wishes) & set(values)) if values else None


def _confirmed(wish: str | None, values: Sequence[str]) -> _Verdict:
    # Lists of languages and audiences name who is addressed, not who is turned
    # away: they can confirm a wish but not refuse it.
    return True if wish in values else None


def _in_district(wish: str | None, measure: Measure) -> _Verdict:
    # Offers of the whole city are open to every district, so a district never
    # excludes; being in the wished one is confirmed.
    return True if wish and wish in measure.district else None


def _of_age(months: int | None, measure: Measure) -> _Verdict:
    if months is None or measure.age_of != "child":
        return None
    years = months // 12
    if measure.minimum_age is not None and years < measure.minimum_age:
        return False
    return not (measure.maximum_age is not None and years > measure.maximum_age)


def _nearness(measures: Sequence[Measure], text: str, encode: EncodeQuery) -> dict[str, float]:
    embedded = [measure for measure in measures if measure.embedding]
    if not embedded or not text.strip():
        return {}
    matrix = np.frombuffer(b"".join(m.embedding or b"" for m in embedded), dtype="<f4")
    similarities = matrix.reshape(len(embedded), -1) @ encode(text)
    return {m.id: float(value) for m, value in zip(embedded, similarities, strict=True)}


def _taking_turns(ranked: Sequence[Measure], first: int) -> list[Measure]:
    """The same offers, with at most one of each provider among the first ones if possible."""
    top: list[Measure] = []
    providers: set[str] = set()
    for measure in ranked:
        # An offer of an unknown provider stands for itself.
        provider = measure.organization_id or measure.id
        if len(top) < first and provider not in providers:
            top.append(measure)
            providers.add(provider)
    chosen = {measure.id for measure in top}
    return top + [measure for measure in ranked if measure.id not in chosen]
