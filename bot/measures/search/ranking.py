"""Finding offers: what the wishes leave, by nearness of meaning, words and freshness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import asin, cos, log, radians, sin, sqrt

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.measures.models import Kind, Measure, Status
from bot.measures.opening import (
    WITH_SCHEDULES,
    HolidayCalendar,
    is_open,
    schedules_of,
    stuttgart_calendar,
)
from bot.measures.presentation import STALE_AFTER
from bot.measures.search.candidates import (
    Entry,
    Groups,
    frequencies,
    frequent_terms,
    matching,
    meeting,
    size,
)
from bot.measures.search.cells import CellReader
from bot.measures.search.codes import Vector, similarities
from bot.measures.search.likeliest import CONFIRMED_WISH, MOST_READ, SIDE_TOPIC_PENALTY, NearCells
from bot.measures.search.meanings import Meanings
from bot.measures.search.terms import Clause, clauses, words
from bot.measures.search.wishes import LEAST_IMPORTANT_FIRST, Near, Wishes
from bot.measures.topics import Topic

LIMIT = 30
"""Offers that a search gives at most."""

# Weights, in the same units as those of ``likeliest.py``.
COMMON_WORDS = 0.2
NEARBY = 0.1
STALE_PENALTY = 0.02
UNDATED_PENALTY = 0.03

# Entries that are compared one by one; beyond, the nearest cells choose among them.
COMPARED = 150
_COMPARED_WITHOUT_CELLS = 100_000
# A word that no more entries have finds all of them, and so many such words are looked up.
_RARE = 50
_RARE_WORDS = 3
_MOST_WORDS = 12
_STATISTICS_LAST = timedelta(minutes=10)
_EARTH_KILOMETRES = 6371.0
# The status is compared afterwards: an index of it would lure SQLite to read it all.
_STATUSES = select(Measure.id, Measure.status).where(
    Measure.id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """Offers in order of fit.

    ``unconfirmed`` names wishes about which the first offers say nothing, so that
    the answer can say so instead of implying them. ``dropped`` names wishes that
    were given up, in this order, because nothing met them all. ``nearness`` tells for
    each offer how alike its texts and the question are, from -1 to 1, and 0 where vectors
    that would tell it are still to be made.
    """

    ids: tuple[str, ...]
    unconfirmed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    nearness: tuple[float, ...] = field(default=(), compare=False)


_Verdict = bool | None
_Verdicts = dict[int, dict[str, _Verdict]]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One call of ``MeasureSearch.find``; what stays the same while wishes are given up."""

    groups: Groups
    main_term: str | None
    query: Vector | None
    model: str
    words: Mapping[str, float]
    rare: Sequence[str]
    cells: NearCells | None
    first: int
    now: datetime
    fresh_from: str
    limit: int


