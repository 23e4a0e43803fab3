"""The sending limits, in a time of their own."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from bot.channels.telegram import SendLimiter, SendLimits
from bot.errors import RetryLaterError
from tests.support.bot_api.flood import FloodCheck


class FakeTime:
    """Time that passes only while everybody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._number = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._number += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._number, woken))
        await woken.wait()

    async def run(self, *work: Awaitable[object]) -> list[object]:
        """Lets time pass until all the work is done; returns its results or errors."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, woken = heapq.heappop(self._sleepers)
                woken.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def _limiter(time: FakeTime, patience: float = 1_000.0) -> SendLimiter:
    return SendLimiter(SendLimits(patience=patience), clock=time.clock, sleep=time.sleep)


def _sender(
    limiter: SendLimiter, time: FakeTime, sent: list[float]
) -> Callable[[int], Awaitable[None]]:
    async def send(chat_id: int) -> None:
        async with limiter.turn(chat_id):
            sent.append(time.now - 100)

    return send


async def _turn(limiter: SendLimiter, chat_id: int) -> None:
    async with limiter.turn(chat_id):
        pass


async def test_one_chat_gets_a_burst_then_one_a_second(time: FakeTime) -> None:
    sent: list[float] = []
    send = _sender(_limiter(time), time, sent)
    await time.run(*(send(1) for _ in range(6)))
    assert sent == [0, 0, 0, 1, 2, 3]


async def test_the_burst_grows_back(time: FakeTime) -> None:
    sent: list[float] = []
    send = _sender(_limiter(time), time, sent)
    await time.run(*(send(1) for _ in range(3)))
    await time.run(time.sleep(10))
    await time.run(*(send(1) for _ in range(4)))
    assert sent[3:] == [10, 10, 10, 11]


async def test_all_chats_together_get_thirty_a_second(time: FakeTime) -> None:
    sent: list[float] = []
    send = _sender(_limiter(time), time, sent)
    await time.run(*(send(chat) for chat in range(1, 101)))
    assert [sent.count(second) for second in range(4)] == [30, 30, 30, 10]


async def test_messages_under_way_count_until_a_second_after_their_end(time: FakeTime) -> None:
    limiter = _limiter(time)
    begun: list[float] = []

    async def send(chat_id: int) -> None:
        async with limiter.turn(chat_id):
            begun.append(time.now - 100)
            await time.sleep(2)

    await time.run(*(send(chat) for chat in range(1, 32)))
    assert begun == [0] * 30 + [3]


async def test_a_group_gets_twenty_a_minute(time: FakeTime) -> None:
    sent: list[float] = []
    send = _sender(_limiter(time), time, sent)
    await time.run(*(send(-100) for _ in range(25)))
    assert sent[19] < 60
    assert sent[20] >= 60


async def test_no_limit_of_the_platform_is_broken(time: FakeTime) -> None:
    random = Random(7)
    check = FloodCheck(clock=time.clock)
    limiter = _limiter(time)
    broken: list[str] = []

    async def send(chat_id: int) -> None:
        async with limiter.turn(chat_id):
            # The platform takes the message at some moment before it answers.
            await time.sleep(random.uniform(0, 0.2))
            broken.extend(check.record(chat_id))
            await time.sleep(random.uniform(0, 0.5))

    chats = [number % 37 + 1 for number in range(300)] + [-7] * 50
    await time.run(*(send(chat) for chat in chats))
    assert broken == []


async def test_a_pause_holds_that_chat_only(time: FakeTime) -> None:
    limiter = _limiter(time)
    limiter.pause(1, 5)
    sent: dict[int, float] = {}

    async def send(chat_id: int) -> None:
        async with limiter.turn(chat_id):
            sent[chat_id] = time.now - 100

    await time.run(send(1), send(2))
    assert sent == {1: 5, 2: 0}


async def test_a_request_of_another_chat_does_not_shorten_a_pause(time: FakeTime) -> None:
    limiter = _limiter(time)
    limiter.pause(1, 5)
    limiter.pause(1, 1)
    await time.run(_turn(limiter, 2))
    await time.run(_turn(limiter, 1))
    assert time.now == 105


async def test_who_would_wait_too_long_is_sent_away(time: FakeTime) -> None:
    limiter = _limiter(time, patience=15)
    limiter.pause(1, 60)
    (error,) = await time.run(_turn(limiter, 1))
    assert isinstance(error, RetryLaterError)
    assert error.seconds == 60
    assert time.now == 100


async def test_turns_in_one_chat_are_first_come_first_served(time: FakeTime) -> None:
    limiter = _limiter(time)
    order: list[int] = []

    async def send(number: int) -> None:
        async with limiter.turn(1):
            order.append(number)

    await time.run(*(send(number) for number in range(20)))
    assert order == list(range(20))


async def test_idle_chats_are_forgotten(time: FakeTime) -> None:
    limiter = _limiter(time)
    await time.run(*(_turn(limiter, chat) for chat in range(1, 5_002)))
    await time.run(time.sleep(10))
    await time.run(_turn(limiter, 1))
    assert len(limiter._chats) == 1
