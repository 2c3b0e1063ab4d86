"""Hostile inputs for attribution: named edge cases, a seeded random generator, and hypothesis strategies.

Every scenario has users of its own, so that all of them can share one dataset and one build. Moments are drawn from a
coarse grid around window edges: ties and exact boundaries are the rule, not the exception.
Limit: only rows that staging accepts; rejected rows are the business of other tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.oracle.attribution import Conversion, Rules, Touch

AS_OF = date(2025, 6, 30)
NOW = datetime.combine(AS_OF, time())
MICRO = timedelta(microseconds=1)
DAY = timedelta(days=1)
LOOKBACKS = (7, 30, 60)
EXCLUDED_KIND = "order placed"
EXCLUSIONS = frozenset({("order", EXCLUDED_KIND), ('sign-up "it\'s"', "E-mail 100%"), ("lead", "no such kind")})

# Every text that a template, a CSV reader or a string literal might misread.
KINDS = (
    "Direct",
    "direct",
    "Paid Search",
    "E-mail 100%",
    'O\'Reilly "Ads"',
    "{{ braces }} {% raw %}",
    "日本語 🎉",
    "00123",
    "123",
    "1e5",
    "true",
    "NULL",
    "%s $1 :name ?",
    "comma, semicolon; -- dash",
    "back\\slash \\' tab\there",
    "Größe",
    "two\nlines",
    EXCLUDED_KIND,
)
CONVERSION_KINDS = ("order", 'sign-up "it\'s"', "lead", "100% 🛒 {kind}")
AMOUNTS = (None, None, Decimal("0"), Decimal("0.01"), Decimal("0.10"), Decimal("19.99"), Decimal("1234567.891234"))
DIRECT_KINDS = frozenset({"Direct", 'O\'Reilly "Ads"'})


@dataclass(frozen=True)
class Dataset:
    """Rows as a user brings them (names may carry spaces around them) and the settings they are measured with."""

    touches: tuple[Touch, ...]
    conversions: tuple[Conversion, ...]
    rules: Rules = field(default_factory=lambda: Rules(exclusions=EXCLUSIONS, direct_kinds=DIRECT_KINDS))
    lookbacks: tuple[int, ...] = LOOKBACKS
    as_of: date = AS_OF
    attribution_window_days: int = 180

    @property
    def has_roles(self) -> bool:
        return any(touch.role is not None for touch in self.touches)


@dataclass
class Story:
    """Collects what users did; conversions get their ids here."""

    touches: list[Touch] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)

    def touch(self, user: str, ts: datetime, kind: str = "Paid Search") -> None:
        self.touches.append(Touch(user, ts, kind))

    def convert(self, user: str, ts: datetime, kind: str = "order", amount: str | None = "10.00") -> None:
        number = len(self.conversions)
        value = None if amount is None else Decimal(amount)
        self.conversions.append(Conversion(f"id-{number} '{kind[:3]}'", user, ts, kind, value))


def window_edges(story: Story) -> None:
    """Touches at the edges of every window, one microsecond to either side, and around the conversion itself."""
    moments = (
        datetime(2025, 3, 31, 23, 59, 59, 999_999),
        datetime(2025, 3, 1),
        datetime(2025, 5, 4, 10, 30, 0, 500_000),
    )
    for number, moment in enumerate(moments):
        user = f"edges {number}"
        story.convert(user, moment)
        for edge in (*LOOKBACKS, 0):
            for nudge, kind in ((-MICRO, "too early"), (timedelta(0), "on the edge"), (MICRO, "just inside")):
                story.touch(user, moment - edge * DAY + nudge, f"{kind} {edge}")
                alone = f"{user} {kind} {edge}"
                story.convert(alone, moment)
                story.touch(alone, moment - edge * DAY + nudge)


def same_second(story: Story) -> None:
    """Conversions that only an id tells apart, and touches at their very moment."""
    moment = datetime(2025, 2, 28, 12, 0, 0)
    for amount in ("5", "5", None, "7.50"):
        story.convert("twins", moment, "order", amount)
    story.convert("twins", moment, "lead")
    story.convert("twins", moment + MICRO, "lead")
    for offset, kind in ((0, "Direct"), (1, "00123"), (-1, "123"), (-1, "00123")):
        story.touch("twins", moment + offset * MICRO, kind)


def nothing_to_credit(story: Story) -> None:
    """No touch at all, only later ones, only ancient ones, only those of somebody else, only excluded ones."""
    moment = datetime(2025, 4, 15, 8)
    story.convert("nobody", moment)
    story.convert("later", moment)
    story.touch("later", moment + DAY)
    story.convert("ancient", moment, "order", None)
    story.touch("ancient", moment - 400 * DAY)
    story.touch("never converts", moment - DAY)
    for kind in CONVERSION_KINDS:
        story.convert("own event only", moment, kind)
    story.touch("own event only", moment - DAY, EXCLUDED_KIND)
    story.convert("own event and more", moment, "order")
    story.touch("own event and more", moment - DAY, EXCLUDED_KIND)
    story.touch("own event and more", moment - 2 * DAY, "E-mail 100%")


def ties(story: Story) -> None:
    """Several kinds at the first, the last, or the only moment; repeated identical touches."""
    moment = datetime(2025, 5, 31, 18)
    groups: dict[str, Sequence[tuple[float, str]]] = {
        "two at once": [(1, "1e5"), (1, "true")],
        "three at once": [(1, "1e5"), (1, "true"), (1, "NULL")],
        "uneven": [(1, "1e5"), (1, "1e5"), (1, "true")],
        "first tied": [(3, "1e5"), (3, "true"), (3, "true"), (2, "NULL"), (1, "Direct")],
        "last tied with direct": [(3, "1e5"), (1, "true"), (1, "Direct")],
        "last tied, both not direct": [(3, "1e5"), (2, "true"), (2, "NULL"), (1, "Direct")],
        "all direct": [(2, "Direct"), (1, 'O\'Reilly "Ads"'), (1, "Direct")],
        "one direct": [(1, "Direct")],
        "case matters": [(2, "Direct"), (1, "direct")],
        "same touch three times": [(1, "true")] * 3,
        "one microsecond apart": [(1, "true"), (1 - 1 / 86_400_000_000, "1e5")],
    }
    for name, group in groups.items():
        story.convert(name, moment, "order", "0.01")
        for days, kind in group:
            story.touch(name, moment - days * DAY, kind)


def calendar(story: Story) -> None:
    """Month ends, leap days, a year's end; and the days around as_of and around the start of the attribution window."""
    days = [date(2024, 2, 29), date(2024, 3, 31), date(2024, 12, 31), date(2025, 1, 31), date(2025, 2, 28)]
    days += [AS_OF - timedelta(days=180 + offset) for offset in (-1, 0, 1)]
    days += [AS_OF + timedelta(days=offset) for offset in (-1, 0, 1)]
    for day in days:
        midnight = datetime.combine(day, time())
        for ts in (midnight, midnight + MICRO, midnight + DAY - MICRO):
            user = f"calendar {ts.isoformat()}"
            story.convert(user, ts, "100% 🛒 {kind}", "19.99")
            for days_before in (0.000001, 7, 28, 30, 31, 60):
                story.touch(user, ts - days_before * DAY, f"{days_before} before")


