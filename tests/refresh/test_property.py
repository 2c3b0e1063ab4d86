"""Whatever happens to the inputs, wherever a refresh is killed: in the end the target holds what one build gives."""

from __future__ import annotations

import signal
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.refresh.course import Moment
from tests.refresh.forked import Strike
from tests.refresh.visits import BUSIEST, Rows, VisitShop, open_visits

FIRST = datetime(2023, 11, 20)
MINUTES = 300 * 24 * 60  # beyond as_of
VISITORS = ("ann", "bob", "eve")
KINDS = ("mail", "search", "unknown")

moments = st.integers(0, MINUTES).map(lambda minutes: FIRST + timedelta(minutes=minutes))
visits = st.tuples(st.sampled_from(VISITORS), moments, st.sampled_from(KINDS))
orders = st.tuples(st.sampled_from(VISITORS), moments, st.integers(0, 900))
row_numbers = st.integers(0, 10_000)

Step = tuple[str, object]
History = list[tuple[list[Step], Step]]

changes: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("add visits"), st.lists(visits, min_size=1, max_size=4)),
    st.tuples(st.just("add orders"), st.lists(orders, min_size=1, max_size=4)),
    st.tuples(st.just("correct an order"), st.tuples(row_numbers, moments)),
    st.tuples(st.just("drop a visit"), row_numbers),
    st.tuples(st.just("drop an order"), row_numbers),
    st.tuples(st.just("weigh"), st.integers(1, 3)),
    st.tuples(st.just("vary"), st.integers(1, 2)),
)
unbroken_runs: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("refresh"), st.integers(1, 4)),
    st.tuples(st.just("force"), moments),
    st.tuples(st.just("build"), st.none()),
)
runs = st.one_of(unbroken_runs, st.tuples(st.just("kill"), st.integers(5, 185)))


class World:
    """Rows and settings as they are now, and the project that follows them."""

    def __init__(self, shop: VisitShop, *options: str) -> None:
        self.shop, self.options = shop, options
        self.visits: list[tuple[str, datetime, str]] = []
        self.orders: list[tuple[int, str, datetime, int]] = []
        self.weight = self.bonus = 1
        self.made = 0
        shop.write("my_stack/marts/fct_busiest.sql", BUSIEST)

    @property
    def arguments(self) -> tuple[str, str]:
        return ("--var", f"bonus={self.bonus}")

    def change(self, what: str, value: object) -> None:
        match what, value:
            case "add visits", list():
                self.visits += value
            case "add orders", list():
                self.orders += [(self.made + number, *order) for number, order in enumerate(value)]
                self.made += len(value)
            case "correct an order", (int(number), datetime() as moment) if self.orders:
                at = number % len(self.orders)
                identity, visitor, _, amount = self.orders[at]
                self.orders[at] = (identity, visitor, moment, amount + 1)
            case "drop a visit", int(number) if self.visits:
                self.visits.pop(number % len(self.visits))
            case "drop an order", int(number) if self.orders:
                self.orders.pop(number % len(self.orders))
            case "weigh", int(weight):
                self.weight = weight
            case "vary", int(bonus):
                self.bonus = bonus
        self.follow(self.shop)

    def follow(self, shop: VisitShop) -> None:
        shop.give(Rows(tuple(self.visits), tuple(self.orders)))
        shop.write("my_stack/registries/kinds.csv", f"kind,weight\nmail,1\nsearch,{self.weight}\n")

    def run(self, what: str, value: object) -> None:
        match what, value:
            case "refresh", int(months):
                self.refresh("--batch-months", str(months))
            case "force", datetime() as moment:
                self.refresh("--start", f"{moment:%Y-%m-%d}")
            case "build", None:
                self.shop.build(*self.arguments)
            case "kill", int(statement):
                Strike(self.shop, ("refresh", *self.arguments, *self.options), Moment(None, statement)).end()

    def live(self, history: History) -> None:
        """All that happens, and a last refresh."""
        for steps, run in history:
            for what, value in steps:
                self.change(what, value)
            self.run(*run)
        self.refresh()

    def refresh(self, *arguments: str) -> None:
        self.shop.refresh(*self.arguments, *self.options, *arguments)

    def built_whole(self, folder: Path) -> VisitShop:
        shop = open_visits(folder)
        shop.write("my_stack/marts/fct_busiest.sql", BUSIEST)
        self.follow(shop)
        shop.build(*self.arguments)
        return shop


def histories(runs: st.SearchStrategy[Step], most: int = 5) -> st.SearchStrategy[History]:
    return st.lists(st.tuples(st.lists(changes, min_size=1, max_size=3), runs), min_size=2, max_size=most)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(runs))
def test_any_history_ends_in_what_one_build_gives(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(open_visits(Path(folder) / "lived"))
        world.live(history)
        assert world.shop.everything() == world.built_whole(Path(folder) / "fresh").everything()
        assert [name for name in world.shop.relations() if "__" in name] == []
        assert world.shop.refresh(*world.arguments).having("built") == set()


@pytest.mark.parametrize("statement", range(5, 185, 11))
def test_killed_at_every_statement(tmp_path: Path, statement: int) -> None:
    """The same refresh, killed earlier and later; readers see all of it or nothing."""
    world = World(open_visits(tmp_path / "lived"))
    world.visits = [("ann", datetime(2024, month, 3), "mail") for month in range(1, 5)]
    world.orders = [(month, "ann", datetime(2024, month, 9), 100) for month in range(1, 6)]
    world.follow(world.shop)
    world.shop.refresh()
    before = world.shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL")
    world.change("add visits", [("ann", datetime(2024, 3, 5), "search")])
    killed = Strike(world.shop, ("refresh",), Moment(None, statement)).end() == -signal.SIGKILL
    visible = world.shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL")
    assert world.shop.refresh().having("built") or not killed
    assert world.shop.everything() == world.built_whole(tmp_path / "fresh").everything()
    assert visible in (before, world.shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL"))
