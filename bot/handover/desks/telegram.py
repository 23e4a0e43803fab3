"""The topic desk: a Telegram supergroup with one forum topic for each person.

Counsellors answer by writing in the topic; whatever they write there goes to the person,
except commands. All topics of a group share its limit of 20 messages a minute, so what
happens while that is used up is told in one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from html import escape
from typing import Protocol

from bot.errors import DeliveryRefusedError
from bot.handover.desks import words
from bot.handover.desks.desk import Case, Line, ThreadGoneError
from bot.handover.models import EventKind
from bot.i18n.texts import Texts

NAME = "telegram"
#: Below Telegram's 4096 units even when every letter takes two.
LONGEST_MESSAGE = 1_900
LONGEST_TITLE = 120
#: What is written in a topic stands there already.
_WRITTEN_THERE = frozenset({EventKind.REPLY, EventKind.CORRECTED, EventKind.NOTE})
_FOR_EVERYBODY = frozenset({EventKind.MADE_URGENT, EventKind.ALERTED})


class Forum(Protocol):
    """The supergroup through the Bot API. Errors leave as ``DeliveryError``."""

    async def create_topic(self, chat_id: int, name: str) -> int:
        """Makes a topic and returns its thread id."""

    async def delete_topic(self, chat_id: int, thread_id: int) -> None:
        """Deletes a topic with everything in it; raises ``ThreadGoneError`` if there is none."""

    async def reopen_topic(self, chat_id: int, thread_id: int) -> None:
        """Opens a topic that somebody closed."""

    async def write_in_topic(self, chat_id: int, html: str, *, thread_id: int | None) -> None:
        """Writes in a topic, or in the general one; raises ``ThreadGoneError`` if it is lost,
        ``TopicClosedError`` if it is closed."""


class TopicClosedError(DeliveryRefusedError):
    """Somebody closed the topic; it can be opened again."""


class Limits(Protocol):
    """The platform's sending limits."""

    async def wait_until_free(self, chat_id: int) -> None:
        """Returns when a message may leave for a chat, after a while in any case."""

    def turn(self, chat_id: int) -> AbstractAsyncContextManager[None]:
        """Waits until a message to this chat may be sent; it is sent inside.

        Raises ``RetryLaterError`` at once when that would take too long.
        """


@dataclass(frozen=True, kw_only=True)
class TopicPost:
    """Something a counsellor wrote in a topic, or changed there."""

    external_id: str
    thread_id: int
    message_id: str
    author_id: str
    author: str = field(repr=False)
    text: str = field(repr=False)
    edited: bool = False


class TelegramDesk:
    """``Desk`` over a forum; ``texts`` are in the language of the counsellors."""

    name = NAME

    def __init__(self, forum: Forum, *, chat_id: int, limits: Limits, texts: Texts) -> None:
        self._forum = forum
        self._chat_id = chat_id
        self._limits = limits
        self._texts = texts

    async def wait_until_free(self) -> None:
        """Returns when the group's limit leaves room."""
        await self._limits.wait_until_free(self._chat_id)

    async def open_thread(self, case: Case) -> str:
        """Makes a topic for a person."""
        title = words.title(case, self._texts)[:LONGEST_TITLE]
        async with self._limits.turn(self._chat_id):
            return str(await self._forum.create_topic(self._chat_id, title))

    async def tell(self, thread: str, case: Case, lines: Sequence[Line]) -> None:
        """Writes lines into a topic, as few messages as they fit in."""
        shown = [
            words.line(line, self._texts) for line in lines if case.fresh or not _stands_there(line)
        ]
        if any(line.kind == EventKind.REQUESTED for line in lines):
            shown.insert(0, words.head(case, self._texts))
        for text in packed([text for text in shown if text]):
            await self._write(int(thread), text)
        if any(_alarms(line, case) for line in lines):
            await self._forum.write_in_topic(
                self._chat_id, self._alarm(thread, case), thread_id=None
            )

    async def delete_thread(self, thread: str) -> None:
        """Deletes a person's topic."""
        try:
            await self._forum.delete_topic(self._chat_id, int(thread))
        except ThreadGoneError:
            return

    async def announce(self, text: str) -> None:
        """Writes something that belongs to no person's topic where everybody sees it."""
        async with self._limits.turn(self._chat_id):
            await self._forum.write_in_topic(self._chat_id, escape(text), thread_id=None)

    async def _write(self, thread_id: int, text: str) -> None:
        async with self._limits.turn(self._chat_id):
            html = escape(text)
            try:
                await self._forum.write_in_topic(self._chat_id, html, thread_id=thread_id)
            except TopicClosedError:
                await self._forum.reopen_topic(self._chat_id, thread_id)
                await self._forum.write_in_topic(self._chat_id, html, thread_id=thread_id)

    def _alarm(self, thread: str, case: Case) -> str:
        """Stands where everybody sees it, with the way to the topic."""
        internal = str(self._chat_id).removeprefix("-100")
        title = escape(words.title(case, self._texts))
        text = escape(self._texts.gettext("Emergency! Please take it:"))
        return f'{words.ALARM} {text} <a href="https://t.me/c/{internal}/{thread}">{title}</a>'


def _alarms(line: Line, case: Case) -> bool:
    return line.kind in _FOR_EVERYBODY or (line.kind == EventKind.REQUESTED and case.urgent)


def _stands_there(line: Line) -> bool:
    return line.done_at_desk == NAME and line.kind in _WRITTEN_THERE


def packed(texts: Sequence[str], *, longest: int = LONGEST_MESSAGE) -> list[str]:
    """Texts joined with an empty line between them, in pieces of bounded length, in order."""
    pieces: list[str] = []
    for text in texts:
        for start in range(0, len(text), longest):
            part = text[start : start + longest]
            if pieces and start == 0 and len(pieces[-1]) + len(part) + 2 <= longest:
                pieces[-1] = f"{pieces[-1]}\n\n{part}"
            else:
                pieces.append(part)
    return pieces
