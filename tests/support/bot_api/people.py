"""The other side of the chats: persons and groups that write, press, edit and block."""

from __future__ import annotations

import time
from typing import Any

from tests.support.bot_api.methods import store_file
from tests.support.bot_api.world import Account, World

#: A button as people see it: what to press.
Keyboard = list[list[dict[str, Any]]]


class Person:
    """Somebody in a private chat with the bot. Usable from any thread."""

    def __init__(self, world: World, account: Account, chat_id: int) -> None:
        self._world = world
        self._account = account
        self.chat_id = chat_id

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the bot wrote to this chat and has not deleted, oldest first."""
        with self._world.reading():
            return [
                message
                for message in self._account.messages.get(self.chat_id, [])
                if message["from"]["is_bot"] and "text" in {*message, *_media(message)}
            ]

    @property
    def texts(self) -> list[str]:
        """The texts of ``messages``."""
        return [message.get("text", message.get("caption", "")) for message in self.messages]

    def opens(self, message: dict[str, Any]) -> bytes:
        """The content of the file that a message carries."""
        with self._world.reading():
            return self._account.files[message["document"]["file_id"]]

    @property
    def typing_count(self) -> int:
        """How often the bot showed that it is typing."""
        return self._account.actions.count((self.chat_id, "typing"))

    def wait_for(self, count: int, *, within: float = 5) -> list[dict[str, Any]]:
        """Blocks until the bot wrote at least so many messages; returns all."""
        return self._world.wait(lambda: self._at_least(count), within)

    async def receives(self, count: int, *, within: float = 5) -> list[dict[str, Any]]:
        """``wait_for`` for tests with an event loop."""
        return await self._world.until(lambda: self._at_least(count), within)

    def _at_least(self, count: int) -> list[dict[str, Any]] | None:
        messages = self.messages
        return messages if len(messages) >= count else None

    def sends(self, text: str, **more: Any) -> int:
        """Writes a text; returns the message id."""
        content: dict[str, Any] = {"text": text, **more}
        if text.startswith("/"):
            length = len(text.split()[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self.sends_content(content)

    def sends_content(self, content: dict[str, Any]) -> int:
        """Sends a message with the fields given, be they known to Telegram or not."""
        with self._world.changing():
            message = self._account.add_message(self.chat_id, {"from": self._user, **content})
            self._account.add_update("message", message)
        number: int = message["message_id"]
        return number

    def sends_photo(self, caption: str = "", content: bytes = b"\xff\xd8photo") -> int:
        """Sends a picture."""
        size = {**store_file(self._account, content), "width": 90, "height": 60}
        return self.sends_content({"photo": [size], **({"caption": caption} if caption else {})})

    def sends_voice(self, content: bytes = b"OggS voice") -> int:
        """Sends a voice note."""
        note = {**store_file(self._account, content), "duration": 3, "mime_type": "audio/ogg"}
        return self.sends_content({"voice": note})

    def sends_document(self, name: str = "cv.pdf", content: bytes = b"%PDF-1.4") -> int:
        """Sends a file."""
        return self.sends_content(
            {"document": {**store_file(self._account, content), "file_name": name}}
        )

    def sends_sticker(self) -> int:
        """Sends a sticker."""
        sticker = {
            **store_file(self._account, b"RIFF sticker"),
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
            "emoji": "👋",
        }
        return self.sends_content({"sticker": sticker})

    def sends_location(self, latitude: float = 48.7758, longitude: float = 9.1829) -> int:
        """Sends a place on the map."""
        return self.sends_content({"location": {"latitude": latitude, "longitude": longitude}})

    def edits(self, message_id: int, text: str) -> None:
        """Changes the text of one of the own messages."""
        with self._world.changing():
            message = self._account.find_message(self.chat_id, message_id)
            if message is None:
                raise LookupError("no such message")
            message["text"] = text
            message["edit_date"] = int(time.time())
            self._account.add_update("edited_message", dict(message))

    def presses(self, title: str, *, message_id: int | None = None) -> str:
        """Presses the newest button with this title; returns the callback query's id."""
        with self._world.changing():
            for message in reversed(self.messages):
                if message_id in (None, message["message_id"]):
                    for button in buttons(message):
                        if button["text"] == title:
                            return self.presses_data(button["callback_data"], message)
        raise LookupError("no message of the bot has this button")

    def presses_data(self, data: str, message: dict[str, Any] | None = None) -> str:
        """Sends a callback query with any data; returns its id."""
        with self._world.changing():
            account = self._account
            query_id = str(77_000_000 + len(account.callbacks))
            account.callbacks[query_id] = False
            shown = message or {"chat": account.chats[self.chat_id], "message_id": 1, "date": 0}
            query = {
                "id": query_id,
                "from": self._user,
                "message": shown,
                "chat_instance": str(self.chat_id),
                "data": data,
            }
            account.add_update("callback_query", query)
        return query_id

    def was_answered(self, query_id: str) -> bool:
        """Whether the bot answered this callback query."""
        return self._account.callbacks[query_id]

    def blocks(self) -> None:
        """Blocks the bot."""
        self._member("member", "kicked")

    def unblocks(self) -> None:
        """Lets the bot write again."""
        self._member("kicked", "member")

    def _member(self, old: str, new: str) -> None:
        with self._world.changing():
            account = self._account
            account.blocked.discard(self.chat_id)
            if new == "kicked":
                account.blocked.add(self.chat_id)
            until = {"until_date": 0} if new == "kicked" else {}
            account.add_update(
                "my_chat_member",
                {
                    "chat": account.chats[self.chat_id],
                    "from": self._user,
                    "date": int(time.time()),
                    "old_chat_member": {"user": account.user, "status": old},
                    "new_chat_member": {"user": account.user, "status": new, **until},
                },
            )

    @property
    def _user(self) -> dict[str, Any]:
        return self._account.people[self.chat_id]


