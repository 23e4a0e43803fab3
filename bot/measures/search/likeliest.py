"""The entries that are likeliest to be offered, among very many: chosen by their sketches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from bot.measures.search import sketches
from bot.measures.search.candidates import Entry, Groups, numbered
from bot.measures.search.cells import members
from bot.measures.search.codes import Vector

# Weights, in units of cosine similarity, whose spread between offers of one topic is
# about 0.3. A wish that the row confirms outweighs likeness of wording.
CONFIRMED_WISH = 0.5
SIDE_TOPIC_PENALTY = 0.08

# When so many of the nearest cells were read, so many fitting sketches are enough.
_STEPS = ((32, 2_000), (64, 600), (128, 300), (256, 100), (512, 0))
MOST_READ = _STEPS[-1][0]
"""How many cells a search reads at most."""


@dataclass(frozen=True)
class NearCells:
    """Cells by their nearness to a question, nearest first."""

    numbers: Sequence[int]
    query: Vector

    def likeliest(
        self,
        session: Session,
        groups: Groups,
        confirming: Groups,
        *,
        main_term: str | None,
        most: int,
    ) -> list[Entry]:
        """At most ``most`` entries that probably meet the groups, and those not sorted yet.

        Preferred are those that are near, that confirm wishes and whose main topic is
        asked for, each as much as it counts in the ranking.
        """
        some = self._sketches(session, groups, confirming, most)
        scores = sketches.nearness(some, self.query)
        for clause in confirming:
            if sketches.can_tell(clause):
                scores += CONFIRMED_WISH * sketches.meeting(some, clause)
        if main_term:
            scores -= SIDE_TOPIC_PENALTY * ~sketches.meeting(some, [main_term])
        best = some["number"][np.argsort(-scores, kind="stable")].tolist()
        numbers = list(dict.fromkeys(best))[:most]
        return numbered(session, numbers, unsorted=most)

    def _sketches(
        self, session: Session, groups: Groups, confirming: Groups, most: int
    ) -> sketches.Sketches:
        """Sketches that meet the groups, from as few cells as give enough of them."""
        found = [sketches.none(len(self.query))]
        fitting = confirmed = start = 0
        for cells, enough in _STEPS:
            numbers = self.numbers[start:cells]
            part = _meeting(members(session, numbers, len(self.query)), groups)
            found.append(part)
            fitting += _entries_of(part)
            confirmed += _entries_of(_meeting(part, confirming))
            if fitting >= enough and confirmed >= most // 10:
                break
            start = cells
            if start >= len(self.numbers):
                break
        return np.concatenate(found)


def _entries_of(some: sketches.Sketches) -> int:
    """Of how many entries these sketches are; an entry may have one for each language."""
    return len(np.unique(some["number"]))


def _meeting(some: sketches.Sketches, groups: Groups) -> sketches.Sketches:
    for group in groups:
        if sketches.can_tell(group):
            some = some[sketches.meeting(some, group)]
    return some
