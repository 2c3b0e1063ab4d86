"""Journeys of the `starter` demo: touches, what follows from them, and the rows that are planted on purpose.

Rows are written as they are drawn, in the order in which journeys begin, so memory does not grow with the scale.
Times are whole microseconds since the first day; what falls outside the demo's days is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from measure_cli.demo.draws import Draws, Weights
from measure_cli.demo.starter_shop import (
    CHANNELS,
    DIRECT,
    RUN_UP_DAYS,
    Calendar,
    Channel,
    is_running,
    journey_starts,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST_JOURNEY_DAYS = 55
SIGNUP_SHARE = 0.22
MISSING_AMOUNT_SHARE = 0.015
UNTRACKED_SHARE = 0.06
TIE_SHARE = 0.02
RETURNING_SHARE = 0.5
REMEMBERED_CUSTOMERS = 10_000

RESELLERS = 4  # at scale 1; at least one
RESELLER_TOUCHES_A_DAY = 2
RESELLER_ORDER_EVERY_DAYS = 9

_HOURS = Weights((3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 11, 10, 10, 10, 11, 13, 16, 18, 17, 12, 7))
_MIDDLE = Weights([channel.middle for channel in CHANNELS])
_CLOSING = Weights([channel.closing for channel in CHANNELS])
_NAMED = {channel.name: channel for channel in CHANNELS}

Write = Callable[[Sequence[str]], object]


@dataclass(slots=True)
class Ledger:
    """Writes the touches and conversions that lie in the demo's days, and numbers them."""

    calendar: Calendar
    write_touch: Write
    write_conversion: Write
    _origin: datetime = field(init=False)
    _end: int = field(init=False)
    _touches: int = 0
    _conversions: int = 0

    def __post_init__(self) -> None:
        self._origin = datetime.combine(self.calendar.first, time())
        self._end = self.calendar.days * DAY

    def stamp(self, moment: int) -> str:
        """ISO text in UTC."""
        return (self._origin + timedelta(microseconds=moment)).isoformat(timespec="microseconds") + "Z"

    def touch(self, user: str, moment: int, channel: Channel, *, viewed: bool = False, opening: bool = False) -> None:
        """One touch of a user."""
        if 0 <= moment < self._end:
            self._touches += 1
            campaign = channel.opening_campaign if opening else channel.closing_campaign
            seen = "impression" if viewed else "click"
            name, source = channel.name, channel.source
            self.write_touch((f"t{self._touches:09d}", user, self.stamp(moment), name, source, campaign, seen))

    def conversion(self, user: str, moment: int, amount: str | None) -> None:
        """One purchase of that amount ('' when unknown), or a newsletter sign-up when there is no amount at all."""
        if 0 <= moment < self._end:
            self._conversions += 1
            kind, currency = ("newsletter_signup", "") if amount is None else ("purchase", "EUR")
            self.write_conversion((f"c{self._conversions:08d}", user, self.stamp(moment), kind, amount or "", currency))


@dataclass(frozen=True, slots=True)
class Market:
    """What drives the journeys; `willing` and `plan` are by day number."""

    calendar: Calendar
    plan: dict[str, dict[int, float]]
    prices: dict[int, float]
    willing: dict[int, float]
    scale: float


