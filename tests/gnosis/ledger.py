"""Events, conversions and the bridge of both sectors from the CSV files, in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from measure_cli.demo.gnosis import DEMO_SALT, pseudonym
from tests.gnosis.project import AS_OF_TIME, Built, amount, moment

APP_CONVERSIONS = {
    "chain.topup": "topup",
    "chain.swap_filled": "swap_filled",
    "chain.token_offer_claim": "token_offer_claim",
    "chain.marketplace_buy": "marketplace_buy",
}
APP_PAYMENTS = (  # source, user, event kind, amount
    ("gpay_topups", "ga_user", "chain.topup", "amount_usd"),
    ("token_offer_claims", "ga_user", "chain.token_offer_claim", "amount_received_usd"),
    ("marketplace_payments", "payer", "chain.marketplace_buy", None),
)
PAY_EVENTS = {
    "Payment": "gp.payment",
    "Reversal": "gp.payment",
    "Cashback": "gp.cashback_claim",
    "Fiat Top Up": "gp.deposit",
    "Crypto Deposit": "gp.deposit",
    "Fiat Off-ramp": "gp.withdrawal",
    "Crypto Withdrawal": "gp.withdrawal",
}
PAY_CONVERSIONS = {"Payment": "gpay_payment", "Cashback": "gpay_cashback_claim"}
INFLOWS = ("Fiat Top Up", "Crypto Deposit")


class AppEvent(NamedTuple):
    user: str
    ts: datetime
    kind: str
    amount: Decimal | None


class PayEvent(NamedTuple):
    user: str
    role: str
    ts: datetime
    kind: str
    amount: Decimal | None


class PayConversion(NamedTuple):
    user: str
    role: str
    ts: datetime
    kind: str


class BridgeRow(NamedTuple):
    address: str
    role: str
    safe: str


def name_of(address: str) -> str:
    return pseudonym(address, DEMO_SALT)


def first_seen(built: Built) -> dict[str, datetime]:
    """Address in lower case -> the first time the app saw it, in any spelling."""
    seen: dict[str, datetime] = {}
    for row in built.source("users_current"):
        address, ts = row["address"].lower(), moment(row["first_seen_at"])
        seen[address] = min(ts, seen.get(address, ts))
    return seen


def _chain_events(built: Built) -> Iterator[AppEvent]:
    """By address in lower case, of known users and others."""
    for row in built.source("user_events"):
        kind = f"chain.{row['heuristic_kind']}"
        yield AppEvent(row["address"].lower(), moment(row["block_timestamp"]), kind, None)
    for row in built.source("swaps"):
        taker, usd = row["taker"].lower(), amount(row["amount_usd"])
        yield AppEvent(taker, moment(row["block_timestamp"]), "chain.swap_signed", usd)
        if row["was_filled"] == "true" and row["first_fill_at"]:
            yield AppEvent(taker, moment(row["first_fill_at"]), "chain.swap_filled", usd)
    for source, user, kind, column in APP_PAYMENTS:
        for row in built.source(source):
            usd = amount(row[column]) if column else None
            yield AppEvent(row[user].lower(), moment(row["block_timestamp"]), kind, usd)


def app_events(built: Built) -> Counter[AppEvent]:
    seen = first_seen(built)
    known = {name_of(address) for address in seen}
    events = [AppEvent(name_of(address), ts, "chain.onboard", None) for address, ts in seen.items()]
    events += [event._replace(user=name_of(event.user)) for event in _chain_events(built) if event.user in seen]
    events += [
        AppEvent(row["user_id_hash"], moment(row["event_time"]), f"mp.{row['event_category']}", None)
        for row in built.source("mixpanel_events")
        if row["is_production"] == row["is_identified"] == "true" and row["user_id_hash"] in known
    ]
    return Counter(event for event in events if event.ts < AS_OF_TIME)


def app_conversions(built: Built) -> Counter[AppEvent]:
    """The kinds are those of conversions."""
    conversions: Counter[AppEvent] = Counter()
    for event, count in app_events(built).items():
        if event.kind in APP_CONVERSIONS:
            conversions[event._replace(kind=APP_CONVERSIONS[event.kind])] += count
    return conversions


def pay_bridge(built: Built) -> set[BridgeRow]:
    safes = {row["address"].lower() for row in built.source("gpay_wallets")}
    rows = {BridgeRow(safe, "safe_self", safe) for safe in safes}
    rows |= {
        BridgeRow(row["owner"].lower(), "initial_owner", row["safe_address"].lower())
        for row in built.source("safes_owner_events")
        if row["event_kind"] == "safe_setup"
    }
    rows |= {
        BridgeRow(row["delegate_address"].lower(), "delegate", row["gp_safe"].lower())
        for row in built.source("gpay_spender_delegates")
    }
    return {row for row in rows if row.safe in safes}


def _people(built: Built) -> dict[str, list[tuple[str, str]]]:
    """Safe -> (pseudonym, role) of everyone on it."""
    people: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in pay_bridge(built):
        people[row.safe].append((name_of(row.address), row.role))
    return people


def pay_events(built: Built) -> Counter[PayEvent]:
    people = _people(built)
    return Counter(
        PayEvent(user, role, ts, PAY_EVENTS.get(row["action"], "gp.action_other"), amount(row["amount_usd"]))
        for row in built.source("gpay_activity")
        if (ts := moment(row["block_timestamp"])) < AS_OF_TIME
        for user, role in people.get(row["wallet_address"].lower(), ())
    )


def first_inflows(built: Built) -> dict[str, datetime]:
    """Safe -> the first time that money came in, however long ago."""
    first: dict[str, datetime] = {}
    for row in built.source("gpay_activity"):
        if row["action"] in INFLOWS:
            safe, ts = row["wallet_address"].lower(), moment(row["block_timestamp"])
            first[safe] = min(ts, first.get(safe, ts))
    return first


def pay_conversions(built: Built) -> Counter[PayConversion]:
    people = _people(built)
    moments = [
        (row["wallet_address"].lower(), moment(row["block_timestamp"]), PAY_CONVERSIONS[row["action"]])
        for row in built.source("gpay_activity")
        if row["action"] in PAY_CONVERSIONS
    ]
    moments += [(safe, ts, "gpay_funded") for safe, ts in first_inflows(built).items()]
    return Counter(
        PayConversion(user, role, ts, kind)
        for safe, ts, kind in moments
        if ts < AS_OF_TIME
        for user, role in people.get(safe, ())
    )
