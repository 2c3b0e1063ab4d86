"""What failed in a way that may pass is tried again, after pauses that double and are drawn at random.

Only what leaves the same when it runs twice belongs here: an engine may have done what it failed to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from measure_cli.errors import Transient

T = TypeVar("T")
Tell = Callable[[int, float, str], None]
"""Told before a pause: the attempt that failed, how long the pause is, why it failed."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried, and how long to wait in between: a random part of a pause that doubles.

    `sleep` returns early, and raises, when the run is being stopped.
    """

    attempts: int
    sleep: Callable[[float], None]
    random: Callable[[], float]

    def pause(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt, the first being 1."""
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        return longest * self.random()

    def tried(self, action: Callable[[], T], tell: Tell) -> T:
        """What an action returns, at the first attempt that succeeds.

        Raises:
            Transient: the last attempt failed too.
            EngineError: an attempt failed in a way that another one would not change.
        """
        for attempt in range(1, self.attempts):
            try:
                return action()
            except Transient as error:
                pause = self.pause(attempt)
                tell(attempt, pause, error.message)
                self.sleep(pause)
        return action()