class MeasureSearch:
    """Searches the measures of one database. Threads may share it."""

    def __init__(
        self,
        *,
        meanings: Meanings,
        calendar: HolidayCalendar | None = None,
        stale_after: timedelta = STALE_AFTER,
    ) -> None:
        self._meanings = meanings
        self._stale_after = stale_after
        self._calendar = calendar or stuttgart_calendar()
        self._cells = CellReader()
        self._frequent: tuple[datetime, dict[str, float]] | None = None

    def find(
        self,
        session: Session,
        *,
        topic: Topic | None,
        wishes: Wishes,
        text: str,
        first: int,
        now: datetime,
        kind: Kind = Kind.OFFER,
        limit: int = LIMIT,
    ) -> Found:
        """The published offers of a topic (None: of all) that no wish excludes, best first.

        A fact that a row does not know excludes nothing: it only ranks lower than a
        row that confirms the wish. Providers take turns at the top, so that one of
        them does not fill the first ``first`` places. When nothing is left, wishes are
        given up: one alone if that is enough, else more, the least important first.
        """
        groups = [[f"kind_{kind.value}"]] + ([[f"topic_{topic.value}"]] if topic else [])
        query = self._meanings.query(text) if text.strip() else None
        weights, rare = _weighed(session, text, self._frequent_terms(session, now))
        asked = _Asked(
            groups=groups,
            main_term=f"main_{topic.value}" if topic else None,
            query=query,
            model=self._meanings.name,
            words=weights,
            rare=rare,
            cells=self._near_cells(session, query, topic),
            first=first,
            now=now,
            fresh_from=(now.date() - self._stale_after).isoformat(),
            limit=limit,
        )
        found = self._find(session, asked, wishes)
        for dropped in () if found.ids else _givings_up(wishes):
            found = self._find(session, asked, wishes.without(*dropped))
            if found.ids:
                return replace(found, dropped=dropped)
        return found

    def _frequent_terms(self, session: Session, now: datetime) -> dict[str, float]:
        """Statistics that the database renews now and then, and so do we."""
        known = self._frequent
        if known is None or abs(now - known[0]) > _STATISTICS_LAST:
            known = (now, frequent_terms(session))
            self._frequent = known
        return known[1]

    def _near_cells(
        self, session: Session, query: Vector | None, topic: Topic | None
    ) -> NearCells | None:
        """All cells by their nearness, or None where there are no cells."""
        cells = self._cells.read(session, self._meanings.name)
        if not cells.numbers:
            return None
        if query is None:
            # Without a question, what is typical of the topic comes first.
            query = self._meanings.query((topic or Topic.COUNSELLING).value.replace("_", " "))
        return NearCells(cells.nearest(query, MOST_READ), query)

    def _find(self, session: Session, asked: _Asked, wishes: Wishes) -> Found:
        wanted = clauses(wishes, asked.now)
        entries = _candidates(session, asked, wanted)
        verdicts = {entry.number: _verdicts(entry, wanted, wishes.near) for entry in entries}
        left = [entry for entry in entries if False not in verdicts[entry.number].values()]
        near = _nearness(left, asked)
        scores = _scores(left, near, verdicts, asked, wishes.near)
        ranked = sorted(left, key=lambda entry: (-scores[entry.number], entry.number))
        chosen = self._still_true(session, ranked, verdicts, wishes, asked)
        ordered = _taking_turns(chosen, asked.first)
        shown = [verdicts[entry.number] for entry in ordered[: asked.first]]
        return Found(
            ids=tuple(entry.measure_id for entry in ordered),
            unconfirmed=tuple(
                name
                for name in wishes.named()
                if shown and not any(verdict[name] for verdict in shown)
            ),
            nearness=tuple(near[entry.number] for entry in ordered),
        )

    def _still_true(
        self,
        session: Session,
        ranked: Sequence[Entry],
        verdicts: _Verdicts,
        wishes: Wishes,
        asked: _Asked,
    ) -> list[Entry]:
        """The first ones that are still published and, if that was asked, not closed now.

        Terms know the hours of a week; whether this week counts is read in the
        schedules, of no more offers than are needed.
        """
        chosen: list[Entry] = []
        for start in range(0, len(ranked), asked.limit):
            part = ranked[start : start + asked.limit]
            ids = [entry.measure_id for entry in part]
            if wishes.open_now:
                statement = select(Measure).where(Measure.id.in_(ids)).options(*WITH_SCHEDULES)
                for measure, entry in _paired(session.scalars(statement).unique(), part):
                    verdict = is_open(schedules_of(measure), asked.now, self._calendar)
                    verdicts[entry.number]["open_now"] = verdict
                    chosen += [] if verdict is False else [entry]
            else:
                rows = session.execute(_STATUSES, {"ids": ids})
                present = {row.id for row in rows if row.status == Status.PUBLISHED.value}
                chosen += [entry for entry in part if entry.measure_id in present]
            if len(chosen) >= asked.limit:
                break
        if wishes.open_now:
            # What is open goes before what may be closed; the order is kept otherwise.
            chosen.sort(key=lambda entry: verdicts[entry.number]["open_now"] is not True)
        return chosen[: asked.limit]


def _givings_up(wishes: Wishes) -> Iterator[tuple[str, ...]]:
    """Which wishes to do without, in the order of trying."""
    expressed = wishes.named()
    names = [name for name in LEAST_IMPORTANT_FIRST if name in expressed]
    yield from ((name,) for name in names)
    yield from (tuple(names[:count]) for count in range(2, len(names) + 1))


def _paired(
    measures: Iterable[Measure], entries: Sequence[Entry]
) -> Iterator[tuple[Measure, Entry]]:
    """Measures with their entries, in the entries' order."""
    by_id = {m.id: m for m in measures if m.status == Status.PUBLISHED.value}
    for entry in entries:
        if entry.measure_id in by_id:
            yield by_id[entry.measure_id], entry


def _weighed(
    session: Session, text: str, frequent: Mapping[str, float]
) -> tuple[dict[str, float], list[str]]:
    """Each word's share of what the question says, and the words rare enough to find by.

    Rare words say more than frequent ones. Words that no offer has count as well: one
    chance hit in a question of another language must not pass for a good match.
    """
    asked = list(dict.fromkeys(words(text)))[:_MOST_WORDS]
    total = max(size(session), 1)
    counts = {
        word: min(n, total) for word, n in frequencies(session, asked, total, frequent).items()
    }
    weights = {word: log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in counts.items()}
    heaviest = sum(weights.values()) or 1.0
    shares = {word: weights[word] / heaviest for word, n in counts.items() if n}
    rare = [word for word in shares if counts[word] <= _RARE]
    return shares, sorted(rare, key=counts.__getitem__)[:_RARE_WORDS]


