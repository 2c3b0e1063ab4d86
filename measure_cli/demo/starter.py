"""Demo data of the `starter` stack: two years of a small web shop whose truth is known.

Five sources, as an analyst would export them: touchpoints, conversions, spend, kpis, controls; money in EUR, times in
UTC. The same arguments give the same bytes on every machine. `starter_shop` holds the shop's constants,
`starter_journeys` draws the journeys. Figures below are for scale 1; the scale multiplies users, spend and visits, and
with them the precision of whatever is estimated.

**What causes conversions.** Only the channel that begins a journey; later touches bring the user back but change
nothing. With w(d) = weekday x holiday (0.6) x price (1 % dearer: 2 % fewer), day d brings, besides resellers,

    w(d) x [ 2.42 x trend(d) x season(d)  +  sum over paid channels of  e x sum over k of (1 - r) r^k x hill(d - k) ]

conversions, where hill = 2x / (x + 1) with x = spend in mean daily budgets (half saturated at the mean), r is the daily
carry-over (geometric adstock) and e the conversions a day at the mean budget; trend grows by 20 % a year, season
reaches 1.5 in November and 1.65 in December.

    channel      budget a day   e     r     CPC   CTR    part in journeys
    Paid Search  36             0.84  0.30  0.55  6 %    closes a quarter of them
    Paid Social  22             0.91  0.60  0.59  1.1 %  begins; paused for two weeks (spend rows with 0)
    Display      12             1.43  0.80  0.73  0.3 %  begins, hardly ever closes
    Video        20             1.60  0.85  1.33  0.6 %  begins, hardly ever closes; launched half way (no rows before)
    Affiliate     8             0.34  0.40  0.35  2 %    closes with coupons
    Email, Organic Search, Referral, Direct: no spend; Email and Direct close, Organic Search begins

So the revenue per EUR of Display is about 5 by first touch and 0.7 by last touch, that of Paid Search 0.9 and 2.3.
Budgets run in three-week flights at 40 to 160 %. The price index steps from 1.00 to 1.03 to 1.06 and falls by 12 % in
the promotion weeks (ISO weeks 4, 18, 30, 48). `site_visits` is 260 x trend x season a day and 0.9 a paid click.

**Size.** About 65 thousand touchpoints of 24 thousand users, 5,400 conversions: one in five a newsletter sign-up
without amount, the others purchases of 65 EUR on average, 1.5 % of them without amount; revenue is 4 x spend. 6 % of
the journeys that convert are not tracked. Customers come back. Four resellers hold 1,460 touches and 81 purchases each.

**Planted at every scale** (`write_edge_cases`, `write_unusable`): purchases at midnight and in the last microsecond
of twelve months, three purchases of one user in one second, ties of first and of last touches, touches exactly on the
edges of 7, 30 and 60 days; and 12 rows that nobody can use: 6 touchpoints, 4 conversions, 2 rows of spend.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from measure_cli.demo.draws import Draws
from measure_cli.demo.folder import check_extent, files_of
from measure_cli.demo.starter_journeys import (
    Journeys,
    Ledger,
    Market,
    Write,
    write_edge_cases,
    write_resellers,
    write_unusable,
)
from measure_cli.demo.starter_shop import (
    CHANNELS,
    OPENING_BUDGET_SHARE,
    Calendar,
    Channel,
    Media,
    interest,
    is_holiday,
    media_plan,
    price_indices,
    willingness,
)

COLUMNS = {
    "touchpoints": ("event_id", "user_id", "event_ts", "event_kind", "event_source", "campaign", "interaction"),
    "conversions": ("conversion_id", "user_id", "conversion_ts", "conversion_kind", "amount", "currency"),
    "spend": ("date", "channel", "platform", "campaign", "spend", "impressions", "clicks"),
    "kpis": ("week", "kpi_name", "value"),
    "controls": ("date", "control_name", "value"),
}

VISITS_A_DAY = 260
VISITS_A_CLICK = 0.9


def generate(folder: Path, *, as_of: date, scale: float = 1.0, seed: int = 7) -> dict[str, Path]:
    """Write the five sources as CSV files into the folder; none is ever there half-written.

    Args:
        folder: created when missing; files of the same names are replaced.
        as_of: first day that is not covered; the demo begins two years earlier.
        scale: size of the shop.
        seed: another seed gives another two years of the same shop.

    Returns:
        The file of each source.
    """
    check_extent(scale, as_of)
    with files_of(folder, COLUMNS) as unfinished:
        _write_sources(unfinished, Calendar.until(as_of), scale, seed)
    return {source: folder / f"{source}.csv" for source in COLUMNS}


def _write_sources(folder: Path, calendar: Calendar, scale: float, seed: int) -> None:
    """The streams are fixed: a change of one source leaves the draws of the others as they were."""
    prices = price_indices(calendar, Draws(seed, 0))
    plan = media_plan(calendar, Draws(seed, 1))
    willing = {day: willingness(day, calendar, price) for day, price in prices.items()}
    market = Market(calendar, plan, prices, willing, scale)
    with _table(folder, "touchpoints") as write_touch, _table(folder, "conversions") as write_conversion:
        ledger = Ledger(calendar, write_touch, write_conversion)
        Journeys(market, ledger, Draws(seed, 2)).write()
        write_resellers(market, ledger, Draws(seed, 3))
        write_edge_cases(ledger)
        write_unusable(ledger)
    with _table(folder, "spend") as write:
        clicks = _write_spend(write, market, Draws(seed, 4))
    with _table(folder, "kpis") as write:
        _write_visits(write, market, clicks, Draws(seed, 5))
    with _table(folder, "controls") as write:
        _write_controls(write, market)


@contextmanager
def _table(folder: Path, source: str) -> Iterator[Write]:
    """Open the file of a source and write its header."""
    with Path(folder, f"{source}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS[source])
        yield writer.writerow


def _write_spend(write: Write, market: Market, draws: Draws) -> list[int]:
    """One row for each day, paid channel and campaign; returns the clicks of each day."""
    clicks = [0] * market.calendar.days
    for day in range(market.calendar.days):
        for channel in CHANNELS:
            if channel.media and day in market.plan[channel.name]:
                spend = market.scale * market.plan[channel.name][day]
                for campaign, share in _campaigns(channel):
                    row = _bought(channel.media, spend * share, draws)
                    write((str(market.calendar.date_of(day)), channel.name, channel.media.platform, campaign, *row))
                    clicks[day] += int(row[2])
    _write_unusable_spend(write, market.calendar)
    return clicks


def _campaigns(channel: Channel) -> tuple[tuple[str, float], ...]:
    """Campaigns of a channel with their share of its budget."""
    opening, closing = channel.opening_campaign, channel.closing_campaign
    if opening == closing:
        return ((opening, 1.0),)
    return ((opening, OPENING_BUDGET_SHARE), (closing, 1 - OPENING_BUDGET_SHARE))


def _bought(media: Media, spend: float, draws: Draws) -> tuple[str, str, str]:
    """Spend, impressions and clicks, with ten percent of noise on the prices."""
    impressions = int(1000 * spend / (media.cost_per_mille * draws.between(0.9, 1.1)))
    clicks = min(draws.count(impressions * media.click_rate, noise=0.1), impressions)
    return f"{spend:.2f}", str(impressions), str(clicks)


def _write_unusable_spend(write: Write, calendar: Calendar) -> None:
    yesterday = str(calendar.date_of(calendar.days - 1))
    write((yesterday, "Paid Search", "google_ads", "correction", "-12.50", "0", "0"))
    write(("Total", "Paid Search", "google_ads", "", "100.00", "0", "0"))


def _write_visits(write: Write, market: Market, clicks: list[int], draws: Draws) -> None:
    """Visits of each whole week: those that come on their own, and nine of ten clicks; four percent of noise."""
    calendar = market.calendar
    for monday in range(calendar.monday_after(0), calendar.days - 6, 7):
        own = 0.0
        for day in range(monday, monday + 7):
            own += market.scale * VISITS_A_DAY * interest(day, calendar)
        visits = own * draws.between(0.96, 1.04) + VISITS_A_CLICK * sum(clicks[monday : monday + 7])
        write((str(calendar.date_of(monday)), "site_visits", str(int(visits))))


def _write_controls(write: Write, market: Market) -> None:
    """Price index and holiday flag of each day."""
    for day in range(market.calendar.days):
        today = market.calendar.date_of(day)
        write((str(today), "price_index", f"{market.prices[day]:.4f}"))
        write((str(today), "holiday", "1" if is_holiday(today) else "0"))
