"""A local Bot API server for tests, as strict and as talkative as Telegram's own."""

from tests.support.bot_api.faults import Fault, FaultKind
from tests.support.bot_api.people import Group, Person, buttons
from tests.support.bot_api.server import TOKEN, BotApi
from tests.support.bot_api.world import ApiError, Call

__all__ = [
    "TOKEN",
    "ApiError",
    "BotApi",
    "Call",
    "Fault",
    "FaultKind",
    "Group",
    "Person",
    "buttons",
]
