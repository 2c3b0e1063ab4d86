"""Demo data of the `gnosis` stack: two years of an app and of card wallets on a chain, and of the market around them.

One CSV file for each source of the stack, two years up to as_of; lists are joined by ';', booleans are true and false,
times are ISO in UTC, an empty field is NULL. The same arguments give the same bytes on every machine. `COLUMNS` holds
every column with its DuckDB type; `gnosis_app` draws users, `gnosis_pay` Safes, `gnosis_market` the series,
`gnosis_planted` the cases below. The scale multiplies people, not the market.

**People** (scale 1). 3,400 users of the app join, come back in 5 sessions on average, and swap, top up, claim offers or
buy; 6 % of the sessions are not tracked, 7 % not identified, 4 % not production; 12 % of the swaps are never filled;
3 % of the amounts are unknown. 90 strangers swap and visit although `users_current` does not know them. 1,200 Safes of
1 to 3 owners; a quarter of the first owners use the app, one in twenty owns the Safe before as well; 97 % are served by
the one shared delegate. About 195 thousand rows, 83 thousand of them in `mixpanel_events`, 60 thousand in
`gpay_activity`. `mixpanel_events` holds pseudonyms only, made with the public `DEMO_SALT`.

**Reconciles.** `users_current` counts the rows of `user_events`; `gnosis_app_users_daily` the users of `users_current`
with a row on the chain, a production, identified visit or first_seen_at on that day; `gpay_topups_weekly` the rows of
`gpay_topups`; `gpay_activity_weekly` the Safes with a row, the Payments and the Cashback of `gpay_activity` (Reversals
are not taken off). No two rows of `gpay_activity` agree in transaction, Safe, action, token, counterparty and amount.

**What moves the pools.** With c = USD of `token_offer_claims` in a week divided by the scale and r = USD of
`lm_rewards_daily` in it, week t (0: the week of the first day) has the volume, over all pools,

    1,200,000 x (1 + 0.10 t / 52) x noise of 3 %  +  250 A(c)  +  12 A(r),     A(x) = x_t + 0.5 A(x)_(t-1)

Offers run at a new level each week, none in a fifth of the weeks. Liquidity rewards begin half way, on a Monday, like
the protocol Uniswap V3. `bridge_incentives_daily` pays 800 USD every day: no variance. Proposer rewards and income of
validators follow one walk: |r| > 0.9 by week, the only such pair of media. Daily series begin on the Monday on or
before the first day (those of the app on the first day); weekly sources hold whole weeks only.

**Planted at every scale** (`planted_user(n)`, `planted_safe(n)` and constants of `gnosis_names`)

    in the app: 46 users
      101-112, 201-212   topups at midnight of the first of 12 months, and in the microsecond before
      301-303            3 topups and a claim in one second, two topups in one transaction; first and last touches tie
      401-404            a whole funnel each (onboard, claim, pageview, modal) over a midnight that ends a month
      405, 406, 407      topup 30 days and 1 microsecond after the entry; exactly 30 days after; before the swap
      501-504            swaps: filled 5 s after it was signed; in the same second; never; without amount
      607, 630, 660      touches exactly N days before a topup, a microsecond earlier, and at its moment
      701-703            two rows in users_current in two spellings, the second without heuristics and a day later
      801                also owns APP_USER_SAFE
      901, 902           not in users_current (not among the 46)
      903                a purchase after 1 unidentified, 1 test and 1 unidentified test visit: without any touch
    12 Safes
      EARLY_SAFE            first inflow 40 days before the two years, another on the tenth day
      TWO_SAFES             one owner; each with a payment in the same transaction
      FOUR_ROW_SAFE         2 owners and the shared delegate: 4 rows in the bridge
      BATCH_SAFE            two first inflows in one transaction; 2 payments and a cashback in another
      MONTH_END_SAFE        12 payments at midnights, 12 in the microsecond before
      OWN_DELEGATE_SAFE, NO_DELEGATE_SAFE
      REVERSAL_SAFE         a payment, its reversal, an action `other` without amounts
      SPELLED_TWICE_SAFE    two rows in gpay_wallets and two of its owner's set-up, in two spellings
      APP_USER_SAFE         its owner is user 801
      CHANGED_OWNERS_SAFE   2 owners at set-up, one added, one removed
    gaps, days and weeks counted from 0: transactions_info_daily lacks day 200, token_prices_daily GNO on day 300,
      staked_daily the first Sunday from day 400 on; of the whole weeks gpay_topups_weekly lacks 20 and 21,
      gpay_activity_weekly 30, bridges_netflow_weekly 40, and 60 of Celer
    fee_apr_7d is NULL on the first 6 days of each pool, which have no seven days behind them
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from measure_cli.demo import gnosis_market as market
from measure_cli.demo.draws import Draws
from measure_cli.demo.folder import check_extent, files_of
from measure_cli.demo.gnosis_app import AppUsers, AppWorld
from measure_cli.demo.gnosis_ledger import AppLedger, Clock, Write, tables
from measure_cli.demo.gnosis_names import DEMO_SALT, pseudonym
from measure_cli.demo.gnosis_pay import PayLedger, PayWorld, Safes
from measure_cli.demo.gnosis_planted import write_planted_safes, write_planted_users
from measure_cli.demo.starter_shop import Calendar

__all__ = ["COLUMNS", "DEMO_SALT", "generate", "pseudonym"]

TEXT, TIME, DATE, FLAG, COUNT = "VARCHAR", "TIMESTAMP", "DATE", "BOOLEAN", "BIGINT"
MONEY, REAL = "DECIMAL(18,6)", "DOUBLE"

_ON_CHAIN = {"block_timestamp": TIME, "transaction_hash": TEXT, "log_index": COUNT}
_SEEN = {"first_seen_at": TIME, "last_seen_at": TIME}
_FLAGS = {"is_production": FLAG, "is_identified": FLAG}
_PLACE = {"device_type": TEXT, "country_code": TEXT, "page_path": TEXT, "bottom_sheet": TEXT}
COLUMNS: dict[str, dict[str, str]] = {
    "users_current": {
        "address": TEXT, **_SEEN, "heuristic_kinds": TEXT, "heuristic_hits": COUNT, "n_distinct_heuristics": COUNT,
    },
    "user_events": {"address": TEXT, "heuristic_kind": TEXT, "block_timestamp": TIME, "transaction_hash": TEXT},
    "swaps": {
        "taker": TEXT, "order_uid": TEXT, "block_timestamp": TIME, "first_fill_at": TIME, "was_filled": FLAG,
        "amount_usd": MONEY,
    },
    "gpay_topups": {"ga_user": TEXT, **_ON_CHAIN, "amount_usd": MONEY, "token_bought_symbol": TEXT},
    "token_offer_claims": {"ga_user": TEXT, **_ON_CHAIN, "amount_received_usd": MONEY, "offer_token_symbol": TEXT},
    "marketplace_payments": {"payer": TEXT, **_ON_CHAIN, "offer_name": TEXT},
    "mixpanel_events": {
        "insert_id": TEXT, "event_time": TIME, "event_date": DATE, "user_id_hash": TEXT, "event_category": TEXT,
        "event_name": TEXT, **_FLAGS, **_PLACE,
    },
    "gpay_wallets": {"address": TEXT},
    "gpay_activity": {
        "wallet_address": TEXT, "block_timestamp": TIME, "transaction_hash": TEXT, "token_address": TEXT,
        "counterparty": TEXT, "direction": TEXT, "action": TEXT, "symbol": TEXT, "amount": MONEY, "amount_usd": MONEY,
    },
    "safes_owner_events": {"safe_address": TEXT, "owner": TEXT, "event_kind": TEXT, "block_timestamp": TIME},
    "gpay_spender_delegates": {"gp_safe": TEXT, "delegate_address": TEXT},
    "token_prices_daily": {"date": DATE, "symbol": TEXT, "price": REAL},
    "transactions_info_daily": {"date": DATE, "n_txs": COUNT, "gas_price_median": REAL},
    "pools_daily": {"date": DATE, "pool": TEXT, "tvl_usd": REAL, "volume_usd_daily": REAL, "fee_apr_7d": REAL},
    "trades_by_protocol_daily": {"date": DATE, "protocol": TEXT, "volume_usd": REAL},
    "gpay_activity_weekly": {"week": DATE, "active_users": COUNT, "payment_volume_usd": REAL, "cashback_usd": REAL},
    "gnosis_app_users_daily": {"date": DATE, "active_users": COUNT, "new_users": COUNT},
    "gpay_topups_weekly": {"week": DATE, "n_topups": COUNT, "volume_usd": REAL},
    "staked_daily": {"date": DATE, "gno_staked": REAL},
    "bridges_netflow_weekly": {"week": DATE, "bridge": TEXT, "inflow_usd": REAL, "outflow_usd": REAL},
    "proposer_rewards_daily": {"date": DATE, "rewards_gno": REAL, "blocks_proposed": COUNT},
    "validators_income_daily": {"date": DATE, "income_gno": REAL},
    "validator_apy_daily": {"date": DATE, "apy": REAL, "balance_gno": REAL},
    "lm_rewards_daily": {"date": DATE, "outlay_usd": REAL},
    "bridge_incentives_daily": {"date": DATE, "outlay_usd": REAL},
}  # fmt: skip


def generate(folder: Path, *, as_of: date, scale: float = 1.0, seed: int = 7) -> dict[str, Path]:
    """Write the sources as CSV files into the folder; none is ever there half-written.

    Args:
        folder: created when missing; files of the same names are replaced.
        as_of: first day that is not covered; the demo begins two years earlier.
        scale: number of people, in multiples of the figures above.
        seed: another seed gives another two years of the same world.

    Returns:
        The file of each source.
    """
    check_extent(scale, as_of)
    columns = {source: tuple(types) for source, types in COLUMNS.items()}
    with files_of(folder, COLUMNS) as unfinished, tables(unfinished, columns) as write:
        _write_sources(write, Calendar.until(as_of), scale, seed)
    return {source: folder / f"{source}.csv" for source in COLUMNS}


def _write_sources(write: dict[str, Write], calendar: Calendar, scale: float, seed: int) -> None:
    """The streams are fixed: a change of one source leaves the draws of the others as they were."""
    clock, period = Clock(calendar), market.Period(calendar)
    prices = market.price_series(period, Draws(seed, 0))
    app = AppLedger(clock, write, seed)
    world = AppWorld(calendar.days, scale, market.offer_plan(period, Draws(seed, 1)))
    AppUsers(world, app, Draws(seed, 2)).write()
    write_planted_users(app)
    pay = PayLedger(clock, write, seed, {symbol: series[-period.opening :] for symbol, series in prices.items()})
    Safes(PayWorld(calendar.days, scale, world.users), pay, Draws(seed, 3)).write()
    write_planted_safes(pay)
    market.write_prices(write["token_prices_daily"], period, prices)
    _write_chain(write, period, seed)
    claims = [usd / scale for usd in market.weekly_usd(period, app.claimed_cents)]
    _write_pools(write, period, claims, seed)
    _write_app_totals(write, period, app)
    _write_pay_totals(write["gpay_activity_weekly"], period, pay)


def _write_chain(write: dict[str, Write], period: market.Period, seed: int) -> None:
    staked = market.staked_series(period, Draws(seed, 4))
    market.write_staked(write["staked_daily"], period, staked)
    market.write_validators(write, period, staked, Draws(seed, 5))
    market.write_transactions(write["transactions_info_daily"], period, Draws(seed, 6))
    market.write_trades(write["trades_by_protocol_daily"], period, Draws(seed, 7))
    market.write_bridges(write["bridges_netflow_weekly"], period, Draws(seed, 8))
    market.write_incentives(write["bridge_incentives_daily"], period)


def _write_pools(write: dict[str, Write], period: market.Period, claims: list[float], seed: int) -> None:
    """What pools earn follows from token offers and liquidity rewards."""
    rewards = market.write_rewards(write["lm_rewards_daily"], period, Draws(seed, 9))
    volumes = market.pool_volumes(claims, rewards, Draws(seed, 10))
    market.write_pools(write["pools_daily"], period, volumes, Draws(seed, 11))


def _write_app_totals(write: dict[str, Write], period: market.Period, app: AppLedger) -> None:
    for day in range(period.calendar.days):
        users = (str(app.active_users[day]), str(app.new_users[day]))
        write["gnosis_app_users_daily"]((period.text(day), *users))

    def topups(_: int, monday: int) -> tuple[str, str]:
        return str(sum(app.topups[monday : monday + 7])), market.week_money(app.topup_cents, monday)

    market.write_weeks(write["gpay_topups_weekly"], period, market.MISSING_TOPUP_WEEKS, topups)


def _write_pay_totals(write: Write, period: market.Period, pay: PayLedger) -> None:
    def totals(week: int, monday: int) -> tuple[str, str, str]:
        money = (market.week_money(pay.payment_cents, monday), market.week_money(pay.cashback_cents, monday))
        return str(pay.active_safes[week]), *money

    market.write_weeks(write, period, (market.MISSING_ACTIVITY_WEEK,), totals)
