"""What passes between channels and the rest: messages, buttons and cards.

These types know no platform. A channel turns an update into an
``IncomingMessage`` and renders an ``OutgoingMessage``; both are stored as plain
data between the two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """What a person sent."""

    TEXT = "text"
    BUTTON = "button"
    PHOTO = "photo"
    VOICE = "voice"
    STICKER = "sticker"
    LOCATION = "location"
    DOCUMENT = "document"
    CONTACT = "contact"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that came with a message.

    ``source`` is the platform's id by which it can be fetched; ``stored_id`` that of a content
    which is stored already and was examined. ``size`` is what the platform says, 0 when unknown.
    """

    source: str = ""
    stored_id: str = ""
    name: str = field(default="", repr=False)
    media_type: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    """One thing a person did in one channel.

    ``external_id`` is unique within the channel and the same when the platform
    delivers the update again. ``address`` is where replies go. Text and address
    are personal data, hence absent from ``repr``.
    """

    channel: str
    address: str = field(repr=False)
    external_id: str
    kind: Kind = Kind.TEXT
    text: str = field(default="", repr=False)
    button_key: str | None = None
    language_hint: str | None = None
    edited: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Button:
    """A choice offered below a message.

    ``payload`` is what pressing it means: ``{"intent": …, "entities": {…}}`` for the
    engine or ``{"command": …}`` for the router. It never leaves this product: when
    the message is stored, ``key`` takes its place in what the platform gets.

    ``choosable`` says whether "2" or "the second one" counts this button; ways on that
    stand below any message are not counted. ``means`` is what a plain "yes" or "no"
    presses: ``yes``, ``no`` or nothing.
    """

    title: str
    payload: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    choosable: bool = True
    means: str = ""


@dataclass(frozen=True, kw_only=True)
class CardLine:
    """One fact of a card: a label in the reader's language and its value.

    ``kind`` is ``text``, ``phone``, ``email``, ``url`` or ``note``; channels make
    links of the middle three.
    """

    label: str
    value: str
    kind: str = "text"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One offer, ready to be shown: every fact in it stands in the database."""

    title: str
    subtitle: str = ""
    body: str = ""
    lines: tuple[CardLine, ...] = ()
    source_label: str = ""
    source_url: str = ""


class Asks(StrEnum):
    """What a message wants to hear in the person's own words."""

    NOTHING = ""
    WORDS = "words"
    PERSONAL = "personal"
    """Words about the person, such as a name, which the engine must not keep."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A small text file that goes with a message, for example for a calendar.

    ``url`` is where it can also be fetched, in case a channel carries no files; ``title`` says
    in the reader's language what it is. One with ``holds_all_data`` is the copy of everything
    stored about its person: its ``content`` is made in the moment of sending and never stored;
    where that fails again and again, the person is told ``otherwise`` instead.
    """

    name: str
    title: str
    media_type: str
    content: str = field(repr=False)
    url: str = field(default="", repr=False)
    holds_all_data: bool = False
    otherwise: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """What a person is told, in their language: text, then cards, files, then buttons.

    ``replaces`` are the platform's ids of a message that this one corrects. A channel that
    can edits that message to say ``replacement``; any other sends ``text``.
    """

    text: str = field(default="", repr=False)
    cards: tuple[Card, ...] = ()
    buttons: tuple[Button, ...] = ()
    documents: tuple[Document, ...] = ()
    language: str = "en"
    asks: Asks = Asks.NOTHING
    replaces: tuple[str, ...] = ()
    replacement: str = field(default="", repr=False)

    def to_data(self) -> dict[str, Any]:
        """Plain data that ``from_data`` turns back into an equal message."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> OutgoingMessage:
        """The message stored by ``to_data``."""
        return cls(
            text=data["text"],
            language=data["language"],
            asks=Asks(data.get("asks", "")),
            replaces=tuple(data.get("replaces", ())),
            replacement=data.get("replacement", ""),
            buttons=tuple(Button(**button) for button in data["buttons"]),
            documents=tuple(Document(**document) for document in data.get("documents", ())),
            cards=tuple(
                Card(**{**card, "lines": tuple(CardLine(**line) for line in card["lines"])})
                for card in data["cards"]
            ),
        )


def as_position(latitude: float, longitude: float) -> str:
    """A place as the text of a message of ``Kind.LOCATION``: degrees, exact to about 100 m.

    No more is kept, because more is not needed to find offers nearby. Empty for no place on Earth.
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return ""
    return f"{latitude:.3f},{longitude:.3f}"


class Channel(Protocol):
    """A way to reach people. Implementations stand in ``bot/channels``."""

    @property
    def name(self) -> str:
        """The channel's name in addresses and settings."""

    async def wait_until_free(self, *, address: str) -> None:
        """Returns when the platform's limits let a message to this address leave; never raises.

        A reply waits here before it counts as under way: what a crash interrupts while
        it waits has certainly not arrived and is sent afterwards.
        """

    async def send(self, *, address: str, message: OutgoingMessage) -> list[str]:
        """Delivers a message and returns the platform's ids of what was sent.

        Raises a ``DeliveryError``, whose subclass tells what may be done next.
        """

    async def show_typing(self, *, address: str) -> None:
        """Tells the person that an answer is being prepared; never raises."""
