"""kill -9 at many moments of refreshes and builds: readers see a version, and the next refresh ends in the last one.

Moments are drawn from a seed and go round the phases of a command: before a statement of the phase, a little after it
began, or at any time; each is met exactly once before it may be met a little later. A command that was faster than
its kill does not count. Some are killed twice before they may end.
"""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from measure_cli.ddl.clickhouse_leftovers import UNFINISHED
from tests.refresh.course import Moment, Phase
from tests.refresh.forked import Content, Strike, chdb_content, chdb_resumed, elsewhere, move_to_chdb
from tests.refresh.visits import Rows, VisitShop, open_visits

BUILDS = (("build",), ("build", "--full"))
REFRESHES = (
    ("refresh",),
    ("refresh", "--batch-months", "3"),
    ("refresh", "--start", "2024-03-01"),
    ("refresh", "--full", "--batch-months", "2"),
    ("refresh", "--restart"),
)
ONE_FILE = tuple(phase for phase in Phase if phase not in (Phase.FIRST_FILE, Phase.BETWEEN_FILES))
ANY_TIME = (None, None)
LONGEST_DELAY = 0.02  # seconds; the longest statements of these commands take less
VERSIONS = 4
INTERNAL = ("second file: ", "internal.")
Record = Callable[[str, object], None]


def rows_of(version: int) -> Rows:
    """Versions differ in visits of one month and in orders of another, in how many rows there are and when they end."""
    day = datetime(2024, 1, 5)
    visits = [("ann", day + timedelta(days=20 * number), "mail") for number in range(7)]
    orders = [(number, "ann", day + timedelta(days=9 * number), 100) for number in range(15 - 3 * version)]
    for number in range(version + 1):
        visits.append(("ann", datetime(2024, version + 1, 2 + number), "search"))
        orders.append((100 + number, "ann", datetime(2024, version + 2, 9), 7 * version))
    return Rows(tuple(visits), tuple(orders))


class Soak:
    """Kills commands, and counts in which phase they died."""

    def __init__(self, shop: VisitShop, seed: int, phases: tuple[Phase, ...]) -> None:
        self.shop, self.chance = shop, random.Random(seed)
        self.kills: Counter[Phase] = Counter()
        self.tries = self.unfinished = 0
        self._aims = itertools.cycle((*phases, *ANY_TIME))
        self._aim = next(self._aims)
        began = time.perf_counter()
        self._counts = {words: self._undisturbed(words) for words in ("refresh", "build")}
        self._longest = (time.perf_counter() - began) / 2
        assert self._counts["refresh"].keys() == set(phases)

    def _undisturbed(self, command: str) -> dict[Phase, int]:
        strike = Strike(self.shop, (command, "--full"))
        assert strike.end() == 0
        return strike.counts

    def strike(self) -> None:
        """Run a command that is to be killed; when it was, the next one is aimed at another phase."""
        self.tries += 1
        arguments = self.chance.choice(REFRESHES if self._aim is Phase.BATCHES else (*REFRESHES, *BUILDS))
        if self._aim is None:
            strike = Strike(self.shop, arguments)
            strike.begin()
            time.sleep(self._longest * self.chance.random())
            strike.process.kill()
        else:
            statement = self.chance.randint(1, self._counts[arguments[0]][self._aim])
            delay = self.chance.choice((0.0, LONGEST_DELAY * self.chance.random())) if self.kills[self._aim] else 0.0
            strike = Strike(self.shop, arguments, Moment(self._aim, statement, delay))
        code = strike.end()
        assert code in (0, -signal.SIGKILL), f"{arguments} ended with {code}"
        if code:
            self.kills[strike.phase] += 1
            self._aim = next(self._aims)

    def strike_until(self, kills: int) -> None:
        """Go on after the last strikes: once, or twice before anybody looks."""
        assert self.tries < 4 * kills + 20, f"only {self.kills} commands were killed"
        self.strike()
        if self.chance.random() < 0.3:
            self.strike()

    def moved_on(self, version: int) -> int:
        """The version at the next refresh: sometimes the data change before it."""
        if self.chance.random() < 0.3:
            version = self.chance.randrange(VERSIONS)
            self.shop.give(rows_of(version))
        return version


@dataclass(frozen=True)
class References:
    """Projects that were built once from each version, and what readers see of them."""

    shops: list[VisitShop]
    contents: list[Content]


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> References:
    shops = built_once(tmp_path_factory.mktemp("fresh"))
    return References(shops, [shop.everything() for shop in shops])


