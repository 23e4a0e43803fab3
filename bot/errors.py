"""One tree of errors; only the edges turn them into words for a person."""

from __future__ import annotations


class LotseError(Exception):
    """Base of all errors this product raises on purpose."""


class ConfigurationError(LotseError):
    """A setting, file or environment is missing or wrong; the text says how to mend it."""


class NotFoundError(LotseError):
    """What was asked for by id does not exist."""


class IllegalMoveError(LotseError):
    """A state machine was asked for a move that its present state does not allow."""


class ImportRejectedError(LotseError):
    """An import file was refused as a whole; ``problems`` names each line, field and reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems in the file; nothing was imported")
        self.problems = problems


class EngineError(LotseError):
    """The dialogue engine did not give an answer."""


class EngineUnavailableError(EngineError):
    """The engine cannot be reached or is not ready; the same message may be sent again later."""


class MessageNotProcessedError(EngineError):
    """The engine is up but could not process this message."""


class DeliveryError(LotseError):
    """A platform did not take a message; the subclasses say what may be done next."""


class RetryLaterError(DeliveryError):
    """The message was certainly not delivered and may be sent again after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:g} s")
        self.seconds = seconds


class DeliveryUncertainError(DeliveryError):
    """The platform may or may not have delivered the message; it must not be sent again."""


class DeliveryRefusedError(DeliveryError):
    """The platform refused this message for good."""


class RecipientGoneError(DeliveryError):
    """The person has blocked the bot or deleted the account."""


class AddressChangedError(DeliveryError):
    """The chat goes on under ``address``; the message may be sent again to it."""

    def __init__(self, address: str) -> None:
        super().__init__("the chat has moved to another address")
        self.address = address
