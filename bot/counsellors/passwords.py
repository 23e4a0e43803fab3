"""Passwords: what is accepted, and their argon2 hashes."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from bot.errors import LotseError

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200
# One hash takes 64 MiB for a moment. Beyond this many at once they wait for each other,
# so that a flood of attempts cannot use up a small server's memory.
HASHES_AT_ONCE = 2


class WeakPasswordError(LotseError):
    """The password is too short, too long, or made of the account's own words.

    ``reason`` is ``short``, ``long`` or ``own_words``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the password is refused: {reason}")
        self.reason = reason


class Passwords:
    """Hashes and checks passwords. Thread-safe; each call takes some tens of milliseconds."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._free = threading.BoundedSemaphore(HASHES_AT_ONCE)
        # Checking against this one takes as long as checking a real one, so that the
        # time of an answer does not tell whether an account exists.
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash to store, with its salt and parameters in it."""
        with self._free:
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one stored; False, as slowly, when none is."""
        with self._free:
            try:
                self._hasher.verify(stored or self._nobody, password[:MAXIMUM_LENGTH])
            except (VerifyMismatchError, InvalidHashError):
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than those in force."""
        return self._hasher.check_needs_rehash(stored)


def require_strong(password: str, *, own_words: tuple[str, ...] = ()) -> None:
    """Raises ``WeakPasswordError`` unless the password may be used.

    Length is what counts. Rules about kinds of characters make people write
    passwords down, so there are none.
    """
    if len(password) < MINIMUM_LENGTH:
        raise WeakPasswordError("short")
    if len(password) > MAXIMUM_LENGTH:
        raise WeakPasswordError("long")
    rest = password.casefold()
    for word in own_words:
        rest = rest.replace(word.casefold(), "") if word else rest
    if len(set(rest)) < 5:
        raise WeakPasswordError("own_words")
