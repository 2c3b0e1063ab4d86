"""Rows of the `gnosis` demo that are planted on purpose: at every scale, at every date."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from measure_cli.demo import gnosis_names as names
from measure_cli.demo.gnosis import COLUMNS, DEMO_SALT, pseudonym
from measure_cli.demo.gnosis_names import planted_owner, planted_user
from measure_cli.demo.gnosis_planted import (
    EARLY_DAYS,
    MONTH_ENDS,
    PLANTED_SAFES,
    PLANTED_USERS,
    SAME_SECOND_USERS,
    SPELLED_TWICE_USERS,
    WINDOW_DAYS,
)
from tests.demo.gnosis_world import MIDNIGHT, SCALES, World, moment, world

USER_COLUMNS = {
    "users_current": "address",
    "user_events": "address",
    "swaps": "taker",
    "gpay_topups": "ga_user",
    "token_offer_claims": "ga_user",
    "marketplace_payments": "payer",
}
SAFE_COLUMNS = {
    "gpay_wallets": "address",
    "gpay_activity": "wallet_address",
    "safes_owner_events": "safe_address",
    "gpay_spender_delegates": "gp_safe",
}
ENTRY = datetime(2025, 3, 31, 23, 59, 50)  # ten seconds before the midnight that begins the third last month
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(params=SCALES)
def data(request: pytest.FixtureRequest) -> World:
    return world(request.param)


def of_user(data: World, number: int, source: str, *columns: str) -> list[Any]:
    """Rows of a planted user, in order of time."""
    where = f"lower({USER_COLUMNS[source]}) = '{planted_user(number)}'"
    rows = data.rows(f"SELECT {', '.join(columns)} FROM {source} WHERE {where} ORDER BY ALL")
    return [row[0] for row in rows] if len(columns) == 1 else rows


def visits(data: World, number: int) -> list[tuple[datetime, str]]:
    hashed = pseudonym(planted_user(number), DEMO_SALT)
    return [
        (time, category)
        for time, category in data.rows(
            f"SELECT event_time, event_category FROM mixpanel_events WHERE user_id_hash = '{hashed}' ORDER BY ALL"
        )
    ]


def activity(data: World, safe: str) -> list[Any]:
    return data.rows(
        "SELECT block_timestamp, action, symbol, CAST(amount_usd AS DOUBLE), transaction_hash "
        f"FROM gpay_activity WHERE wallet_address = '{safe}' ORDER BY ALL"
    )


def roles(data: World, safe: str) -> Counter[str]:
    """Rows of the bridge of one Safe."""
    rows = data.rows(f"""
        SELECT 'safe_self', lower(address) FROM gpay_wallets WHERE lower(address) = '{safe}'
        UNION SELECT 'initial_owner', lower(owner) FROM safes_owner_events
          WHERE lower(safe_address) = '{safe}' AND event_kind = 'safe_setup'
        UNION SELECT 'delegate', lower(delegate_address) FROM gpay_spender_delegates WHERE lower(gp_safe) = '{safe}'
    """)
    return Counter(role for role, _ in rows)


# -- how many -----------------------------------------------------------------------------------------------------


def planted_rows(data: World) -> dict[str, int]:
    """Planted rows of each source; `mixpanel_events` by pseudonym."""
    pseudonyms = ", ".join(f"'{pseudonym(planted_user(number), DEMO_SALT)}'" for number in range(1000))
    counts = {"mixpanel_events": f"SELECT count(*) FROM mixpanel_events WHERE user_id_hash IN ({pseudonyms})"}
    for columns, prefix in ((USER_COLUMNS, "0xabba00000000"), (SAFE_COLUMNS, "0x5afe00000000")):
        for source, column in columns.items():
            counts[source] = f"SELECT count(*) FROM {source} WHERE lower({column}) LIKE '{prefix}%'"
    return {source: data.value(count) for source, count in counts.items()}


def test_as_many_are_planted_as_documented(data: World) -> None:
    counts = planted_rows(data)
    assert counts["users_current"] == PLANTED_USERS + SPELLED_TWICE_USERS
    assert counts["gpay_wallets"] == PLANTED_SAFES + 1


@pytest.mark.parametrize("as_of", [date(2024, 2, 29), date(2023, 1, 1), date(2024, 7, 2), date(2025, 3, 31)])
def test_as_many_are_planted_at_every_date(as_of: date) -> None:
    assert planted_rows(world(0.01, as_of)) == planted_rows(world(0.1))


def test_all_sources_of_people_hold_planted_rows(data: World) -> None:
    assert all(planted_rows(data).values())
    assert set(planted_rows(data)) == {source for source in COLUMNS if not source.endswith(("_daily", "_weekly"))}


# -- users of the app ---------------------------------------------------------------------------------------------


def test_topups_at_midnight_and_in_the_microsecond_before(data: World) -> None:
    midnights = [of_user(data, 100 + number, "gpay_topups", "block_timestamp") for number in range(1, 13)]
    ends = [of_user(data, 200 + number, "gpay_topups", "block_timestamp") for number in range(1, 13)]
    assert len(midnights) == MONTH_ENDS
    assert [len(one) for one in midnights + ends] == [1] * 24
    assert all(at.day == 1 and at.time() == datetime.min.time() for (at,) in midnights)
    assert [at + MICROSECOND for (at,) in ends] == [at for (at,) in midnights]
    assert len({at.strftime("%Y-%m") for (at,) in midnights}) == 12
    for user, (at,) in zip(range(201, 213), ends, strict=True):
        assert [at - time for time, _ in visits(data, user)] == [timedelta(hours=26), timedelta(minutes=3)]


@pytest.mark.parametrize("number", range(1, SAME_SECOND_USERS + 1))
def test_several_conversions_in_one_second_after_ties(data: World, number: int) -> None:
    user, noon = 300 + number, moment(30 * number)
    topups = of_user(data, user, "gpay_topups", "transaction_hash", "log_index", "block_timestamp")
    assert {at for _, _, at in topups} == {noon}
    assert sorted(Counter(transaction for transaction, _, _ in topups).values()) == [1, 2]
    assert of_user(data, user, "token_offer_claims", "block_timestamp") == [noon]
    ties = Counter(time for time, _ in visits(data, user))
    assert ties == {noon - timedelta(days=3): 2, noon - timedelta(hours=1): 2}
    assert len({category for _, category in visits(data, user)}) == 4


@pytest.mark.parametrize("user", [401, 402, 403, 404])
def test_whole_funnels_cross_a_midnight_and_a_month_end(data: World, user: int) -> None:
    (joined,) = of_user(data, user, "users_current", "first_seen_at")
    claims = of_user(data, user, "token_offer_claims", "block_timestamp")
    (entry,) = [joined] if user == 401 else claims + [time for time, _ in visits(data, user)]
    ((signed, filled),) = of_user(data, user, "swaps", "block_timestamp", "first_fill_at")
    (topup,) = of_user(data, user, "gpay_topups", "block_timestamp")
    assert entry < datetime(2025, 4, 1) < signed < filled < topup < entry + timedelta(days=30)
    assert entry >= ENTRY
    assert [category for _, category in visits(data, user)] == {403: ["pageview"], 404: ["modal"]}.get(user, [])
    assert (topup - joined <= timedelta(days=30)) == (user == 401)


def test_broken_funnels(data: World) -> None:
    window = timedelta(days=30)
    for user, after in ((405, window + MICROSECOND), (406, window), (407, timedelta(hours=1))):
        assert of_user(data, user, "users_current", "first_seen_at") == [ENTRY]
        (filled,) = of_user(data, user, "swaps", "first_fill_at")
        (topup,) = of_user(data, user, "gpay_topups", "block_timestamp")
        assert topup - ENTRY == after
        assert (topup < filled) == (user == 407)


def test_swaps_with_their_precursors(data: World) -> None:
    def swap(user: int) -> Any:
        columns = ("first_fill_at - block_timestamp", "was_filled", "amount_usd IS NULL")
        (row,) = of_user(data, user, "swaps", *columns)
        return row

    assert swap(501) == (timedelta(seconds=5), True, False)
    assert swap(502) == (timedelta(0), True, False)
    assert swap(503) == (None, False, False)
    assert swap(504) == (timedelta(minutes=1), True, True)


@pytest.mark.parametrize("days", WINDOW_DAYS)
def test_touches_on_both_ends_of_each_lookback(data: World, days: int) -> None:
    (topup,) = of_user(data, 600 + days, "gpay_topups", "block_timestamp")
    edge = timedelta(days=days)
    lags = [(topup - time, category) for time, category in visits(data, 600 + days)]
    assert lags == [(edge + MICROSECOND, "pageview"), (edge, "modal"), (timedelta(0), "feature")]
    (joined,) = of_user(data, 600 + days, "users_current", "first_seen_at")
    assert topup - joined > timedelta(days=60)


@pytest.mark.parametrize("number", range(1, SPELLED_TWICE_USERS + 1))
def test_one_address_in_two_spellings(data: World, number: int) -> None:
    columns = ("first_seen_at", "last_seen_at", "address", "heuristic_kinds", "heuristic_hits")
    first, second = of_user(data, 700 + number, "users_current", *columns)
    assert first[2] != second[2]
    assert first[2].lower() == second[2].lower() == planted_user(700 + number)
    assert second[0] - first[0] == timedelta(days=1)
    assert second[1] > first[1]
    assert (first[3:], second[3:]) == (("circles_trust", 1), (None, 0))


def test_no_other_address_is_in_users_current_twice(data: World) -> None:
    twice = data.column("SELECT lower(address) FROM users_current GROUP BY 1 HAVING count(*) > 1 ORDER BY 1")
    assert twice == [planted_user(number) for number in (701, 702, 703)]


def test_a_user_of_the_app_owns_a_safe(data: World) -> None:
    assert len(of_user(data, 801, "users_current", "address")) == 1
    assert len(of_user(data, 801, "gpay_topups", "block_timestamp")) == 1
    owners = data.column(f"SELECT lower(owner) FROM safes_owner_events WHERE safe_address = '{names.APP_USER_SAFE}'")
    assert owners == [names.APP_USER_AND_OWNER] == [planted_user(801)]


def test_ordinary_users_of_the_app_own_safes_too(data: World) -> None:
    both = """
        SELECT count(DISTINCT lower(owner)) FROM safes_owner_events
        WHERE lower(owner) IN (SELECT lower(address) FROM users_current)
    """
    assert data.value(both) > 10


@pytest.mark.parametrize("user", [901, 902])
def test_strangers_visit_and_swap_without_being_known(data: World, user: int) -> None:
    assert of_user(data, user, "users_current", "address") == []
    assert of_user(data, user, "swaps", "was_filled") == [True]
    assert len(visits(data, user)) == 1


def test_a_purchase_without_any_touch(data: World) -> None:
    hashed = pseudonym(planted_user(903), DEMO_SALT)
    flags = data.rows(f"SELECT is_production, is_identified FROM mixpanel_events WHERE user_id_hash = '{hashed}'")
    assert sorted(flags) == [(False, False), (False, True), (True, False)]
    (bought,) = of_user(data, 903, "marketplace_payments", "block_timestamp")
    (joined,) = of_user(data, 903, "users_current", "first_seen_at")
    assert bought - joined == timedelta(days=80)


# -- Safes --------------------------------------------------------------------------------------------------------


def test_the_first_inflow_of_one_safe_lies_before_the_two_years(data: World) -> None:
    inflows = [at for at, action, *_ in activity(data, names.EARLY_SAFE) if action == "Fiat Top Up"]
    assert inflows == [MIDNIGHT - timedelta(days=EARLY_DAYS), MIDNIGHT + timedelta(days=10)]
    early = data.column(f"SELECT DISTINCT wallet_address FROM gpay_activity WHERE block_timestamp < '{MIDNIGHT}'")
    assert early == [names.EARLY_SAFE]


def test_one_owner_of_two_safes_that_pay_in_one_transaction(data: World) -> None:
    owned = data.column(
        f"SELECT safe_address FROM safes_owner_events WHERE lower(owner) = '{planted_owner(1)}' ORDER BY 1"
    )
    assert owned == list(names.TWO_SAFES)
    payments = [[row[-1] for row in activity(data, safe) if row[1] == "Payment"] for safe in names.TWO_SAFES]
    assert payments[0] == payments[1]
    assert len(payments[0]) == 1


def test_a_safe_with_two_owners_and_a_delegate_has_four_rows(data: World) -> None:
    assert names.FOUR_ROW_SAFE == "0x5afe000000000000000000000000000000000004"
    assert roles(data, names.FOUR_ROW_SAFE) == {"safe_self": 1, "initial_owner": 2, "delegate": 1}
    assert [action for _, action, *_ in activity(data, names.FOUR_ROW_SAFE)] == ["Fiat Top Up", "Payment", "Cashback"]


def test_several_actions_in_one_transaction(data: World) -> None:
    rows = activity(data, names.BATCH_SAFE)
    by_transaction = Counter((row[-1], row[0]) for row in rows)
    assert sorted(by_transaction.values()) == [2, 3]
    assert [(action, symbol) for _, action, symbol, *_ in rows] == [
        ("Crypto Deposit", "EURe"),
        ("Crypto Deposit", "GNO"),
        ("Cashback", "GNO"),
        ("Payment", "EURe"),
        ("Payment", "EURe"),
    ]
    ordinary = "SELECT count(*) FROM (SELECT transaction_hash FROM gpay_activity GROUP BY 1 HAVING count(*) > 1)"
    assert data.value(ordinary) > 20


def test_payments_at_midnight_and_in_the_microsecond_before(data: World) -> None:
    payments = [at for at, action, *_ in activity(data, names.MONTH_END_SAFE) if action == "Payment"]
    midnights = [at for at in payments if at.day == 1]
    assert len(midnights) == MONTH_ENDS
    assert sorted(midnights + [at - MICROSECOND for at in midnights]) == payments


def test_delegates_of_one_safe_and_of_none(data: World) -> None:
    assert roles(data, names.OWN_DELEGATE_SAFE) == {"safe_self": 1, "initial_owner": 1, "delegate": 1}
    assert roles(data, names.NO_DELEGATE_SAFE) == {"safe_self": 1, "initial_owner": 1}
    served = data.column(
        f"SELECT lower(gp_safe) FROM gpay_spender_delegates WHERE delegate_address = '{names.OWN_DELEGATE}'"
    )
    assert served == [names.OWN_DELEGATE_SAFE]


def test_a_reversal_gives_the_payment_back(data: World) -> None:
    rows = {action: (at, usd) for at, action, _, usd, _ in activity(data, names.REVERSAL_SAFE)}
    assert rows["Reversal"] == (rows["Payment"][0] + timedelta(days=2), 88.0)
    assert rows["Payment"][1] == 88.0
    assert rows["other"][1] is None
    reversed_share = data.value("""
        SELECT count(*) FILTER (action = 'Reversal') / count(*) FILTER (action = 'Payment') FROM gpay_activity
    """)
    assert 0.01 < reversed_share < 0.05


def test_a_safe_and_its_owner_in_two_spellings_are_one(data: World) -> None:
    safe = names.SPELLED_TWICE_SAFE
    assert len(data.column(f"SELECT DISTINCT address FROM gpay_wallets WHERE lower(address) = '{safe}'")) == 2
    assert len(data.column(f"SELECT DISTINCT owner FROM safes_owner_events WHERE safe_address = '{safe}'")) == 2
    assert roles(data, safe) == {"safe_self": 1, "initial_owner": 1, "delegate": 1}
    twice = data.column("SELECT lower(address) FROM gpay_wallets GROUP BY 1 HAVING count(*) > 1")
    assert twice == [safe]


def test_owners_are_added_and_removed(data: World) -> None:
    changes = data.rows(f"""
        SELECT event_kind, lower(owner) FROM safes_owner_events
        WHERE safe_address = '{names.CHANGED_OWNERS_SAFE}' ORDER BY block_timestamp, lower(owner)
    """)
    assert changes == [
        ("safe_setup", planted_owner(5)),
        ("safe_setup", planted_owner(6)),
        ("added_owner", planted_owner(7)),
        ("removed_owner", planted_owner(6)),
    ]


def test_the_first_row_of_every_safe_brings_money_in(data: World) -> None:
    first = """
        SELECT DISTINCT arg_min(action, block_timestamp) FROM gpay_activity GROUP BY wallet_address
    """
    assert set(data.column(first)) == {"Fiat Top Up", "Crypto Deposit"}
