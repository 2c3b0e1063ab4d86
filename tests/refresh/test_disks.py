"""Disks that fill up or become read-only in the middle of a refresh or a build: told clearly, and nothing is lost.

Each scenario has a process of its own, which is the only one to see its disk; what fails there is told on stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.build.workshop import Ended
from tests.refresh.course import Course, Moment, Phase, follow_duckdb
from tests.refresh.disks import failing_disk, see_own_mounts, small_disk, why_not_failing, why_not_full
from tests.refresh.forked import Content, elsewhere
from tests.refresh.test_kill_soak import assert_no_difference, differing, rows_of, whole
from tests.refresh.test_memory import open_big
from tests.refresh.visits import VisitShop, open_visits

FIRST = rows_of(0)
ORDERS = tuple(
    (number, f"ann{number % 7}", datetime(2024, 1, 1) + timedelta(minutes=number * 31 % 200_000), number % 977)
    for number in range(30_000)
)
GROWN = replace(rows_of(1), orders=ORDERS)


@pytest.fixture(scope="module")
def disks_that_fill_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    skip_if(why_not_full, tmp_path_factory.mktemp("full") / "disk")


@pytest.fixture(scope="module")
def disks_that_fail(tmp_path_factory: pytest.TempPathFactory) -> None:
    skip_if(why_not_failing, tmp_path_factory.mktemp("failing") / "disk")


def skip_if(why_not: Callable[[Path], str], folder: Path) -> None:
    if reason := elsewhere(why_not, folder):
        pytest.skip(f"such a disk cannot be mounted here: {reason}")


def assert_told(ended: Ended, reason: str) -> None:
    assert ended.exit_code == 1, ended.stderr
    assert reason in ended.stderr
    assert "Make room there or make it writable" in ended.stderr
    assert ended.stdout == ""


def assert_whole(visible: Content, before: Content, after: Content) -> None:
    assert differing(visible, before, after) == []
    assert whole(visible) in (whole(before), whole(after))


def assert_healed(shop: VisitShop, fresh: VisitShop) -> None:
    """With room again, the next refresh ends in what a fresh build gives."""
    shop.refresh()
    assert shop.everything() == fresh.everything()
    assert [name for name in shop.relations() if "__" in name] == []
    assert_no_difference(shop, fresh)


def fresh_shop(folder: Path) -> VisitShop:
    fresh = open_visits(folder / "fresh", GROWN)
    fresh.build()
    return fresh


def filled_up(folder: Path, command: str, room: int) -> None:
    """A command on grown inputs, with so much room for what it writes."""
    see_own_mounts()
    fresh, shop = fresh_shop(folder), open_visits(folder / "lived", FIRST)
    with small_disk(shop.database.parent) as disk:
        shop.refresh()
        before = shop.everything()
        shop.give(GROWN)
        disk.leave(room)
        assert_told(shop.measure(command, "--full"), "No space left on device")
        # What does not read the relation that found no room may be published.
        assert differing(shop.everything_published(), before, fresh.everything()) == []
        disk.leave(100_000_000)
        assert_healed(shop, fresh)


@pytest.mark.usefixtures("disks_that_fill_up")
@pytest.mark.parametrize(
    ("command", "room"),
    [
        ("refresh", 700_000),
        *(
            pytest.param(command, room, marks=pytest.mark.soak)
            for command, room in (("refresh", 0), ("refresh", 1_500_000), ("build", 0), ("build", 700_000))
        ),
    ],
)
def test_a_disk_that_fills_up(tmp_path: Path, command: str, room: int) -> None:
    elsewhere(filled_up, tmp_path, command, room)


def made_read_only(folder: Path, command: str, moment: Moment) -> None:
    """A command whose disk fails before one of its statements. What of it was not on the disk yet is gone."""
    see_own_mounts()
    fresh, shop = fresh_shop(folder), open_visits(folder / "lived", FIRST)
    with failing_disk(shop.database.parent) as disk:
        shop.refresh()
        before, after = shop.everything(), fresh.everything()
        shop.give(GROWN)
        follow_duckdb(Course([0] * (len(Phase) + 1), moment, lambda _: disk.fail()))
        assert_told(shop.measure(command, "--full"), "Read-only file system")
        assert_whole(shop.everything_published(), before, after)
        disk.repair()
        assert_whole(shop.everything_published(), before, after)
        assert_healed(shop, fresh)


@pytest.mark.usefixtures("disks_that_fail")
@pytest.mark.parametrize(
    ("command", "moment"),
    [
        ("refresh", Moment(Phase.BATCHES, 9)),
        *(
            pytest.param(command, moment, marks=pytest.mark.soak)
            for command, moment in (
                ("refresh", Moment(Phase.STAGING, 3)),
                ("refresh", Moment(Phase.AUDITS, 1)),
                ("refresh", Moment(Phase.FIRST_FILE, 2)),
                ("refresh", Moment(Phase.BETWEEN_FILES, 1)),
                ("build", Moment(Phase.STAGING, 6)),
                ("build", Moment(Phase.PUBLISHING, 7)),
            )
        ),
    ],
)
def test_a_disk_that_becomes_read_only(tmp_path: Path, command: str, moment: Moment) -> None:
    elsewhere(made_read_only, tmp_path, command, moment)


def spilled(folder: Path, is_full: bool) -> None:
    """A build, then a refresh, that need more than memory has, and a disk that cannot take it."""
    see_own_mounts()
    shop = open_big(folder, rows_a_day=40_000, on_the_last=0)
    spill = folder / "spill"
    shop.replace("measure.toml", 'temp_directory = ""', f'temp_directory = "{spill}"')
    with small_disk(spill) as disk:
        if is_full:
            disk.leave(1_000_000)
        else:
            disk.protect()
        told = "max_temp_directory_size" if is_full else "Read-only file system"
        ended = shop.measure("build")
        assert (ended.exit_code, told in ended.stderr) == (1, True), ended.stderr
        refreshed = shop.measure("refresh", "--batch-months", "2")
        if is_full:  # batches that fit into memory need no other room
            assert refreshed.exit_code == 0, refreshed.stderr
        else:
            assert_told(refreshed, told)
    shop.replace("measure.toml", f'temp_directory = "{spill}"', 'temp_directory = ""')
    assert shop.measure("refresh").exit_code == 0
    assert shop.query("SELECT count(*), min(n_ids), max(n_ids) FROM marts.fct_days") == [(60, 40_000, 40_000)]


@pytest.mark.soak
@pytest.mark.usefixtures("disks_that_fill_up")
@pytest.mark.parametrize("is_full", [True, False])
def test_no_room_beside_memory(tmp_path: Path, is_full: bool) -> None:
    elsewhere(spilled, tmp_path, is_full)
