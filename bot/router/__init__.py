"""Bot or human? Reading a message, the one decision about it, and what follows from it.

A message is answered in one transaction that stores the replies, applies the
effects and marks the message done. Whatever fails before it leaves the message
open, and it is processed again: nothing is lost and nothing is said twice.
"""

from bot.router.router import Router
from bot.router.settling import ATTEMPTS, PATIENCE
from bot.router.turn import MAXIMUM_READ, readable

__all__ = ["ATTEMPTS", "MAXIMUM_READ", "PATIENCE", "Router", "readable"]
