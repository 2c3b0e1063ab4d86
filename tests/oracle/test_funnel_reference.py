"""Funnels worked out by hand, by trying every choice of events, and by ClickHouse's own algorithm."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import product

import pytest

from tests.oracle.funnel import Event, FunnelStep, funnel_levels

START = datetime(2025, 1, 31, 23, 59, 59)
STEPS = (
    FunnelStep("touchpoint", "ad", "click"),
    FunnelStep("touchpoint", "*"),
    FunnelStep("conversion", "order"),
)
ORDERED_STEPS = (
    FunnelStep("touchpoint", "ad"),
    FunnelStep("touchpoint", "mail"),
    FunnelStep("conversion", "order"),
)
PERSON = ("ann", None)


def touch(seconds: float, kind: str = "ad", interaction: str | None = "click") -> Event:
    return Event("ann", START + timedelta(seconds=seconds), "touchpoint", kind, interaction)


def order(seconds: float, kind: str = "order") -> Event:
    return Event("ann", START + timedelta(seconds=seconds), "conversion", kind)


@pytest.mark.parametrize(
    ("events", "level"),
    [
        ([touch(0)], 2),
        ([touch(0), order(0)], 3),
        ([touch(0), order(10)], 3),
        ([touch(0), order(10.000001)], 2),
        ([touch(0), order(-1)], 2),
        ([touch(0), order(5, "lead")], 2),
        ([touch(0), touch(20), order(25)], 3),
    ],
)
def test_level_within_ten_seconds(events: list[Event], level: int) -> None:
    found = funnel_levels(events, STEPS, 10)
    assert max(entry.level for entry in found.values()) == level


def test_a_step_before_its_predecessor_does_not_count() -> None:
    events = [touch(0), order(1), touch(2, "mail")]
    assert [entry.level for entry in funnel_levels(events, ORDERED_STEPS, 10).values()] == [2]
    assert [entry.level for entry in funnel_levels([*events, order(2)], ORDERED_STEPS, 10).values()] == [3]


def test_no_entry_no_row() -> None:
    assert funnel_levels([touch(0, interaction="impression"), touch(0, "mail"), order(1)], STEPS, 10) == {}


def test_every_entry_date_has_its_own_row_and_the_window_crosses_midnight() -> None:
    found = funnel_levels([touch(0), touch(2), order(4)], STEPS, 3)
    assert {key: entry.level for key, entry in found.items()} == {
        (date(2025, 1, 31), PERSON): 2,
        (date(2025, 2, 1), PERSON): 3,
    }
    both = funnel_levels([touch(0), touch(2), order(4)], STEPS, 4)
    assert [entry.level for entry in both.values()] == [3, 3]


def test_times_are_those_of_the_furthest_walk_of_the_day() -> None:
    events = [touch(10), touch(100), touch(200), touch(203, "mail", None), order(205), touch(300), order(301)]
    [entry] = funnel_levels(events, STEPS, 6).values()
    assert (entry.entry_ts, entry.last_step_ts) == (START + timedelta(seconds=200), START + timedelta(seconds=205))


def test_people_do_not_share_events() -> None:
    other = Event("bob", START + timedelta(seconds=1), "conversion", "order")
    assert [entry.level for entry in funnel_levels([touch(0), other], STEPS, 10).values()] == [2]


def every_choice(events: Sequence[Event], steps: Sequence[FunnelStep], window_seconds: int) -> dict[date, int]:
    """Level per entry date by trying each way to give the first k steps an event."""
    levels: dict[date, int] = {}
    for length in range(1, len(steps) + 1):
        for chosen in product(*[[event for event in events if step.matches(event)] for step in steps[:length]]):
            times = [event.ts for event in chosen]
            if times == sorted(times) and times[-1] <= times[0] + timedelta(seconds=window_seconds):
                levels[times[0].date()] = max(length, levels.get(times[0].date(), 0))
    return levels


def window_funnel(events: Sequence[Event], steps: Sequence[FunnelStep], window_seconds: int) -> int:
    """ClickHouse: (time, step) pairs in order; each step remembers the latest entry from which it was reached."""
    hits = sorted((event.ts, index) for event in events for index, step in enumerate(steps) if step.matches(event))
    entries: list[datetime | None] = [None] * len(steps)
    for ts, index in hits:
        entry = ts if index == 0 else entries[index - 1]
        if entry is not None and ts <= entry + timedelta(seconds=window_seconds):
            entries[index] = entry
    return sum(entry is not None for entry in entries)


def random_events(rng: random.Random) -> list[Event]:
    def seconds() -> float:
        return rng.choice([0, 0.999999, 1, 1.000001, 2, 3, 5, 8]) + rng.choice([0, 0, 86_400])

    touches = [
        touch(seconds(), rng.choice(["ad", "mail"]), rng.choice(["click", None])) for _ in range(rng.randint(0, 5))
    ]
    return touches + [order(seconds()) for _ in range(rng.randint(0, 3))]


@pytest.mark.parametrize("seed", range(200))
def test_walk_agrees_with_every_choice_and_with_clickhouse(seed: int) -> None:
    rng = random.Random(seed)
    events = random_events(rng)
    window_seconds = rng.choice([0, 1, 2, 4, 86_400])
    steps = rng.choice((STEPS, ORDERED_STEPS))
    found = {day: entry.level for (day, _), entry in funnel_levels(events, steps, window_seconds).items()}
    assert found == every_choice(events, steps, window_seconds)
    assert max(found.values(), default=0) == window_funnel(events, steps, window_seconds)
