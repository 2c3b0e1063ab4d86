"""Values -> what people and programs read.

For people numbers of one column are written alike, and none becomes a false zero.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Real = float | Decimal
HUGE = 1e15  # from here on a double has no digits left after the point
MOST_DECIMALS = 6
SMALL = 1e-6


def column_texts(values: Sequence[Any]) -> list[str]:
    """What is shown of one column.

    >>> column_texts([1250.5, 3, None]), column_texts([0.5, 0.123456]), column_texts([7.0, 0.0004])
    (['1,250.50', '3', 'NULL'], ['0.5000', '0.1235'], ['7.0000', '0.0004'])
    >>> column_texts([2024]), column_texts([12, 12_000]), column_texts([0.0, 1e300, 1e-9])
    (['2024'], ['12', '12,000'], ['0.00', '1e+300', '1e-09'])
    """
    decimals = decimals_of([value for value in values if isinstance(value, Real)])
    is_large = any(abs(value) >= 10_000 for value in values if isinstance(value, int))  # years need no separator
    return [text_of(value, decimals, is_large) for value in values]


def shown(value: Any) -> str:
    """One value for people."""
    return column_texts([value])[0]


def decimals_of(values: Sequence[Real]) -> int:
    """How many digits after the point show the smallest number of a column; two, when they are not all below 1."""
    plain = [value for value in values if value and is_plain(value)]
    if not plain:
        return 2
    sizes = [abs(float(value)) for value in plain]
    lead = -math.floor(math.log10(min(sizes)))  # the place of the first digit of the smallest
    wanted = lead if max(sizes) >= 1 else max(4, lead + 1)
    return 2 if wanted <= 2 else max(2, min(wanted, MOST_DECIMALS, max(places_of(value) for value in plain)))


def places_of(value: Real) -> int:
    """How many digits after the point a number has.

    >>> places_of(0.25), places_of(Decimal("3.10")), places_of(1e-05)
    (2, 1, 5)
    """
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def is_plain(value: Real) -> bool:
    """Whether a number can be written without an exponent."""
    return math.isfinite(value) and (not value or SMALL <= abs(float(value)) < HUGE)


def text_of(value: Any, decimals: int, is_large: bool) -> str:
    """One value; real numbers with so many decimals, whole ones with separators where a column `is_large`."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}" if is_large else str(value)
        case float() | Decimal():
            return f"{value:,.{decimals}f}" if is_plain(value) else f"{float(value):.4g}"
        case _:
            return printable(str(value))


def printable(text: str) -> str:
    r"""A text with its control characters written out: data must not move the cursor, nor tear a row apart.

    >>> printable("two\nlines"), printable("\x1b[31m"), printable("E-Mail – é")
    ('two\\nlines', '\\x1b[31m', 'E-Mail – é')
    """
    if text.isprintable():
        return text
    return "".join(repr(char)[1:-1] if unicodedata.category(char) == "Cc" else char for char in text)


def to_the_second(moment: datetime | None) -> datetime | None:
    """A moment without the fraction of its second."""
    return moment.replace(microsecond=0) if moment else None


def to_json(value: Any) -> Any:
    """A value as JSON knows it: days as text, decimals as numbers, what is no number as null."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Decimal | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else str(value)
