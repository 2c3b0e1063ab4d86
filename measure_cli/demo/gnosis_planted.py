"""Rows of the `gnosis` demo that are planted on purpose: correct ones that break careless SQL.

They are the same at every scale. Users of the app are `planted_user(number)`: 101-112 midnights, 201-212 month ends,
301-303 several conversions in a second, 401-407 funnels, 501-504 swaps, 607, 630, 660 edges of lookbacks, 701-703
spelled twice, 801 also owns a Safe, 901-902 unknown to `users_current`, 903 never tracked. Safes and owners have
constants in `gnosis_names`. Nothing here is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from measure_cli.demo import gnosis_names as names
from measure_cli.demo.gnosis_ledger import AppLedger
from measure_cli.demo.gnosis_names import SHARED_DELEGATE, mixed_case, planted_owner, planted_user, respelled
from measure_cli.demo.gnosis_pay import CASHBACK_PAYER, SETTLEMENT, PayLedger
from measure_cli.demo.starter_journeys import DAY, HOUR, MINUTE, SECOND
from measure_cli.demo.starter_shop import Calendar

MONTH_ENDS = 12
SAME_SECOND_USERS = 3
SPELLED_TWICE_USERS = 3
PLANTED_USERS = 46  # in users_current, besides the second spellings
PLANTED_SAFES = 12
WINDOW_DAYS = (7, 30, 60)
FUNNEL_WINDOW = 30 * DAY
EARLY_DAYS = 40  # from the first inflow of EARLY_SAFE to the first day
CLAIMED_CENTS = 100


def month_firsts(calendar: Calendar) -> list[int]:
    """The last twelve days that begin a month."""
    return [day for day in range(1, calendar.days) if calendar.date_of(day).day == 1][-MONTH_ENDS:]


def write_planted_users(ledger: AppLedger) -> None:
    """All planted users of the app."""
    _month_ends(ledger)
    _same_second(ledger)
    _whole_funnels(ledger)
    _broken_funnels(ledger)
    _swaps(ledger)
    _window_edges(ledger)
    _spelled_twice(ledger)
    _owner_of_a_safe(ledger)
    _strangers(ledger)
    _never_tracked(ledger)


def _noon(ledger: AppLedger | PayLedger, days_before: int) -> int:
    return (ledger.clock.calendar.days - days_before) * DAY + 12 * HOUR


def _month_ends(ledger: AppLedger) -> None:
    """A topup exactly at midnight of the first of a month, another in the microsecond before."""
    for number, day in enumerate(month_firsts(ledger.clock.calendar), start=1):
        for user, moment in ((100 + number, day * DAY), (200 + number, day * DAY - 1)):
            ledger.begin(planted_user(user), moment - 26 * HOUR)
            ledger.visit(moment - 26 * HOUR, "pageview")
            ledger.visit(moment - 3 * MINUTE, "modal")
            ledger.topup(moment, 4_990, "EURe")
            ledger.finish()


def _same_second(ledger: AppLedger) -> None:
    """Three topups, two of them in one transaction, and a claim in one second; first and last touches tie."""
    for number in range(1, SAME_SECOND_USERS + 1):
        noon = _noon(ledger, 30 * number)
        ledger.begin(planted_user(300 + number), noon - 3 * DAY)
        for category in ("pageview", "modal"):
            ledger.visit(noon - 3 * DAY, category)
        for category in ("feature", "navigation"):
            ledger.visit(noon - HOUR, category)
        both = ledger.transaction()
        ledger.topup(noon, 2_500, "EURe", both, 3)
        ledger.topup(noon, 2_500, "EURe", both, 4)
        ledger.topup(noon, 2_500, "EURe")
        ledger.claim(noon, CLAIMED_CENTS, "GNO")
        ledger.finish()


def _whole_funnels(ledger: AppLedger) -> None:
    """One user for each funnel: entry before a midnight that ends a month, swap after it, topup 20 days later.

    But for the first, users joined 45 days before, too early for the funnel that begins there.
    """
    midnight = month_firsts(ledger.clock.calendar)[-3] * DAY
    for user in (401, 402, 403, 404):
        ledger.begin(planted_user(user), midnight - (10 * SECOND if user == 401 else 45 * DAY))
        if user == 402:
            ledger.claim(midnight - 10 * SECOND, CLAIMED_CENTS, "GNO")
        elif user != 401:
            ledger.visit(midnight - 1, "pageview" if user == 403 else "modal")
        ledger.swap(midnight + 5 * SECOND, midnight + 10 * SECOND, 12_000)
        ledger.topup(midnight + 20 * DAY, 5_000, "EURe")
        ledger.finish()


def _broken_funnels(ledger: AppLedger) -> None:
    """The last step a microsecond after the window (405) and exactly at its end (406); topup before the swap (407)."""
    midnight = month_firsts(ledger.clock.calendar)[-3] * DAY
    entry = midnight - 10 * SECOND
    topups = ((405, entry + FUNNEL_WINDOW + 1), (406, entry + FUNNEL_WINDOW), (407, entry + HOUR))
    for user, topup in topups:
        signed = midnight + (DAY if user == 407 else 5 * SECOND)
        ledger.begin(planted_user(user), entry)
        ledger.swap(signed, signed + 5 * SECOND, 8_000)
        ledger.topup(topup, 5_000, "EURe")
        ledger.finish()


def _swaps(ledger: AppLedger) -> None:
    """Signed five seconds before it is filled (501), in the same second (502), never filled (503), no amount (504)."""
    signed = _noon(ledger, 60)
    fills = ((501, signed + 5 * SECOND, 7_000), (502, signed, 7_000), (503, None, 7_000), (504, signed + MINUTE, None))
    for user, filled, cents in fills:
        ledger.begin(planted_user(user), signed - 2 * DAY)
        ledger.visit(signed - MINUTE, "feature")
        ledger.swap(signed, filled, cents)
        ledger.finish()


def _window_edges(ledger: AppLedger) -> None:
    """Touches N days before a topup (inside the lookback), a microsecond earlier and at its moment (outside)."""
    noon = _noon(ledger, 90)
    for days in WINDOW_DAYS:
        ledger.begin(planted_user(600 + days), noon - 70 * DAY)
        ledger.visit(noon - days * DAY - 1, "pageview")
        ledger.visit(noon - days * DAY, "modal")
        ledger.visit(noon, "feature")
        ledger.topup(noon, 7_500, "EURe")
        ledger.finish()


def _spelled_twice(ledger: AppLedger) -> None:
    """Two rows of one address in users_current; the second joined and was seen last a day later, without a trace."""
    for number in range(1, SPELLED_TWICE_USERS + 1):
        joined, address = _noon(ledger, 50 * number), planted_user(700 + number)
        ledger.begin(address, joined)
        ledger.heuristic(joined + HOUR, "circles_trust")
        ledger.visit(joined + DAY, "pageview")
        ledger.swap(joined + 2 * DAY, joined + 2 * DAY + 20 * SECOND, 3_000)
        ledger.finish()
        ledger.current(respelled(mixed_case(address)), joined + DAY, joined + 3 * DAY, {})


def _owner_of_a_safe(ledger: AppLedger) -> None:
    noon = _noon(ledger, 100)
    ledger.begin(names.APP_USER_AND_OWNER, noon)
    ledger.heuristic(noon + HOUR, "safe_invitation_module")
    ledger.visit(noon + DAY, "pageview")
    ledger.topup(noon + DAY + MINUTE, 9_000, "EURe")
    ledger.finish()


def _strangers(ledger: AppLedger) -> None:
    for user in (901, 902):
        noon = _noon(ledger, 40)
        ledger.begin(planted_user(user), noon)
        ledger.visit(noon, "pageview")
        ledger.swap(noon + MINUTE, noon + MINUTE + 15 * SECOND, 6_000)


def _never_tracked(ledger: AppLedger) -> None:
    """All visits are unidentified or not production, and the user joined 80 days before the purchase."""
    noon = _noon(ledger, 20)
    ledger.begin(planted_user(903), noon - 80 * DAY)
    ledger.visit(noon - 3 * MINUTE, "pageview", identified=False)
    ledger.visit(noon - 2 * MINUTE, "feature", production=False)
    ledger.visit(noon - MINUTE, "action", production=False, identified=False)
    ledger.purchase(noon, "Donation")
    ledger.finish()


# -- Safes --------------------------------------------------------------------------------------------------------

STRANGER = "0x0ddba11000000000000000000000000000000001"


def write_planted_safes(ledger: PayLedger) -> None:
    """All planted Safes."""
    _early(ledger)
    _two_safes(ledger)
    _four_rows(ledger)
    _batch(ledger)
    _payments_at_month_ends(ledger)
    _delegates(ledger)
    _reversal(ledger)
    _safe_spelled_twice(ledger)
    _owned_by_app_user(ledger)
    _changed_owners(ledger)


def _open(
    ledger: PayLedger, safe: str, inflow: int, owners: Sequence[str], delegate: str | None = SHARED_DELEGATE
) -> None:
    """Set up a day before its first inflow of 500 USD."""
    ledger.open(safe, inflow - DAY, owners)
    if delegate:
        ledger.delegate(delegate)
    ledger.act(inflow, "Fiat Top Up", "EURe", 50_000, to=STRANGER)


def _pay(ledger: PayLedger, moment: int, cents: int, transaction: str = "") -> str:
    return ledger.act(moment, "Payment", "EURe", cents, to=SETTLEMENT, transaction=transaction)


def _early(ledger: PayLedger) -> None:
    """Its first inflow lies before the two years, a later one on the tenth day."""
    _open(ledger, names.EARLY_SAFE, -EARLY_DAYS * DAY, [planted_owner(8)])
    _pay(ledger, -20 * DAY, 1_500)
    ledger.act(10 * DAY, "Fiat Top Up", "EURe", 20_000, to=STRANGER)
    _pay(ledger, 12 * DAY, 2_500)
    ledger.close()


def _two_safes(ledger: PayLedger) -> None:
    """One owner; both Safes pay in one transaction."""
    batch, noon = ledger.transaction(), _noon(ledger, 150)
    for safe, cents in zip(names.TWO_SAFES, (1_100, 2_200), strict=True):
        _open(ledger, safe, noon - 10 * DAY, [planted_owner(1)])
        _pay(ledger, noon, cents, batch)
        ledger.close()


def _four_rows(ledger: PayLedger) -> None:
    """Two owners and one delegate: four rows of the bridge."""
    noon = _noon(ledger, 120)
    _open(ledger, names.FOUR_ROW_SAFE, noon, [planted_owner(2), planted_owner(3)])
    _pay(ledger, noon + DAY, 3_300)
    ledger.act(noon + 2 * DAY, "Cashback", "GNO", 100, to=CASHBACK_PAYER)
    ledger.close()


def _batch(ledger: PayLedger) -> None:
    """Two first inflows in one transaction; later two payments and their cashback in one."""
    noon = _noon(ledger, 110)
    ledger.open(names.BATCH_SAFE, noon - DAY, [planted_owner(4)])
    ledger.delegate(SHARED_DELEGATE)
    both = ledger.act(noon, "Crypto Deposit", "EURe", 30_000, to=STRANGER)
    ledger.act(noon, "Crypto Deposit", "GNO", 12_000, to=STRANGER, transaction=both)
    bought = _pay(ledger, noon + DAY, 1_000)
    _pay(ledger, noon + DAY, 750, bought)
    ledger.act(noon + DAY, "Cashback", "GNO", 25, to=CASHBACK_PAYER, transaction=bought)
    ledger.close()


def _payments_at_month_ends(ledger: PayLedger) -> None:
    firsts = month_firsts(ledger.clock.calendar)
    _open(ledger, names.MONTH_END_SAFE, (firsts[0] - 30) * DAY, [planted_owner(9)])
    for day in firsts:
        _pay(ledger, day * DAY - 1, 1_999)
        _pay(ledger, day * DAY, 2_001)
    ledger.close()


def _delegates(ledger: PayLedger) -> None:
    """A Safe with a delegate of its own, and one without any."""
    noon = _noon(ledger, 80)
    of_safe = ((names.OWN_DELEGATE_SAFE, names.OWN_DELEGATE), (names.NO_DELEGATE_SAFE, None))
    for owner, (safe, delegate) in enumerate(of_safe, start=10):
        _open(ledger, safe, noon, [planted_owner(owner)], delegate)
        _pay(ledger, noon + DAY, 1_200)
        ledger.close()


def _reversal(ledger: PayLedger) -> None:
    """A payment that is reversed, and an action of another kind without amounts."""
    noon = _noon(ledger, 70)
    _open(ledger, names.REVERSAL_SAFE, noon, [planted_owner(12)])
    _pay(ledger, noon + DAY, 8_800)
    ledger.act(noon + 3 * DAY, "Reversal", "EURe", 8_800, to=SETTLEMENT)
    ledger.act(noon + 4 * DAY, "other", "EURe", None, to=STRANGER)
    ledger.close()


def _safe_spelled_twice(ledger: PayLedger) -> None:
    """The Safe and its owner in two spellings each."""
    noon, safe, owner = _noon(ledger, 65), names.SPELLED_TWICE_SAFE, planted_owner(13)
    _open(ledger, safe, noon, [owner])
    ledger.wallet(respelled(mixed_case(safe)))
    ledger.owner(noon - DAY, "safe_setup", respelled(mixed_case(owner)))
    _pay(ledger, noon + DAY, 1_600)
    ledger.close()


def _owned_by_app_user(ledger: PayLedger) -> None:
    noon = _noon(ledger, 95)
    _open(ledger, names.APP_USER_SAFE, noon, [names.APP_USER_AND_OWNER])
    _pay(ledger, noon + DAY, 4_400)
    ledger.close()


def _changed_owners(ledger: PayLedger) -> None:
    """Two owners at first; a third is added, then the second removed."""
    noon = _noon(ledger, 130)
    _open(ledger, names.CHANGED_OWNERS_SAFE, noon, [planted_owner(5), planted_owner(6)])
    ledger.owner(noon + 10 * DAY, "added_owner", mixed_case(planted_owner(7)))
    ledger.owner(noon + 20 * DAY, "removed_owner", mixed_case(planted_owner(6)))
    _pay(ledger, noon + DAY, 5_500)
    ledger.close()
