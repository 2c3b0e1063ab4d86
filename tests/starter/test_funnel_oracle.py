"""fct_funnel_daily against the step-by-step walk: ties, windows across midnight, events that serve several steps."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.oracle.funnel import Event, FunnelEntry, FunnelStep, funnel_levels, walk
from tests.starter.project import Cell, Database, build, write_project
from tests.starter.relations import Rows, assert_same_rows, built_rows

AS_OF = date(2025, 6, 30)
KEY = ("entry_date", "funnel", "user_pseudonym")
MICRO = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
ROLES = ("owner", "de'legate")
AD, MAIL = "Paid Search", "E-mail 100% 'now'"
CLICK, VIEW = "click", "view {{ 1 }}"


class Funnel(NamedTuple):
    steps: tuple[FunnelStep, ...]
    window_seconds: int


FUNNELS = {
    "any click, any conversion": Funnel(
        (FunnelStep("touchpoint", "*", CLICK), FunnelStep("conversion", "*")), 2_592_000
    ),
    "ad, mail, order": Funnel(
        (FunnelStep("touchpoint", AD), FunnelStep("touchpoint", MAIL), FunnelStep("conversion", "order")), 86_400
    ),
    "o'verlap": Funnel(
        (FunnelStep("touchpoint", "*"), FunnelStep("touchpoint", AD), FunnelStep("touchpoint", "*", CLICK)), 5
    ),
    "conversion first": Funnel(
        (FunnelStep("conversion", "lead"), FunnelStep("touchpoint", "*"), FunnelStep("conversion", "order")), 172_800
    ),
    "same step four times": Funnel((FunnelStep("touchpoint", MAIL, VIEW),) * 4, 60),
    "five steps": Funnel(
        (
            FunnelStep("touchpoint", AD, CLICK),
            FunnelStep("touchpoint", MAIL),
            FunnelStep("touchpoint", AD),
            FunnelStep("conversion", "lead"),
            FunnelStep("conversion", "order"),
        ),
        259_200,
    ),
    "entry only": Funnel((FunnelStep("conversion", "lead"),), 1),
    "never entered": Funnel((FunnelStep("touchpoint", "no such kind"), FunnelStep("conversion", "*")), 60),
}


def touch(user: str, ts: datetime, kind: str = AD, interaction: str | None = CLICK) -> Event:
    return Event(user, ts, "touchpoint", kind, interaction)


def converted(user: str, ts: datetime, kind: str = "order") -> Event:
    return Event(user, ts, "conversion", kind)


def window_edges() -> list[Event]:
    """The last step at the end of the window, one microsecond before and after; entries just before midnight."""
    events = []
    for name, nudge in (("before", -MICRO), ("at", timedelta(0)), ("after", MICRO)):
        for funnel in FUNNELS.values():
            user, start = f"{name} {funnel.window_seconds}", datetime(2025, 1, 31, 23, 59, 59, 999_999)
            events += [touch(user, start), touch(user, start + SECOND, MAIL, None)]
            events += [converted(user, start + timedelta(seconds=funnel.window_seconds) + nudge)]
    return events


def two_entry_dates() -> list[Event]:
    """Both days' entries reach the order, although the later one is nearer; the third day's comes too late."""
    start = datetime(2025, 2, 28, 12)
    days = [touch("two dates", start + timedelta(days=day), AD, VIEW) for day in (0, 0.9, 3)]
    return [
        *days,
        touch("two dates", start + timedelta(hours=22), MAIL, VIEW),
        converted("two dates", start + timedelta(days=1)),
    ]


def at_once() -> list[Event]:
    """Everything in one moment: order of rows must not matter."""
    moment = datetime(2025, 3, 1)
    kinds = [(AD, CLICK), (MAIL, VIEW), (AD, None), (MAIL, VIEW)]
    touches = [touch("at once", moment, kind, interaction) for kind, interaction in kinds]
    return [*touches, converted("at once", moment), converted("at once", moment, "lead")]


def around_as_of() -> list[Event]:
    """Only complete days count: what happens at as_of or later has not happened yet."""
    midnight = datetime.combine(AS_OF, time())
    moments = (midnight - SECOND, midnight - MICRO, midnight, midnight + MICRO)
    return [make("as of", ts) for ts in moments for make in (touch, converted)]


def in_roles(events: list[Event], rng: random.Random) -> list[Event]:
    """A person is a user in a role."""
    return [replace(event, role=rng.choice(ROLES)) for event in events]


def random_events(rng: random.Random, user: str) -> list[Event]:
    start = datetime(2025, 4, 30, 23, 59, 58) + timedelta(days=rng.randrange(3))

    def moment() -> datetime:
        far = rng.choice((0, 0, 0, 86_400, 172_800, 2_592_000)) * SECOND
        return start + far + rng.choice((0, 0, 1, 2, 3, 5, 60)) * SECOND + rng.choice((0, 0, 0, -1, 1)) * MICRO

    touches = [
        touch(user, moment(), rng.choice((AD, MAIL, "other")), rng.choice((CLICK, VIEW, None)))
        for _ in range(rng.randrange(9))
    ]
    return touches + [converted(user, moment(), rng.choice(("order", "lead"))) for _ in range(rng.randrange(5))]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    rng = random.Random(11)
    found = [replace(event, role="owner") for event in window_edges() + two_entry_dates() + at_once() + around_as_of()]
    for number in range(400):
        found += in_roles(random_events(rng, f"user {number % 250}"), rng)
    rng.shuffle(found)
    return found


@pytest.fixture(scope="module", params=["in one pass", "in batches of a month"])
def database(events: list[Event], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Database:
    touches: list[dict[str, Cell]] = []
    conversions: list[dict[str, Cell]] = []
    for event in events:
        person: dict[str, Cell] = {"user_id": event.user, "identity_role": event.role}
        if event.stream == "touchpoint":
            row: dict[str, Cell] = {"event_ts": event.ts, "event_kind": event.kind, "interaction": event.interaction}
            touches.append(person | row)
        else:
            conversions.append(person | {"conversion_ts": event.ts, "conversion_kind": event.kind})
    funnels: list[dict[str, Cell]] = [
        {
            "funnel": name,
            "step": number,
            "stream": step.stream,
            "event_kind": step.kind,
            "interaction": step.interaction,
            "window_seconds": funnel.window_seconds,
        }
        for name, funnel in FUNNELS.items()
        for number, step in enumerate(funnel.steps, start=1)
    ]
    folder: Path = write_project(
        tmp_path_factory.mktemp("funnels"),
        {"touchpoints": touches, "conversions": conversions},
        as_of=AS_OF,
        registries={"funnels": funnels},
    )
    return build(folder, verb="build" if request.param == "in one pass" else "refresh")


def expected_entries(events: list[Event]) -> dict[tuple[date, str, str, str | None], FunnelEntry]:
    complete = [event for event in events if event.ts.date() < AS_OF]
    return {
        (day, name, user, role): entry
        for name, funnel in FUNNELS.items()
        for (day, (user, role)), entry in funnel_levels(complete, funnel.steps, funnel.window_seconds).items()
    }


@pytest.fixture(scope="module")
def built(database: Database) -> Rows:
    return built_rows(database, "marts.fct_funnel_daily", (*KEY, "identity_role"))


def test_levels_are_those_of_the_walk(built: Rows, events: list[Event]) -> None:
    entries = expected_entries(events)
    assert_same_rows(built, {key: {"level": entry.level} for key, entry in entries.items()}, "funnel levels")


def test_every_level_of_every_funnel_occurs(events: list[Event]) -> None:
    """Otherwise agreement would prove little."""
    reached = Counter((name, entry.level) for (_, name, *_), entry in expected_entries(events).items())
    possible = {name: set(range(1, len(funnel.steps) + 1)) for name, funnel in FUNNELS.items()}
    possible |= {"same step four times": {4}, "never entered": set()}
    assert {(name, level) for name, levels in possible.items() for level in levels} == set(reached)


def test_step_times_belong_to_one_walk(built: Rows, events: list[Event]) -> None:
    """first_step_ts is an entry of that day which reaches the level; last_step_ts is when it gets there."""
    people: defaultdict[tuple[str, str | None], list[Event]] = defaultdict(list)
    for event in events:
        if event.ts.date() < AS_OF:
            people[event.user, event.role].append(event)
    for (day, name, user, role), row in built.items():
        funnel, own = FUNNELS[name], people[user, role]
        assert row["first_step_ts"] in {event.ts for event in own if funnel.steps[0].matches(event)}
        reached = walk(row["first_step_ts"], own, funnel.steps, funnel.window_seconds)
        assert (row["first_step_ts"].date(), row["level"]) == (day, reached.level)
        assert row["last_step_ts"] == reached.last_step_ts


def test_bundled_funnels_run_without_a_registry_of_ones_own(tmp_path: Path) -> None:
    start = datetime(2025, 4, 30, 23, 59)
    touches: list[dict[str, Cell]] = [{"user_id": "a", "event_ts": start, "event_kind": "Direct"}]
    conversions: list[dict[str, Cell]] = [
        {"user_id": "a", "conversion_ts": start + timedelta(days=30), "conversion_kind": "order"},
        {"user_id": "a", "conversion_ts": start + timedelta(days=30) + MICRO, "conversion_kind": "lead"},
    ]
    folder = write_project(tmp_path, {"touchpoints": touches, "conversions": conversions}, as_of=AS_OF)
    levels = built_rows(build(folder), "marts.fct_funnel_daily", KEY)
    assert {key: row["level"] for key, row in levels.items()} == {(date(2025, 4, 30), "touch_to_conversion", "a"): 2}
