"""From raw updates to messages: pure functions on the JSON that Telegram sends.

Only the fields used here are looked at, so new ones never break the receipt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.channels.telegram.text import well_formed
from bot.handover.desks.telegram import TopicPost
from bot.messages import Attachment, IncomingMessage, Kind, as_position

CHANNEL = "telegram"

#: What Telegram is asked to send; everything else would only be thrown away.
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

MAXIMUM_KEY_LENGTH = 64
_LARGEST_ID = 2**63

#: Fields of a message that tell its kind, most telling first: an animation also
#: carries ``document``, a venue also ``location``.
_KINDS = {
    "text": Kind.TEXT,
    "photo": Kind.PHOTO,
    "voice": Kind.VOICE,
    "video_note": Kind.VOICE,
    "audio": Kind.VOICE,
    "sticker": Kind.STICKER,
    "location": Kind.LOCATION,
    "contact": Kind.CONTACT,
    "animation": Kind.OTHER,
    "document": Kind.DOCUMENT,
}

#: Messages that report something about the chat instead of saying something.
_SERVICE_FIELDS = frozenset(
    {
        "boost_added",
        "chat_background_set",
        "chat_owner_changed",
        "chat_owner_left",
        "chat_shared",
        "checklist_tasks_added",
        "checklist_tasks_done",
        "connected_website",
        "delete_chat_photo",
        "direct_message_price_changed",
        "forum_topic_closed",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "gift",
        "gift_upgrade_sent",
        "giveaway_completed",
        "giveaway_created",
        "left_chat_member",
        "managed_bot_created",
        "message_auto_delete_timer_changed",
        "migrate_from_chat_id",
        "migrate_to_chat_id",
        "new_chat_members",
        "new_chat_photo",
        "new_chat_title",
        "paid_message_price_changed",
        "passport_data",
        "pinned_message",
        "proximity_alert_triggered",
        "refunded_payment",
        "successful_payment",
        "unique_gift",
        "users_shared",
        "video_chat_ended",
        "video_chat_participants_invited",
        "video_chat_scheduled",
        "video_chat_started",
        "web_app_data",
        "write_access_allowed",
    }
)

_ADDRESSED_COMMAND = re.compile(r"^(/\w+)@\w+")


@dataclass(frozen=True)
class ChatBlocked:
    """A person blocked the bot or lets it write again."""

    address: str = field(repr=False)
    blocked: bool


#: Stores what counsellors wrote in the topics of the desk and returns once it is committed.
ReceivePosts = Callable[[Sequence[TopicPost]], Awaitable[None]]

#: Stores what arrived and returns once that is committed. Within one call the
#: messages come first: whoever blocks the bot writes nothing afterwards.
Receive = Callable[[Sequence[IncomingMessage], Sequence[ChatBlocked]], Awaitable[None]]


class _MalformedError(ValueError):
    """The update is not built as the Bot API says."""


def to_incoming(update: object) -> IncomingMessage | None:
    """The message in an update; None when it holds none for us or is malformed.

    Private chats only. ``external_id`` is the update's id, the same when Telegram
    delivers it again. Edits count where they change words.
    """
    try:
        return _message(_mapping(update))
    except _MalformedError:
        return None


def to_topic_post(update: object, *, chat_id: int) -> TopicPost | None:
    """What a person wrote in a topic of this group; None when the update holds no such thing."""
    try:
        content = _mapping(update)
        number = update_id(content)
        name = "edited_message" if "edited_message" in content else "message"
        if number is None or name not in content:
            return None
        message = _mapping(content[name])
        if _mapping(message.get("chat")).get("id") != chat_id:
            return None
        return _topic_post(message, number, edited=name == "edited_message")
    except _MalformedError:
        return None


def _topic_post(message: Mapping[str, Any], number: int, *, edited: bool) -> TopicPost | None:
    thread = message.get("message_thread_id")
    if not _is_id(thread) or not _SERVICE_FIELDS.isdisjoint(message):
        return None
    sender = _mapping(message.get("from"))
    # Administrators who write anonymously come as a bot that speaks for the group itself.
    spokesman = message.get("sender_chat")
    if sender.get("is_bot") and not isinstance(spokesman, Mapping):
        return None
    who = spokesman if isinstance(spokesman, Mapping) else sender
    names = [_optional_text(who, name) for name in ("first_name", "last_name", "title")]
    return TopicPost(
        external_id=_external_id(number, message),
        thread_id=int(str(thread)),
        message_id=str(message.get("message_id", "")),
        author_id=str(who.get("id", "")),
        author=" ".join(name for name in names if name)[:100] or "?",
        text=_optional_text(message, "text"),
        edited=edited,
    )


def to_chat_blocked(update: object) -> ChatBlocked | None:
    """The news in an update that a person blocked or unblocked the bot, or None."""
    try:
        return _blocked(_mapping(update))
    except _MalformedError:
        return None


class DeskIntake:
    """Hands what is written in the topics of the desk's group to ``receive``."""

    def __init__(self, receive: ReceivePosts, *, chat_id: int) -> None:
        self._receive = receive
        self._chat_id = chat_id

    async def take(self, updates: Sequence[object]) -> None:
        """Returns when all of it is stored; raises what ``receive`` raises."""
        posts = [
            post
            for update in updates
            if (post := to_topic_post(update, chat_id=self._chat_id)) is not None
        ]
        if posts:
            await self._receive(posts)


