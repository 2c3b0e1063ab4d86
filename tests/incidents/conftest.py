"""A shop whose months were built one by one, and the salt of its pseudonyms."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.refresh.visits import SALT, Rows, VisitShop, open_visits

ROWS = Rows(
    visits=tuple(("ann", datetime(2024, month, 3), "mail") for month in range(1, 6)),
    orders=tuple(
        (10 * month + number, "ann", datetime(2024, month, day), 100)
        for month in range(1, 6)
        for number, day in enumerate((4, 9, 20))
    ),
)


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_PII_SALT", SALT)


@pytest.fixture
def shop(tmp_path: Path) -> VisitShop:
    shop = open_visits(tmp_path / "shop", ROWS)
    shop.refresh()
    return shop
