"""A sign of life: loops beat, whoever watches them asks for how long they have been silent."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pulse:
    """The sign of life of one loop, which may be silent for ``patience`` seconds.

    ``vital``: without this loop no message is answered.

    A loop beats after each turn that worked, so that a turn that hangs and turns that fail
    again and again look alike. Until the first beat the silence counts from now on.
    """

    def __init__(
        self,
        *,
        patience: float = 60.0,
        vital: bool = False,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.patience = patience
        self.vital = vital
        self._elapsed = elapsed
        self._last = elapsed()

    def beat(self) -> None:
        """A turn of the loop has worked."""
        self._last = self._elapsed()

    @property
    def silence(self) -> float:
        """Seconds since the last beat."""
        return self._elapsed() - self._last

    @property
    def is_alive(self) -> bool:
        """Whether the silence is no longer than this loop may be silent."""
        return self.silence <= self.patience