@pytest.fixture(scope="module")
def on_chdb(tmp_path_factory: pytest.TempPathFactory) -> References:
    shops = [move_to_chdb(shop) for shop in opened(tmp_path_factory.mktemp("fresh_chdb"))]
    for shop in shops:
        shop.build()
    contents = [elsewhere(chdb_content, shop.folder) for shop in shops]
    assert len({repr(content["marts.fct_total"]) for content in contents}) == VERSIONS
    return References(built_once(tmp_path_factory.mktemp("fresh")), contents)


def opened(folder: Path) -> list[VisitShop]:
    return [open_visits(folder / str(version), rows_of(version)) for version in range(VERSIONS)]


def built_once(folder: Path) -> list[VisitShop]:
    shops = opened(folder)
    for shop in shops:
        shop.build()
    return shops


def whole(visible: Content) -> Content:
    """The relations that are published in one transaction."""
    return {name: rows for name, rows in visible.items() if not name.startswith(INTERNAL)}


def differing(visible: Content, before: Content, after: Content) -> list[str]:
    """Relations that are neither as they were nor as they will be."""
    names = visible.keys() | before.keys() | after.keys()
    return sorted(name for name in names if visible.get(name) not in (before.get(name), after.get(name)))


def waiting(shop: VisitShop) -> list[str]:
    """The stages of what was asked for, though it was up to date, and was killed: they wait to be asked for again."""
    found = dict(shop.query("SELECT relation, count(*) FROM measure_state.staged GROUP BY relation"))
    places = {"int_raw": "internal", "fct_touched": "marts", "fct_daily": "marts"}
    return [name for name in shop.relations() if name in {f"{places[key]}.{key}__batches" for key in found}]


def drop_unfinished(visible: Content) -> int:
    """How many tables ClickHouse was making or dropping under a name of its own; the next refresh removes them."""
    names = [name for name in visible if UNFINISHED in name]
    for name in names:
        del visible[name]
    return len(names)


def assert_no_difference(shop: VisitShop, fresh: VisitShop) -> None:
    """`measure diff` finds none; the second file of an embedded target is compared too."""
    ended = shop.measure("diff", "local", str(fresh.database), "--json")
    statuses = {relation["status"] for relation in ended.json["relations"]}
    assert (ended.exit_code, statuses) == (0, {"same"}), ended.stdout


def report(record: Record, soak: Soak, began: float) -> None:
    """What the summary of the tests tells."""
    phases = ", ".join(f"{number} {phase.name.lower()}" for phase, number in sorted(soak.kills.items()))
    seconds = time.perf_counter() - began
    phases += f"; {soak.unfinished} unfinished tables" if soak.unfinished else ""
    record("soak", f"{soak.kills.total()} of {soak.tries} commands killed in {seconds:.0f} s: {phases}")


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_killed_on_duckdb(part: int, tmp_path: Path, on_duckdb: References, record_property: Record) -> None:
    began, kills = time.perf_counter(), 25
    shop = open_visits(tmp_path, rows_of(0))
    shop.refresh()
    soak, before, references = Soak(shop, 100 + part, tuple(Phase)), 0, on_duckdb.contents
    while soak.kills.total() < kills:
        after = (before + soak.chance.randrange(1, VERSIONS)) % VERSIONS
        shop.give(rows_of(after))
        soak.strike_until(kills)
        visible = shop.everything_published()
        assert differing(visible, references[before], references[after]) == []
        assert whole(visible) in (whole(references[before]), whole(references[after]))
        before = soak.moved_on(after)
        shop.refresh()
        assert shop.everything() == references[before]
        assert [name for name in shop.relations() if "__" in name] == waiting(shop)
    shop.refresh("--full")
    assert_no_difference(shop, on_duckdb.shops[before])
    assert [name for name in shop.relations() if "__" in name] == []
    assert set(soak.kills) == set(Phase)
    report(record_property, soak, began)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(5))
def test_killed_on_chdb(part: int, tmp_path: Path, on_chdb: References, record_property: Record) -> None:
    """There are no transactions: each relation for itself is as it was or as it will be."""
    began, kills = time.perf_counter(), 10
    shop = move_to_chdb(open_visits(tmp_path, rows_of(0)))
    shop.refresh()
    soak, before, references = Soak(shop, 200 + part, ONE_FILE), 0, on_chdb.contents
    while soak.kills.total() < kills:
        after = (before + soak.chance.randrange(1, VERSIONS)) % VERSIONS
        shop.give(rows_of(after))
        soak.strike_until(kills)
        last = soak.moved_on(after)
        visible, ended = elsewhere(chdb_resumed, shop.folder)
        soak.unfinished += drop_unfinished(visible)
        assert differing(visible, references[before], references[after]) == []
        assert ended == references[last]
        before = last
    assert_no_difference(shop, on_chdb.shops[before])
    assert set(soak.kills) == set(ONE_FILE)
    report(record_property, soak, began)
