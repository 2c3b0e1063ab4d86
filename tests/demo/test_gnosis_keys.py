"""Keys of the `gnosis` demo: spellings, foreign keys, unique keys; and that pseudonyms are all that visits reveal."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pytest

from measure_cli.demo.gnosis import COLUMNS, DEMO_SALT, generate, pseudonym
from measure_cli.demo.gnosis_names import mixed_case, respelled
from tests.demo.gnosis_world import AS_OF, SCALES, world

ADDRESS_COLUMNS = (
    ("users_current", "address", "mixed"),
    ("user_events", "address", "lower"),
    ("swaps", "taker", "mixed"),
    ("gpay_topups", "ga_user", "lower"),
    ("token_offer_claims", "ga_user", "mixed"),
    ("marketplace_payments", "payer", "lower"),
    ("gpay_wallets", "address", "mixed"),
    ("gpay_activity", "wallet_address", "lower"),
    ("safes_owner_events", "safe_address", "lower"),
    ("safes_owner_events", "owner", "mixed"),
    ("gpay_spender_delegates", "gp_safe", "mixed"),
    ("gpay_spender_delegates", "delegate_address", "lower"),
)
ONE_ROW_A_DAY = [
    source
    for source, columns in COLUMNS.items()
    if "date" in columns and not {"symbol", "pool", "protocol"} & {*columns}
]


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "column", "spelling"), ADDRESS_COLUMNS)
def test_addresses_are_spelled_as_documented(source: str, column: str, spelling: str) -> None:
    addresses = world(1.0).column(f"SELECT DISTINCT {column} FROM {source}")
    assert all(re.fullmatch("0x[0-9a-fA-F]{40}", address) for address in addresses)
    lower = sum(address == address.lower() for address in addresses)
    assert lower == len(addresses) if spelling == "lower" else lower < 0.1 * len(addresses)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("child", "column", "parent"),
    [
        ("user_events", "address", "users_current"),
        ("gpay_topups", "ga_user", "users_current"),
        ("token_offer_claims", "ga_user", "users_current"),
        ("marketplace_payments", "payer", "users_current"),
        ("gpay_activity", "wallet_address", "gpay_wallets"),
        ("safes_owner_events", "safe_address", "gpay_wallets"),
        ("gpay_spender_delegates", "gp_safe", "gpay_wallets"),
    ],
)
def test_foreign_keys_meet_in_lower_case(scale: float, child: str, column: str, parent: str) -> None:
    orphans = f"SELECT count(*) FROM {child} WHERE lower({column}) NOT IN (SELECT lower(address) FROM {parent})"
    assert world(scale).value(orphans) == 0


@pytest.mark.parametrize("scale", SCALES)
def test_some_swaps_and_visits_are_of_strangers(scale: float) -> None:
    data = world(scale)
    known = {pseudonym(address, DEMO_SALT) for address in data.column("SELECT address FROM users_current")}
    visitors = set(data.column("SELECT DISTINCT user_id_hash FROM mixpanel_events WHERE is_identified"))
    takers = set(data.column("SELECT DISTINCT lower(taker) FROM swaps"))
    strange = takers - set(data.column("SELECT lower(address) FROM users_current"))
    assert len(strange) >= 4
    assert {pseudonym(taker, DEMO_SALT) for taker in strange} >= visitors - known
    assert len(visitors - known) >= 4
    assert len(visitors & known) > 0.8 * len(known)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("user_events", "transaction_hash"),
        ("swaps", "order_uid"),
        ("gpay_topups", "transaction_hash, log_index"),
        ("token_offer_claims", "transaction_hash, log_index"),
        ("marketplace_payments", "transaction_hash, log_index"),
        ("mixpanel_events", "insert_id"),
        ("gpay_activity", "transaction_hash, wallet_address, action, token_address, counterparty, amount"),
        ("gpay_spender_delegates", "gp_safe, delegate_address"),
        ("token_prices_daily", "date, symbol"),
        ("pools_daily", "date, pool"),
        ("trades_by_protocol_daily", "date, protocol"),
        ("bridges_netflow_weekly", "week, bridge"),
        ("gpay_activity_weekly", "week"),
        ("gpay_topups_weekly", "week"),
        *((source, "date") for source in ONE_ROW_A_DAY),
    ],
)
def test_keys_are_unique(scale: float, source: str, key: str) -> None:
    repeated = f"SELECT count(*) FROM (SELECT {key} FROM {source} GROUP BY ALL HAVING count(*) > 1)"
    assert world(scale).value(repeated) == 0


# -- privacy ------------------------------------------------------------------------------------------------------


def test_pseudonyms_are_keyed_hashes_of_the_trimmed_lower_case_address() -> None:
    address = "0xAbCdEf0123456789aBcDeF0123456789abcdef01"
    key = bytes.fromhex(DEMO_SALT)
    expected = hmac.new(key, address.lower().encode(), hashlib.sha256).hexdigest()[:16]
    assert pseudonym(address, DEMO_SALT) == expected
    assert pseudonym(f"  {respelled(address)} ", DEMO_SALT) == expected
    assert pseudonym(address, "00" * 16) != expected
    assert len(key) == 32


def test_visits_carry_the_pseudonyms_of_known_users() -> None:
    data = world(0.1)
    key = bytes.fromhex(DEMO_SALT)
    addresses = data.column("SELECT lower(address) FROM users_current UNION SELECT lower(taker) FROM swaps")
    expected = {hmac.new(key, address.encode(), hashlib.sha256).hexdigest()[:16] for address in addresses}
    visitors = set(data.column("SELECT DISTINCT user_id_hash FROM mixpanel_events"))
    assert visitors <= expected
    assert all(re.fullmatch("[0-9a-f]{16}", hashed) for hashed in visitors)


def test_mixpanel_events_hold_no_address(tmp_path: Path) -> None:
    files = generate(tmp_path, as_of=AS_OF, scale=0.1)
    text = files["mixpanel_events"].read_text().lower()
    assert "0x" not in text
    for line in files["users_current"].read_text().lower().splitlines()[1:]:
        assert line[2:42] not in text
    assert all(DEMO_SALT not in file.read_text() for file in files.values())


def test_another_spelling_differs_for_every_planted_address() -> None:
    for address in world(0.1).column("SELECT address FROM users_current WHERE lower(address) LIKE '0xabba00%'"):
        assert respelled(address) != address
        assert mixed_case(address.lower()) in (address, respelled(address))
