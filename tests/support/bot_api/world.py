"""What the server remembers for each bot, and telling whoever waits that it changed."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.bot_api.faults import Fault
from tests.support.bot_api.flood import FloodCheck

T = TypeVar("T")

#: Update kinds Telegram leaves out unless they are asked for by name.
OPT_IN_UPDATES = frozenset({"chat_member", "message_reaction", "message_reaction_count"})

FIRST_UPDATE_ID = 500_000_001


class ApiError(Exception):
    """An answer other than ``ok``; ``parameters`` as in ``ResponseParameters``."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass
class Call:
    """One request of a bot and how it was answered.

    ``status`` is None until then, and 0 when the connection was dropped instead.
    """

    method: str
    parameters: dict[str, Any]
    at: float
    status: int | None = None


@dataclass
class Account:
    """One bot: everything that a token gives access to."""

    token: str
    user: dict[str, Any]
    updates: list[dict[str, Any]] = field(default_factory=list)
    next_update_id: int = FIRST_UPDATE_ID
    next_message_id: int = 1
    allowed_updates: list[str] = field(default_factory=list)
    chats: dict[int, dict[str, Any]] = field(default_factory=dict)
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    topics: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    callbacks: dict[str, bool] = field(default_factory=dict)
    webhook: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    actions: list[tuple[int, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    flood: FloodCheck = field(default_factory=FloodCheck)
    poll_number: int = 0

    def add_update(self, kind: str, content: dict[str, Any]) -> int:
        """Queues an update, unless the bot asked not to get its kind; returns its id."""
        update_id = self.next_update_id
        self.next_update_id += 1
        if self._wants(kind):
            self.updates.append({"update_id": update_id, kind: content})
        return update_id

    def _wants(self, kind: str) -> bool:
        if self.allowed_updates:
            return kind in self.allowed_updates
        return kind not in OPT_IN_UPDATES

    def add_message(self, chat_id: int, content: dict[str, Any]) -> dict[str, Any]:
        """Stores a message under a new id and returns it."""
        message = {
            "message_id": self.next_message_id,
            "date": int(time.time()),
            "chat": self.chats[chat_id],
            **content,
        }
        self.next_message_id += 1
        self.messages.setdefault(chat_id, []).append(message)
        return message

    def find_message(self, chat_id: int, message_id: int) -> dict[str, Any] | None:
        """A message by its id, or None."""
        found = (m for m in self.messages.get(chat_id, []) if m["message_id"] == message_id)
        return next(found, None)

    def take_fault(self, method: str, chat_id: int | None) -> Fault | None:
        """The first scripted failure meant for this call; it is used up by one."""
        for fault in self.faults:
            if fault.fits(method, chat_id):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None


_NOT_SAVED = ("calls", "faults", "flood", "poll_number")


class World:
    """All bots. Use the accounts only while holding ``changing`` or ``reading``."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.closing = False
        self._lock = threading.RLock()
        self._listeners: set[Callable[[], None]] = set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nobody changes anything inside."""
        with self._lock:
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Whoever waits looks again afterwards."""
        with self._lock:
            try:
                yield
            finally:
                for listener in list(self._listeners):
                    listener()

    def add_account(self, token: str) -> Account:
        """A new bot; its id is the part of the token before the colon."""
        number = int(token.split(":")[0])
        user = {
            "id": number,
            "is_bot": True,
            "first_name": "Lotse",
            "username": f"lotse_{number}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": False,
        }
        with self.changing():
            return self.accounts.setdefault(token, Account(token, user))

    def wait(self, condition: Callable[[], T | None], within: float) -> T:
        """Blocks until the condition gives something true; for tests without a loop.

        Raises ``TimeoutError`` after ``within`` seconds.
        """
        changed = threading.Event()
        with self._listening(changed.set):
            until = time.monotonic() + within
            while True:
                changed.clear()
                with self._lock:
                    found = condition()
                if found:
                    return found
                if not changed.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError("the bot did not do what was waited for")

    async def until(self, condition: Callable[[], T | None], within: float) -> T:
        """The same as ``wait`` without blocking the event loop."""
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._listening(lambda: loop.call_soon_threadsafe(changed.set)):
            async with asyncio.timeout(within):
                while True:
                    changed.clear()
                    with self._lock:
                        found = condition()
                    if found:
                        return found
                    await changed.wait()

    @contextmanager
    def _listening(self, listener: Callable[[], Any]) -> Iterator[None]:
        with self._lock:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def save(self, path: Path) -> None:
        """Writes everything but calls and scripted failures, for a later ``load``."""
        with self._lock:
            accounts = []
            for account in self.accounts.values():
                content = {
                    name: value for name, value in vars(account).items() if name not in _NOT_SAVED
                }
                content["blocked"] = sorted(account.blocked)
                content["files"] = {
                    name: base64.b64encode(data).decode() for name, data in account.files.items()
                }
                accounts.append(content)
        path.write_text(json.dumps(accounts), "utf-8")

    def load(self, path: Path) -> None:
        """Takes up where a server that was stopped had left off."""
        with self.changing():
            for content in json.loads(path.read_text("utf-8")):
                for name in ("chats", "people", "messages", "topics"):
                    content[name] = {int(key): value for key, value in content[name].items()}
                content["topics"] = {
                    chat: {int(thread): topic for thread, topic in topics.items()}
                    for chat, topics in content["topics"].items()
                }
                content["blocked"] = set(content["blocked"])
                content["actions"] = [tuple(action) for action in content["actions"]]
                content["files"] = {
                    name: base64.b64decode(data) for name, data in content["files"].items()
                }
                self.accounts[content["token"]] = Account(**content)


def as_data(call: Call) -> dict[str, Any]:
    """A call as JSON data."""
    data = asdict(call)
    data["parameters"] = json.loads(json.dumps(data["parameters"], default=str))
    return data
