"""Files of the `gnosis` demo and the ledger of the app's users.

A ledger writes each row as it is drawn and keeps nothing but the person at hand and one total a day, so memory does
not grow with the scale. Times are whole microseconds since the first day of the demo.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from measure_cli.demo.draws import Draws, Weights
from measure_cli.demo.gnosis_names import DEMO_SALT, hash_of, mixed_case, pseudonym
from measure_cli.demo.starter_journeys import DAY, HOUR, SECOND
from measure_cli.demo.starter_shop import Calendar

BLOCK = 5 * SECOND
DEVICES = ("Mobile", "Desktop", "Tablet")
COUNTRIES = ("DE", "FR", "ES", "IT", "PT", "BR", "GB", "")
EVENT_NAMES = {
    "pageview": ("Page Viewed", "Home Viewed"),
    "modal": ("Sheet Opened", "Sheet Closed"),
    "feature": ("Swap Previewed", "Topup Previewed", "Offer Previewed"),
    "navigation": ("Tab Selected", "Back Pressed"),
    "login": ("Signed In",),
    "system": ("Session Started", "Notification Received"),
    "action": ("Button Pressed", "Address Copied"),
    "other": ("Experiment Assigned",),
}
PATHS = ("/", "/swap", "/topup", "/offers", "/marketplace", "/circles", "/settings")
SHEETS = ("swap-confirm", "topup-amount", "offer-details")
WITHOUT_PAGE = {"login", "system", "other"}

_HOURS = Weights((3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 11, 10, 10, 10, 11, 13, 15, 16, 14, 10, 6))

Row = Sequence[str]
Write = Callable[[Row], object]


@contextmanager
def tables(folder: Path, columns: Mapping[str, Row]) -> Iterator[dict[str, Write]]:
    """Open the files of sources and write their headers."""
    with ExitStack() as stack:
        writes: dict[str, Write] = {}
        for source, names in columns.items():
            file = stack.enter_context(Path(folder, f"{source}.csv").open("w", encoding="utf-8", newline=""))
            writes[source] = csv.writer(file, lineterminator="\n").writerow
            writes[source](names)
        yield writes


def money(cents: int | None) -> str:
    """Cents as a decimal number; nothing when unknown."""
    return "" if cents is None else f"{cents // 100}.{cents % 100:02d}"


def block_time(moment: int) -> int:
    """The block that a moment belongs to."""
    return moment // BLOCK * BLOCK


def time_of_day(draws: Draws) -> int:
    """Microseconds since midnight, more of them in the evening."""
    return _HOURS.draw(draws) * HOUR + draws.below(HOUR)


def joining_day(draws: Draws, days: int) -> int:
    """First day of somebody: one in eight comes in the first month, later ever more people."""
    if draws.chance(0.125):
        return draws.below(30)
    day = draws.below(days)
    return max(day, draws.below(days)) if draws.chance(0.5) else day


@dataclass(slots=True)
class Clock:
    """Turns moments into text and knows the end of the demo."""

    calendar: Calendar
    origin: datetime = field(init=False)
    end: int = field(init=False)

    def __post_init__(self) -> None:
        self.origin = datetime.combine(self.calendar.first, time())
        self.end = self.calendar.days * DAY

    def stamp(self, moment: int) -> str:
        """ISO text in UTC, with microseconds where there are any."""
        return (self.origin + timedelta(microseconds=moment)).isoformat() + "Z"

    def covers(self, moment: int) -> bool:
        """Whether the moment lies in the demo's days."""
        return 0 <= moment < self.end


@dataclass(slots=True)
class Person:
    """The user of the app whose rows are being written."""

    address: str
    mixed: str
    pseudonym: str
    first_seen: int
    last_seen: int
    device: str
    country: str
    hits: dict[str, int] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)


