"""The weekly series of the marketing-mix frame from the CSV files, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from tests.gnosis.project import AS_OF, Built, Record

Series = list[float | None]
Value = Callable[[Record], float | None]
Observation = tuple[date, float, float]

N_WEEKS = 104
HARD_FORKS = (date(2022, 12, 8), date(2023, 8, 1), date(2024, 3, 11), date(2025, 4, 30))
HOLIDAY_WEEKS = {
    date(2023, 12, 25),
    date(2024, 1, 1),
    date(2024, 3, 25),
    date(2024, 12, 23),
    date(2024, 12, 30),
    date(2025, 4, 14),
}
SUMS = {  # name: source, date column, value
    "kpi_pools_volume_usd": ("pools_daily", "date", "volume_usd_daily"),
    "kpi_dex_volume_usd_dedup": ("trades_by_protocol_daily", "date", "volume_usd"),
    "kpi_gpay_payment_volume_usd": ("gpay_activity_weekly", "week", "payment_volume_usd"),
    "kpi_ga_new_users": ("gnosis_app_users_daily", "date", "new_users"),
    "kpi_chain_tx_count": ("transactions_info_daily", "date", "n_txs"),
    "kpi_gpay_topups_count": ("gpay_topups_weekly", "week", "n_topups"),
    "kpi_gpay_topups_volume_usd": ("gpay_topups_weekly", "week", "volume_usd"),
    "kpi_bridge_inflow_usd": ("bridges_netflow_weekly", "week", "inflow_usd"),
    "kpi_bridge_outflow_usd": ("bridges_netflow_weekly", "week", "outflow_usd"),
    "media_validator_proposer_rewards_gno": ("proposer_rewards_daily", "date", "rewards_gno"),
    "media_validator_income_gno": ("validators_income_daily", "date", "income_gno"),
    "media_ga_token_offer_emissions_usd": ("token_offer_claims", "block_timestamp", "amount_received_usd"),
    "media_gpay_cashback_outlay_usd": ("gpay_activity_weekly", "week", "cashback_usd"),
    "media_lm_rewards_outlay_usd": ("lm_rewards_daily", "date", "outlay_usd"),
    "media_bridge_incentive_outlay_usd": ("bridge_incentives_daily", "date", "outlay_usd"),
    "ctrl_chain_block_count": ("proposer_rewards_daily", "date", "blocks_proposed"),
}
LASTS = {
    "kpi_pools_tvl_usd": ("pools_daily", "date", "tvl_usd"),
    "kpi_gpay_active_users": ("gpay_activity_weekly", "week", "active_users"),
    "kpi_ga_active_users": ("gnosis_app_users_daily", "date", "active_users"),
    "kpi_gno_staked": ("staked_daily", "date", "gno_staked"),
}
WEIGHTED = {  # name: source, value, weight
    "media_validator_apr_proxy": ("validator_apy_daily", "apy", "balance_gno"),
    "media_pools_lp_fee_apr_avg": ("pools_daily", "fee_apr_7d", "tvl_usd"),
}


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weeks() -> list[date]:
    """The whole weeks before as_of, oldest first."""
    return [monday(AS_OF) - timedelta(days=7 * back) for back in range(N_WEEKS, 0, -1)]


def number(column: str) -> Value:
    return lambda row: float(row[column]) if row[column] else None


def one(_: Record) -> float | None:
    return 1.0


def by_week(rows: list[dict[str, str]], day: str, value: Value, weight: Value = one) -> dict[date, list[Observation]]:
    """Week -> the rows that have a value; a week has an entry when it has a row, even without value."""
    found: defaultdict[date, list[Observation]] = defaultdict(list)
    for row in rows:
        date_ = date.fromisoformat(row[day][:10])
        if date_ < AS_OF:
            observations = found[monday(date_)]
            if (known := value(row)) is not None:
                observations.append((date_, known, weight(row) or 0.0))
    return found


def summed(rows: list[dict[str, str]], day: str, column: str) -> Series:
    """A week without rows is 0, but nothing is known before the first one."""
    found = by_week(rows, day, number(column))
    first = min(found)
    return [None if week < first else sum((o[1] for o in found.get(week, [])), 0.0) for week in weeks()]


def last(rows: list[dict[str, str]], day: str, column: str) -> Series:
    """The last day of the week that has a value, over all rows of it."""
    found = by_week(rows, day, number(column))

    def of(observations: list[Observation]) -> float | None:
        return sum(o[1] for o in observations if o[0] == max(observations)[0]) if observations else None

    return [of(found.get(week, [])) for week in weeks()]


def averaged(rows: list[dict[str, str]], day: str, value: Value, weight: Value = one) -> Series:
    found = by_week(rows, day, value, weight)

    def of(observations: list[Observation]) -> float | None:
        return sum(o[1] * o[2] for o in observations) / sum(o[2] for o in observations) if observations else None

    return [of(found.get(week, [])) for week in weeks()]


def prices(built: Built) -> dict[str, Series]:
    rows = built.source("token_prices_daily")
    euro = {row["date"]: float(row["price"]) for row in rows if row["symbol"] == "EURE"}

    def of(symbol: str, value: Value) -> Series:
        return averaged([row for row in rows if row["symbol"] == symbol], "date", value)

    return {
        "ctrl_gno_usd_price_avg": of("GNO", number("price")),
        "ctrl_eth_usd_price_avg": of("WETH", number("price")),
        "ctrl_wxdai_eur_proxy_avg": of("WXDAI", lambda row: float(row["price"]) / euro[row["date"]]),
    }


def calendar() -> dict[str, Series]:
    return {
        "ctrl_week_of_year": [float(week.isocalendar().week) for week in weeks()],
        "ctrl_week_index": [float(index) for index in range(N_WEEKS)],
        "ctrl_is_holiday_week": [float(week in HOLIDAY_WEEKS) for week in weeks()],
        "ctrl_hardfork_step": [float(sum(fork < week + timedelta(days=7) for fork in HARD_FORKS)) for week in weeks()],
    }


def frame(built: Built) -> dict[str, Series]:
    """Every column of the spine."""
    gas = built.source("transactions_info_daily")
    return {
        **{name: summed(built.source(source), day, column) for name, (source, day, column) in SUMS.items()},
        **{name: last(built.source(source), day, column) for name, (source, day, column) in LASTS.items()},
        **{
            name: averaged(built.source(source), "date", number(value), number(weight))
            for name, (source, value, weight) in WEIGHTED.items()
        },
        **prices(built),
        "ctrl_chain_gas_price_gwei_avg": averaged(gas, "date", number("gas_price_median")),
        **calendar(),
    }