class Group:
    """A supergroup, with or without topics."""

    def __init__(self, world: World, account: Account, chat_id: int) -> None:
        self._world = world
        self._account = account
        self.chat_id = chat_id

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything written there, oldest first."""
        with self._world.reading():
            return list(self._account.messages.get(self.chat_id, []))

    def receives_from(self, person: Person, text: str, **more: Any) -> int:
        """A person writes in the group; ``message_thread_id=…`` puts it in a topic."""
        with self._world.changing():
            sender = self._account.people[person.chat_id]
            content = {"from": sender, "text": text, **more}
            message = self._account.add_message(self.chat_id, content)
            self._account.add_update("message", message)
        number: int = message["message_id"]
        return number

    def edits_for(self, person: Person, message_id: int, text: str) -> None:
        """A person changes what they wrote in the group."""
        with self._world.changing():
            message = self._account.find_message(self.chat_id, message_id)
            if message is None or message["from"]["id"] != person.chat_id:
                raise LookupError("no such message of this person")
            message["text"] = text
            self._account.add_update("edited_message", dict(message))

    def loses_topic(self, thread_id: int) -> None:
        """Somebody deletes a topic; the bot is told nothing."""
        with self._world.changing():
            del self._account.topics[self.chat_id][thread_id]


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The inline buttons below a message, row by row."""
    keyboard: Keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in keyboard for button in row]


def _media(message: dict[str, Any]) -> list[str]:
    return ["text"] if "document" in message or "photo" in message else []


def new_person(
    world: World, account: Account, *, language_code: str | None, first_name: str
) -> Person:
    """Somebody who has opened the chat with the bot."""
    with world.changing():
        chat_id = 200_000_001 + len(account.people)
        user: dict[str, Any] = {"id": chat_id, "is_bot": False, "first_name": first_name}
        if language_code:
            user["language_code"] = language_code
        account.people[chat_id] = user
        account.chats[chat_id] = {"id": chat_id, "type": "private", "first_name": first_name}
    return Person(world, account, chat_id)


def new_group(world: World, account: Account, *, title: str, forum: bool) -> Group:
    """A supergroup whose administrator the bot is."""
    with world.changing():
        groups = sum(1 for known in account.chats if known < 0)
        chat_id = -1_001_000_000_001 - groups
        chat: dict[str, Any] = {"id": chat_id, "type": "supergroup", "title": title}
        if forum:
            chat["is_forum"] = True
        account.chats[chat_id] = chat
    return Group(world, account, chat_id)
