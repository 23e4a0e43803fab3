"""Turns a message into what Telegram takes: HTML parts and an inline keyboard.

Text is divided before it is tagged, so every part is complete in itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlsplit

from bot.channels.telegram.text import (
    MAXIMUM_UNITS,
    is_blank,
    split,
    utf16_length,
    well_formed,
)
from bot.errors import DeliveryRefusedError
from bot.i18n.languages import direction
from bot.i18n.texts import isolate
from bot.messages import Button, Card, CardLine, Document, OutgoingMessage

MAXIMUM_KEY_BYTES = 64
#: Two buttons share a row when both titles are at most so long.
SHORT_TITLE = 18

_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
_PARAGRAPH = "\n\n"
#: Stands where there are buttons but no words: Telegram sends no empty message.
_POINTER = "👇"

#: Rows of buttons, each a title and the data its press sends back.
Keyboard = tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True)
class Part:
    """One Telegram message: as HTML, as plain text should that be refused, and buttons.

    With a ``document`` it is that file and nothing else.
    """

    html: str = field(repr=False)
    plain: str = field(repr=False)
    keyboard: Keyboard = field(default=(), repr=False)
    document: Document | None = None


@dataclass(frozen=True)
class _Run:
    """A stretch of text in one style: plain, ``b``, ``i``, or a link to ``href``."""

    text: str = field(repr=False)
    tag: str = ""
    href: str = ""

    def html(self) -> str:
        words = escape(self.text)
        if self.href:
            return f'<a href="{escape(self.href)}">{words}</a>'
        return f"<{self.tag}>{words}</{self.tag}>" if self.tag else words


_Block = tuple[_Run, ...]


def render(message: OutgoingMessage) -> list[Part]:
    """The Telegram messages for one message of ours: words, buttons under the last, then files.

    Each part has at most 4096 UTF-16 units after parsing. A message that says
    nothing gives no part. Raises ``DeliveryRefusedError`` for a button whose key
    is missing or too long.
    """
    keyboard = _keyboard(message.buttons)
    blocks = [
        _block([_Run(message.text)]),
        *(_block(_card(card, rtl=direction(message.language) == "rtl")) for card in message.cards),
    ]
    bodies = [body for body in _pack(blocks) if not is_blank(_plain(body))]
    if not bodies and keyboard:
        bodies = [(_Run(_POINTER),)]
    parts = [Part(_html(body), _plain(body)) for body in bodies]
    if parts:
        parts[-1] = Part(parts[-1].html, parts[-1].plain, keyboard)
    return parts + [Part("", "", document=document) for document in message.documents]


def _card(card: Card, *, rtl: bool) -> Iterator[_Run]:
    yield _Run(card.title, tag="b")
    if card.subtitle:
        yield from (_Run("\n"), _Run(card.subtitle, tag="i"))
    if card.body:
        yield from (_Run(_PARAGRAPH), _Run(card.body))
    yield _Run(_PARAGRAPH)
    for line in card.lines:
        yield from _line(line, rtl=rtl)
        yield _Run("\n")
    if card.source_label or card.source_url:
        label = card.source_label or card.source_url
        yield _Run(label, href=_web_address(card.source_url))


def _line(line: CardLine, *, rtl: bool) -> Iterator[_Run]:
    label = f"{line.label}: " if line.label else ""
    if line.kind == "note":
        yield _Run(label + line.value, tag="i")
        return
    # Phone numbers and e-mail addresses become links by themselves; Telegram
    # takes neither in a link of ours.
    href = _web_address(line.value) if line.kind == "url" else ""
    # Without isolates the groups of a telephone number would swap places in Arabic.
    value = isolate(line.value) if rtl else line.value
    yield from (_Run(label), _Run(value, href=href))


def _web_address(text: str) -> str:
    """The address to link to, or nothing where Telegram would refuse it as a link."""
    address = text.translate(_ISOLATES).strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.hostname
    return address if usable and not any(char.isspace() for char in address) else ""


def _block(runs: Iterator[_Run] | list[_Run]) -> _Block:
    sound = [_Run(well_formed(run.text), run.tag, well_formed(run.href)) for run in runs]
    pieces = split(_plain(tuple(sound)), limit=2**31)
    return _slice(tuple(sound), *pieces[0]) if pieces else ()


def _pack(blocks: list[_Block]) -> Iterator[_Block]:
    """Puts blocks together while they fit, and divides those too long for one part."""
    current: _Block = ()
    for block in blocks:
        if not block:
            continue
        joined = (*current, _Run(_PARAGRAPH), *block) if current else block
        if utf16_length(_plain(joined)) <= MAXIMUM_UNITS:
            current = joined
            continue
        if current:
            yield current
        *full, current = [_slice(block, *piece) for piece in split(_plain(block))]
        yield from full
    if current:
        yield current


def _slice(block: _Block, start: int, end: int) -> _Block:
    runs = []
    offset = 0
    for run in block:
        words = run.text[max(0, start - offset) : max(0, end - offset)]
        offset += len(run.text)
        if words:
            runs.append(_Run(words, run.tag, run.href))
    return tuple(runs)


def _plain(block: _Block) -> str:
    return "".join(run.text for run in block)


def _html(block: _Block) -> str:
    return "".join(run.html() for run in block)


def _keyboard(buttons: tuple[Button, ...]) -> Keyboard:
    rows: list[list[tuple[str, str]]] = []
    for button in buttons:
        if not 1 <= len(button.key.encode()) <= MAXIMUM_KEY_BYTES:
            raise DeliveryRefusedError("a button's key must have 1 to 64 bytes")
        title = well_formed(button.title)
        last = rows[-1] if rows else []
        if len(last) == 1 and len(last[0][0]) <= SHORT_TITLE and len(title) <= SHORT_TITLE:
            last.append((title, button.key))
        else:
            rows.append([(title, button.key)])
    return tuple(tuple(row) for row in rows)
