"""The `gnosis` demo: the same bytes everywhere, whole files, values as documented, totals that reconcile."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from measure_cli.demo.gnosis import COLUMNS, DEMO_SALT, generate, pseudonym
from measure_cli.demo.gnosis_names import SHARED_DELEGATE
from measure_cli.errors import ProjectError
from tests.demo.gnosis_world import AS_OF, MIDNIGHT, SCALES, world

SOURCES = [
    "users_current", "user_events", "swaps", "gpay_topups", "token_offer_claims", "marketplace_payments",
    "mixpanel_events", "gpay_wallets", "gpay_activity", "safes_owner_events", "gpay_spender_delegates",
    "token_prices_daily", "transactions_info_daily", "pools_daily", "trades_by_protocol_daily",
    "gpay_activity_weekly", "gnosis_app_users_daily", "gpay_topups_weekly", "staked_daily",
    "bridges_netflow_weekly", "proposer_rewards_daily", "validators_income_daily", "validator_apy_daily",
    "lm_rewards_daily", "bridge_incentives_daily",
]  # fmt: skip
HEURISTICS = {
    "circles_register_human",
    "circles_invite_human",
    "circles_trust",
    "circles_profile_update",
    "circles_metri_fee",
    "safe_invitation_module",
}
TIMES = [
    (source, column)
    for source, columns in COLUMNS.items()
    for column, kind in columns.items()
    if kind == "TIMESTAMP" and (source, column) != ("swaps", "first_fill_at")
]


def fingerprint(files: dict[str, Path]) -> dict[str, str]:
    return {source: hashlib.sha256(file.read_bytes()).hexdigest() for source, file in files.items()}


# -- files --------------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    once = fingerprint(generate(tmp_path / "once", as_of=AS_OF, scale=0.05))
    assert fingerprint(generate(tmp_path / "twice", as_of=AS_OF, scale=0.05)) == once


def test_the_bytes_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    files = generate(tmp_path, as_of=AS_OF, scale=0.05)
    digest = hashlib.sha256(b"".join(files[source].read_bytes() for source in COLUMNS)).hexdigest()
    assert digest == "853c5fa695b3f1e78c3675486c32c6384d40807719ca72998be3cad8fceff9fb"


def test_another_seed_gives_other_data(tmp_path: Path) -> None:
    seven = fingerprint(generate(tmp_path / "7", as_of=AS_OF, scale=0.05))
    eight = fingerprint(generate(tmp_path / "8", as_of=AS_OF, scale=0.05, seed=8))
    assert [source for source in COLUMNS if seven[source] == eight[source]] == ["bridge_incentives_daily"]


def test_generation_replaces_the_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "swaps.csv").write_text("old")
    files = generate(tmp_path, as_of=AS_OF, scale=0.01)
    assert set(tmp_path.iterdir()) == set(files.values())
    assert files["swaps"].read_text().startswith("taker,")


def test_an_interrupted_generation_leaves_the_old_files(tmp_path: Path) -> None:
    before = fingerprint(generate(tmp_path, as_of=AS_OF, scale=0.01))
    code = (
        "from datetime import date; from pathlib import Path; from measure_cli.demo.gnosis import generate; "
        f"generate(Path({str(tmp_path)!r}), as_of=date(2025, 6, 30), scale=100)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not (begun := list(tmp_path.glob(".demo-*/users_current.csv"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert begun
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) != 0
    finally:
        process.kill()
        process.wait()
    assert {file.name for file in tmp_path.iterdir()} == {f"{source}.csv" for source in COLUMNS}
    assert fingerprint({source: tmp_path / f"{source}.csv" for source in COLUMNS}) == before


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 1e6])
def test_an_unusable_scale_is_refused_before_anything_is_written(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ProjectError, match="scale"):
        generate(tmp_path / "demo", as_of=AS_OF, scale=scale)
    assert not (tmp_path / "demo").exists()


def test_an_as_of_without_two_years_before_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="as_of"):
        generate(tmp_path / "demo", as_of=date(1, 1, 1))


def test_sources_and_columns_are_the_documented_ones(tmp_path: Path) -> None:
    files = generate(tmp_path, as_of=AS_OF, scale=0.01)
    assert list(COLUMNS) == SOURCES
    headers = {source: file.read_text().partition("\n")[0].split(",") for source, file in files.items()}
    assert headers == {source: list(columns) for source, columns in COLUMNS.items()}


def test_memory_does_not_grow_with_the_scale(tmp_path: Path) -> None:
    def peak(scale: float) -> int:
        tracemalloc.start()
        generate(tmp_path, as_of=AS_OF, scale=scale)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(0.01)  # imports and caches
    assert peak(0.15) < 1.3 * peak(0.03)


# -- size and period ----------------------------------------------------------------------------------------------


def test_scale_one_is_a_small_world() -> None:
    sizes = {source: world(1.0).value(f"SELECT count(*) FROM {source}") for source in COLUMNS}
    assert 150_000 <= sum(sizes.values()) <= 250_000
    assert sizes["mixpanel_events"] > 70_000
    assert sizes["gpay_activity"] > 50_000


def test_people_grow_with_the_scale_and_the_market_does_not() -> None:
    small, large = world(0.1), world(1.0)
    for source in COLUMNS:
        sizes = [one.value(f"SELECT count(*) FROM {source}") for one in (small, large)]
        if source.endswith(("_daily", "_weekly")):
            assert sizes[0] == sizes[1], source
        else:
            assert 7 < sizes[1] / sizes[0] < 12, source
    for source in ("token_prices_daily", "lm_rewards_daily", "staked_daily", "bridges_netflow_weekly"):
        everything = f"SELECT * FROM {source}"
        assert small.rows(everything) == large.rows(everything)


@pytest.mark.parametrize(("source", "column"), TIMES)
def test_people_stay_within_the_two_years(source: str, column: str) -> None:
    first, last = world(1.0).rows(f"SELECT min({column}), max({column}) FROM {source}")[0]
    early = source in ("gpay_activity", "safes_owner_events")
    assert first >= MIDNIGHT - timedelta(days=41 if early else 0)
    assert first < MIDNIGHT + timedelta(days=10)
    assert datetime(2025, 6, 23) < last < datetime(2025, 6, 30)


@pytest.mark.parametrize("as_of", [date(2025, 6, 30), date(2025, 7, 3), date(2024, 2, 29), date(2023, 1, 1)])
def test_series_begin_on_a_monday_and_weeks_are_whole(as_of: date) -> None:
    data = world(0.01, as_of)
    first = date(as_of.year - 2, as_of.month, min(as_of.day, 28) if as_of.month == 2 else as_of.day)
    monday = first - timedelta(days=first.weekday())
    for source in ("pools_daily", "token_prices_daily", "bridge_incentives_daily", "proposer_rewards_daily"):
        days = data.column(f"SELECT DISTINCT date FROM {source} ORDER BY date")
        assert days == [monday + timedelta(days=number) for number in range((as_of - monday).days)]
    for source in ("gpay_activity_weekly", "gpay_topups_weekly", "bridges_netflow_weekly"):
        weeks = data.column(f"SELECT week FROM {source} ORDER BY week")
        assert {week.weekday() for week in weeks} == {0}
        assert first <= weeks[0] < first + timedelta(days=7)
        assert timedelta(days=7) <= as_of - weeks[-1] < timedelta(days=14)
    users = data.column("SELECT date FROM gnosis_app_users_daily ORDER BY date")
    assert (users[0], users[-1], len(users)) == (first, as_of - timedelta(days=1), (as_of - first).days)


# -- values -------------------------------------------------------------------------------------------------------


def test_categories_are_the_documented_ones() -> None:
    data = world(0.1)
    assert set(data.column("SELECT DISTINCT heuristic_kind FROM user_events")) == HEURISTICS
    assert set(data.column("SELECT DISTINCT event_category FROM mixpanel_events")) == {
        "pageview", "modal", "feature", "navigation", "login", "system", "action", "other",
    }  # fmt: skip
    directions: dict[str, str] = dict(data.rows("SELECT DISTINCT action, direction FROM gpay_activity"))
    incoming = {action for action, direction in directions.items() if direction == "in"}
    assert incoming == {"Cashback", "Fiat Top Up", "Crypto Deposit", "Reversal"}
    assert set(directions) - incoming == {"Payment", "Fiat Off-ramp", "Crypto Withdrawal", "other"}
    assert data.value("SELECT count(*) FROM (SELECT DISTINCT action, direction FROM gpay_activity)") == 8
    kinds = data.column("SELECT DISTINCT event_kind FROM safes_owner_events")
    assert set(kinds) == {"safe_setup", "added_owner", "removed_owner"}
    assert set(data.column("SELECT DISTINCT symbol FROM token_prices_daily")) == {"GNO", "WETH", "WXDAI", "EURE"}


def test_token_addresses_are_one_to_one_with_symbols() -> None:
    pairs = world(1.0).rows("SELECT DISTINCT symbol, token_address FROM gpay_activity")
    assert len(pairs) == len({symbol for symbol, _ in pairs}) == len({address for _, address in pairs}) == 4


def test_event_date_is_the_day_of_event_time() -> None:
    assert world(0.1).value("SELECT count(*) FROM mixpanel_events WHERE event_date <> CAST(event_time AS DATE)") == 0


def test_some_values_are_missing_and_most_are_not() -> None:
    data = world(1.0)
    for source, column, least, most in (
        ("swaps", "amount_usd", 0.01, 0.06),
        ("gpay_topups", "amount_usd", 0.01, 0.06),
        ("mixpanel_events", "country_code", 0.01, 0.1),
        ("users_current", "heuristic_kinds", 0.1, 0.4),
        ("gpay_activity", "amount_usd", 0.01, 0.04),
    ):
        missing = data.value(f"SELECT avg(CAST({column} IS NULL AS DOUBLE)) FROM {source}")
        assert least < missing < most, (source, column)


@pytest.mark.parametrize("scale", SCALES)
def test_a_swap_has_a_fill_exactly_when_it_was_filled(scale: float) -> None:
    data = world(scale)
    assert data.value("SELECT count(*) FROM swaps WHERE was_filled <> (first_fill_at IS NOT NULL)") == 0
    assert data.value("SELECT count(*) FROM swaps WHERE first_fill_at < block_timestamp") == 0
    assert 0.06 < data.value("SELECT avg(CAST(NOT was_filled AS DOUBLE)) FROM swaps") < 0.2
    mechanical = "first_fill_at - block_timestamp BETWEEN INTERVAL 5 SECOND AND INTERVAL 60 SECOND"
    assert data.value(f"SELECT avg(CAST({mechanical} AS DOUBLE)) FROM swaps WHERE was_filled") > 0.99


@pytest.mark.parametrize("scale", SCALES)
def test_some_visits_are_unidentified_or_not_production(scale: float) -> None:
    flags = world(scale).rows("SELECT is_production, is_identified, count(*) FROM mixpanel_events GROUP BY ALL")
    counts = {(production, identified): count for production, identified, count in flags}
    assert len(counts) == 4
    assert counts[True, True] > 0.8 * sum(counts.values())


@pytest.mark.parametrize("scale", SCALES)
def test_almost_every_safe_has_the_shared_delegate(scale: float) -> None:
    data = world(scale)
    safes = data.value("SELECT count(DISTINCT lower(address)) FROM gpay_wallets")
    shared = data.value(f"SELECT count(*) FROM gpay_spender_delegates WHERE delegate_address = '{SHARED_DELEGATE}'")
    served = data.value("SELECT count(DISTINCT lower(gp_safe)) FROM gpay_spender_delegates")
    others = data.column(f"SELECT gp_safe FROM gpay_spender_delegates WHERE delegate_address <> '{SHARED_DELEGATE}'")
    assert 0.93 * safes < shared < safes
    assert served < safes
    assert others


def test_safes_have_one_to_three_first_owners() -> None:
    owners = """
        SELECT count(DISTINCT lower(owner)) AS owners FROM safes_owner_events
        WHERE event_kind = 'safe_setup' GROUP BY safe_address
    """
    assert set(world(1.0).column(owners)) == {1, 2, 3}
    repeated = "SELECT lower(owner) FROM safes_owner_events GROUP BY 1 HAVING count(DISTINCT safe_address) > 1"
    assert len(world(1.0).column(repeated)) > 20


# -- totals that reconcile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
def test_users_current_counts_its_heuristics(scale: float) -> None:
    difference = """
        WITH counted AS (
          SELECT address, count(*) AS hits, string_agg(DISTINCT heuristic_kind, ';' ORDER BY heuristic_kind) AS kinds,
            count(DISTINCT heuristic_kind) AS n_kinds
          FROM user_events GROUP BY address
        )
        SELECT count(*) FROM users_current AS u LEFT JOIN counted AS c ON lower(u.address) = c.address
        WHERE (u.heuristic_hits, coalesce(u.heuristic_kinds, ''), u.n_distinct_heuristics)
          <> (coalesce(c.hits, 0), coalesce(c.kinds, ''), coalesce(c.n_kinds, 0))
    """
    assert world(scale).value(difference) == 3  # the second spellings


@pytest.mark.parametrize("scale", SCALES)
def test_daily_users_are_the_distinct_users_with_a_row(scale: float) -> None:
    data = world(scale)
    seen = {
        (address, day)
        for source, user, time in (
            ("user_events", "address", "block_timestamp"),
            ("swaps", "taker", "block_timestamp"),
            ("swaps", "taker", "first_fill_at"),
            ("gpay_topups", "ga_user", "block_timestamp"),
            ("token_offer_claims", "ga_user", "block_timestamp"),
            ("marketplace_payments", "payer", "block_timestamp"),
        )
        for address, day in data.rows(f"SELECT lower({user}), CAST({time} AS DATE) FROM {source} WHERE {time} NOTNULL")
    }
    first_seen: dict[str, date] = dict(
        data.rows("SELECT lower(address), CAST(min(first_seen_at) AS DATE) FROM users_current GROUP BY 1")
    )
    address_of = {pseudonym(address, DEMO_SALT): address for address in first_seen}
    visits = data.rows("SELECT user_id_hash, event_date FROM mixpanel_events WHERE is_production AND is_identified")
    seen |= {(address_of.get(hashed, ""), day) for hashed, day in visits} | set(first_seen.items())
    active: dict[date, int] = {}
    for address, day in seen:
        active[day] = active.get(day, 0) + (address in first_seen)
    days = data.rows("SELECT date, active_users, new_users FROM gnosis_app_users_daily")
    assert {day: count for day, count, _ in days if count} == {day: count for day, count in active.items() if count}
    assert sum(new for _, _, new in days) == len(first_seen)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("weekly", "totals"),
    [
        (
            "SELECT * FROM gpay_activity_weekly",
            """
            SELECT CAST(date_trunc('week', block_timestamp) AS DATE) AS week, count(DISTINCT wallet_address) AS users,
              coalesce(sum(amount_usd) FILTER (action = 'Payment'), 0) AS paid,
              coalesce(sum(amount_usd) FILTER (action = 'Cashback'), 0) AS cashback
            FROM gpay_activity GROUP BY 1
            """,
        ),
        (
            "SELECT * FROM gpay_topups_weekly",
            """
            SELECT CAST(date_trunc('week', block_timestamp) AS DATE) AS week, count(*) AS n, sum(amount_usd) AS usd
            FROM gpay_topups GROUP BY 1
            """,
        ),
    ],
)
def test_weekly_sources_add_up_their_events(scale: float, weekly: str, totals: str) -> None:
    expected = {row[0]: [pytest.approx(float(value or 0)) for value in row[1:]] for row in world(scale).rows(totals)}
    rows = world(scale).rows(weekly)
    assert len(rows) > 100
    for week, *values in rows:
        assert values == expected.get(week, [0] * len(values)), week


def test_first_seen_is_before_last_seen() -> None:
    assert world(1.0).value("SELECT count(*) FROM users_current WHERE last_seen_at < first_seen_at") == 0