class Intake:
    """Hands updates to ``receive`` and answers button presses once they are stored.

    ``counts`` tells how many updates were a ``message``, ``blocked``, ``ignored``
    or ``malformed``, stored or not.
    """

    def __init__(
        self,
        receive: Receive,
        answer_press: Callable[[str], None],
        *,
        desk: DeskIntake | None = None,
    ) -> None:
        self._receive = receive
        self._answer_press = answer_press
        self._desk = desk
        self.counts: Counter[str] = Counter()

    async def take(self, updates: Sequence[object]) -> None:
        """Returns when everything in the updates is stored; raises what ``receive`` raises."""
        messages: list[IncomingMessage] = []
        blocked: list[ChatBlocked] = []
        for update in updates:
            self._sort(update, messages, blocked)
        if messages or blocked:
            await self._receive(messages, blocked)
        if self._desk is not None:
            await self._desk.take(updates)
        for update in updates:
            press = callback_query_id(update)
            if press is not None:
                self._answer_press(press)

    def _sort(
        self, update: object, messages: list[IncomingMessage], blocked: list[ChatBlocked]
    ) -> None:
        try:
            content = _mapping(update)
            message, news = _message(content), _blocked(content)
        except _MalformedError:
            self.counts["malformed"] += 1
            return
        if message is not None:
            messages.append(message)
            self.counts["message"] += 1
        elif news is not None:
            blocked.append(news)
            self.counts["blocked"] += 1
        else:
            self.counts["ignored"] += 1


def callback_query_id(update: object) -> str | None:
    """The id by which a button press is answered, or None."""
    query = update.get("callback_query") if isinstance(update, Mapping) else None
    query_id = query.get("id") if isinstance(query, Mapping) else None
    return query_id if isinstance(query_id, str) else None


def update_id(update: object) -> int | None:
    """The update's number, or None when it has none that can be counted on."""
    number = update.get("update_id") if isinstance(update, Mapping) else None
    return number if _is_id(number) else None


def _message(update: Mapping[str, Any]) -> IncomingMessage | None:
    number = update_id(update)
    if number is None:
        raise _MalformedError
    if "message" in update:
        return _written(_mapping(update["message"]), number, edited=False)
    if "edited_message" in update:
        return _written(_mapping(update["edited_message"]), number, edited=True)
    if "callback_query" in update:
        return _pressed(_mapping(update["callback_query"]), number)
    return None


def _written(message: Mapping[str, Any], number: int, *, edited: bool) -> IncomingMessage | None:
    address = _private_address(message.get("chat"))
    if address is None or not _SERVICE_FIELDS.isdisjoint(message):
        return None
    text = _optional_text(message, "text") or _optional_text(message, "caption")
    if edited and not text:
        # A live location, for one, is edited every few seconds.
        return None
    kind = next((kind for name, kind in _KINDS.items() if name in message), Kind.OTHER)
    return IncomingMessage(
        channel=CHANNEL,
        address=address,
        external_id=_external_id(number, message),
        kind=kind,
        text=_position(message) if kind == Kind.LOCATION else _ADDRESSED_COMMAND.sub(r"\1", text),
        language_hint=_language(message.get("from")),
        edited=edited,
        attachments=() if edited else _attachments(message),
    )


def _attachments(message: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The document, or the largest size of the photo, of a message."""
    sizes = message.get("photo")
    found = message.get("document") or (sizes[-1] if isinstance(sizes, list) and sizes else None)
    if not isinstance(found, Mapping) or not isinstance(found.get("file_id"), str):
        return ()
    size = found.get("file_size")
    return (
        Attachment(
            source=found["file_id"],
            name=_optional_text(found, "file_name"),
            size=int(size) if _is_id(size) and size else 0,
        ),
    )


def _position(message: Mapping[str, Any]) -> str:
    """Where a shared location lies, see ``as_position``; nothing when it is no place."""
    location = _mapping(message["location"])
    return as_position(_degrees(location, "latitude"), _degrees(location, "longitude"))


def _degrees(location: Mapping[str, Any], name: str) -> float:
    value = location.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _MalformedError
    return float(value)


def _external_id(number: int, message: Mapping[str, Any]) -> str:
    # Telegram restarts update ids at random after a quiet week; with the
    # message's own number beside it an old id cannot shadow a new message.
    return f"{number}.{message.get('message_id', 0)}"[:100]


def _pressed(query: Mapping[str, Any], number: int) -> IncomingMessage | None:
    if "message" not in query or "data" not in query:
        return None
    address = _private_address(_mapping(query["message"]).get("chat"))
    if address is None:
        return None
    return IncomingMessage(
        channel=CHANNEL,
        address=address,
        external_id=_external_id(number, _mapping(query["message"])),
        kind=Kind.BUTTON,
        button_key=_optional_text(query, "data")[:MAXIMUM_KEY_LENGTH],
        language_hint=_language(query.get("from")),
    )


def _blocked(update: Mapping[str, Any]) -> ChatBlocked | None:
    if "my_chat_member" not in update:
        return None
    change = _mapping(update["my_chat_member"])
    address = _private_address(change.get("chat"))
    status = _mapping(change.get("new_chat_member")).get("status")
    if address is None or not isinstance(status, str):
        return None
    return ChatBlocked(address, blocked=status == "kicked")


def _mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise _MalformedError


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_ID


def _private_address(chat: object) -> str | None:
    """Where replies to a private chat go; None for groups and channels."""
    content = _mapping(chat)
    if not _is_id(content.get("id")):
        raise _MalformedError
    return str(content["id"]) if content.get("type") == "private" else None


def _optional_text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str):
        raise _MalformedError
    return well_formed(value)


def _language(sender: object) -> str | None:
    code = sender.get("language_code") if isinstance(sender, Mapping) else None
    return well_formed(code) if isinstance(code, str) and code else None
