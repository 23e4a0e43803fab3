"""What the Bot API accepts: parameters, types and limits, checked for every call.

``spec.json`` holds the parameters of the methods this server knows and the objects
that may stand in them, as Telegram documents them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PARSE_MODES = frozenset({"HTML", "MarkdownV2", "Markdown"})
CHAT_ACTIONS = frozenset(
    {"typing", "choose_sticker", "find_location"}
    | {"upload_photo", "upload_video", "upload_voice", "upload_document", "upload_video_note"}
    | {"record_video", "record_voice", "record_video_note"}
)
MAXIMUM_TEXT = 4096
MAXIMUM_CAPTION = 1024
MAXIMUM_CALLBACK_DATA_BYTES = 64


class InvalidParameterError(ValueError):
    """A value that Telegram refuses; the text is what it says after ``Bad Request:``."""


@dataclass(frozen=True)
class UploadedFile:
    """A file that came with a multipart body."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Checked:
    """A call's parameters with their types applied, and the names nobody knows."""

    values: dict[str, Any]
    unknown: list[str]


@cache
def _spec() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name("spec.json").read_text("utf-8"))
    return content


@cache
def known_methods() -> Mapping[str, str]:
    """The methods of this server by their name in lower case, as Telegram finds them."""
    return {name.lower(): name for name in _spec()["methods"]}


@cache
def unsupported_methods() -> frozenset[str]:
    """Methods that Telegram has and this server has not, in lower case."""
    return frozenset(name.lower() for name in _spec()["other_methods"])


def check(method: str, given: Mapping[str, Any]) -> Checked:
    """Applies the documented types to a call's parameters.

    Forms carry everything as text: numbers, booleans and objects are read from it.
    Raises ``InvalidParameterError`` for what Telegram would refuse.
    """
    fields = _spec()["methods"][method]
    for name, (_, required) in fields.items():
        # An empty address is how a webhook is removed.
        if required and given.get(name) in (None, "") and name != "url":
            raise InvalidParameterError(f'parameter "{name}" is required')
    values = {}
    unknown = [name for name in given if name not in fields]
    for name, value in given.items():
        if name in fields and value is not None:
            values[name] = _coerce(value, fields[name][0], name)
            _check_limit(name, values[name])
    return Checked(values, unknown)


def _coerce(value: Any, types: list[str], where: str) -> Any:
    problem = InvalidParameterError(f"{where}: expected {' or '.join(types)}")
    for wanted in sorted(_fitting(value, types, where), key=_strictness):
        try:
            return _as_type(value, wanted, where)
        except InvalidParameterError as error:
            problem = error
    raise problem


def _fitting(value: Any, types: list[str], where: str) -> list[str]:
    """Of several kinds of object, the one whose required fields are there."""
    objects = [name for name in types if name in _spec()["types"]]
    if len(objects) < 2:
        return types
    content = _from_json(value, where) if isinstance(value, str) else value
    return [
        name
        for name in objects
        if all(key in content for key, (_, must) in _spec()["types"][name].items() if must)
    ]


def _strictness(wanted: str) -> int:
    # A number sent as text fits both "Integer" and "String"; the narrower type is meant.
    return ("Integer", "Float", "Boolean").index(wanted) if wanted in _PLAIN_NUMBERS else 9


_PLAIN_NUMBERS = ("Integer", "Float", "Boolean")


def _as_type(value: Any, wanted: str, where: str) -> Any:
    reader = _READERS.get(wanted)
    if reader is not None:
        return reader(value, where)
    if isinstance(value, str):
        value = _from_json(value, where)
    if wanted.startswith("Array of "):
        if not isinstance(value, list):
            raise InvalidParameterError(f"{where}: an array is expected")
        inner = wanted.removeprefix("Array of ")
        return [_coerce(item, [inner], f"{where}[{i}]") for i, item in enumerate(value)]
    if wanted in _spec()["unions"]:
        return _as_union(value, wanted, where)
    return _as_object(value, wanted, where)


def _from_json(value: str, where: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidParameterError(f"can't parse {where}: JSON object is expected") from error


def _as_union(value: Any, wanted: str, where: str) -> Any:
    for name in _spec()["unions"][wanted]:
        # BotCommandScopeChat has the type "chat", and so on.
        tail = name.removeprefix(wanted)
        if isinstance(value, dict) and value.get("type") == _snake(tail):
            return _as_object(value, name, where)
    raise InvalidParameterError(f"{where}: unsupported {wanted} type")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _as_object(value: Any, wanted: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidParameterError(f"{where}: object expected as {wanted}")
    fields = _spec()["types"][wanted]
    for name, (_, required) in fields.items():
        if required and name not in value:
            raise InvalidParameterError(f'{where}: field "{name}" of {wanted} is missing')
    for name in value:
        if name not in fields:
            raise InvalidParameterError(f'{where}: {wanted} has no field "{name}"')
    read = {name: _coerce(item, fields[name][0], f"{where}.{name}") for name, item in value.items()}
    rule = _RULES.get(wanted)
    if rule is not None:
        rule(read)
    return read


def _integer(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise InvalidParameterError(f"{where} must be of type Integer")


def _float(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"{where} must be of type Number") from error


def _boolean(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidParameterError(f"{where} must be of type Boolean")


def _string(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    raise InvalidParameterError(f"{where} must be of type String")


def _file(value: Any, where: str) -> UploadedFile:
    if isinstance(value, UploadedFile):
        return value
    raise InvalidParameterError(f"there is no {where} in the request")


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "Integer": _integer,
    "Float": _float,
    "Boolean": _boolean,
    "String": _string,
    "InputFile": _file,
}


def _check_limit(name: str, value: Any) -> None:
    if name == "parse_mode" and value not in PARSE_MODES:
        raise InvalidParameterError("unsupported parse_mode")
    if name == "action" and value not in CHAT_ACTIONS:
        raise InvalidParameterError("wrong parameter action in request")
    if name == "secret_token" and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value):
        raise InvalidParameterError("secret token contains unallowed characters")
    if name == "language_code" and not re.fullmatch(r"([a-z]{2})?", value):
        raise InvalidParameterError("invalid language code specified")
    if name == "commands" and len(value) > 100:
        raise InvalidParameterError("too many commands specified")


def _check_button(button: dict[str, Any]) -> None:
    if not button["text"].strip():
        raise InvalidParameterError("inline keyboard button text is empty")
    if len(set(button) - {"text", "style", "icon_custom_emoji_id"}) != 1:
        raise InvalidParameterError("Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= MAXIMUM_CALLBACK_DATA_BYTES:
        raise InvalidParameterError("BUTTON_DATA_INVALID")


def _check_keyboard(keyboard: dict[str, Any]) -> None:
    rows = keyboard["inline_keyboard"]
    if len([button for row in rows for button in row]) > 100 or any(len(row) > 8 for row in rows):
        raise InvalidParameterError("REPLY_MARKUP_TOO_LONG")


def _check_command(command: dict[str, Any]) -> None:
    if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
        raise InvalidParameterError("BOT_COMMAND_INVALID")
    if not 1 <= len(command["description"]) <= 256:
        raise InvalidParameterError("BOT_COMMAND_DESCRIPTION_INVALID")


_RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "InlineKeyboardButton": _check_button,
    "InlineKeyboardMarkup": _check_keyboard,
    "BotCommand": _check_command,
}
