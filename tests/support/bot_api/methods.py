"""What each Bot API method does to the world; all but ``getUpdates``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from tests.support.bot_api import markup
from tests.support.bot_api.spec import (
    MAXIMUM_CAPTION,
    MAXIMUM_TEXT,
    InvalidParameterError,
    UploadedFile,
)
from tests.support.bot_api.world import Account, ApiError

Parameters = dict[str, Any]


def call(account: Account, method: str, parameters: Parameters) -> Any:
    """The ``result`` of a call whose parameters were checked; raises ``ApiError``."""
    return _METHODS[method](account, parameters)


def resolve_chat(account: Account, value: Any) -> int | None:
    """A chat id from what a bot may write as one; None when it knows no such chat."""
    try:
        chat_id = int(value)
    except (TypeError, ValueError):
        return None
    return chat_id if chat_id in account.chats else None


def _chat(account: Account, parameters: Parameters, name: str = "chat_id") -> int:
    chat_id = resolve_chat(account, parameters.get(name))
    if chat_id is None:
        raise ApiError(400, "Bad Request: chat not found")
    return chat_id


def _writable_chat(account: Account, parameters: Parameters) -> int:
    chat_id = _chat(account, parameters)
    if chat_id in account.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    thread = parameters.get("message_thread_id")
    if thread is not None:
        topic = account.topics.get(chat_id, {}).get(thread)
        if topic is None:
            raise ApiError(400, "Bad Request: message thread not found")
        if topic["closed"]:
            raise ApiError(400, "Bad Request: TOPIC_CLOSED")
    return chat_id


def _format(account: Account, text: str, mode: str | None) -> markup.FormattedText:
    formatted = markup.parse_html(text) if mode == "HTML" else markup.FormattedText(text)
    account.violations += ["a link that Telegram would drop" for _ in formatted.dropped_links]
    before = len(formatted.text) - len(formatted.text.lstrip())
    shift = markup.utf16_length(formatted.text[:before])
    for entity in formatted.entities:
        entity["offset"] = max(0, entity["offset"] - shift)
    formatted.text = markup.clean(formatted.text)
    end = markup.utf16_length(formatted.text)
    for entity in formatted.entities:
        entity["length"] = min(entity["length"], end - entity["offset"])
    return formatted


def _text(account: Account, parameters: Parameters) -> Parameters:
    formatted = _format(account, parameters.get("text", ""), parameters.get("parse_mode"))
    if markup.is_blank(formatted.text):
        raise InvalidParameterError("message text is empty")
    if markup.utf16_length(formatted.text) > MAXIMUM_TEXT:
        raise InvalidParameterError("message is too long")
    content: Parameters = {"text": formatted.text}
    if formatted.entities:
        content["entities"] = formatted.entities
    return content


def _caption(account: Account, parameters: Parameters) -> Parameters:
    formatted = _format(account, parameters.get("caption", ""), parameters.get("parse_mode"))
    if markup.utf16_length(formatted.text) > MAXIMUM_CAPTION:
        raise InvalidParameterError("message caption is too long")
    return {"caption": formatted.text} if formatted.text else {}


def _extras(parameters: Parameters) -> Parameters:
    content = {}
    keyboard = parameters.get("reply_markup")
    if keyboard and "inline_keyboard" in keyboard:
        content["reply_markup"] = keyboard
    if "message_thread_id" in parameters:
        content["message_thread_id"] = parameters["message_thread_id"]
        content["is_topic_message"] = True
    return content


def _post(account: Account, chat_id: int, content: Parameters) -> Any:
    account.violations += account.flood.record(chat_id)
    sender = {key: account.user[key] for key in ("id", "is_bot", "first_name", "username")}
    return account.add_message(chat_id, {"from": sender, **content})


def _send_message(account: Account, parameters: Parameters) -> Any:
    chat_id = _writable_chat(account, parameters)
    return _post(account, chat_id, {**_text(account, parameters), **_extras(parameters)})


def store_file(account: Account, content: bytes) -> dict[str, Any]:
    """Keeps a file and returns what ``getFile`` and messages say of it."""
    digest = hashlib.sha256(content).hexdigest()[:20]
    account.files[digest] = content
    return {"file_id": digest, "file_unique_id": digest[:12], "file_size": len(content)}


def _uploaded(account: Account, value: Any) -> dict[str, Any]:
    if isinstance(value, UploadedFile):
        return {**store_file(account, value.content), "file_name": value.name}
    if value in account.files:
        return store_file(account, account.files[value])
    raise InvalidParameterError("wrong remote file identifier specified")


def _send_document(account: Account, parameters: Parameters) -> Any:
    chat_id = _writable_chat(account, parameters)
    document = {"document": _uploaded(account, parameters["document"])}
    content = {**document, **_caption(account, parameters), **_extras(parameters)}
    return _post(account, chat_id, content)


def _send_photo(account: Account, parameters: Parameters) -> Any:
    chat_id = _writable_chat(account, parameters)
    size = _uploaded(account, parameters["photo"])
    size.pop("file_name", None)
    photo = {"photo": [{**size, "width": 640, "height": 480}]}
    content = {**photo, **_caption(account, parameters), **_extras(parameters)}
    return _post(account, chat_id, content)


def _copy_message(account: Account, parameters: Parameters) -> Any:
    chat_id = _writable_chat(account, parameters)
    source = _chat(account, parameters, "from_chat_id")
    original = account.find_message(source, parameters["message_id"])
    if original is None:
        raise ApiError(400, "Bad Request: message to copy not found")
    left_out = ("message_id", "date", "chat", "from", "reply_markup", "message_thread_id")
    content = {key: value for key, value in original.items() if key not in left_out}
    copied = _post(account, chat_id, {**content, **_extras(parameters)})
    return {"message_id": copied["message_id"]}


def _own_message(account: Account, parameters: Parameters, purpose: str) -> dict[str, Any]:
    chat_id = _chat(account, parameters)
    message = account.find_message(chat_id, parameters.get("message_id", 0))
    if message is None:
        raise ApiError(400, f"Bad Request: message to {purpose} not found")
    if message["from"]["id"] != account.user["id"]:
        raise ApiError(400, f"Bad Request: message can't be {purpose}ed")
    return message


def _change(message: dict[str, Any], new: Parameters, names: tuple[str, ...]) -> dict[str, Any]:
    if all(message.get(name) == new.get(name) for name in names):
        raise ApiError(
            400,
            "Bad Request: message is not modified: specified new message content and reply "
            "markup are exactly the same as a current content and reply markup of the message",
        )
    for name in names:
        message.pop(name, None)
    message.update(new)
    message["edit_date"] = message["date"]
    return message


def _edit_text(account: Account, parameters: Parameters) -> Any:
    message = _own_message(account, parameters, "edit")
    new = {**_text(account, parameters), **_extras(parameters)}
    return _change(message, new, ("text", "entities", "reply_markup"))


def _edit_markup(account: Account, parameters: Parameters) -> Any:
    message = _own_message(account, parameters, "edit")
    return _change(message, _extras(parameters), ("reply_markup",))


def _delete_message(account: Account, parameters: Parameters) -> Any:
    chat_id = _chat(account, parameters)
    message = account.find_message(chat_id, parameters["message_id"])
    if message is None:
        raise ApiError(400, "Bad Request: message to delete not found")
    account.messages[chat_id].remove(message)
    return True


def _answer_callback(account: Account, parameters: Parameters) -> Any:
    query = parameters["callback_query_id"]
    if account.callbacks.get(query, True):
        raise ApiError(
            400,
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        )
    account.callbacks[query] = True
    return True


def _chat_action(account: Account, parameters: Parameters) -> Any:
    account.actions.append((_writable_chat(account, parameters), parameters["action"]))
    return True


def _commands_key(parameters: Parameters) -> str:
    scope = json.dumps(parameters.get("scope", {"type": "default"}), sort_keys=True)
    return f"{scope} {parameters.get('language_code', '')}"


def _set_commands(account: Account, parameters: Parameters) -> Any:
    account.commands[_commands_key(parameters)] = parameters["commands"]
    return True


def _get_commands(account: Account, parameters: Parameters) -> Any:
    return account.commands.get(_commands_key(parameters), [])


def _delete_commands(account: Account, parameters: Parameters) -> Any:
    account.commands.pop(_commands_key(parameters), None)
    return True


def _set_webhook(account: Account, parameters: Parameters) -> Any:
    if parameters.get("drop_pending_updates"):
        account.updates.clear()
    account.allowed_updates = parameters.get("allowed_updates", account.allowed_updates)
    account.webhook = {
        "url": parameters["url"],
        "secret_token": parameters.get("secret_token", ""),
        "max_connections": parameters.get("max_connections", 40),
    }
    return True


def _delete_webhook(account: Account, parameters: Parameters) -> Any:
    if parameters.get("drop_pending_updates"):
        account.updates.clear()
    account.webhook = {}
    return True


def _webhook_info(account: Account, parameters: Parameters) -> Any:
    shown = ("url", "max_connections", "last_error_date", "last_error_message")
    info = {key: account.webhook[key] for key in shown if key in account.webhook}
    return {
        "url": "",
        **info,
        "has_custom_certificate": False,
        "pending_update_count": len(account.updates),
    }


def _get_file(account: Account, parameters: Parameters) -> Any:
    content = account.files.get(parameters["file_id"])
    if content is None:
        raise ApiError(400, "Bad Request: invalid file_id")
    return {**store_file(account, content), "file_path": f"files/{parameters['file_id']}"}


def _get_me(account: Account, parameters: Parameters) -> Any:
    return account.user


def _get_chat(account: Account, parameters: Parameters) -> Any:
    chat = account.chats[_chat(account, parameters)]
    return {
        **chat,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


def _create_topic(account: Account, parameters: Parameters) -> Any:
    chat_id = _chat(account, parameters)
    if not account.chats[chat_id].get("is_forum"):
        raise ApiError(400, "Bad Request: the chat is not a forum")
    if not 1 <= len(parameters["name"]) <= 128:
        raise ApiError(400, "Bad Request: TOPIC_TITLE_EMPTY")
    topic = {"name": parameters["name"], "icon_color": parameters.get("icon_color", 7322096)}
    message = account.add_message(chat_id, {"from": account.user, "forum_topic_created": topic})
    thread = message["message_id"]
    account.topics.setdefault(chat_id, {})[thread] = {"name": topic["name"], "closed": False}
    return {"message_thread_id": thread, **topic}


def _topic(account: Account, parameters: Parameters) -> dict[str, Any]:
    topics = account.topics.get(_chat(account, parameters), {})
    topic = topics.get(parameters["message_thread_id"])
    if topic is None:
        raise ApiError(400, "Bad Request: message thread not found")
    return topic


def _edit_topic(account: Account, parameters: Parameters) -> Any:
    _topic(account, parameters)["name"] = parameters.get("name", "")
    return True


def _close_topic(account: Account, parameters: Parameters) -> Any:
    _topic(account, parameters)["closed"] = True
    return True


def _reopen_topic(account: Account, parameters: Parameters) -> Any:
    _topic(account, parameters)["closed"] = False
    return True


def _delete_topic(account: Account, parameters: Parameters) -> Any:
    _topic(account, parameters)
    del account.topics[_chat(account, parameters)][parameters["message_thread_id"]]
    return True


_METHODS: dict[str, Callable[[Account, Parameters], Any]] = {
    "getMe": _get_me,
    "setWebhook": _set_webhook,
    "deleteWebhook": _delete_webhook,
    "getWebhookInfo": _webhook_info,
    "sendMessage": _send_message,
    "sendDocument": _send_document,
    "sendPhoto": _send_photo,
    "copyMessage": _copy_message,
    "editMessageText": _edit_text,
    "editMessageReplyMarkup": _edit_markup,
    "deleteMessage": _delete_message,
    "answerCallbackQuery": _answer_callback,
    "sendChatAction": _chat_action,
    "setMyCommands": _set_commands,
    "getMyCommands": _get_commands,
    "deleteMyCommands": _delete_commands,
    "getFile": _get_file,
    "getChat": _get_chat,
    "createForumTopic": _create_topic,
    "editForumTopic": _edit_topic,
    "closeForumTopic": _close_topic,
    "reopenForumTopic": _reopen_topic,
    "deleteForumTopic": _delete_topic,
}
