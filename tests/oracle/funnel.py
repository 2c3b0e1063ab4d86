"""Reference for funnels: from every entry event the steps are walked one by one.

A step may happen at the moment of the step before it, one event may serve several steps it matches, and every step
lies within the window of the entry, upper end included: ClickHouse's windowFunnel in its default mode.
Limit: the walk takes the earliest event for each step, which is optimal because later steps only need a later time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

ANY_KIND = "*"
ANY_INTERACTION = ""


@dataclass(frozen=True)
class Event:
    """A touchpoint, or a conversion whose kind is its conversion kind and which has no interaction."""

    user: str
    ts: datetime
    stream: str
    kind: str
    interaction: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class FunnelStep:
    stream: str
    kind: str
    interaction: str = ANY_INTERACTION

    def matches(self, event: Event) -> bool:
        return (
            event.stream == self.stream
            and self.kind in (ANY_KIND, event.kind)
            and self.interaction in (ANY_INTERACTION, event.interaction)
        )


@dataclass(frozen=True)
class FunnelEntry:
    """The furthest walk among the entries of one user and date; of equally far ones the earliest."""

    level: int
    step_times: tuple[datetime, ...]

    @property
    def entry_ts(self) -> datetime:
        return self.step_times[0]

    @property
    def last_step_ts(self) -> datetime:
        return self.step_times[-1]


Person = tuple[str, str | None]


def walk(entry: datetime, events: Sequence[Event], steps: Sequence[FunnelStep], window_seconds: int) -> FunnelEntry:
    """The steps reached from one entry; `events` are those of the same person, in any order."""
    deadline = entry + timedelta(seconds=window_seconds)
    times = [entry]
    for step in steps[1:]:
        reached = [event.ts for event in events if step.matches(event) and times[-1] <= event.ts <= deadline]
        if not reached:
            break
        times.append(min(reached))
    return FunnelEntry(len(times), tuple(times))


def funnel_levels(
    events: Iterable[Event], steps: Sequence[FunnelStep], window_seconds: int
) -> dict[tuple[date, Person], FunnelEntry]:
    """Per (entry date, person): how far the best entry of that day came; days without an entry have no row."""
    people: defaultdict[Person, list[Event]] = defaultdict(list)
    for event in events:
        people[event.user, event.role].append(event)
    best: dict[tuple[date, Person], FunnelEntry] = {}
    for person, own in people.items():
        for entry in sorted({event.ts for event in own if steps[0].matches(event)}):
            reached = walk(entry, own, steps, window_seconds)
            key = (entry.date(), person)
            if key not in best or reached.level > best[key].level:
                best[key] = reached
    return best
