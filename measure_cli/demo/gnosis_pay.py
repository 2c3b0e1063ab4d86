"""Card wallets (Safes) in the `gnosis` demo: their ledger, and the lives of ordinary Safes.

A Safe is drawn whole before the next one. Sources differ in spelling: Safes in mixed case in `gpay_wallets` and
`gpay_spender_delegates`, owners in mixed case, all other addresses in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure_cli.demo.draws import Draws, Weights
from measure_cli.demo.gnosis_app import user_address
from measure_cli.demo.gnosis_ledger import Clock, Write, block_time, joining_day, money, time_of_day
from measure_cli.demo.gnosis_names import SHARED_DELEGATE, address_of, hash_of, mixed_case
from measure_cli.demo.starter_journeys import DAY, HOUR, MINUTE

SAFES = 1_200  # at scale 1
DIRECTIONS = {
    "Payment": "out",
    "Cashback": "in",
    "Fiat Top Up": "in",
    "Fiat Off-ramp": "out",
    "Crypto Deposit": "in",
    "Crypto Withdrawal": "out",
    "Reversal": "in",
    "other": "out",
}
DEPOSIT_SYMBOLS = ("EURe", "WXDAI", "GNO", "WETH")
TOKENS = {symbol: address_of("token", 0, number) for number, symbol in enumerate(DEPOSIT_SYMBOLS)}
SETTLEMENT = "0x5e771e0000000000000000000000000000000001"
CASHBACK_PAYER = "0xca5bac0000000000000000000000000000000001"

OWN_DELEGATE_SHARE = 0.02
NO_DELEGATE_SHARE = 0.01
APP_USER_SHARE = 0.25
SAME_OWNER_SHARE = 0.05
REVERSED_SHARE = 0.03
CASHBACK_WITH_PAYMENT_SHARE = 0.06

_OWNERS = Weights((72, 20, 8))
_ACTIONS = ("Payment", "Cashback", "Fiat Top Up", "Crypto Deposit", "Crypto Withdrawal", "Fiat Off-ramp", "other")
_ACTION = Weights((720, 90, 90, 40, 25, 15, 20))
_AMOUNTS = {  # cents: least, spread
    "Payment": (150, 16_000),
    "Cashback": (5, 900),
    "Fiat Top Up": (2_000, 90_000),
    "Crypto Deposit": (1_000, 140_000),
    "Crypto Withdrawal": (500, 60_000),
    "Fiat Off-ramp": (1_000, 80_000),
    "Reversal": (150, 16_000),
}


class PayLedger:
    """Writes what happens to Safes, and adds up each day; rows after the demo's days are dropped, earlier ones kept."""

    def __init__(self, clock: Clock, write: Mapping[str, Write], seed: int, prices: Mapping[str, list[float]]) -> None:
        """`prices`: of each day from the first on."""
        days, monday = clock.calendar.days, clock.calendar.monday_after(0)
        self.clock = clock
        self.seed = seed
        self.active_safes = [0] * ((days - monday) // 7)  # of each whole week
        self.payment_cents = [0] * days
        self.cashback_cents = [0] * days
        self._write = write
        self._prices = prices
        self._monday = monday
        self._safe = ""
        self._weeks: set[int] = set()
        self._transactions = 0

    def open(self, safe: str, moment: int, owners: Sequence[str]) -> None:
        """The rows that follow are of this Safe (all addresses in lower case)."""
        self._safe = safe
        self.wallet(mixed_case(safe))
        for owner in owners:
            self.owner(moment, "safe_setup", mixed_case(owner))

    def wallet(self, spelling: str) -> None:
        """One row of `gpay_wallets`."""
        self._write["gpay_wallets"]((spelling,))

    def owner(self, moment: int, kind: str, spelling: str) -> None:
        """The Safe is set up with an owner, or an owner is added or removed."""
        if moment < self.clock.end:
            self._write["safes_owner_events"]((self._safe, spelling, kind, self.clock.stamp(moment)))

    def delegate(self, address: str) -> None:
        """Somebody who may spend from the Safe."""
        self._write["gpay_spender_delegates"]((mixed_case(self._safe), address))

    def act(self, moment: int, action: str, symbol: str, cents: int | None, *, to: str, transaction: str = "") -> str:
        """One row of activity; returns its transaction."""
        transaction = transaction or self.transaction()
        if moment < self.clock.end:
            self._count(moment, action, cents)
            names = (transaction, TOKENS[symbol], to, DIRECTIONS[action], action, symbol)
            amounts = (self._amount(moment, symbol, cents), money(cents))
            self._write["gpay_activity"]((self._safe, self.clock.stamp(moment), *names, *amounts))
        return transaction

    def close(self) -> None:
        """The Safe is complete."""
        for week in self._weeks:
            self.active_safes[week] += 1
        self._weeks.clear()

    def transaction(self) -> str:
        """A new transaction's hash."""
        self._transactions += 1
        return hash_of("card transaction", self.seed, self._transactions)

    def _amount(self, moment: int, symbol: str, cents: int | None) -> str:
        """Tokens of that value; before the first day at the first day's price."""
        return "" if cents is None else f"{cents / 100 / self._prices[symbol.upper()][max(moment, 0) // DAY]:.6f}"

    def _count(self, moment: int, action: str, cents: int | None) -> None:
        day = moment // DAY
        week = (day - self._monday) // 7
        if 0 <= week < len(self.active_safes):
            self._weeks.add(week)
        if day >= 0 and action == "Payment":
            self.payment_cents[day] += cents or 0
        elif day >= 0 and action == "Cashback":
            self.cashback_cents[day] += cents or 0


@dataclass(frozen=True, slots=True)
class PayWorld:
    """Size of the world; some owners are among the ordinary users of the app."""

    days: int
    scale: float
    app_users: int


class Safes:
    """Draws Safes one by one."""

    def __init__(self, world: PayWorld, ledger: PayLedger, draws: Draws) -> None:
        self._world = world
        self._ledger = ledger
        self._draws = draws
        self._last_owner = ""

    def write(self) -> None:
        """All ordinary Safes."""
        for number in range(max(20, int(SAFES * self._world.scale))):
            self._safe(number)

    def _safe(self, number: int) -> None:
        draws, ledger = self._draws, self._ledger
        created = block_time(joining_day(draws, self._world.days) * DAY + time_of_day(draws))
        owners = self._owners(number)
        ledger.open(address_of("safe", ledger.seed, number), created, owners)
        self._delegate(number)
        self._change_owners(number, created, owners)
        moment = block_time(created + HOUR + draws.below(5 * DAY))
        ledger.act(moment, *self._inflow(), to=self._stranger(number))
        pace = draws.between(0.4, 5.0) * DAY
        for _ in range(draws.streak(0.985, 200)):
            moment = block_time(moment + MINUTE + int(4 * pace * draws.skewed()))
            if moment >= ledger.clock.end:
                break
            self._action(number, moment)
        ledger.close()

    def _owners(self, number: int) -> list[str]:
        draws = self._draws
        owners = [
            address_of("owner", self._ledger.seed, 3 * number + place) for place in range(1 + _OWNERS.draw(draws))
        ]
        if self._last_owner and draws.chance(SAME_OWNER_SHARE):
            owners[0] = self._last_owner
        elif draws.chance(APP_USER_SHARE):
            owners[0] = user_address(self._ledger.seed, draws.below(self._world.app_users))
        self._last_owner = owners[0]
        return owners

    def _change_owners(self, number: int, created: int, owners: Sequence[str]) -> None:
        draws, ledger = self._draws, self._ledger
        moment = block_time(created + DAY + draws.below(90 * DAY))
        if draws.chance(0.05):
            added = address_of("added owner", ledger.seed, number)
            ledger.owner(moment, "added_owner", mixed_case(added))
        if len(owners) > 1 and draws.chance(0.1):
            ledger.owner(moment + DAY, "removed_owner", mixed_case(owners[1]))

    def _delegate(self, number: int) -> None:
        if self._draws.chance(OWN_DELEGATE_SHARE):
            self._ledger.delegate(address_of("delegate", self._ledger.seed, number))
        elif not self._draws.chance(NO_DELEGATE_SHARE):
            self._ledger.delegate(SHARED_DELEGATE)

    def _inflow(self) -> tuple[str, str, int]:
        """Action, symbol and cents of money that comes in."""
        if self._draws.chance(0.6):
            return "Fiat Top Up", "EURe", self._cents("Fiat Top Up")
        return "Crypto Deposit", DEPOSIT_SYMBOLS[self._draws.below(4)], self._cents("Crypto Deposit")

    def _action(self, number: int, moment: int) -> None:
        draws, ledger = self._draws, self._ledger
        action = _ACTIONS[_ACTION.draw(draws)]
        if action == "Payment":
            self._payment(moment)
        elif action == "other":
            ledger.act(moment, action, "EURe", None, to=self._stranger(number))
        elif action == "Cashback":
            ledger.act(moment, action, "GNO", self._cents(action), to=CASHBACK_PAYER)
        else:
            symbol = "EURe" if action.startswith("Fiat") else DEPOSIT_SYMBOLS[draws.below(4)]
            ledger.act(moment, action, symbol, self._cents(action), to=self._stranger(number))

    def _payment(self, moment: int) -> None:
        draws, ledger = self._draws, self._ledger
        cents = self._cents("Payment")
        transaction = ledger.act(moment, "Payment", "EURe", cents, to=SETTLEMENT)
        if draws.chance(CASHBACK_WITH_PAYMENT_SHARE):
            ledger.act(moment, "Cashback", "GNO", self._cents("Cashback"), to=CASHBACK_PAYER, transaction=transaction)
        if draws.chance(REVERSED_SHARE):
            back = block_time(moment + DAY + draws.below(4 * DAY))
            ledger.act(back, "Reversal", "EURe", cents, to=SETTLEMENT)

    def _cents(self, action: str) -> int:
        least, spread = _AMOUNTS[action]
        return least + int(spread * self._draws.skewed())

    def _stranger(self, number: int) -> str:
        """Somebody outside, the same three for each Safe."""
        return address_of("outside", self._ledger.seed, 3 * number + self._draws.below(3))
