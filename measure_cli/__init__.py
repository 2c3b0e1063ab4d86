"""Attribution and marketing-mix data from touchpoints, conversions and spend, in SQL."""

__version__ = "0.1.0"
