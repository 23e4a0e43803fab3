"""Stretches of time as pairs of minutes since 1970 (see ``clocktime``), the end excluded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

Interval = tuple[int, int]

_START, _END = itemgetter(0), itemgetter(1)


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The same stretch of time in order, without overlaps; empty ones are dropped."""
    together: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if together and start <= together[-1][1]:
            together[-1] = (together[-1][0], max(together[-1][1], end))
        else:
            together.append((start, end))
    return together


def touches(intervals: Sequence[Interval], first: int, last: int) -> bool:
    """Whether one of some intervals, in order and not overlapping, reaches into a span."""
    next_one = bisect_right(intervals, first, key=_END)
    return next_one < len(intervals) and intervals[next_one][0] < last


def number_between(intervals: Sequence[Interval], first: int, last: int) -> int:
    """How many of some intervals, in order and not overlapping, reach into a span."""
    return max(
        0, bisect_left(intervals, last, key=_START) - bisect_right(intervals, first, key=_END)
    )
