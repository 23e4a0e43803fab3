"""Times requests over HTTP: one user, or many who each wait for their answer."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from benchmarks.processes import Service
from benchmarks.questions import Kind, questions

_WARM_UP = 5
_TIMEOUT_SECONDS = 30.0
_LONGEST_SECONDS = 90.0
#: A conversation grows with every message, and with it the work; both sides get the same.
_MESSAGES_PER_CONVERSATION = 10


@dataclass(frozen=True)
class Latency:
    """Times of requests that got the answer expected, in milliseconds."""

    milliseconds: list[float] = field(repr=False)
    #: Requests that failed or got another answer than the one measured.
    missed: int
    #: From the first request to the last answer, pauses left out.
    seconds: float

    @property
    def p50(self) -> float:
        """The median."""
        return statistics.median(self.milliseconds) if self.milliseconds else float("nan")

    @property
    def p95(self) -> float:
        """19 of 20 are not slower."""
        if len(self.milliseconds) < 2:
            return self.p50
        return statistics.quantiles(self.milliseconds, n=20, method="inclusive")[-1]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0


class Server(Protocol):
    """An assistant's HTTP server."""

    url: str
    headers: dict[str, str]
    #: Path, with query, that takes ``{"text"}`` and returns intent and entities.
    parse_path: str
    #: Path that takes a message and returns the replies.
    reply_path: str

    def message(self, sender: str, text: str) -> dict[str, Any]:
        """The body for ``reply_path``."""
        ...

    def is_expected(self, kind: Kind, answer: Any) -> bool:
        """Whether ``reply_path`` returned what this kind of question is to be answered with."""
        ...


Request = Callable[[httpx.AsyncClient, str, str], Awaitable[bool]]


def parsing(server: Server) -> Request:
    """Requests that have a text understood and nothing answered."""

    async def request(client: httpx.AsyncClient, sender: str, text: str) -> bool:
        response = await client.post(server.parse_path, json={"text": text})
        return response.status_code == httpx.codes.OK and "intent" in response.json()

    return request


def replying(server: Server, kind: Kind) -> Request:
    """Requests that have a message answered."""

    async def request(client: httpx.AsyncClient, sender: str, text: str) -> bool:
        response = await client.post(server.reply_path, json=server.message(sender, text))
        return response.status_code == httpx.codes.OK and server.is_expected(kind, response.json())

    return request


def is_up(client: httpx.Client, path: str) -> bool:
    """Whether a GET is answered with 200; False while the server cannot be reached."""
    try:
        return client.get(path).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def is_answering(client: httpx.Client, server: Server) -> bool:
    """Whether the server gives a fixed answer now; False while it cannot be reached."""
    message = server.message(uuid.uuid4().hex, next(questions(Kind.FIXED)))
    try:
        response = client.post(server.reply_path, json=message)
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK and server.is_expected(
        Kind.FIXED, response.json()
    )


def wait_until_answering(service: Service, server: Server, *, seconds: float) -> float:
    """Seconds from the start of the process until it answered; see ``Service.wait_until``."""
    with probe(server.url, server.headers) as client:
        return service.wait_until(lambda: is_answering(client, server), seconds=seconds)


def probe(url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """A client to ask again and again whether a server is ready.

    One is made for all questions: making it takes longer than asking, and what is
    being started needs the processor.
    """
    return httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS)


def measure(
    server: Server, request: Request, texts: Iterator[str], *, users: int, requests: int
) -> Latency:
    """Sends ``requests`` in all, after a warm-up; each user waits for each answer.

    No new request is sent once the time for one measurement is over.
    """
    return asyncio.run(_measure(server, request, texts, users=users, requests=requests))


async def _measure(
    server: Server, request: Request, texts: Iterator[str], *, users: int, requests: int
) -> Latency:
    async with httpx.AsyncClient(
        base_url=server.url,
        headers=server.headers,
        timeout=_TIMEOUT_SECONDS,
        limits=httpx.Limits(max_connections=users, max_keepalive_connections=users),
    ) as client:
        await _run(client, request, texts, users=users, requests=max(_WARM_UP, users))
        return await _run(client, request, texts, users=users, requests=requests)


async def _run(
    client: httpx.AsyncClient, request: Request, texts: Iterator[str], *, users: int, requests: int
) -> Latency:
    milliseconds: list[float] = []
    missed = 0
    remaining = iter(range(requests))
    started = time.perf_counter()

    async def user() -> None:
        nonlocal missed
        for number in itertools.count():
            if time.perf_counter() - started > _LONGEST_SECONDS:
                return
            if next(remaining, None) is None:
                return
            if number % _MESSAGES_PER_CONVERSATION == 0:
                sender = uuid.uuid4().hex
            sent = time.perf_counter()
            try:
                expected = await request(client, sender, next(texts))
            except httpx.HTTPError:
                expected = False
            if expected:
                milliseconds.append((time.perf_counter() - sent) * 1e3)
            else:
                missed += 1

    await asyncio.gather(*(user() for _ in range(users)))
    return Latency(milliseconds, missed, time.perf_counter() - started)
