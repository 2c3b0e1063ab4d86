"""The shop behind the `starter` demo: its calendar, prices, channels and media plan.

Everything here is independent of the scale, so a larger demo is the same shop with more users. Days are numbered from
the first day of the demo (0); negative days are the run-up, in which journeys begin that convert in the first weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from measure_cli.demo.draws import Draws

RUN_UP_DAYS = 42

YEARLY_GROWTH = 0.2
MONTH_FACTORS = (0.95, 0.88, 0.94, 0.97, 1.00, 0.95, 0.86, 0.88, 1.00, 1.08, 1.50, 1.65)  # January first
WEEKDAY_FACTORS = (1.10, 1.02, 1.00, 0.98, 0.90, 0.85, 1.15)  # Monday first, mean 1
HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31))  # month, day
HOLIDAY_FACTOR = 0.6
PROMOTION_ISO_WEEKS = (4, 18, 30, 48)
PROMOTION_PRICE_CUT = 0.12
LIST_PRICES = (1.00, 1.03, 1.06)  # of the three thirds of the period
PRICE_SLOPE = 2.0  # one percent on the price takes two percent of the conversions

LAUNCHED_CHANNEL = "Video"
PAUSED_CHANNEL = "Paid Social"
PAUSE_DAYS = 14
FLIGHT_DAYS = 21
OPENING_BUDGET_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Media:
    """How a paid channel is bought; money in EUR at scale 1."""

    platform: str
    daily_budget: float
    cost_per_mille: float
    click_rate: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel and its part in journeys.

    Args:
        name: the touchpoints' event_kind.
        starts: journeys that begin here, per day at scale 1; of a paid channel at its mean budget.
        conversion_rate: share of those journeys that convert on an ordinary day.
        retention: a converting journey goes on for another day with this probability (geometric carry-over).
        middle: weight among the touches in the middle of journeys.
        closing: weight among the last touches of converting journeys.
        viewed: share of touches that are impressions, the rest are clicks.
        opening_campaign: campaign of the touches that begin a journey.
        closing_campaign: campaign of all other touches.
        media: None when nobody pays for it.
    """

    name: str
    starts: float
    conversion_rate: float
    retention: float
    middle: int
    closing: int
    viewed: float = 0.0
    opening_campaign: str = ""
    closing_campaign: str = ""
    media: Media | None = None

    @property
    def source(self) -> str:
        """Where its touches are recorded."""
        return self.media.platform if self.media else "web_analytics"


_SEARCH = Media("google_ads", daily_budget=36.0, cost_per_mille=33.0, click_rate=0.06)
_SOCIAL = Media("meta_ads", daily_budget=22.0, cost_per_mille=6.5, click_rate=0.011)
_DISPLAY = Media("display_network", daily_budget=12.0, cost_per_mille=2.2, click_rate=0.003)
_VIDEO = Media("youtube", daily_budget=20.0, cost_per_mille=8.0, click_rate=0.006)
_AFFILIATE = Media("awin", daily_budget=8.0, cost_per_mille=7.0, click_rate=0.02)

