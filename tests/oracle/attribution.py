"""Reference for journeys, credits, attribution marts and coverage: each conversion meets every touch of its user.

Quadratic and exact on purpose: elapsed time in whole microseconds, credits as fractions. Only decay weights are floats.
Limits: a few thousand touches of one user; the inputs are rows that staging has accepted, already trimmed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

UNATTRIBUTED = "(unattributed)"
MODELS = ("first_touch", "last_touch", "linear", "time_decay", "position_based", "last_non_direct")
MICROSECOND = timedelta(microseconds=1)
DAY_IN_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True)
class Touch:
    user: str
    ts: datetime
    kind: str
    role: str | None = None


@dataclass(frozen=True)
class Conversion:
    key: str
    user: str
    ts: datetime
    kind: str
    amount: Decimal | None = None
    role: str | None = None


@dataclass(frozen=True)
class Rules:
    """What a project may set; exclusions are (conversion kind, event kind) pairs that never earn credit."""

    half_life_days: float = 7.0
    direct_kinds: frozenset[str] = frozenset({"Direct"})
    exclusions: frozenset[tuple[str, str]] = frozenset()
    include_touch_at_conversion: bool = False


@dataclass(frozen=True)
class Journey:
    """Eligible touches of one kind before one conversion; lags run from the touch to the conversion."""

    lags: tuple[int, ...]
    first_ts: datetime
    last_ts: datetime
    td_sum: float

    @property
    def n_touches(self) -> int:
        return len(self.lags)


@dataclass(frozen=True)
class CreditRow:
    conversion: Conversion
    event_kind: str
    n_touches: int
    credit: Mapping[str, Fraction]
    is_first_tied: bool
    is_last_tied: bool


@dataclass(frozen=True)
class MartRow:
    conversions_with_touch: int
    total_conversions: int
    credit: Mapping[str, float]
    amount: Mapping[str, float]


@dataclass(frozen=True)
class Coverage:
    """Conversions and users (whatever their role); tracked means with a touch, tied means that kinds share a moment."""

    total_conversions: int
    tracked_conversions: int
    total_users: int
    tracked_users: int
    first_tied: int
    last_tied: int
    any_tied: int


Journeys = dict[str, dict[str, Journey]]


def lag_microseconds(touch: Touch, conversion: Conversion) -> int:
    return (conversion.ts - touch.ts) // MICROSECOND


def in_window(touch: Touch, conversion: Conversion, lookback: int, rules: Rules) -> bool:
    """Inside [conversion - N days, conversion): elapsed time, lower end included; the person is not compared here."""
    lag = lag_microseconds(touch, conversion)
    after_start = lag <= lookback * DAY_IN_MICROSECONDS
    before_conversion = lag >= 0 if rules.include_touch_at_conversion else lag > 0
    return after_start and before_conversion


def is_excluded(touch: Touch, conversion: Conversion, rules: Rules) -> bool:
    return (conversion.kind, touch.kind) in rules.exclusions


def touches_by_person(touches: Iterable[Touch]) -> Mapping[tuple[str, str | None], Sequence[Touch]]:
    people: defaultdict[tuple[str, str | None], list[Touch]] = defaultdict(list)
    for touch in touches:
        people[touch.user, touch.role].append(touch)
    return people


def journey(touches: Sequence[Touch], conversion: Conversion, half_life_days: float) -> Journey:
    lags = tuple(lag_microseconds(touch, conversion) for touch in touches)
    return Journey(
        lags=lags,
        first_ts=min(touch.ts for touch in touches),
        last_ts=max(touch.ts for touch in touches),
        td_sum=math.fsum(2.0 ** (-lag / DAY_IN_MICROSECONDS / half_life_days) for lag in lags),
    )


def journeys(touches: Iterable[Touch], conversions: Iterable[Conversion], lookback: int, rules: Rules) -> Journeys:
    """Per conversion key (every conversion has an entry, perhaps an empty one): event kind -> journey."""
    people = touches_by_person(touches)
    result: Journeys = {}
    for conversion in conversions:
        by_kind: defaultdict[str, list[Touch]] = defaultdict(list)
        for touch in people.get((conversion.user, conversion.role), ()):
            if in_window(touch, conversion, lookback, rules) and not is_excluded(touch, conversion, rules):
                by_kind[touch.kind].append(touch)
        assert conversion.key not in result, f"two conversions share the key {conversion.key!r}"
        result[conversion.key] = {
            kind: journey(kind_touches, conversion, rules.half_life_days) for kind, kind_touches in by_kind.items()
        }
    return result


def excluded_touches(
    touches: Iterable[Touch], conversions: Iterable[Conversion], lookback: int, rules: Rules
) -> dict[tuple[str, str], int]:
    """Per exclusion: how many (conversion, touch) pairs it removed."""
    people = touches_by_person(touches)
    removed: defaultdict[tuple[str, str], int] = defaultdict(int)
    for conversion in conversions:
        for touch in people.get((conversion.user, conversion.role), ()):
            if in_window(touch, conversion, lookback, rules) and is_excluded(touch, conversion, rules):
                removed[conversion.kind, touch.kind] += 1
    return dict(removed)


def _shares(winners: Iterable[str], kinds: Iterable[str]) -> dict[str, Fraction]:
    winning = set(winners)
    return {kind: Fraction(kind in winning, len(winning)) for kind in kinds}


def first_touch(kinds: Mapping[str, Journey]) -> dict[str, Fraction]:
    earliest = min(entry.first_ts for entry in kinds.values())
    return _shares((kind for kind, entry in kinds.items() if entry.first_ts == earliest), kinds)


def last_touch(kinds: Mapping[str, Journey], among: Iterable[str] | None = None) -> dict[str, Fraction]:
    candidates = {kind: kinds[kind] for kind in (kinds if among is None else among)}
    latest = max(entry.last_ts for entry in candidates.values())
    return _shares((kind for kind, entry in candidates.items() if entry.last_ts == latest), kinds)


def last_non_direct(kinds: Mapping[str, Journey], direct_kinds: frozenset[str]) -> dict[str, Fraction]:
    return last_touch(kinds, [kind for kind in kinds if kind not in direct_kinds] or kinds)


def linear(kinds: Mapping[str, Journey]) -> dict[str, Fraction]:
    total = sum(entry.n_touches for entry in kinds.values())
    return {kind: Fraction(entry.n_touches, total) for kind, entry in kinds.items()}


def time_decay(kinds: Mapping[str, Journey], half_life_days: float) -> dict[str, Fraction]:
    """Weights are taken relative to the newest touch: the shares are the same and no weight sum can vanish."""
    newest = min(min(entry.lags) for entry in kinds.values())
    weights = {
        kind: sum(Fraction(2.0 ** (-(lag - newest) / DAY_IN_MICROSECONDS / half_life_days)) for lag in entry.lags)
        for kind, entry in kinds.items()
    }
    total = sum(weights.values())
    return {kind: Fraction(weight) / total for kind, weight in weights.items()}


def position_based(kinds: Mapping[str, Journey]) -> dict[str, Fraction]:
    total = sum(entry.n_touches for entry in kinds.values())
    first, last = first_touch(kinds), last_touch(kinds)
    if total == 1:
        return first
    if total == 2:
        return {kind: (first[kind] + last[kind]) / 2 for kind in kinds}
    return {
        kind: Fraction(2, 5) * (first[kind] + last[kind])
        + Fraction(1, 5) * (entry.n_touches - first[kind] - last[kind]) / (total - 2)
        for kind, entry in kinds.items()
    }


def _conversion_credits(conversion: Conversion, kinds: Mapping[str, Journey], rules: Rules) -> list[CreditRow]:
    if not kinds:
        whole = dict.fromkeys(MODELS, Fraction(1))
        return [CreditRow(conversion, UNATTRIBUTED, 0, whole, is_first_tied=False, is_last_tied=False)]
    first, last = first_touch(kinds), last_touch(kinds)
    shares = {
        "first_touch": first,
        "last_touch": last,
        "linear": linear(kinds),
        "time_decay": time_decay(kinds, rules.half_life_days),
        "position_based": position_based(kinds),
        "last_non_direct": last_non_direct(kinds, rules.direct_kinds),
    }
    return [
        CreditRow(
            conversion,
            kind,
            entry.n_touches,
            {model: shares[model][kind] for model in MODELS},
            is_first_tied=max(first.values()) < 1,
            is_last_tied=max(last.values()) < 1,
        )
        for kind, entry in kinds.items()
    ]


def credit_ledger(conversions: Iterable[Conversion], journeys_of: Journeys, rules: Rules) -> list[CreditRow]:
    """The credit ledger: one row per conversion and event kind, '(unattributed)' included."""
    return [
        row for conversion in conversions for row in _conversion_credits(conversion, journeys_of[conversion.key], rules)
    ]


def attribution(ledger: Iterable[CreditRow], as_of: date, window_days: int) -> dict[tuple[str, str], MartRow]:
    """Per (conversion kind, event kind): the conversions dated in [as_of - window, as_of)."""
    start = as_of - timedelta(days=window_days)
    groups: defaultdict[tuple[str, str], list[CreditRow]] = defaultdict(list)
    keys_of_kind: defaultdict[str, set[str]] = defaultdict(set)
    for row in ledger:
        if start <= row.conversion.ts.date() < as_of:
            groups[row.conversion.kind, row.event_kind].append(row)
            keys_of_kind[row.conversion.kind].add(row.conversion.key)
    return {
        (conversion_kind, event_kind): MartRow(
            conversions_with_touch=sum(row.n_touches > 0 for row in rows),
            total_conversions=len(keys_of_kind[conversion_kind]),
            credit={model: math.fsum(row.credit[model] for row in rows) for model in MODELS},
            amount={
                model: math.fsum(row.credit[model] * Fraction(row.conversion.amount or 0) for row in rows)
                for model in MODELS
            },
        )
        for (conversion_kind, event_kind), rows in groups.items()
    }


def coverage(ledger: Iterable[CreditRow]) -> dict[tuple[date, str], Coverage]:
    """Per (conversion date, conversion kind), for the lookback of the ledger."""
    groups: defaultdict[tuple[date, str], dict[str, CreditRow]] = defaultdict(dict)
    for row in ledger:
        groups[row.conversion.ts.date(), row.conversion.kind][row.conversion.key] = row
    return {group: _coverage_of(list(rows.values())) for group, rows in groups.items()}


def _coverage_of(rows: Sequence[CreditRow]) -> Coverage:
    """One row of each conversion is enough: what it tells of ties and touches is the same on all of them."""
    tracked = [row for row in rows if row.n_touches > 0]
    return Coverage(
        total_conversions=len(rows),
        tracked_conversions=len(tracked),
        total_users=len({row.conversion.user for row in rows}),
        tracked_users=len({row.conversion.user for row in tracked}),
        first_tied=sum(row.is_first_tied for row in tracked),
        last_tied=sum(row.is_last_tied for row in tracked),
        any_tied=sum(row.is_first_tied or row.is_last_tied for row in tracked),
    )
