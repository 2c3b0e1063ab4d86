"""Events, conversions and the bridge against the generated files."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from measure_cli.demo.gnosis_names import EARLY_SAFE, FOUR_ROW_SAFE, SHARED_DELEGATE, planted_user
from tests.gnosis import ledger
from tests.gnosis.project import AS_OF, Built, Rows

PAY_BRIDGE = "int_execution_gpay_user_identity_bridge"
APP_BRIDGE = "int_execution_gnosis_app_user_identity_bridge"


def assert_same(found: Rows, expected: Counter[Any]) -> None:
    """Rows as often as expected; the message shows some that are missing and some that are too many."""
    assert expected, "nothing to compare"
    rows = Counter(found)
    missing, extra = expected - rows, rows - expected
    assert (missing, extra) == (Counter(), Counter()), (
        f"missing {list(missing.items())[:3]}, extra {list(extra.items())[:3]}"
    )


def test_app_events(built: Built) -> None:
    relation = "intermediate.int_execution_gnosis_app_user_events_unified"
    found = built.rows(f"SELECT user_pseudonym, event_ts, event_kind, amount_usd FROM {relation}")
    assert_same(found, ledger.app_events(built))


def test_pay_events(built: Built) -> None:
    relation = "intermediate.int_execution_gpay_user_events_unified"
    found = built.rows(f"SELECT user_pseudonym, identity_role, event_ts, event_kind, amount_usd FROM {relation}")
    assert_same(found, ledger.pay_events(built))


def test_app_conversions(built: Built) -> None:
    relation = "intermediate.int_execution_gnosis_app_conversions"
    columns = "user_pseudonym, conversion_ts, conversion_kind, conversion_amount_usd"
    assert_same(built.rows(f"SELECT {columns} FROM {relation}"), ledger.app_conversions(built))


def test_pay_conversions(built: Built) -> None:
    relation = "intermediate.int_execution_gpay_conversions"
    columns = "user_pseudonym, identity_role, conversion_ts, conversion_kind"
    assert_same(built.rows(f"SELECT {columns} FROM {relation}"), ledger.pay_conversions(built))


def test_conversion_keys_are_unique(built: Built) -> None:
    for sector in ("gnosis_app", "gpay"):
        relation = f"intermediate.int_execution_{sector}_conversions"
        sql = f"SELECT count(*), count(DISTINCT conversion_dedup_key) FROM {relation}"
        ((rows, keys),) = built.rows(sql)
        assert rows == keys > 0


def test_app_bridge(built: Built) -> None:
    """One row for each address in whatever spelling, with the pseudonym of its lower case."""
    found = built.rows(f"SELECT address, user_pseudonym, first_seen_at FROM {built.place(APP_BRIDGE)}")
    seen = ledger.first_seen(built)
    assert_same(found, Counter((address, ledger.name_of(address), ts) for address, ts in seen.items()))
    assert planted_user(901) not in seen


def test_pay_bridge(built: Built) -> None:
    found = built.rows(
        f"SELECT address, user_pseudonym, identity_role, gp_safe, gp_safe_pseudonym FROM {built.place(PAY_BRIDGE)}"
    )
    expected = Counter(
        (row.address, ledger.name_of(row.address), row.role, row.safe, ledger.name_of(row.safe))
        for row in ledger.pay_bridge(built)
    )
    assert_same(found, expected)


def test_safe_of_four_rows(built: Built) -> None:
    rows = built.rows(f"SELECT identity_role, address FROM {built.place(PAY_BRIDGE)} WHERE gp_safe = '{FOUR_ROW_SAFE}'")
    assert Counter(role for role, _ in rows) == {"safe_self": 1, "initial_owner": 2, "delegate": 1}
    assert ("safe_self", FOUR_ROW_SAFE) in rows
    assert ("delegate", SHARED_DELEGATE) in rows


def test_funded_is_the_first_inflow_ever(built: Built) -> None:
    """Of every Safe once; that of one Safe lies before the two years of the demo."""
    sql = "SELECT user_pseudonym, conversion_ts FROM intermediate.int_execution_gpay_conversions"
    found = built.rows(f"{sql} WHERE conversion_kind = 'gpay_funded' AND identity_role = 'safe_self'")
    wallets = {row["address"].lower() for row in built.source("gpay_wallets")}
    first = {safe: ts for safe, ts in ledger.first_inflows(built).items() if safe in wallets}
    assert_same(found, Counter((ledger.name_of(safe), ts) for safe, ts in first.items()))
    assert first[EARLY_SAFE].date() < AS_OF - timedelta(days=2 * 366)
