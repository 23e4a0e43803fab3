"""Token buckets: nobody gets more than their rate, nobody is shut out for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.rates import Rate, RateLimiter
from tests.unit.channels.test_web_support import ManualClock

RATE = Rate(per_minute=20, burst=10)


def test_a_burst_passes_and_the_next_message_waits() -> None:
    limiter = RateLimiter(RATE, clock=ManualClock())

    waits = [limiter.take("a") for _ in range(11)]

    assert waits == [0.0] * 10 + [3.0]


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = ManualClock()
    limiter = RateLimiter(RATE, clock=clock)
    for _ in range(10):
        limiter.take("a")

    clock.advance(limiter.take("a"))

    assert limiter.take("a") == 0.0


def test_one_person_does_not_slow_down_another() -> None:
    limiter = RateLimiter(Rate(per_minute=1, burst=1), clock=ManualClock())
    limiter.take("a")

    assert limiter.take("b") == 0.0


def test_a_clock_set_back_takes_nothing_away() -> None:
    clock = ManualClock()
    limiter = RateLimiter(RATE, clock=clock)
    limiter.take("a")

    clock.advance(-3600)

    assert limiter.take("a") == 0.0


def test_memory_is_bounded_and_the_forgotten_start_anew() -> None:
    limiter = RateLimiter(Rate(per_minute=1, burst=1), clock=ManualClock(), kept=2)
    for key in ("a", "b", "c"):
        limiter.take(key)

    assert [limiter.take("c"), limiter.take("a")] == [60.0, 0.0]


@given(st.lists(st.floats(min_value=0, max_value=120), min_size=1, max_size=120))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    clock = ManualClock()
    limiter = RateLimiter(RATE, clock=clock)
    passed = 0
    for pause in pauses:
        clock.advance(pause)
        passed += limiter.take("a") == 0.0

    # A moment has microseconds only: rounding may add a hair.
    assert passed <= RATE.burst + sum(pauses) * RATE.per_minute / 60 + 0.01
