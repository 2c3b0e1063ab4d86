"""The batches of one plan that are left, given out to the threads that compute them, in order. It talks to no engine.

What did not fit into memory beside others is given out again when nothing else runs, and from then on fewer run at
once. What did not fit alone comes back in parts, and larger batches of the same stage are known not to fit.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from measure_cli.batches import halves, length
from measure_cli.types import Batch


@dataclass(slots=True)
class Running:
    """A batch that is being computed: how many could be at once when it began, and whether any other one was."""

    at_once: int
    is_crowded: bool


class BatchQueue:
    """Given out to several threads, at most `at_once` batches at a time."""

    def __init__(self, batches: Sequence[Batch], at_once: int) -> None:
        self._left = list(reversed(batches))
        self._at_once = at_once
        self._running: dict[Batch, Running] = {}
        self._alone: set[Batch] = set()
        self._touched: set[Batch] = set()
        self._largest: dict[str | None, int] = {}
        self._ended: list[Batch] = []
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def take(self) -> Batch | None:
        """The next batch, as soon as it may start; None when there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over() or (self._left and self._may_start(self._left[-1])))
            if self._is_over():
                return None
            batch = self._left.pop()
            for other in self._running.values():
                other.is_crowded = True
            self._running[batch] = Running(self._at_once, bool(self._running))
            return batch

    def _is_over(self) -> bool:
        return self._failure is not None or not (self._left or self._running)

    def _may_start(self, batch: Batch) -> bool:
        if not self._running:
            return True
        is_alone = batch in self._alone or not self._alone.isdisjoint(self._running)
        return not is_alone and len(self._running) < self._at_once

    def is_touched(self, batch: Batch) -> bool:
        """Whether an attempt at a batch may have left some of its rows."""
        with self._changed:
            return batch in self._touched

    def finish(self, batch: Batch) -> tuple[int, int]:
        """A batch is done: the so manieth of so many."""
        with self._changed:
            self._drop(batch)
            self._ended.append(batch)
            return len(self._ended), len(self._ended) + len(self._running) + len(self._left)

    def retry_alone(self, batch: Batch) -> int | None:
        """Give a batch that was out of memory out again; returns how many run at once then. None: it was alone."""
        with self._changed:
            running = self._running[batch]
            if not running.is_crowded:
                return None
            self._drop(batch)
            self._at_once = min(self._at_once, max(1, running.at_once // 2))
            self._alone.add(batch)
            self._touched.add(batch)
            self._left.append(batch)
            return self._at_once

    def parts_of(self, batch: Batch) -> tuple[Batch, Batch] | None:
        """The halves of a batch that is larger than what fits into memory; a day has none."""
        with self._changed:
            largest = self._largest.get(batch.stage)
        return halves(batch) if largest is not None and length(batch) > largest else None

    def cut(self, batch: Batch, parts: Sequence[Batch], is_too_large: bool) -> None:
        """Give parts out in the place of a batch, because it was out of memory or because it would be."""
        with self._changed:
            if is_too_large or batch in self._touched:
                self._touched.update(parts)
            if is_too_large:
                self._largest[batch.stage] = max(map(length, parts))
            self._drop(batch)
            self._left += reversed(parts)

    def fail(self, batch: Batch | None, failure: BaseException) -> None:
        """Give nothing more out; `batch` was being computed."""
        with self._changed:
            self._failure = self._failure or failure
            if batch:
                self._drop(batch)
            self._changed.notify_all()

    def _drop(self, batch: Batch) -> None:
        self._running.pop(batch, None)
        self._alone.discard(batch)
        self._changed.notify_all()

    def wait(self) -> tuple[Batch, ...]:
        """All batches that were computed, when none is under way any more. What failed first is raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over() and not self._running)
            if self._failure:
                raise self._failure
            return tuple(self._ended)