class Journeys:
    """Draws journeys one by one; remembers only how many users there are and a bounded sample of customers."""

    def __init__(self, market: Market, ledger: Ledger, draws: Draws) -> None:
        self._market = market
        self._ledger = ledger
        self._draws = draws
        self._users = 0
        self._customers: list[str] = []

    def write(self) -> None:
        """All journeys of ordinary users, in the order in which they begin."""
        market, draws = self._market, self._draws
        for day in range(-RUN_UP_DAYS, market.calendar.days):
            for channel in CHANNELS:
                expected = market.scale * journey_starts(channel, day, market.calendar, market.plan)
                for _ in range(draws.count(expected, noise=0.2)):
                    self._journey(channel, day)

    def _journey(self, channel: Channel, day: int) -> None:
        draws = self._draws
        user = self._user(channel)
        start = day * DAY + self._time_of_day()
        lag = draws.streak(channel.retention, LONGEST_JOURNEY_DAYS)
        if draws.chance(channel.conversion_rate * self._market.willing.get(day + lag, 1.0)):
            self._converting(user, channel, start, lag)
        else:
            self._touch(user, start, channel, opening=True)
            self._middle(user, start, start + (1 + lag) * DAY, draws.streak(0.45, 12))

    def _converting(self, user: str, channel: Channel, start: int, lag: int) -> None:
        draws = self._draws
        end = (start // DAY + lag) * DAY + self._time_of_day()
        if end < start + HOUR:
            end = start + 5 * MINUTE + draws.below(55 * MINUTE)
        if not draws.chance(UNTRACKED_SHARE):
            self._touch(user, start, channel, opening=True)
            if lag or draws.chance(0.5):
                last = end - MINUTE - draws.below(min(50 * MINUTE, end - start - 2 * MINUTE))
                self._middle(user, start, last, draws.streak(0.5, 12))
                self._close(user, last)
        self._convert(user, end)
        self._remember(user)

    def _close(self, user: str, moment: int) -> None:
        self._touch(user, moment, self._drawn(_CLOSING, moment))
        if self._draws.chance(TIE_SHARE):  # two trackers report the same click
            self._touch(user, moment, self._drawn(_CLOSING, moment))

    def _middle(self, user: str, start: int, end: int, touches: int) -> None:
        for _ in range(touches):
            moment = start + self._draws.below(end - start)
            self._touch(user, moment, self._drawn(_MIDDLE, moment))

    def _convert(self, user: str, moment: int) -> None:
        draws = self._draws
        if draws.chance(SIGNUP_SHARE):
            self._ledger.conversion(user, moment, None)
        elif draws.chance(MISSING_AMOUNT_SHARE):
            self._ledger.conversion(user, moment, "")
        else:
            self._ledger.conversion(user, moment, self._basket(moment))

    def _basket(self, moment: int) -> str:
        price = self._market.prices.get(moment // DAY, 1.0)
        return f"{price * (20 + 164 * self._draws.skewed()):.2f}"

    def _touch(self, user: str, moment: int, channel: Channel, opening: bool = False) -> None:
        viewed = self._draws.chance(channel.viewed)
        self._ledger.touch(user, moment, channel, viewed=viewed, opening=opening)

    def _drawn(self, weights: Weights, moment: int) -> Channel:
        """A channel by weight; a visit that a paused channel would have brought comes directly."""
        channel = CHANNELS[weights.draw(self._draws)]
        return channel if is_running(channel, moment // DAY, self._market.calendar) else DIRECT

    def _time_of_day(self) -> int:
        return _HOURS.draw(self._draws) * HOUR + self._draws.below(HOUR)

    def _user(self, channel: Channel) -> str:
        """A customer who comes back without an advertisement, else somebody new."""
        if channel.media is None and self._customers and self._draws.chance(RETURNING_SHARE):
            return self._customers[self._draws.below(len(self._customers))]
        self._users += 1
        return f"u{self._users * 2_654_435_761 % 2**32:08x}"  # an odd factor: no two users share a name

    def _remember(self, user: str) -> None:
        if len(self._customers) < REMEMBERED_CUSTOMERS:
            self._customers.append(user)
        else:
            self._customers[self._draws.below(REMEMBERED_CUSTOMERS)] = user


def write_resellers(market: Market, ledger: Ledger, draws: Draws) -> None:
    """Heavy users: thousands of touches and dozens of purchases each."""
    unpaid = [channel for channel in CHANNELS if channel.media is None]
    for number in range(max(1, int(RESELLERS * market.scale))):
        user = f"reseller-{number + 1}"
        for day in range(market.calendar.days):
            for _ in range(RESELLER_TOUCHES_A_DAY):
                ledger.touch(user, day * DAY + draws.below(DAY), unpaid[draws.below(len(unpaid))])
            if day % RESELLER_ORDER_EVERY_DAYS == number % RESELLER_ORDER_EVERY_DAYS:
                amount = f"{draws.between(60, 140):.2f}"
                ledger.conversion(user, day * DAY + 10 * HOUR + draws.below(6 * HOUR), amount)


# -- planted: the same number of rows at every scale --------------------------------------------------------------

MONTH_ENDS = 12
SAME_SECOND_USERS = 3
WINDOW_DAYS = (7, 30, 60)
UNUSABLE = {"touchpoints": 6, "conversions": 4, "spend": 2}


def write_edge_cases(ledger: Ledger) -> None:
    """Correct rows that break careless SQL."""
    _month_ends(ledger)
    _same_second(ledger)
    _window_edges(ledger)


def _month_ends(ledger: Ledger) -> None:
    """A purchase in the last microsecond of a month and one exactly at the midnight after it."""
    calendar = ledger.calendar
    firsts = [day for day in range(1, calendar.days) if calendar.date_of(day).day == 1]
    for number, day in enumerate(firsts[-MONTH_ENDS:], start=1):
        for user, moment in ((f"midnight-{number}", day * DAY), (f"month-end-{number}", day * DAY - 1)):
            ledger.touch(user, moment - 26 * HOUR, _NAMED["Display"], viewed=True, opening=True)
            ledger.touch(user, moment - 3 * MINUTE, _NAMED["Paid Search"])
            ledger.conversion(user, moment, "49.90")


def _same_second(ledger: Ledger) -> None:
    """Three purchases of one user in one second, two of them equal to the microsecond; first and last touches tie."""
    for number in range(1, SAME_SECOND_USERS + 1):
        user = f"same-second-{number}"
        noon = (ledger.calendar.days - 30 * number) * DAY + 12 * HOUR
        for channel in (_NAMED["Display"], _NAMED["Organic Search"]):
            ledger.touch(user, noon - 3 * DAY, channel, opening=True)
        for channel in (_NAMED["Email"], _NAMED["Affiliate"]):
            ledger.touch(user, noon - HOUR, channel)
        for moment in (noon, noon, noon + 999_999):
            ledger.conversion(user, moment, "25.00")


def _window_edges(ledger: Ledger) -> None:
    """Touches N days before a purchase (inside the lookback), a microsecond earlier and at its moment (outside)."""
    for days in WINDOW_DAYS:
        user = f"window-{days}"
        noon = (ledger.calendar.days - 90) * DAY + 12 * HOUR
        ledger.touch(user, noon - days * DAY - 1, _NAMED["Display"], opening=True)
        ledger.touch(user, noon - days * DAY, _NAMED["Organic Search"], opening=True)
        ledger.touch(user, noon, _NAMED["Email"])
        ledger.conversion(user, noon, "75.00")


def write_unusable(ledger: Ledger) -> None:
    """Rows that belong in the rejects: no user, no time, and each id a second time (its first row is good)."""
    _unusable_touches(ledger.write_touch, ledger.stamp((ledger.calendar.days - 20) * DAY + 9 * HOUR))
    _unusable_conversions(ledger.write_conversion, ledger.stamp((ledger.calendar.days - 20) * DAY + 10 * HOUR))


def _unusable_touches(write: Write, morning: str) -> None:
    rest = ("Direct", "web_analytics", "", "click")
    write(("bad-1", "", morning, *rest))
    write(("bad-2", "   ", morning, *rest))
    write(("bad-3", "no-time-1", "31/12/20xx 10:00", *rest))
    write(("bad-4", "no-time-2", "yesterday", *rest))
    for number in (1, 2):
        for _ in range(2):
            write((f"resent-{number}", f"resent-{number}", morning, *rest))


def _unusable_conversions(write: Write, morning: str) -> None:
    rest = ("purchase", "19.90", "EUR")
    write(("bad-1", "", morning, *rest))
    write(("bad-2", "no-time-1", "n/a", *rest))
    for number in (1, 2):
        for _ in range(2):
            write((f"resent-{number}", f"resent-{number}", morning, *rest))