class AppLedger:
    """Writes what users of the app do; rows outside of the demo's days are dropped.

    Sources differ in spelling: `users_current`, `swaps` and `token_offer_claims` in mixed case, the others in lower.
    """

    def __init__(self, clock: Clock, write: Mapping[str, Write], seed: int) -> None:
        days = clock.calendar.days
        self.clock = clock
        self.seed = seed
        self.claimed_cents = [0] * days
        self.topups = [0] * days
        self.topup_cents = [0] * days
        self.active_users = [0] * days
        self.new_users = [0] * days
        self._write = write
        self._numbers = 0
        self._person = Person("", "", "", 0, 0, "", "")

    def begin(self, address: str, first_seen: int, device: int = 0, country: int = 0) -> None:
        """The rows that follow are of this user (address in lower case)."""
        hashed, mixed = pseudonym(address, DEMO_SALT), mixed_case(address)
        self._person = Person(address, mixed, hashed, first_seen, first_seen, DEVICES[device], COUNTRIES[country])
        self._seen(first_seen)

    def finish(self) -> None:
        """Write the user's row of `users_current`; without this call the user stays unknown there."""
        person = self._person
        for day in person.days:
            self.active_users[day] += 1
        self.new_users[person.first_seen // DAY] += 1
        self.current(person.mixed, person.first_seen, person.last_seen, person.hits)

    def current(self, spelling: str, first_seen: int, last_seen: int, hits: Mapping[str, int]) -> None:
        """One row of `users_current`."""
        counts = (str(sum(hits.values())), str(len(hits)))
        stamps = (self.clock.stamp(first_seen), self.clock.stamp(last_seen))
        self._write["users_current"]((spelling, *stamps, ";".join(sorted(hits)), *counts))

    def heuristic(self, moment: int, kind: str) -> None:
        """A trace on the chain that says: this address uses the app."""
        if self._seen(moment):
            person = self._person
            person.hits[kind] = person.hits.get(kind, 0) + 1
            self._write["user_events"]((person.address, kind, self.clock.stamp(moment), self.transaction()))

    def swap(self, signed: int, filled: int | None, cents: int | None) -> None:
        """A swap; it counts as unfilled when the demo ends before it is filled."""
        if self._seen(signed):
            done = filled is not None and self._seen(filled)
            stamps = (self.clock.stamp(signed), self.clock.stamp(filled) if done and filled is not None else "")
            order = hash_of("order", self.seed, self._number())
            self._write["swaps"]((self._person.mixed, order, *stamps, "true" if done else "false", money(cents)))

    def topup(self, moment: int, cents: int | None, symbol: str, transaction: str = "", log_index: int = 3) -> None:
        """Money that goes from the app to a card."""
        if self._seen(moment):
            self.topups[moment // DAY] += 1
            self.topup_cents[moment // DAY] += cents or 0
            place = (self.clock.stamp(moment), transaction or self.transaction(), str(log_index))
            self._write["gpay_topups"]((self._person.address, *place, money(cents), symbol))

    def claim(self, moment: int, cents: int, symbol: str) -> None:
        """A token offer that the user takes."""
        if self._seen(moment):
            self.claimed_cents[moment // DAY] += cents
            place = (self.clock.stamp(moment), self.transaction(), "5")
            self._write["token_offer_claims"]((self._person.mixed, *place, money(cents), symbol))

    def purchase(self, moment: int, offer: str) -> None:
        """A purchase on the marketplace."""
        if self._seen(moment):
            place = (self.clock.stamp(moment), self.transaction(), "7")
            self._write["marketplace_payments"]((self._person.address, *place, offer))

    def visit(
        self, moment: int, category: str, variant: int = 0, *, production: bool = True, identified: bool = True
    ) -> None:
        """One event of the app's interface; only production events of an identified user show that he is active."""
        if not self._seen(moment, active=production and identified):
            return
        person, stamp = self._person, self.clock.stamp(moment)
        names = EVENT_NAMES[category]
        flags = ("true" if production else "false", "true" if identified else "false")
        page = "" if category in WITHOUT_PAGE else PATHS[variant % len(PATHS)]
        sheet = SHEETS[variant % len(SHEETS)] if category == "modal" else ""
        what = (category, names[variant % len(names)], *flags, person.device, person.country, page, sheet)
        self._write["mixpanel_events"]((f"mp-{self._number():09d}", stamp, stamp[:10], person.pseudonym, *what))

    def transaction(self) -> str:
        """A new transaction's hash."""
        return hash_of("transaction", self.seed, self._number())

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _seen(self, moment: int, *, active: bool = True) -> bool:
        """Whether the moment is covered; if it is and shows the user, the user was active then."""
        covered = self.clock.covers(moment)
        if covered and active:
            self._person.days.add(moment // DAY)
            self._person.last_seen = max(self._person.last_seen, moment)
        return covered