def _candidates(session: Session, asked: _Asked, wanted: Mapping[str, Clause]) -> list[Entry]:
    """Entries worth comparing: all that the wishes leave, or the likeliest of very many."""
    groups = [*asked.groups]
    for clause in wanted.values():
        if clause.silent is not None:
            groups.append([*clause.confirming, clause.silent])
    if asked.cells is None:
        return matching(session, groups, limit=_COMPARED_WITHOUT_CELLS)
    confirming = [clause.confirming for clause in wanted.values()]
    likeliest = asked.cells.likeliest(
        session, groups, confirming, main_term=asked.main_term, most=COMPARED
    )
    entries = meeting(likeliest, groups)
    if len(entries) < asked.limit:
        # Few fit, so that all of them may lie in cells that were not read.
        entries += matching(session, groups, limit=COMPARED)
    if wanted and len(meeting(entries, confirming)) < asked.limit:
        # So does what says yes to everything, and that comes first.
        entries += matching(session, [*asked.groups, *confirming], limit=COMPARED)
    if asked.rare:
        entries += matching(session, [*groups, asked.rare], limit=_RARE * _RARE_WORDS)
    return list({entry.number: entry for entry in entries}.values())


def _verdicts(entry: Entry, wanted: Mapping[str, Clause], near: Near | None) -> dict[str, _Verdict]:
    verdicts = {name: clause.verdict(entry.terms) for name, clause in wanted.items()}
    if near is not None and verdicts["near"]:
        verdicts["near"] = _distance(entry, near) <= near.kilometres
    return verdicts


def _distance(entry: Entry, near: Near) -> float:
    """Kilometres to the nearest place of an entry, as the crow flies."""
    return min(
        (
            kilometres(near.latitude, near.longitude, latitude, longitude)
            for latitude, longitude in entry.positions()
        ),
        default=float("inf"),
    )


def kilometres(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """The way between two places as the crow flies; degrees after WGS 84."""
    first, second = radians(latitude), radians(other_latitude)
    half = sin((second - first) / 2) ** 2
    half += cos(first) * cos(second) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * _EARTH_KILOMETRES * asin(sqrt(min(half, 1.0)))


def _nearness(entries: Sequence[Entry], asked: _Asked) -> dict[int, float]:
    known = sum(entry.model == asked.model for entry in entries)
    # While the vectors of most are still to be made, words alone find more: the few that have
    # some would stand before all others. Of those that cells chose the nearest have theirs.
    untold = asked.cells is None and 2 * known < len(entries)
    if asked.query is None or untold:
        return dict.fromkeys((entry.number for entry in entries), 0.0)
    codes = [entry.vectors if entry.model == asked.model else b"" for entry in entries]
    near = similarities(codes, asked.query)
    return {entry.number: float(value) for entry, value in zip(entries, near, strict=True)}


def _scores(
    entries: Sequence[Entry],
    near: Mapping[int, float],
    verdicts: _Verdicts,
    asked: _Asked,
    place: Near | None,
) -> dict[int, float]:
    shares = [(f" {word} ", share) for word, share in asked.words.items()]
    scores = {}
    for entry in entries:
        common = sum([share for word, share in shares if word in entry.terms])
        score = near[entry.number] + COMMON_WORDS * common
        score += CONFIRMED_WISH * sum(v is True for v in verdicts[entry.number].values())
        if place is not None and verdicts[entry.number]["near"]:
            score += NEARBY * (1 - _distance(entry, place) / place.kilometres)
        if asked.main_term and f" {asked.main_term} " not in entry.terms:
            score -= SIDE_TOPIC_PENALTY
        if not entry.fresh_on:
            score -= UNDATED_PENALTY
        elif entry.fresh_on < asked.fresh_from:
            score -= STALE_PENALTY
        scores[entry.number] = score
    return scores


def _taking_turns(ranked: Sequence[Entry], first: int) -> list[Entry]:
    """The same offers, with at most one of each provider among the first ones if possible."""
    top: list[Entry] = []
    providers: set[str] = set()
    for entry in ranked:
        # An offer of an unknown provider stands for itself.
        provider = entry.provider or entry.measure_id
        if len(top) < first and provider not in providers:
            top.append(entry)
            providers.add(provider)
    chosen = {entry.number for entry in top}
    return top + [entry for entry in ranked if entry.number not in chosen]
