"""A month without rows any more goes, wherever the refresh that takes it out is killed."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path

import pytest

from tests.refresh.course import Moment, Phase
from tests.refresh.forked import Strike, chdb_resumed, elsewhere, move_to_chdb
from tests.refresh.visits import Rows, VisitShop, open_visits

VISITS = tuple(("ann", datetime(2024, month, 3), "mail") for month in range(1, 5))
ORDERS = tuple((month, "ann", datetime(2024, month, 9), 100) for month in range(1, 6))
VANISHED = 5  # at the end: whatever lies between two months with rows is looked at in any case
LEFT = Rows(VISITS, tuple(order for order in ORDERS if order[0] != VANISHED))
MOMENTS = [
    *(Moment(Phase.FIRST_FILE, statement) for statement in (1, 2, 4)),
    *(Moment(phase, 1) for phase in (Phase.BETWEEN_FILES, Phase.PUBLISHING)),
]


def killed(shop: VisitShop, moment: Moment) -> None:
    """A refresh that dies while it takes the month out."""
    shop.give(LEFT)
    assert Strike(shop, ("refresh",), moment).end() == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment.phase.name}-{moment.statement}")
def test_killed_on_duckdb(tmp_path: Path, moment: Moment) -> None:
    shop = open_visits(tmp_path / "lived", Rows(VISITS, ORDERS))
    shop.refresh()
    killed(shop, moment)
    shop.refresh()
    fresh = open_visits(tmp_path / "fresh", LEFT)
    fresh.build()
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize("statement", [5, 20])
def test_killed_on_chdb(tmp_path: Path, statement: int) -> None:
    shop = move_to_chdb(open_visits(tmp_path, Rows(VISITS, ORDERS)))
    shop.refresh()
    killed(shop, Moment(Phase.PUBLISHING, statement))
    _, after = elsewhere(chdb_resumed, shop.folder)
    for name, identities in (("marts.fct_touched", {1, 2, 3, 4}), ("internal.int_raw", {1, 2, 3, 4})):
        assert {row[0] for row in after[name]} == identities, name
    assert [row[0] for row in after["marts.fct_daily"]] == [order[2].date() for order in LEFT.orders]
