"""Series of the `gnosis` demo: what moves the pools can be found again; gaps, a constant, collinear and late series."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import combinations
from statistics import StatisticsError, correlation
from typing import Any

import numpy as np
import pytest

from measure_cli.demo.gnosis_market import BASE_VOLUME, VOLUME_A_CLAIMED_USD, VOLUME_A_REWARD_USD
from tests.demo.gnosis_world import AS_OF, FIRST, SCALES, World, world

WEEK = "CAST(date_trunc('week', {}) AS DATE)"
MONDAYS = [date(2023, 6, 26) + timedelta(days=7 * number) for number in range(105)]
WHOLE_WEEKS = MONDAYS[1:]
LAUNCH = date(2024, 7, 1)
MEDIA = {
    "validator_proposer_rewards_gno": ("proposer_rewards_daily", "date", "sum(rewards_gno)"),
    "validator_income_gno": ("validators_income_daily", "date", "sum(income_gno)"),
    "validator_apr_proxy": ("validator_apy_daily", "date", "sum(apy * balance_gno) / sum(balance_gno)"),
    "ga_token_offer_emissions_usd": ("token_offer_claims", "block_timestamp", "sum(amount_received_usd)"),
    "gpay_cashback_outlay_usd": ("gpay_activity_weekly", "week", "sum(cashback_usd)"),
    "pools_lp_fee_apr_avg": ("pools_daily", "date", "sum(fee_apr_7d * tvl_usd) / sum(tvl_usd)"),
    "lm_rewards_outlay_usd": ("lm_rewards_daily", "date", "sum(outlay_usd)"),
    "bridge_incentive_outlay_usd": ("bridge_incentives_daily", "date", "sum(outlay_usd)"),
}


def weekly(data: World, source: str, day: str, value: str) -> dict[date, float]:
    rows = data.rows(f"SELECT {WEEK.format(day)} AS week, {value} FROM {source} GROUP BY 1")
    return {week: float(total) for week, total in rows}


def carried(series: dict[date, float], scale: float = 1.0) -> list[float]:
    """Geometric adstock of the weeks with carry-over 0.5."""
    total, totals = 0.0, []
    for monday in MONDAYS:
        total = series.get(monday, 0.0) / scale + 0.5 * total
        totals.append(total)
    return totals


def parts(scale: float) -> tuple[list[float], list[float], list[float]]:
    """Pool volume, carried offers and carried rewards of each week."""
    data = world(scale)
    volume = weekly(data, "pools_daily", "date", "sum(volume_usd_daily)")
    offers = carried(weekly(data, *MEDIA["ga_token_offer_emissions_usd"]), scale)
    return [volume[monday] for monday in MONDAYS], offers, carried(weekly(data, *MEDIA["lm_rewards_outlay_usd"]))


@pytest.mark.parametrize("scale", SCALES)
def test_pool_volume_is_what_the_documented_formula_expects(scale: float) -> None:
    for week, (volume, offers, rewards) in enumerate(zip(*parts(scale), strict=True)):
        base = BASE_VOLUME * (1 + 0.10 * week / 52)
        rest = volume - VOLUME_A_CLAIMED_USD * offers - VOLUME_A_REWARD_USD * rewards
        assert rest == pytest.approx(base, rel=0.031)


@pytest.mark.parametrize("scale", SCALES)
def test_a_regression_finds_the_planted_effects_again(scale: float) -> None:
    volume, offers, rewards = parts(scale)
    frame = np.column_stack([np.ones(105), np.arange(105), offers, rewards])
    (base, _, offer_effect, reward_effect), *_ = np.linalg.lstsq(frame, np.array(volume), rcond=None)
    assert base == pytest.approx(BASE_VOLUME, rel=0.03)
    assert offer_effect == pytest.approx(VOLUME_A_CLAIMED_USD, rel=0.1)
    assert reward_effect == pytest.approx(VOLUME_A_REWARD_USD, rel=0.1)


def test_without_carry_over_the_regression_fits_worse() -> None:
    volume, offers, rewards = (np.array(part) for part in parts(1.0))

    def unexplained(*media: Any) -> float:
        frame = np.column_stack([np.ones(105), np.arange(105), *media])
        return float(np.linalg.lstsq(frame, volume, rcond=None)[1][0])

    now = [np.concatenate([part[:1], part[1:] - 0.5 * part[:-1]]) for part in (offers, rewards)]
    assert unexplained(*now) > 10 * unexplained(offers, rewards)


@pytest.mark.parametrize("scale", SCALES)
def test_one_pair_of_media_is_collinear_and_one_medium_never_varies(scale: float) -> None:
    data = world(scale)
    series = {name: weekly(data, *medium) for name, medium in MEDIA.items()}
    values = {name: [weeks.get(monday, 0.0) for monday in WHOLE_WEEKS] for name, weeks in series.items()}
    undefined, collinear = set(), []
    for one, other in combinations(MEDIA, 2):
        try:
            r = correlation(values[one], values[other])
        except StatisticsError:
            undefined |= {one, other}
        else:
            collinear += [(one, other, r)] if abs(r) > 0.9 else []
    assert set(values["bridge_incentive_outlay_usd"]) == {5600.0}
    assert undefined == set(MEDIA)
    ((one, other, r),) = collinear
    assert (one, other) == ("validator_proposer_rewards_gno", "validator_income_gno")
    assert 0.9 < r < 0.999


def test_offers_pause_in_some_weeks() -> None:
    offers = weekly(world(1.0), *MEDIA["ga_token_offer_emissions_usd"])
    assert 8 <= sum(offers.get(monday, 0) < 10 for monday in WHOLE_WEEKS) <= 35


@pytest.mark.parametrize(
    ("source", "where"), [("lm_rewards_daily", "true"), ("trades_by_protocol_daily", "protocol = 'Uniswap V3'")]
)
def test_two_series_start_half_way_on_a_monday(source: str, where: str) -> None:
    first, last, days = world(0.1).rows(f"SELECT min(date), max(date), count(*) FROM {source} WHERE {where}")[0]
    assert (first, last) == (LAUNCH, AS_OF - timedelta(days=1))
    assert days == (AS_OF - LAUNCH).days
    assert first.weekday() == 0


def test_the_fee_apr_needs_seven_days() -> None:
    data = world(0.1)
    missing = Counter(data.column("SELECT pool FROM pools_daily WHERE fee_apr_7d IS NULL"))
    assert list(missing.values()) == [6] * 5
    assert data.value("SELECT max(date) FROM pools_daily WHERE fee_apr_7d IS NULL") == date(2023, 7, 1)
    assert data.value("SELECT min(tvl_usd) FROM pools_daily") > 0


@pytest.mark.parametrize("scale", SCALES)
def test_gaps_are_where_they_are_documented(scale: float) -> None:
    data = world(scale)
    days = {MONDAYS[0] + timedelta(days=number) for number in range((AS_OF - MONDAYS[0]).days)}

    def missing_days(source: str, where: str = "true") -> set[date]:
        return days - set(data.column(f"SELECT date FROM {source} WHERE {where}"))

    def missing_weeks(source: str, where: str = "true") -> list[int]:
        weeks = set(data.column(f"SELECT week FROM {source} WHERE {where}"))
        return [number for number, monday in enumerate(WHOLE_WEEKS) if monday not in weeks]

    assert missing_days("transactions_info_daily") == {FIRST + timedelta(days=200)}
    assert missing_days("token_prices_daily", "symbol = 'GNO'") == {FIRST + timedelta(days=300)}
    (staked,) = missing_days("staked_daily")
    assert staked.weekday() == 6
    assert 400 <= (staked - FIRST).days < 407
    for source in ("pools_daily", "validator_apy_daily", "bridge_incentives_daily"):
        assert not missing_days(source)
    assert missing_weeks("gpay_topups_weekly") == [20, 21]
    assert missing_weeks("gpay_activity_weekly") == [30]
    assert missing_weeks("bridges_netflow_weekly") == [40]
    assert missing_weeks("bridges_netflow_weekly", "bridge = 'Celer'") == [40, 60]
    assert missing_weeks("bridges_netflow_weekly", "bridge = 'Omnibridge'") == [40]


def test_prices_are_near_their_level() -> None:
    prices = defaultdict(list)
    for symbol, price in world(0.1).rows("SELECT symbol, price FROM token_prices_daily"):
        prices[symbol].append(price)
    for symbol, level in (("GNO", 240), ("WETH", 2_900), ("WXDAI", 1), ("EURE", 1.09)):
        assert level / 3 < min(prices[symbol]) <= max(prices[symbol]) < level * 3
