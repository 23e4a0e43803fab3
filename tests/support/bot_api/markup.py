"""Telegram's HTML parse mode: the same tags, the same complaints, the same entities."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.bot_api.spec import InvalidParameterError

KINDS = {
    "a": "text_link",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "pre": "pre",
    "code": "code",
    "blockquote": "blockquote",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(\d+)|#[xX]([0-9a-fA-F]+)|(lt|gt|amp|quot));?")
_SPACE = " \t\r\n\v\f"


@dataclass
class FormattedText:
    """A text as people see it, what is special in it, and links that led nowhere."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)
    dropped_links: list[str] = field(default_factory=list)


@dataclass
class _Open:
    tag: str
    start: int
    attributes: dict[str, str]


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """The text as Telegram keeps it: no control or embedding characters, no outer space."""
    text = text.replace("\r", "")
    text = re.sub("[\u2028-\u202e]", "", text)
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text)
    return text.strip()


def is_blank(text: str) -> bool:
    """Whether nothing of the text would be visible."""
    return all(unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") for c in text)


def parse_html(source: str) -> FormattedText:
    """Reads HTML as Telegram does; raises ``InvalidParameterError`` in its words."""
    try:
        return _Parser(source).parse()
    except InvalidParameterError as error:
        raise InvalidParameterError(f"can't parse entities: {error}") from None


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.result = FormattedText("")
        self.open: list[_Open] = []

    def parse(self) -> FormattedText:
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == "<":
                self._tag()
            elif char == "&":
                self.result.text += self._reference()
            else:
                self.result.text += char
                self.at += 1
        if self.open:
            raise InvalidParameterError(
                f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"'
            )
        self.result.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return self.result

    def _reference(self) -> str:
        found = _REFERENCE.match(self.source, self.at)
        if found is None:
            self.at += 1
            return "&"
        self.at = found.end()
        decimal, hexadecimal, name = found.groups()
        if name:
            return _NAMED[name]
        return chr(int(decimal) if decimal else int(hexadecimal, 16))

    def _tag(self) -> None:
        begin = self.at
        offset = len(self.source[:begin].encode())
        self.at += 1
        if self.source.startswith("/", self.at):
            self._end_tag(offset)
        else:
            self._start_tag(offset)

    def _word(self, stop: str) -> str:
        begin = self.at
        while self.at < len(self.source) and self.source[self.at] not in stop:
            self.at += 1
        return self.source[begin : self.at]

    def _skip_space(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in _SPACE:
            self.at += 1

    def _peek(self, offset: int, tag: str = "") -> str:
        if self.at >= len(self.source):
            name = f' "{tag}"' if tag else ""
            raise InvalidParameterError(f"Unclosed start tag{name} at byte offset {offset}")
        return self.source[self.at]

    def _start_tag(self, offset: int) -> None:
        tag = self._word(_SPACE + ">").lower()
        self._peek(offset)
        if tag not in KINDS:
            raise InvalidParameterError(f'Unsupported start tag "{tag}" at byte offset {offset}')
        attributes = {}
        self._skip_space()
        while self._peek(offset, tag) != ">":
            name, value = self._attribute(tag, offset)
            attributes[name] = value
            self._skip_space()
        self.at += 1
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise InvalidParameterError(
                f'Tag "span" must have class "tg-spoiler" at byte offset {offset}'
            )
        self.open.append(_Open(tag, len(self.result.text), attributes))

    def _attribute(self, tag: str, offset: int) -> tuple[str, str]:
        name = self._word(_SPACE + "=>")
        if not name:
            raise InvalidParameterError(
                f'Empty attribute name in the tag "{tag}" at byte offset {offset}'
            )
        self._skip_space()
        if self._peek(offset, tag) != "=":
            return name.lower(), ""
        self.at += 1
        self._skip_space()
        quote = self._peek(offset, tag)
        if quote not in "\"'":
            return name.lower(), self._word(_SPACE + ">").lower()
        self.at += 1
        value = ""
        while self._peek(offset, tag) != quote:
            if self.source[self.at] == "&":
                value += self._reference()
            else:
                value += self.source[self.at]
                self.at += 1
        self.at += 1
        return name.lower(), value

    def _end_tag(self, offset: int) -> None:
        if not self.open:
            raise InvalidParameterError(f"Unexpected end tag at byte offset {offset}")
        self.at += 1
        tag = self._word(_SPACE + ">").lower()
        self._skip_space()
        if not self.source.startswith(">", self.at):
            raise InvalidParameterError(f"Unclosed end tag at byte offset {offset}")
        self.at += 1
        opened = self.open.pop()
        if tag and tag != opened.tag:
            raise InvalidParameterError(
                f"Unmatched end tag at byte offset {offset}, "
                f'expected "</{opened.tag}>", found "</{tag}>"'
            )
        self._add_entity(opened)

    def _add_entity(self, opened: _Open) -> None:
        inner = self.result.text[opened.start :]
        if not inner:
            return
        entity: dict[str, Any] = {
            "type": KINDS[opened.tag],
            "offset": utf16_length(self.result.text[: opened.start]),
            "length": utf16_length(inner),
        }
        if opened.tag == "a":
            url = opened.attributes.get("href") or inner
            if not _is_link(url):
                # Telegram shows such a link as plain text and says nothing.
                self.result.dropped_links.append(url)
                return
            entity["url"] = url
        self.result.entities.append(entity)


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:
        return False
    if parts.scheme == "tg":
        return True
    if parts.scheme not in ("http", "https", "ton", "tonsite"):
        return False
    return bool(parts.hostname) and not re.search(r"[\s\u2066-\u2069]", url)
