"""The client of the dialogue engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.errors import EngineUnavailableError, MessageNotProcessedError
from bot.observing import CallResult, Observer, Unobserved

CONNECT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class EngineAnswer:
    """What the engine made of one message; ``messages`` in Rasa's REST form."""

    intent: str
    confidence: float
    messages: list[dict[str, Any]] = field(repr=False)


class Engine:
    """Speaks to ``engine/channel.py`` over loopback. Safe for concurrent use."""

    def __init__(
        self, *, url: str, token: str, timeout: float, observer: Observer | None = None
    ) -> None:
        self._observer = observer or Unobserved()
        self._http = httpx.AsyncClient(
            base_url=f"{url}/webhooks/lotse",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
        )

    async def answer(
        self, *, sender: str, message: str, message_id: str, metadata: dict[str, Any]
    ) -> EngineAnswer:
        """Has a message processed; sending the same ``message_id`` again is harmless.

        Raises ``EngineUnavailableError`` when the engine cannot be reached in time and
        ``MessageNotProcessedError`` when it failed on this message.
        """
        body = await self._post(
            "/webhook",
            {"sender": sender, "message": message, "message_id": message_id, "metadata": metadata},
        )
        intent = body.get("intent") or {}
        return EngineAnswer(
            intent=intent.get("name") or "",
            confidence=intent.get("confidence") or 0.0,
            messages=body["messages"],
        )

    async def resume(self, sender: str) -> None:
        """Goes on after a person took part: forms are left, slots kept. Raises like ``answer``."""
        await self._post("/resume", {"sender": sender})

    async def choice(self, text: str) -> int | None:
        """Which place a text names when it names nothing else: "2" or "the second one" is 2.

        Negative counts from the end. None for any other text. Raises like ``answer``.
        """
        place = (await self._post("/choice", {"text": text}))["choice"]
        return int(place) if place is not None else None

    async def forget(self, sender: str) -> None:
        """Deletes what the engine remembers of a conversation. Raises like ``answer``."""
        await self._post("/forget", {"sender": sender})

    async def remembered(self, sender: str) -> dict[str, Any]:
        """What the engine remembers of a conversation, by name of the slot. Raises like ``answer``.

        Nothing is remembered by asking.
        """
        slots: dict[str, Any] = (await self._post("/remembered", {"sender": sender}))["slots"]
        return slots

    async def is_ready(self) -> bool:
        """Whether the model is loaded and messages can be processed. Never raises."""
        try:
            response = await self._http.get("/", timeout=CONNECT_SECONDS)
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()

        def ended(result: CallResult) -> None:
            seconds = time.perf_counter() - started
            self._observer.engine_called(path.lstrip("/"), seconds=seconds, result=result)

        try:
            answer = await self._exchange(path, body)
        except EngineUnavailableError:
            ended(CallResult.AWAY)
            raise
        except MessageNotProcessedError:
            ended(CallResult.FAILED)
            raise
        ended(CallResult.ANSWERED)
        return answer

    async def _exchange(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise EngineUnavailableError(type(error).__name__) from error
        if response.status_code == httpx.codes.OK:
            answer: dict[str, Any] = response.json()
            return answer
        if not await self.is_ready():
            raise EngineUnavailableError(f"status {response.status_code}")
        raise MessageNotProcessedError(f"status {response.status_code}")
