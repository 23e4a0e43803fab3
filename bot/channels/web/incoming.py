"""Reading what the page sends, and saying clearly what is wrong with it."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from starlette.requests import Request

from bot.channels.web.sessions import ChatSession
from bot.errors import LotseError
from bot.messages import IncomingMessage, Kind, as_position

MAXIMUM_TEXT = 10_000
MAXIMUM_BODY_BYTES = 64 * 1024
MAXIMUM_OUTBOX_ID = 2**63 - 1


class RefusedError(LotseError):
    """A request that is answered with an error; ``code`` names its text in ``texts.py``."""

    def __init__(self, status: int, code: str, *, retry_seconds: float | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.retry_seconds = retry_seconds


class PostedPlace(BaseModel):
    """Where the person is: degrees after WGS 84."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    latitude: float = Field(ge=-90, le=90, repr=False)
    longitude: float = Field(ge=-180, le=180, repr=False)


class PostedMessage(BaseModel):
    """A message as the page sends it: words, the key of a pressed button, or a place.

    ``id`` is made by the page and sent again with every repetition. ``language``
    is that of the page, a first guess only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: UUID
    text: str | None = Field(default=None, max_length=MAXIMUM_TEXT, repr=False)
    button: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_:-]{1,64}$")
    place: PostedPlace | None = Field(default=None, repr=False)
    language: str | None = Field(default=None, max_length=20)

    @model_validator(mode="after")
    def _says_one_thing(self) -> PostedMessage:
        if sum(said is not None for said in (self.text, self.button, self.place)) != 1:
            raise ValueError("text, button or place is needed, and only one of them")
        if self.text is not None and not self.text.strip():
            raise ValueError("the text is empty")
        return self

    def to_incoming(self, session: ChatSession, *, accepted: str | None) -> IncomingMessage:
        """The message as the rest of the product knows it."""
        return IncomingMessage(
            channel=session.channel,
            address=session.address,
            external_id=session.external_id(str(self.id)),
            kind=self._kind,
            text=self._words,
            button_key=self.button,
            language_hint=self.language or accepted,
        )

    @property
    def _kind(self) -> Kind:
        if self.place is not None:
            return Kind.LOCATION
        return Kind.TEXT if self.button is None else Kind.BUTTON

    @property
    def _words(self) -> str:
        if self.place is not None:
            return as_position(self.place.latitude, self.place.longitude)
        return (self.text or "").strip()


async def read_message(request: Request) -> PostedMessage:
    """The message in the body. Raises ``RefusedError`` (413 or 422)."""
    body = await _read_body(request)
    try:
        return PostedMessage.model_validate_json(body)
    except ValidationError as error:
        too_long = any(_is_too_long(detail) for detail in error.errors(include_url=False))
        raise RefusedError(422, "too_long" if too_long else "invalid") from None


def _is_too_long(detail: ErrorDetails) -> bool:
    return detail["type"] == "string_too_long" and detail["loc"] == ("text",)


async def _read_body(request: Request) -> bytes:
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > MAXIMUM_BODY_BYTES:
        raise RefusedError(413, "too_large")
    body = bytearray()
    # The declared length may be missing or wrong, so what comes is counted too.
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_BODY_BYTES:
            raise RefusedError(413, "too_large")
    return bytes(body)


def read_position(request: Request) -> int:
    """The id of the last reply the reader has seen, 0 for none. Raises ``RefusedError``.

    A browser that reconnects by itself repeats the old address and tells the
    newer position in ``Last-Event-ID``.
    """
    given = request.headers.get("Last-Event-ID") or request.query_params.get("after") or "0"
    if not (given.isascii() and given.isdecimal() and int(given[:20]) <= MAXIMUM_OUTBOX_ID):
        raise RefusedError(422, "invalid")
    return int(given)
