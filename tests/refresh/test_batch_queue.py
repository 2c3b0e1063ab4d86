"""Which batch is given out when: beside others, alone, in parts."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from measure_cli.batch_queue import BatchQueue
from measure_cli.batches import halves, length
from measure_cli.errors import EngineError
from measure_cli.types import Batch

MONTHS = [Batch(datetime(2024, month, 1), datetime(2024, month + 1, 1)) for month in range(1, 8)]


def taken(queue: BatchQueue) -> Batch:
    batch = queue.take()
    assert batch is not None
    return batch


def waits(queue: BatchQueue) -> threading.Thread:
    """A thread that asks for a batch, and waits for it."""
    thread = threading.Thread(target=queue.take, daemon=True)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    return thread


def test_in_order_and_no_more_than_so_many_at_once() -> None:
    queue = BatchQueue(MONTHS[:3], at_once=2)
    assert [taken(queue), taken(queue)] == MONTHS[:2]
    waiting = waits(queue)
    assert queue.finish(MONTHS[1]) == (1, 3)
    waiting.join()
    assert queue.finish(MONTHS[2]) == (2, 3)
    assert queue.finish(MONTHS[0]) == (3, 3)
    assert queue.take() is None
    assert queue.wait() == (MONTHS[1], MONTHS[2], MONTHS[0])


def test_what_was_out_of_memory_beside_others_runs_alone_and_fewer_run_then() -> None:
    queue = BatchQueue(MONTHS[:5], at_once=4)
    first, *_ = (taken(queue) for _ in range(4))
    assert queue.retry_alone(first) == 2
    assert queue.retry_alone(MONTHS[1]) == 2  # it began when four could run: that two are too many is not known
    queue.finish(MONTHS[2])
    waiting = waits(queue)
    queue.finish(MONTHS[3])
    waiting.join()  # MONTHS[1], alone
    another = waits(queue)
    assert queue.retry_alone(MONTHS[1]) is None
    assert queue.is_touched(MONTHS[1])
    queue.finish(MONTHS[1])
    another.join()
    queue.finish(first)
    assert taken(queue) == MONTHS[4]
    assert not queue.is_touched(MONTHS[4])
    queue.finish(MONTHS[4])
    assert len(queue.wait()) == 5


def test_parts_come_next_and_later_batches_are_no_larger() -> None:
    queue = BatchQueue(MONTHS[:2], at_once=1)
    first = taken(queue)
    parts = halves(first)
    assert parts is not None
    assert queue.parts_of(first) is None
    queue.cut(first, parts, is_too_large=True)
    for part in parts:
        assert taken(queue) == part
        assert queue.is_touched(part)
        queue.finish(part)
    second = taken(queue)
    known = queue.parts_of(second)
    assert known is not None
    assert max(map(length, known)) <= max(map(length, parts))
    queue.cut(second, known, is_too_large=False)
    assert not queue.is_touched(known[0])
    assert queue.finish(taken(queue)) == (3, 4)


def test_sizes_are_those_of_a_stage() -> None:
    mail, fax = (Batch(MONTHS[0].start, MONTHS[0].end, stage) for stage in ("mail", "fax"))
    queue = BatchQueue([mail, fax], at_once=1)
    parts = halves(taken(queue))
    assert parts is not None
    queue.cut(mail, parts, is_too_large=True)
    assert queue.parts_of(mail) == parts
    assert queue.parts_of(fax) is None


def test_after_a_failure_nothing_is_given_out_and_what_runs_comes_to_its_end() -> None:
    queue = BatchQueue(MONTHS, at_once=2)
    failed, running = taken(queue), taken(queue)
    waiting = waits(queue)
    queue.fail(failed, EngineError("wrong"))
    waiting.join()
    assert queue.take() is None
    queue.finish(running)
    queue.fail(None, EngineError("later"))
    with pytest.raises(EngineError, match="wrong"):
        queue.wait()


def test_nobody_leaves_while_parts_may_come_back() -> None:
    queue = BatchQueue(MONTHS[:1], at_once=2)
    batch = taken(queue)
    waiting = waits(queue)
    parts = halves(batch)
    assert parts is not None
    queue.cut(batch, parts, is_too_large=True)
    waiting.join()
    assert taken(queue) == parts[1]
