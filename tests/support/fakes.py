"""Stand-ins for what is out of reach in unit tests: the engine, a platform, the encoder."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bot.dialogue.engine import EngineAnswer
from bot.errors import EngineUnavailableError, MessageNotProcessedError
from bot.measures.search.codes import Matrix, Vector
from bot.messages import OutgoingMessage

WAIT_SECONDS = 30.0
DIMENSIONS = 8


def says(text: str, *, intent: str = "greet", **more: Any) -> EngineAnswer:
    """The engine answers with a text, and whatever else Rasa's REST form allows."""
    return EngineAnswer(intent=intent, confidence=0.9, messages=[{"text": text, **more}])


def shows(custom: dict[str, Any], *, intent: str = "inform") -> EngineAnswer:
    """The engine answers with what an action described."""
    return EngineAnswer(intent=intent, confidence=0.9, messages=[{"custom": custom}])


def silence() -> EngineAnswer:
    """The engine answers with nothing at all."""
    return EngineAnswer(intent="greet", confidence=0.9, messages=[])


def echo(text: str) -> EngineAnswer:
    """The engine repeats what it was told."""
    return says(f"you said {text}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One message that the engine was given."""

    sender: str
    message: str
    message_id: str
    metadata: dict[str, Any]


class Held:
    """A place where work stops until it is let go."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._let_go = asyncio.Event()

    async def reached(self) -> None:
        """Returns when work has come as far as here."""
        await asyncio.wait_for(self._reached.wait(), WAIT_SECONDS)

    def let_go(self) -> None:
        """Lets it go on."""
        self._let_go.set()

    async def pass_through(self) -> None:
        """What the work does here."""
        self._reached.set()
        await self._let_go.wait()


class FakeEngine:
    """The engine's client without an engine.

    ``respond`` makes an answer of each text; it may raise as the client does. As
    the real engine does, a message id known already is answered as the first time.
    """

    def __init__(self, respond: Callable[[str], EngineAnswer] = echo) -> None:
        self.respond = respond
        self.away = False
        self.failing = False
        self.asked: list[Asked] = []
        self.resumed: list[str] = []
        self.forgotten: list[str] = []
        self.slots: dict[str, Any] = {}
        self.held: dict[str, Held] = {}
        self._known: dict[tuple[str, str], EngineAnswer] = {}

    @property
    def texts(self) -> list[str]:
        """What it was told, in order."""
        return [asked.message for asked in self.asked]

    def hold(self, text: str) -> Held:
        """Makes the answer to ``text`` wait until it is let go."""
        self.held[text] = Held()
        return self.held[text]

    async def answer(
        self, *, sender: str, message: str, message_id: str, metadata: dict[str, Any]
    ) -> EngineAnswer:
        self._must_be_there()
        self.asked.append(
            Asked(sender=sender, message=message, message_id=message_id, metadata=metadata)
        )
        if message in self.held:
            await self.held[message].pass_through()
        if self.failing:
            raise MessageNotProcessedError("status 503")
        key = (sender, message_id)
        if key not in self._known:
            self._known[key] = self.respond(message)
        return self._known[key]

    async def choice(self, text: str) -> int | None:
        self._must_be_there()
        return int(text) if text.lstrip("-").isdecimal() else None

    async def resume(self, sender: str) -> None:
        self._must_be_there()
        self.resumed.append(sender)

    async def forget(self, sender: str) -> None:
        self._must_be_there()
        self.forgotten.append(sender)

    async def remembered(self, sender: str) -> dict[str, Any]:
        self._must_be_there()
        return self.slots

    async def is_ready(self) -> bool:
        return not self.away

    async def close(self) -> None:
        """Nothing to close."""

    def _must_be_there(self) -> None:
        if self.away:
            raise EngineUnavailableError("ConnectError")


@dataclass(frozen=True, kw_only=True)
class Sending:
    """One attempt to send."""

    address: str
    text: str
    message: OutgoingMessage = field(repr=False)


class FakeChannel:
    """A platform that takes everything, unless it was told to fail.

    ``fail`` names what the next attempts raise, in order; ``hold`` keeps attempts
    waiting until the event returned is set; ``until`` waits for something to happen.
    """

    def __init__(self, name: str = "web") -> None:
        self.name = name
        self.attempts: list[Sending] = []
        self.sent: list[Sending] = []
        self.typing: list[str] = []
        self.waited: list[str] = []
        self._limited: dict[str, asyncio.Event] = {}
        self._faults: deque[Exception] = deque()
        self._held: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Condition()

    @property
    def texts(self) -> list[str]:
        """The texts delivered, in order."""
        return [sending.text for sending in self.sent]

    def fail(self, *errors: Exception) -> None:
        """The next attempts raise these."""
        self._faults.extend(errors)

    def hold(self, address: str) -> asyncio.Event:
        """Attempts to send to ``address`` wait for the event returned."""
        self._held[address] = asyncio.Event()
        return self._held[address]

    def limit(self, address: str) -> asyncio.Event:
        """The platform's limits let nothing leave for ``address`` until the event is set."""
        self._limited[address] = asyncio.Event()
        return self._limited[address]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until ``condition`` holds after something was sent or tried."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), WAIT_SECONDS)

    async def wait_until_free(self, *, address: str) -> None:
        self.waited.append(address)
        await self._tell()
        if address in self._limited:
            await self._limited[address].wait()

    async def send(self, *, address: str, message: OutgoingMessage) -> list[str]:
        sending = Sending(address=address, text=message.text, message=message)
        self.attempts.append(sending)
        await self._tell()
        if address in self._held:
            await self._held[address].wait()
        if self._faults:
            raise self._faults.popleft()
        self.sent.append(sending)
        await self._tell()
        return [f"platform-{len(self.sent)}"]

    async def show_typing(self, *, address: str) -> None:
        self.typing.append(address)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def encode(text: str) -> Vector:
    """A vector of length one that depends on the text alone; likeness of meaning it has none."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype("<f4")


class FakeMeanings:
    """Vectors made by ``encode``."""

    name = "fake"

    def query(self, text: str) -> Vector:
        return encode(text)

    def passages(self, texts: Sequence[str]) -> Matrix:
        vectors = [encode(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(len(texts), DIMENSIONS)