CHANNELS = (
    Channel("Paid Search", 4.0, 0.21, 0.30, 14, 300, 0.00, "generic", "brand", _SEARCH),
    Channel("Paid Social", 7.0, 0.13, 0.60, 15, 50, 0.25, "prospecting", "retargeting", _SOCIAL),
    Channel("Display", 7.5, 0.19, 0.80, 8, 8, 0.70, "awareness", "remarketing", _DISPLAY),
    Channel("Video", 8.0, 0.20, 0.85, 5, 4, 0.80, "brand_film", "brand_film", _VIDEO),
    Channel("Affiliate", 2.0, 0.17, 0.40, 3, 70, 0.00, "content", "coupons", _AFFILIATE),
    Channel("Email", 1.0, 0.24, 0.45, 14, 220, 0.00, "newsletter", "newsletter"),
    Channel("Organic Search", 7.5, 0.16, 0.45, 20, 100),
    Channel("Referral", 2.5, 0.14, 0.45, 5, 20),
    Channel("Direct", 3.5, 0.18, 0.45, 16, 230),
)
DIRECT = CHANNELS[-1]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the demo: `first <= day < as_of`, two years."""

    first: date
    as_of: date

    @classmethod
    def until(cls, as_of: date) -> Calendar:
        """The two years before the date; they begin on 28 February when there is no 29th."""
        same_day = as_of.day if (as_of.month, as_of.day) != (2, 29) else 28
        return cls(date(as_of.year - 2, as_of.month, same_day), as_of)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.as_of - self.first).days

    def date_of(self, day: int) -> date:
        """The date of a day number."""
        return self.first + timedelta(days=day)

    def monday_after(self, day: int) -> int:
        """The day number of the first Monday at or after a day."""
        return day + -self.date_of(day).weekday() % 7

    @property
    def launch(self) -> int:
        """First day of the launched channel: the Monday half way."""
        return self.monday_after(self.days // 2)

    @property
    def pause(self) -> range:
        """Days of the pause: two whole weeks after three quarters of the period."""
        begin = self.monday_after(self.days * 3 // 4)
        return range(begin, begin + PAUSE_DAYS)


def is_live(channel: Channel, day: int, calendar: Calendar) -> bool:
    """Whether the channel has been launched."""
    return channel.name != LAUNCHED_CHANNEL or day >= calendar.launch


def is_running(channel: Channel, day: int, calendar: Calendar) -> bool:
    """Whether the channel is live and not paused."""
    paused = channel.name == PAUSED_CHANNEL and day in calendar.pause
    return is_live(channel, day, calendar) and not paused


def is_holiday(day: date) -> bool:
    """Whether the shop's customers have the day off."""
    return (day.month, day.day) in HOLIDAYS


def interest(day: int, calendar: Calendar) -> float:
    """Trend x season: how many people look for the shop on their own."""
    return (1 + YEARLY_GROWTH * day / 365) * MONTH_FACTORS[calendar.date_of(day).month - 1]


def price_indices(calendar: Calendar, draws: Draws) -> dict[int, float]:
    """Price of the range on each day: list price x weekly change of 1.5 percent at most, less the promotions' cut."""
    indices = {}
    weekly = 1.0
    for day in range(-RUN_UP_DAYS, calendar.days):
        today = calendar.date_of(day)
        if today.weekday() == 0:
            weekly = draws.between(0.985, 1.015)
        third = min(max(day, 0) * len(LIST_PRICES) // calendar.days, len(LIST_PRICES) - 1)
        cut = PROMOTION_PRICE_CUT if today.isocalendar().week in PROMOTION_ISO_WEEKS else 0.0
        indices[day] = LIST_PRICES[third] * weekly * (1 - cut)
    return indices


def willingness(day: int, calendar: Calendar, price: float) -> float:
    """Weekday x holiday x price: how the day changes the share of journeys that convert."""
    today = calendar.date_of(day)
    holiday = HOLIDAY_FACTOR if is_holiday(today) else 1.0
    return WEEKDAY_FACTORS[today.weekday()] * holiday * (1 - PRICE_SLOPE * (price - 1))


def media_plan(calendar: Calendar, draws: Draws) -> dict[str, dict[int, float]]:
    """Spend of each paid channel on each live day, EUR at scale 1.

    Budget x three-week flights at 40 to 160 percent x part of the season x daily noise of 15 percent; 0 in a pause.
    """
    plan: dict[str, dict[int, float]] = {}
    paid = [(channel, channel.media) for channel in CHANNELS if channel.media]
    for position, (channel, media) in enumerate(paid):
        spends = plan[channel.name] = {}
        flight = draws.between(0.4, 1.6)
        for day in range(-RUN_UP_DAYS, calendar.days):
            if (day + 4 * position) % FLIGHT_DAYS == 0:  # flights of two channels do not change on the same day
                flight = draws.between(0.4, 1.6)
            season = 1 + 0.5 * (MONTH_FACTORS[calendar.date_of(day).month - 1] - 1)
            wanted = media.daily_budget * flight * season * draws.between(0.85, 1.15)
            if is_live(channel, day, calendar):
                spends[day] = wanted if is_running(channel, day, calendar) else 0.0
    return plan


def journey_starts(channel: Channel, day: int, calendar: Calendar, plan: dict[str, dict[int, float]]) -> float:
    """Expected journeys that begin at the channel on the day, at scale 1.

    A paid channel saturates: x / (x + 1) of its ceiling, with x the spend in mean budgets, so half at the mean budget.
    """
    if channel.media is None:
        return channel.starts * interest(day, calendar)
    pressure = plan[channel.name].get(day, 0.0) / channel.media.daily_budget
    return 2 * channel.starts * pressure / (pressure + 1)
