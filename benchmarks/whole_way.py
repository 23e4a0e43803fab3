"""Times the whole way of a message: from Telegram's update to the reply handed to Telegram.

The platform is the tests' local Bot API server. The product keeps Telegram's
sending limits (one message a second to a chat in bursts of three, thirty a
second to all), so the users here write slowly enough never to meet them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from benchmarks.latency import Latency
from tests.support.bot_api import BotApi, Person

_REPLY_SECONDS = 30.0
#: Twenty messages a second at most.
_INTERVAL = 0.05
#: Of a burst of three, the first message is the warm-up.
_MEASURED_PER_PERSON = 2
_PAUSE_BETWEEN_ROUNDS = 1.3


def one_user(platform: BotApi, texts: Iterator[str], *, messages: int) -> Latency:
    """One message at a time, in conversations that were begun before."""
    people = _people(platform, -(-messages // _MEASURED_PER_PERSON))
    _one_by_one(platform, people, texts)
    people *= _MEASURED_PER_PERSON
    return _one_by_one(platform, people[:messages], texts)


def many_users(platform: BotApi, texts: Iterator[str], *, users: int, rounds: int) -> Latency:
    """Everybody writes at the same moment, ``rounds`` times, after a first round to warm up."""
    people = _people(platform, users)
    milliseconds: list[float] = []
    missed, seconds = 0, 0.0
    for number in range(rounds + 1):
        time.sleep(_PAUSE_BETWEEN_ROUNDS)
        took = _exchange(platform, people, texts)
        if number == 0:
            continue
        milliseconds += took
        missed += len(people) - len(took)
        seconds += max(took, default=_REPLY_SECONDS * 1e3) / 1e3
    return Latency(milliseconds, missed, seconds)


def first_reply(platform: BotApi, text: str) -> bool:
    """Whether a newcomer's message is answered."""
    return bool(_exchange(platform, _people(platform, 1), iter([text])))


def _people(platform: BotApi, count: int) -> list[Person]:
    return [platform.add_person(language_code="en") for _ in range(count)]


def _one_by_one(platform: BotApi, people: Sequence[Person], texts: Iterator[str]) -> Latency:
    milliseconds: list[float] = []
    for person in people:
        next_at = time.monotonic() + _INTERVAL
        milliseconds += _exchange(platform, [person], texts)
        time.sleep(max(0.0, next_at - time.monotonic()))
    return Latency(milliseconds, len(people) - len(milliseconds), sum(milliseconds) / 1e3)


def _exchange(platform: BotApi, people: Sequence[Person], texts: Iterator[str]) -> list[float]:
    """Has everybody write once; the milliseconds until each reply that came in time."""
    known = len(platform.calls)
    sent: dict[int, float] = {}
    for person in people:
        sent[person.chat_id] = time.monotonic()
        person.sends(next(texts))

    def replies() -> dict[int, float]:
        arrived: dict[int, float] = {}
        for call in platform.account.calls[known:]:
            if call.method == "sendMessage":
                arrived.setdefault(int(call.parameters["chat_id"]), call.at)
        return {chat: at for chat, at in arrived.items() if chat in sent}

    # What did not come in time shows as missing.
    with suppress(TimeoutError):
        platform.wait(lambda: len(replies()) == len(sent), within=_REPLY_SECONDS)
    return [(at - sent[chat]) * 1e3 for chat, at in replies().items()]
