"""Daily and weekly series of the `gnosis` demo: the chain, its markets, what is paid out to move them.

Series begin on the Monday on or before the first day, so that their first week is whole too; weekly sources hold whole
weeks only. The market is the same at every scale, but for what follows from the token offers that users took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from measure_cli.demo.draws import Draws
from measure_cli.demo.gnosis_ledger import Write, money
from measure_cli.demo.starter_shop import Calendar

CARRY_OVER = 0.5  # a week
BASE_VOLUME = 1_200_000.0  # USD a week
VOLUME_GROWTH = 0.10  # a year of 52 weeks
VOLUME_NOISE = 0.03
VOLUME_A_CLAIMED_USD = 250.0  # of a claimed USD, divided by the scale
VOLUME_A_REWARD_USD = 12.0

POOLS = (  # name, TVL in USD, share of the volume
    ("GNO-WXDAI", 4_200_000, 0.30),
    ("GNO-WETH", 3_100_000, 0.24),
    ("EURe-WXDAI", 2_600_000, 0.22),
    ("WETH-WXDAI", 1_900_000, 0.16),
    ("sDAI-EURe", 900_000, 0.08),
)
POOL_FEE = 0.003
FEE_DAYS = 7
PROTOCOLS = (  # name, USD a day; the aggregator routes through the others, so their sum counts trades twice
    ("Balancer", 310_000),
    ("CoW Protocol", 420_000),
    ("SushiSwap", 90_000),
    ("Swapr", 40_000),
    ("Uniswap V3", 150_000),
)
LAUNCHED_PROTOCOL = "Uniswap V3"
BRIDGES = (("Omnibridge", 900_000), ("xDai Bridge", 650_000), ("Celer", 120_000))
PRICES = (("GNO", 240.0, 0.03), ("WETH", 2_900.0, 0.03), ("WXDAI", 1.0, 0.001), ("EURE", 1.09, 0.004))
WEEKDAYS = (1.08, 1.06, 1.02, 1.02, 1.00, 0.90, 0.92)  # Monday first, sum 7

REWARD_NOISE = 0.05
BRIDGE_INCENTIVE = "800.00"
MISSING_TRANSACTIONS_DAY = 200
MISSING_PRICE_DAY = 300  # of GNO
MISSING_STAKED_FROM = 400  # the first Sunday from this day on
MISSING_TOPUP_WEEKS = (20, 21)  # counted from the first whole week
MISSING_ACTIVITY_WEEK = 30
MISSING_BRIDGES_WEEK = 40
MISSING_BRIDGE_WEEK = 60  # of the last bridge alone


@dataclass(frozen=True, slots=True)
class Period:
    """Days and weeks of the series."""

    calendar: Calendar

    @property
    def opening(self) -> int:
        """The Monday on or before the first day: 0 or negative."""
        return -self.calendar.first.weekday()

    @property
    def days(self) -> range:
        """All days."""
        return range(self.opening, self.calendar.days)

    @property
    def mondays(self) -> range:
        """All weeks, the last one perhaps cut by as_of."""
        return range(self.opening, self.calendar.days, 7)

    @property
    def whole_weeks(self) -> range:
        """Mondays of the weeks that lie within the demo's days."""
        return range(self.calendar.monday_after(0), self.calendar.days - 6, 7)

    @property
    def missing_staked_day(self) -> int:
        """A Sunday, so that the last value of its week is Saturday's."""
        return self.calendar.monday_after(MISSING_STAKED_FROM + 1) - 1

    def text(self, day: int) -> str:
        """The date."""
        return str(self.calendar.date_of(day))


