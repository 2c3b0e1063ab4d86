"""Ordinary users of the app in the `gnosis` demo: they join, come back in sessions, and some sessions lead to a deal.

A user is drawn whole before the next one, so nothing about earlier users is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from measure_cli.demo.draws import Draws, Weights
from measure_cli.demo.gnosis_ledger import BLOCK, AppLedger, block_time, joining_day, time_of_day
from measure_cli.demo.gnosis_names import address_of
from measure_cli.demo.starter_journeys import DAY, MINUTE, SECOND

USERS = 3_400  # at scale 1
STRANGERS = 90  # at scale 1: they swap and visit, but `users_current` does not know them
HEURISTIC_KINDS = (
    "circles_register_human",
    "circles_invite_human",
    "circles_trust",
    "circles_profile_update",
    "circles_metri_fee",
    "safe_invitation_module",
)
SYMBOLS = ("EURe", "GNO", "WXDAI", "USDC.e")
OFFERS = ("Coffee Voucher", "Conference Ticket", "Merchandise", "Donation")

UNFILLED_SHARE = 0.12
UNKNOWN_AMOUNT_SHARE = 0.03
UNIDENTIFIED_SHARE = 0.07
NOT_PRODUCTION_SHARE = 0.04
UNTRACKED_SHARE = 0.06

_CATEGORIES = ("pageview", "modal", "feature", "navigation", "system", "action", "other")
_CATEGORY = Weights((40, 14, 14, 16, 6, 12, 3))
_DEVICE = Weights((70, 26, 4))
_COUNTRY = Weights((22, 12, 12, 10, 8, 8, 10, 4))
_KIND = Weights((10, 12, 40, 14, 20, 6))
_SYMBOL = Weights((70, 15, 10, 5))


@dataclass(frozen=True, slots=True)
class AppWorld:
    """What drives the app: `offers` is the intensity of token offers by day, 0 to about 2."""

    days: int
    scale: float
    offers: list[float]

    @property
    def users(self) -> int:
        """Number of ordinary users."""
        return max(20, int(USERS * self.scale))


def user_address(seed: int, number: int) -> str:
    """Address of an ordinary user."""
    return address_of("user", seed, number)


class AppUsers:
    """Draws users one by one."""

    def __init__(self, world: AppWorld, ledger: AppLedger, draws: Draws) -> None:
        self._world = world
        self._ledger = ledger
        self._draws = draws

    def write(self) -> None:
        """All ordinary users, and the strangers."""
        for number in range(self._world.users):
            self._user(user_address(self._ledger.seed, number))
            self._ledger.finish()
        for number in range(max(2, int(STRANGERS * self._world.scale))):
            self._stranger(address_of("stranger", self._ledger.seed, number))

    def _user(self, address: str) -> None:
        draws, ledger = self._draws, self._ledger
        joined = block_time(joining_day(draws, self._world.days) * DAY + time_of_day(draws))
        ledger.begin(address, joined, _DEVICE.draw(draws), _COUNTRY.draw(draws))
        if draws.chance(0.8):
            ledger.visit(joined - MINUTE - draws.below(20 * MINUTE), "pageview")
        for _ in range(draws.streak(0.75, 12)):
            later = joined + int(120 * DAY * draws.skewed())
            ledger.heuristic(block_time(later), HEURISTIC_KINDS[_KIND.draw(draws)])
        moment = joined + draws.below(10 * MINUTE)
        for _ in range(1 + draws.streak(0.86, 60)):
            self._session(moment)
            moment = (moment + int(44 * DAY * draws.skewed())) // DAY * DAY + DAY + time_of_day(draws)
            if moment >= ledger.clock.end:
                break

    def _stranger(self, address: str) -> None:
        draws = self._draws
        moment = draws.below(self._world.days) * DAY + time_of_day(draws)
        self._ledger.begin(address, moment)
        for _ in range(1 + draws.streak(0.6, 6)):
            self._browse(moment)
            self._swap(block_time(moment + 30 * MINUTE))
            moment += int(20 * DAY * draws.skewed()) + DAY

    def _session(self, moment: int) -> None:
        draws = self._draws
        end = moment if draws.chance(UNTRACKED_SHARE) else self._browse(moment)
        self._deal(block_time(end + 10 * SECOND + draws.below(2 * MINUTE)))

    def _browse(self, moment: int) -> int:
        """Events of one session; returns the moment of the last."""
        draws, ledger = self._draws, self._ledger
        production = not draws.chance(NOT_PRODUCTION_SHARE)
        identified = not draws.chance(UNIDENTIFIED_SHARE)
        if draws.chance(0.4):
            ledger.visit(moment, "login", production=production, identified=identified)
        for _ in range(2 + draws.streak(0.6, 12)):
            moment += SECOND + 1000 * draws.below(60_000)
            category = _CATEGORIES[_CATEGORY.draw(draws)]
            ledger.visit(moment, category, draws.below(21), production=production, identified=identified)
        return moment

    def _deal(self, moment: int) -> None:
        draws, ledger = self._draws, self._ledger
        if not ledger.clock.covers(moment):
            return
        if draws.chance(0.22 * self._world.offers[moment // DAY]):
            ledger.claim(moment, 500 + int(6_000 * draws.skewed()), SYMBOLS[1 + draws.below(2)])
            moment += MINUTE
        if draws.chance(0.32):
            self._swap(moment)
            moment += 2 * MINUTE
        if draws.chance(0.22):
            ledger.topup(moment, self._amount(1_000, 60_000), SYMBOLS[_SYMBOL.draw(draws)])
        elif draws.chance(0.1):
            ledger.purchase(moment, OFFERS[draws.below(len(OFFERS))])

    def _swap(self, signed: int) -> None:
        draws = self._draws
        filled = None if draws.chance(UNFILLED_SHARE) else signed + BLOCK * (1 + draws.below(12))
        self._ledger.swap(signed, filled, self._amount(500, 90_000))

    def _amount(self, least: int, spread: int) -> int | None:
        """Cents; a few are unknown."""
        known = not self._draws.chance(UNKNOWN_AMOUNT_SHARE)
        return least + int(spread * self._draws.skewed()) if known else None
