"""Random draws that give the same numbers on every machine and Python version.

Only `random.Random.random()` is drawn from, and only + - * / follow: `exp`, `log` and `**` differ in the last digit
between C libraries, the other methods of `random.Random` and the built-in `sum` of floats between Python versions.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class Draws:
    """One stream of draws; streams of one seed are independent of each other.

    Args:
        seed: chosen by the user.
        stream: number of the stream, 0 to 15.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._random = random.Random(seed * 16 + stream).random

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self._random()

    def below(self, limit: int) -> int:
        """One of 0 .. limit - 1."""
        return int(limit * self._random())

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def count(self, mean: float, noise: float) -> int:
        """A whole number around the mean: uniform noise of that share, the fraction decided by a draw."""
        return int(mean * self.between(1 - noise, 1 + noise) + self._random())

    def streak(self, probability: float, limit: int) -> int:
        """How often in a row something of that probability happens: geometric, cut at the limit."""
        length = 0
        while length < limit and self._random() < probability:
            length += 1
        return length

    def skewed(self) -> float:
        """In [0, 1) with mean 1/4 and a long right side: the product of two uniform draws."""
        return self._random() * self._random()


class Weights:
    """Positions 0, 1, 2 ... drawn in proportion to whole-number weights."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._edges = list(accumulate(weights))

    def draw(self, draws: Draws) -> int:
        """One position."""
        return bisect_right(self._edges, draws.below(self._edges[-1]))