def offer_plan(period: Period, draws: Draws) -> list[float]:
    """Intensity of token offers on each day: a level a week, none in one week of five."""
    levels = [0.0 if draws.chance(0.2) else draws.between(0.3, 1.8) for _ in period.mondays]
    return [levels[(day - period.opening) // 7] for day in range(period.calendar.days)]


def price_series(period: Period, draws: Draws) -> dict[str, list[float]]:
    """Price of each token in USD, from the opening on: steps of a few percent, drawn back to its level."""
    series = {}
    for symbol, level, step in PRICES:
        price, prices = level, []
        for _ in period.days:
            price *= draws.between(1 - step, 1 + step)
            price += 0.01 * (level - price)
            prices.append(price)
        series[symbol] = prices
    return series


def write_prices(write: Write, period: Period, series: dict[str, list[float]]) -> None:
    """Every day and token but one."""
    for symbol, prices in series.items():
        for day, price in zip(period.days, prices, strict=True):
            if (symbol, day) != ("GNO", MISSING_PRICE_DAY):
                write((period.text(day), symbol, f"{price:.6f}"))


def write_rewards(write: Write, period: Period, draws: Draws) -> list[float]:
    """Liquidity rewards from the launch half way on, a level a week; returns the outlay of each week of the period."""
    weeks = []
    for monday in period.mondays:
        level, outlay = draws.between(200.0, 2_600.0), 0.0
        for day in range(monday, min(monday + 7, period.calendar.days)):
            text = f"{level * draws.between(1 - REWARD_NOISE, 1 + REWARD_NOISE):.2f}"
            if day >= period.calendar.launch:
                write((period.text(day), text))
                outlay += float(text)
        weeks.append(outlay)
    return weeks


def write_incentives(write: Write, period: Period) -> None:
    """The same amount every day: a medium without variance."""
    for day in period.days:
        write((period.text(day), BRIDGE_INCENTIVE))


def weekly_usd(period: Period, cents: Sequence[int]) -> list[float]:
    """USD of each week of the period from cents of each day."""
    return [sum(cents[max(monday, 0) : monday + 7]) / 100 for monday in period.mondays]


def carried(outlays: Sequence[float]) -> list[float]:
    """Geometric adstock, not normalised."""
    total, totals = 0.0, []
    for outlay in outlays:
        total = outlay + CARRY_OVER * total
        totals.append(total)
    return totals


def pool_volumes(claims: Sequence[float], rewards: Sequence[float], draws: Draws) -> list[float]:
    """Volume of each week: base, and what token offers and liquidity rewards of this and earlier weeks add."""
    volumes = []
    for week, (claimed, rewarded) in enumerate(zip(carried(claims), carried(rewards), strict=True)):
        base = BASE_VOLUME * (1 + VOLUME_GROWTH * week / 52) * draws.between(1 - VOLUME_NOISE, 1 + VOLUME_NOISE)
        volumes.append(base + VOLUME_A_CLAIMED_USD * claimed + VOLUME_A_REWARD_USD * rewarded)
    return volumes


def write_pools(write: Write, period: Period, volumes: Sequence[float], draws: Draws) -> None:
    """Pools share the day's volume; the fee APR needs seven days, so the first six have none."""
    tvls = [float(tvl) for _, tvl, _ in POOLS]
    recent: list[list[float]] = [[] for _ in POOLS]
    for day in period.days:
        since = day - period.opening
        shares = _shares(draws)
        for place, (name, level, _) in enumerate(POOLS):
            volume = volumes[since // 7] * WEEKDAYS[since % 7] / 7 * shares[place]
            tvls[place] = tvls[place] * draws.between(0.985, 1.015) + 0.02 * (level - tvls[place])
            recent[place] = [*recent[place][1 - FEE_DAYS :], volume]
            apr = _fee_apr(recent[place], tvls[place])
            write((period.text(day), name, f"{tvls[place]:.2f}", f"{volume:.2f}", apr))


def _shares(draws: Draws) -> list[float]:
    """Shares of the pools on a day; they add up to 1."""
    drawn, total = [], 0.0
    for _, _, share in POOLS:
        drawn.append(share * draws.between(0.8, 1.2))
        total += drawn[-1]
    return [share / total for share in drawn]


def _fee_apr(recent: Sequence[float], tvl: float) -> str:
    """Percent a year."""
    if len(recent) < FEE_DAYS:
        return ""
    total = 0.0
    for volume in recent:
        total += volume
    return f"{100 * POOL_FEE * total / FEE_DAYS * 365 / tvl:.4f}"


def write_trades(write: Write, period: Period, draws: Draws) -> None:
    """Volume of each protocol; one is launched half way."""
    for day in period.days:
        weekday = WEEKDAYS[(day - period.opening) % 7]
        for protocol, level in PROTOCOLS:
            volume = level * weekday * draws.between(0.7, 1.3)
            if protocol != LAUNCHED_PROTOCOL or day >= period.calendar.launch:
                write((period.text(day), protocol, f"{volume:.2f}"))


def write_transactions(write: Write, period: Period, draws: Draws) -> None:
    """Transactions and gas price of the chain; one day is missing."""
    for day in period.days:
        count, gas = int(140_000 * draws.between(0.8, 1.2)), draws.between(1.2, 3.4)
        if day != MISSING_TRANSACTIONS_DAY:
            write((period.text(day), str(count), f"{gas:.4f}"))


def staked_series(period: Period, draws: Draws) -> list[float]:
    """GNO staked at the end of each day; it grows."""
    staked, series = 260_000.0, []
    for _ in period.days:
        staked += draws.between(-150.0, 350.0)
        series.append(staked)
    return series


def write_staked(write: Write, period: Period, staked: Sequence[float]) -> None:
    """One Sunday is missing."""
    for day, value in zip(period.days, staked, strict=True):
        if day != period.missing_staked_day:
            write((period.text(day), f"{value:.4f}"))


def _walk(draws: Draws, step: float, low: float, high: float) -> Iterator[float]:
    """A level a week that wanders around 1 between two bounds, seven days each."""
    level = 1.0
    while True:
        level = min(max(level + draws.between(-step, step), low), high)
        for _ in range(7):
            yield level


def write_validators(write: dict[str, Write], period: Period, staked: Sequence[float], draws: Draws) -> None:
    """Rewards and income of validators follow one walk (collinear), their yield another."""
    efficiency = 1.0
    activity, yields = _walk(draws, 0.12, 0.5, 1.6), _walk(draws, 0.08, 0.7, 1.3)
    for day, balance in zip(period.days, staked, strict=True):
        if (day - period.opening) % 7 == 0:
            efficiency = draws.between(0.93, 1.07)
        level = next(activity)
        rewards = 38.0 * level * draws.between(0.96, 1.04)
        income = 118.0 * level * efficiency * draws.between(0.96, 1.04)
        blocks = 17_280 - draws.below(240)
        apy = 8.5 * next(yields) * draws.between(0.99, 1.01)
        write["proposer_rewards_daily"]((period.text(day), f"{rewards:.6f}", str(blocks)))
        write["validators_income_daily"]((period.text(day), f"{income:.6f}"))
        write["validator_apy_daily"]((period.text(day), f"{apy:.4f}", f"{balance:.4f}"))


def write_bridges(write: Write, period: Period, draws: Draws) -> None:
    """Flows of whole weeks; one week is missing, another one for the last bridge."""
    for week, monday in enumerate(period.whole_weeks):
        for bridge, level in BRIDGES:
            flows = [f"{level * draws.between(0.6, 1.4):.2f}" for _ in ("in", "out")]
            last_is_missing = week == MISSING_BRIDGE_WEEK and bridge == BRIDGES[-1][0]
            if week != MISSING_BRIDGES_WEEK and not last_is_missing:
                write((period.text(monday), bridge, *flows))


def write_weeks(
    write: Write, period: Period, missing: Sequence[int], values: Callable[[int, int], Sequence[str]]
) -> None:
    """Whole weeks of a source; `values` of the number of a week and of its Monday."""
    for week, monday in enumerate(period.whole_weeks):
        if week not in missing:
            write((period.text(monday), *values(week, monday)))


def week_money(cents: Sequence[int], monday: int) -> str:
    """Money of one whole week from cents of each day."""
    return money(sum(cents[monday : monday + 7]))
