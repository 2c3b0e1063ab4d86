"""kill -9 at many moments of refreshes and builds: readers see a version, and the next refresh ends in the last one.

Moments are drawn from a seed: half of them are statements, half of them times between the start of a process and its
end. A command that was faster than its kill does not count.
"""

from __future__ import annotations

import random
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.refresh.forked import Content, chdb_content, chdb_resumed, elsewhere, move_to_chdb, start
from tests.refresh.visits import Rows, VisitShop, open_visits

COMMANDS = (
    ("refresh",),
    ("refresh", "--batch-months", "3"),
    ("refresh", "--start", "2024-03-01"),
    ("refresh", "--full", "--batch-months", "2"),
    ("refresh", "--restart"),
    ("build",),
    ("build", "--full"),
)
VERSIONS = 4
INTERNAL = ("second file: ", "internal.")


def rows_of(version: int) -> Rows:
    """Versions differ in visits of one month and in orders of another, and in how many rows there are."""
    day = datetime(2024, 1, 5)
    visits = [("ann", day + timedelta(days=20 * number), "mail") for number in range(7)]
    orders = [(number, "ann", day + timedelta(days=9 * number), 100) for number in range(15)]
    for number in range(version + 1):
        visits.append(("ann", datetime(2024, version + 1, 2 + number), "search"))
        orders.append((100 + number, "ann", datetime(2024, version + 2, 9), 7 * version))
    return Rows(tuple(visits), tuple(orders))


class Soak:
    """Kills a command after a time or before a statement."""

    def __init__(self, shop: VisitShop, seed: int, statements: int) -> None:
        self.shop, self.chance, self.statements = shop, random.Random(seed), statements
        began = time.perf_counter()
        process = start(shop, ("refresh", "--full"))
        process.join()
        assert process.exitcode == 0
        self.whole = time.perf_counter() - began

    def strike(self) -> bool:
        """Whether the command was killed before it came to its end."""
        arguments = self.chance.choice(COMMANDS)
        if self.chance.random() < 0.5:
            process = start(self.shop, arguments, self.chance.randint(1, self.statements))
        else:
            process = start(self.shop, arguments)
            time.sleep(self.whole * self.chance.random())
            process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), f"{arguments} ended with {process.exitcode}"
        return process.exitcode != 0


def whole(visible: Content) -> Content:
    """The relations that are published in one transaction."""
    return {name: rows for name, rows in visible.items() if not name.startswith(INTERNAL)}


def differing(visible: Content, before: Content, after: Content) -> list[str]:
    """Relations that are neither as they were nor as they will be."""
    names = visible.keys() | before.keys() | after.keys()
    return sorted(name for name in names if visible.get(name) not in (before.get(name), after.get(name)))


@pytest.mark.soak
def test_killed_on_duckdb(tmp_path: Path) -> None:
    references = []
    for version in range(VERSIONS):
        fresh = open_visits(tmp_path / f"fresh_{version}", rows_of(version))
        fresh.build()
        references.append(fresh.everything())
    shop = open_visits(tmp_path / "lived", rows_of(0))
    shop.refresh()
    soak, kills, tries, before = Soak(shop, seed=11, statements=150), 0, 0, 0
    while kills < 200:
        tries += 1
        assert tries < 600, f"only {kills} commands were killed"
        after = (before + soak.chance.randrange(1, VERSIONS)) % VERSIONS
        shop.give(rows_of(after))
        kills += soak.strike()
        visible = shop.everything_published()
        assert differing(visible, references[before], references[after]) == []
        assert whole(visible) in (whole(references[before]), whole(references[after]))
        shop.refresh()
        assert shop.everything() == references[after]
        assert [name for name in shop.relations() if "__" in name] == []
        before = after


@pytest.mark.soak
def test_killed_on_chdb(tmp_path: Path) -> None:
    """There are no transactions: each relation for itself is as it was or as it will be."""
    references = []
    for version in range(VERSIONS):
        fresh = move_to_chdb(open_visits(tmp_path / f"fresh_{version}", rows_of(version)))
        fresh.build()
        references.append(elsewhere(chdb_content, fresh.folder))
    assert len({repr(reference["marts.fct_total"]) for reference in references}) == VERSIONS
    shop = move_to_chdb(open_visits(tmp_path / "lived", rows_of(0)))
    shop.refresh()
    soak, kills, tries, before = Soak(shop, seed=12, statements=250), 0, 0, 0
    while kills < 50:
        tries += 1
        assert tries < 150, f"only {kills} commands were killed"
        after = (before + soak.chance.randrange(1, VERSIONS)) % VERSIONS
        shop.give(rows_of(after))
        kills += soak.strike()
        visible, ended = elsewhere(chdb_resumed, shop.folder)
        assert differing(visible, references[before], references[after]) == []
        assert ended == references[after]
        before = after
