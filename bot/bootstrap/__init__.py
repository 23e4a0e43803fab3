"""The only place that wires things together."""

from bot.bootstrap.product import Lotse
from bot.bootstrap.wiring import build

__all__ = ["Lotse", "build"]