def names(story: Story) -> None:
    """Users that differ in case, in zeros, in accents only; one who is written with and without spaces around."""
    moment = datetime(2025, 1, 2, 3, 4, 5, 678_901)
    users = (
        "00123",
        "123",
        "Ann",
        "ann",
        "O'Brien",
        '"quoted"',
        "日本",
        "🎉",
        "e\u0301",
        "\u00e9",
        "100%",
        "{{ x }}",
        "a,b",
    )
    for number, user in enumerate(users):
        story.convert(user, moment)
        story.touch(user, moment - (number + 1) * DAY, KINDS[number])
    story.convert("  padded ", moment)
    story.convert("padded", moment + DAY)
    story.touch("padded  ", moment - DAY, "Größe")
    story.touch(" padded", moment - 2 * DAY, "  Größe ")
    story.convert("padded", moment + 2 * DAY, " lead")


def bucket_edges(story: Story) -> None:
    """Conversions and touches on multiples of 7, 30 and 60 days since 1970, where buckets of time begin."""
    epoch = datetime(1970, 1, 1)
    for width, number in ((60, 336), (30, 671), (7, 2_883), (60, 0)):
        start = epoch + width * number * DAY
        for nudge in (-MICRO, timedelta(0), MICRO):
            user = f"bucket {width} {number} {nudge}"
            story.convert(user, start + nudge, "lead", None)
            for steps in (1, 2):
                for touch_nudge in (-MICRO, timedelta(0), MICRO):
                    story.touch(user, start - steps * width * DAY + touch_nudge, f"steps {steps}")


SCENARIOS: tuple[Callable[[Story], None], ...] = (
    window_edges,
    same_second,
    nothing_to_credit,
    ties,
    calendar,
    names,
    bucket_edges,
)


def heavy_user(story: Story, rng: random.Random, user: str, touches: int, conversions: int, days: int = 400) -> None:
    """Many touches and many conversions on whole minutes, so that they collide."""
    start = NOW - days * DAY
    for _ in range(touches):
        story.touch(user, start + timedelta(minutes=rng.randrange(days * 1440)), rng.choice(KINDS))
    for _ in range(conversions):
        amount = rng.choice(AMOUNTS)
        ts = start + timedelta(minutes=rng.randrange(days * 1440))
        story.convert(user, ts, rng.choice(CONVERSION_KINDS), None if amount is None else str(amount))
    for conversion in rng.sample(story.conversions[-conversions:], min(20, conversions)):
        edge = rng.choice((0, 0, 1, 45, *LOOKBACKS)) * DAY
        story.touch(user, conversion.ts - edge + rng.choice((-MICRO, timedelta(0), MICRO)), rng.choice(KINDS))


