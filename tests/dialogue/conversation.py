"""A conversation whose answers are looked at by structure, whatever their language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.conversations.models import ButtonKey
from bot.dialogue.engine import Engine, EngineAnswer
from bot.i18n.languages import nearest_reply_language
from bot.messages import Button, Kind, OutgoingMessage
from tests.support.talk import Talk

CASES = Path(__file__).parent / "cases"
LANGUAGES = tuple(sorted(path.stem for path in CASES.glob("*.yml")))
in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def said(language: str) -> dict[str, Any]:
    """What people say in a language, by what they want."""
    sentences: dict[str, Any] = yaml.safe_load((CASES / f"{language}.yml").read_text("utf-8"))
    return sentences


class ListeningEngine(Engine):
    """The real client; ``answers`` keeps what the engine answered, in order."""

    def __init__(self, *, url: str, token: str, timeout: float) -> None:
        super().__init__(url=url, token=token, timeout=timeout)
        self.answers: list[EngineAnswer] = []

    async def answer(self, **message: Any) -> EngineAnswer:
        answer = await super().answer(**message)
        self.answers.append(answer)
        return answer


class Conversation(Talk):
    """What one person says and is told, by intent, effect, offers and buttons."""

    engine: ListeningEngine

    @property
    def language(self) -> str:
        """The language in which this person is to be answered."""
        return nearest_reply_language(self.hint)

    async def hears(self, *words: str) -> OutgoingMessage:
        """The last of what is answered to the last of ``words``; each must be answered."""
        replies: list[OutgoingMessage] = []
        for word in words:
            replies = await self.say(word)
            assert replies, f"silence after {word!r}"
        return replies[-1]

    async def presses(self, matching: Callable[[dict[str, Any]], bool]) -> OutgoingMessage:
        """Presses the last button shown whose payload matches."""
        key = next(
            button.key
            for message in reversed(self.replies())
            for button in message.buttons
            if matching(self.payload(button))
        )
        return await self.press_key(key)

    async def press_key(self, key: str) -> OutgoingMessage:
        """Presses a button by its key; the last of what is answered."""
        replies = await self.send(Kind.BUTTON, button_key=key)
        return replies[-1]

    async def presses_intent(self, intent: str) -> OutgoingMessage:
        """Presses the last button shown that means this intent."""
        return await self.presses(lambda payload: payload.get("intent") == intent)

    def payload(self, button: Button) -> dict[str, Any]:
        """What a button means."""
        with self.database.reading() as session:
            return session.get_one(ButtonKey, button.key).payload

    def intents_of(self, message: OutgoingMessage) -> list[str]:
        """The intents of a message's buttons, in order; "" for a command."""
        return [str(self.payload(button).get("intent", "")) for button in message.buttons]

    @property
    def intent(self) -> str | None:
        """What the last message was taken for."""
        return self.messages()[-1].intent

    def described(self, name: str) -> Any:
        """What the engine's last answer describes under a name, such as ``offers``."""
        for item in self.engine.answers[-1].messages:
            if name in (item.get("custom") or {}):
                return item["custom"][name]
        raise AssertionError(f"no {name} in {self.engine.answers[-1].intent}")
