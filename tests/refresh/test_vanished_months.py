"""A month without rows any more goes, wherever a refresh that takes it out, or one that brought it, is killed."""

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
# The last month, because whatever lies between two months with rows is looked at in any case.
ALL, LEFT = Rows(VISITS, ORDERS), Rows(VISITS, ORDERS[:-1])
MOMENTS = [
    *(Moment(Phase.FIRST_FILE, statement) for statement in (1, 2, 4)),
    *(Moment(phase, 1) for phase in (Phase.BETWEEN_FILES, Phase.PUBLISHING)),
]


def killed(shop: VisitShop, before: Rows, after: Rows, moment: Moment) -> None:
    """A refresh from some rows to others, which dies; then there is nothing of the last month."""
    shop.give(before)
    shop.refresh()
    shop.give(after)
    assert Strike(shop, ("refresh",), moment).end() == -signal.SIGKILL
    shop.give(LEFT)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment.phase.name}-{moment.statement}")
@pytest.mark.parametrize(("before", "after"), [(ALL, LEFT), (LEFT, ALL)], ids=["goes", "came"])
def test_killed_on_duckdb(tmp_path: Path, before: Rows, after: Rows, moment: Moment) -> None:
    shop = open_visits(tmp_path / "lived")
    killed(shop, before, after, moment)
    shop.refresh()
    fresh = open_visits(tmp_path / "fresh", LEFT)
    fresh.build()
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize(
    ("before", "after", "statement"), [(ALL, LEFT, 5), (ALL, LEFT, 20), (LEFT, ALL, 40)], ids=["goes", "went", "came"]
)
def test_killed_on_chdb(tmp_path: Path, before: Rows, after: Rows, statement: int) -> None:
    shop = move_to_chdb(open_visits(tmp_path))
    killed(shop, before, after, Moment(Phase.PUBLISHING, statement))
    visible, resumed = elsewhere(chdb_resumed, shop.folder)
    assert visible["marts.fct_touched"], "it was built before"
    for name in ("marts.fct_touched", "internal.int_raw"):
        assert {row[0] for row in resumed[name]} == {order[0] for order in LEFT.orders}, name
    assert [row[0] for row in resumed["marts.fct_daily"]] == [order[2].date() for order in LEFT.orders]