def random_user(story: Story, rng: random.Random, user: str) -> None:
    """A few events on a grid of window widths, microseconds and days around one anchor."""
    anchor = NOW - rng.choice((0, 1, 30, 119, 120, 121, 179, 180, 181, 240)) * DAY

    def moment() -> datetime:
        days = rng.choice((0, 0, 1, 7, 30, 60))
        return anchor - days * DAY + rng.choice((-1, 0, 0, 0, 0, 0, 1)) * rng.choice((MICRO, timedelta(seconds=1), DAY))

    kinds = rng.sample(KINDS, rng.randint(1, 5))
    for _ in range(rng.choice((0, 1, 2, 3, 3, 8, 25))):
        story.touch(user, moment(), rng.choice(kinds))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        amount = rng.choice(AMOUNTS)
        story.convert(user, moment(), rng.choice(CONVERSION_KINDS), None if amount is None else str(amount))


def shuffled(story: Story, rng: random.Random) -> Dataset:
    """The rows in no order at all: no result may depend on it."""
    touches, conversions = list(story.touches), list(story.conversions)
    rng.shuffle(touches)
    rng.shuffle(conversions)
    return Dataset(tuple(touches), tuple(conversions))


def adversarial(seed: int, users: int = 150, heavy: Iterable[tuple[int, int]] = ((900, 120), (40, 30))) -> Dataset:
    """Every scenario, random users and heavy users (touches, conversions) in one dataset, reproducible by seed."""
    rng, story = random.Random(seed), Story()
    for scenario in SCENARIOS:
        scenario(story)
    for number in range(users):
        random_user(story, rng, f"user {number}")
    for number, (touches, conversions) in enumerate(heavy):
        heavy_user(story, rng, f"heavy {number}", touches, conversions)
    return shuffled(story, rng)


def with_roles(dataset: Dataset, seed: int) -> Dataset:
    """The same rows, each in one of two roles: a person is a user in a role."""
    rng = random.Random(seed)
    roles = ("owner", "o'wner 🎭")
    return replace(
        dataset,
        touches=tuple(replace(touch, role=rng.choice(roles)) for touch in dataset.touches),
        conversions=tuple(replace(conversion, role=rng.choice(roles)) for conversion in dataset.conversions),
    )


def moments(lookbacks: Sequence[int]) -> st.SearchStrategy[datetime]:
    """Near one anchor: a window's width back, at most a few microseconds, seconds or days beside it."""
    return st.builds(
        lambda width, unit, count: NOW - 100 * DAY - width * DAY + count * unit,
        st.sampled_from((0, 0, *lookbacks)),
        st.sampled_from((MICRO, timedelta(seconds=1), DAY)),
        st.integers(-2, 2),
    )


@st.composite
def people(draw: st.DrawFn, lookbacks: Sequence[int], user: str) -> tuple[list[Touch], list[Conversion]]:
    """One user's events; the ids of the conversions carry the user's name."""
    when = moments(lookbacks)
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True))
    touches = draw(st.lists(st.builds(Touch, st.just(user), when, st.sampled_from(kinds)), max_size=12))
    converted = draw(st.lists(st.tuples(when, st.sampled_from(CONVERSION_KINDS), st.sampled_from(AMOUNTS)), max_size=5))
    conversions = [
        Conversion(f"{user}/{number}", user, ts, kind, amount) for number, (ts, kind, amount) in enumerate(converted)
    ]
    return touches, conversions


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Twenty users under drawn settings; one user always has a touch and a conversion, so that no source is empty."""
    lookbacks = tuple(sorted(draw(st.sets(st.sampled_from((1, 7, 30, 60, 90)), min_size=1, max_size=3))))
    rules = Rules(
        half_life_days=draw(st.sampled_from((0.5, 1.0, 7.0, 30.0))),
        direct_kinds=draw(st.frozensets(st.sampled_from(KINDS), max_size=4)),
        exclusions=draw(
            st.frozensets(st.tuples(st.sampled_from(CONVERSION_KINDS), st.sampled_from(KINDS)), max_size=6)
        ),
        include_touch_at_conversion=draw(st.booleans()),
    )
    story = Story()
    story.touch("always", NOW - 101 * DAY)
    story.convert("always", NOW - 100 * DAY)
    for number in range(20):
        touches, conversions = draw(people(lookbacks, f"user {number}"))
        story.touches += touches
        story.conversions += conversions
    return replace(
        shuffled(story, random.Random(draw(st.integers(0, 99)))),
        rules=rules,
        lookbacks=lookbacks,
        attribution_window_days=draw(st.sampled_from((1, 100, 101, 180, 365))),
    )
