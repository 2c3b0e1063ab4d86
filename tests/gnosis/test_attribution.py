"""Journeys, attribution marts and coverage of both sectors against the reference of `tests.oracle.attribution`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from tests.gnosis.project import AS_OF, LOOKBACKS, SECTORS, Built, role_column
from tests.oracle import attribution as oracle

HALF_LIFE_DAYS = 7.0
WINDOW_DAYS = 180
COVERAGE_DAYS = 30
OWN_EVENT, PRECURSOR = "own_event", "mechanical_precursor"
EXCLUSIONS = {
    "gnosis_app": {
        ("topup", "chain.topup"): OWN_EVENT,
        ("swap_filled", "chain.swap_filled"): OWN_EVENT,
        ("token_offer_claim", "chain.token_offer_claim"): OWN_EVENT,
        ("marketplace_buy", "chain.marketplace_buy"): OWN_EVENT,
        ("swap_filled", "chain.swap_signed"): PRECURSOR,
    },
    "gpay": {
        ("gpay_payment", "gp.payment"): OWN_EVENT,
        ("gpay_cashback_claim", "gp.cashback_claim"): OWN_EVENT,
        ("gpay_funded", "gp.deposit"): OWN_EVENT,
    },
}
CREDITS = ("first_touch", "last_touch", "linear", "time_decay_hl_7d")

MartKey = tuple[str, str | None, str]


@dataclass(frozen=True)
class Sector:
    """Touches and conversions of a sector, of all roles, as the build has them."""

    touches: tuple[oracle.Touch, ...]
    conversions: tuple[oracle.Conversion, ...]
    rules: oracle.Rules

    @property
    def credited(self) -> list[oracle.Conversion]:
        """Delegates have no journeys."""
        return [conversion for conversion in self.conversions if conversion.role != "delegate"]


@cache
def sector_of(built: Built, name: str) -> Sector:
    role = role_column(name)
    events = f"intermediate.int_execution_{name}_user_events_unified"
    touches = built.rows(f"SELECT user_pseudonym, event_ts, event_kind, {role} FROM {events}")
    columns = "conversion_dedup_key, user_pseudonym, conversion_ts, conversion_kind, conversion_amount_usd"
    conversions = built.rows(f"SELECT {columns}, {role} FROM intermediate.int_execution_{name}_conversions")
    rules = oracle.Rules(HALF_LIFE_DAYS, frozenset(), frozenset(EXCLUSIONS[name]))
    return Sector(
        tuple(oracle.Touch(*row) for row in touches), tuple(oracle.Conversion(*row) for row in conversions), rules
    )


@cache
def journeys_of(built: Built, name: str, lookback: int) -> oracle.Journeys:
    sector = sector_of(built, name)
    return oracle.journeys(sector.touches, sector.credited, lookback, sector.rules)


def monthly(sector: Sector) -> Iterator[tuple[list[oracle.Touch], list[oracle.Conversion]]]:
    """The conversions of each month with every touch that coverage may see: the reference is quadratic."""
    months: defaultdict[tuple[int, int], list[oracle.Conversion]] = defaultdict(list)
    for conversion in sector.conversions:
        months[conversion.ts.year, conversion.ts.month].append(conversion)
    for conversions in months.values():
        times = [conversion.ts for conversion in conversions]
        start, end = min(times) - timedelta(days=COVERAGE_DAYS + 1), max(times)
        yield [touch for touch in sector.touches if start <= touch.ts <= end], conversions


@cache
def tracked_keys(built: Built, name: str) -> frozenset[str]:
    """Conversions of all roles with an eligible touch."""
    sector = sector_of(built, name)
    return frozenset(
        key
        for touches, conversions in monthly(sector)
        for key, kinds in oracle.journeys(touches, conversions, COVERAGE_DAYS, sector.rules).items()
        if kinds
    )


@cache
def removed_touches(built: Built, name: str) -> Counter[tuple[str, str]]:
    sector = sector_of(built, name)
    removed: Counter[tuple[str, str]] = Counter()
    for touches, conversions in monthly(sector):
        removed.update(oracle.excluded_touches(touches, conversions, COVERAGE_DAYS, sector.rules))
    return removed


def approx(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", SECTORS)
def test_exclusions(built: Built, name: str) -> None:
    found = built.rows(f"SELECT conversion_kind, event_kind, rule FROM intermediate.int_execution_{name}_exclusions")
    assert sorted(found) == sorted((*pair, rule) for pair, rule in EXCLUSIONS[name].items())


@pytest.mark.parametrize("lookback", LOOKBACKS)
@pytest.mark.parametrize("name", SECTORS)
def test_journeys(built: Built, name: str, lookback: int) -> None:
    columns = "conversion_key, event_kind, n_touches, first_touch_ts, last_touch_ts, td_sum"
    rows = built.rows(f"SELECT {columns} FROM marts.fct_execution_{name}_journeys_{lookback}d")
    found = {(key, kind): measures for key, kind, *measures in rows}
    assert len(found) == len(rows)
    expected = {
        (key, kind): journey
        for key, kinds in journeys_of(built, name, lookback).items()
        for kind, journey in kinds.items()
    }
    assert expected
    assert found.keys() == expected.keys()
    for group, journey in expected.items():
        *exact, td_sum = found[group]
        assert exact == [journey.n_touches, journey.first_ts, journey.last_ts], group
        assert abs(td_sum - journey.td_sum) <= 1e-9 * max(1, journey.td_sum), group


def expected_mart(built: Built, name: str, lookback: int) -> tuple[dict[MartKey, list[float]], Mapping[Any, int]]:
    """Conversions with a touch and credits by conversion kind, role and event kind; conversions by kind and role."""
    journeys = journeys_of(built, name, lookback)
    totals: Counter[tuple[str, str | None]] = Counter()
    credit: defaultdict[MartKey, list[float]] = defaultdict(lambda: [0.0] * (1 + len(CREDITS)))
    for conversion in sector_of(built, name).credited:
        if conversion.ts.date() < AS_OF - timedelta(days=WINDOW_DAYS):
            continue
        totals[conversion.kind, conversion.role] += 1
        kinds = journeys[conversion.key]
        if not kinds:
            continue
        shares = (
            oracle.first_touch(kinds),
            oracle.last_touch(kinds),
            oracle.linear(kinds),
            oracle.time_decay(kinds, HALF_LIFE_DAYS),
        )
        for kind in kinds:
            sums = credit[conversion.kind, conversion.role, kind]
            sums[0] += 1
            for place, share in enumerate(shares, start=1):
                sums[place] += float(share[kind])
    return dict(credit), totals


@pytest.mark.parametrize("lookback", LOOKBACKS)
@pytest.mark.parametrize("name", SECTORS)
def test_attribution(built: Built, name: str, lookback: int) -> None:
    columns = ", ".join(("event_kind", "total_conversions", "conversions_with_touch", *CREDITS))
    mart = f"marts.fct_execution_{name}_attribution_{lookback}d"
    rows = built.rows(f"SELECT conversion_kind, {role_column(name)}, {columns} FROM {mart}")
    found = {(conversion, role, kind): measures for conversion, role, kind, *measures in rows}
    assert len(found) == len(rows)
    expected, totals = expected_mart(built, name, lookback)
    assert expected
    assert found.keys() == expected.keys()
    for group, (with_touch, *credits_) in expected.items():
        assert found[group][:2] == [totals[group[:2]], with_touch], group
        assert found[group][2:] == approx_all(credits_), group


@pytest.mark.parametrize("lookback", LOOKBACKS)
@pytest.mark.parametrize("name", SECTORS)
def test_marts_add_up_to_the_conversions_that_have_a_touch(built: Built, name: str, lookback: int) -> None:
    """A conversion without a touch is in total_conversions and nowhere else: these marts have no row for it."""
    mart, role = f"marts.fct_execution_{name}_attribution_{lookback}d", role_column(name)
    sums = ", ".join(f"sum({model})" for model in CREDITS)
    found = built.rows(f"SELECT conversion_kind, {role}, {sums}, max(total_conversions) FROM {mart} GROUP BY ALL")
    conversions = f"intermediate.int_execution_{name}_journey_conversions"
    with_touch = f"(SELECT DISTINCT conversion_key FROM marts.fct_execution_{name}_journeys_{lookback}d)"
    since = AS_OF - timedelta(days=WINDOW_DAYS)
    counts = built.rows(
        f"SELECT conversion_kind, {role}, count(touched.conversion_key), count(*) FROM {conversions} AS all_of_them "
        f"LEFT JOIN {with_touch} AS touched USING (conversion_key) WHERE conversion_date >= '{since}' GROUP BY ALL"
    )
    expected = {(kind, who): (touched, total) for kind, who, touched, total in counts if touched}
    assert {(kind, who) for kind, who, *_ in found} == set(expected)
    for kind, who, *credited, total in found:
        assert credited == approx_all([float(expected[kind, who][0])] * len(CREDITS))
        assert total == expected[kind, who][1]
    assert any(touched < total for touched, total in expected.values()), "some conversion has no touch"
    assert built.rows(f"SELECT count(*) FROM {mart} WHERE event_kind LIKE '(%'") == [(0,)]


def approx_all(values: list[float]) -> list[Any]:
    return [approx(value) for value in values]


@pytest.mark.parametrize("lookback", LOOKBACKS)
@pytest.mark.parametrize("name", SECTORS)
def test_api_is_the_mart(built: Built, name: str, lookback: int) -> None:
    mart = f"execution_{name}_attribution_{lookback}d"
    api = built.table(f"api.api_{mart}")
    assert len(api) == len(built.table(f"marts.fct_{mart}")) > 0
    role = role_column(name)
    columns = ", ".join(("conversion_kind", role, "event_kind", "total_conversions", *CREDITS))
    assert sorted(built.rows(f"SELECT {columns} FROM api.api_{mart}"), key=str) == sorted(
        built.rows(f"SELECT {columns} FROM marts.fct_{mart}"), key=str
    )


@pytest.mark.parametrize("name", SECTORS)
def test_coverage(built: Built, name: str) -> None:
    columns = "total_conversions, tracked_conversions, total_users, tracked_users"
    relation = f"intermediate.int_execution_{name}_coverage_daily"
    rows = built.rows(f"SELECT conversion_date, conversion_kind, {role_column(name)}, {columns} FROM {relation}")
    found = {(day, kind, role): tuple(measures) for day, kind, role, *measures in rows}
    assert len(found) == len(rows)
    with_touch = tracked_keys(built, name)
    groups: defaultdict[tuple[date, str, str | None], list[oracle.Conversion]] = defaultdict(list)
    for conversion in sector_of(built, name).conversions:
        groups[conversion.ts.date(), conversion.kind, conversion.role].append(conversion)
    expected = {}
    for group, conversions in groups.items():
        tracked = [conversion for conversion in conversions if conversion.key in with_touch]
        users = len({conversion.user for conversion in conversions})
        expected[group] = (len(conversions), len(tracked), users, len({conversion.user for conversion in tracked}))
    assert expected
    assert found == expected


@pytest.mark.parametrize("rule", [OWN_EVENT, PRECURSOR])
@pytest.mark.parametrize("name", SECTORS)
def test_touches_removed(built: Built, name: str, rule: str) -> None:
    expected = dict.fromkeys((conversion.kind for conversion in sector_of(built, name).conversions), 0)
    for (conversion, event), count in removed_touches(built, name).items():
        if EXCLUSIONS[name][conversion, event] == rule:
            expected[conversion] += count
    relation = f"intermediate.int_execution_{name}_coverage_daily"
    rows = built.rows(f"SELECT conversion_kind, sum(touches_removed_{rule}) FROM {relation} GROUP BY ALL")
    assert dict(rows) == expected
    assert any(expected.values()) == (rule in EXCLUSIONS[name].values())


def test_delegates_are_covered_but_have_no_journeys(built: Built) -> None:
    coverage = "intermediate.int_execution_gpay_coverage_daily"
    roles = {role for (role,) in built.rows(f"SELECT DISTINCT identity_role FROM {coverage}")}
    assert roles == {"safe_self", "initial_owner", "delegate"}
    delegated = "SELECT conversion_dedup_key FROM intermediate.int_execution_gpay_conversions"
    keys = {key for (key,) in built.rows(f"{delegated} WHERE identity_role = 'delegate'")}
    assert keys
    for lookback in LOOKBACKS:
        journeys = f"marts.fct_execution_gpay_journeys_{lookback}d"
        with_journey = {key for (key,) in built.rows(f"SELECT DISTINCT conversion_key FROM {journeys}")}
        assert with_journey
        assert not keys & with_journey
        mart = f"marts.fct_execution_gpay_attribution_{lookback}d"
        found = {role for (role,) in built.rows(f"SELECT DISTINCT identity_role FROM {mart}")}
        assert found == {"safe_self", "initial_owner"}
