"""A disk that is full: one clear message, what was published stays whole, the next build with room repairs the rest.

A limit on the size of files stands for the disk: it needs no rights, and fails the same writes and commits.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.build.workshop import Ended, Workshop, open_workshop, process_environment

CITIES = ("Oslo", "Rome", "Bonn")
MANY = "id,day,city,amount\n" + "".join(
    f"{n},2024-0{1 + n % 3}-{1 + n % 28:02d},{CITIES[n % 3]},{n * 37 % 100_000 / 100}\n" for n in range(100_000)
)


def limited_build(shop: Workshop, most: int) -> Ended:
    """A build in a process whose files cannot grow beyond so many bytes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "measure_cli", "build"], cwd=shop.folder, env=process_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),  # noqa: PLW1509  (no threads yet)
    )  # fmt: skip
    stdout, stderr = process.communicate()
    return Ended(process.returncode, stdout, stderr)


def assert_told(ended: Ended) -> None:
    assert ended.exit_code == 1, ended.stderr
    assert "File too large" in ended.stderr
    assert "Make room there" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.fixture
def grown(shop: Workshop, tmp_path: Path) -> tuple[Workshop, Workshop]:
    """A built project whose input has grown since, and what a fresh build makes of that."""
    shop.build()
    shop.write("data/orders.csv", MANY)
    fresh = open_workshop(tmp_path / "fresh", {"data/orders.csv": MANY})
    fresh.build()
    return shop, fresh


@pytest.mark.parametrize("room", [0, 400_000, 800_000, 1_200_000])
def test_a_disk_that_fills_up_during_a_build(grown: tuple[Workshop, Workshop], room: int) -> None:
    shop, fresh = grown
    before, after = shop.content(), fresh.content()
    assert_told(limited_build(shop, shop.database.stat().st_size + room))
    for name, rows in shop.content().items():
        assert rows in (before[name], after[name]), name
    assert shop.leftovers() == []
    shop.build()
    assert shop.content() == after
    assert shop.leftovers() == []


@pytest.mark.parametrize("most", [13_000, 16_000])
def test_not_even_the_state_tables_can_be_committed(shop: Workshop, most: int) -> None:
    assert_told(limited_build(shop, most))
    shop.build()
    assert shop.leftovers() == []
    assert shop.last_run()["status"] == "success"


def test_half_a_new_file_is_not_left_behind(shop: Workshop) -> None:
    ended = limited_build(shop, 4_000)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "warehouse/shop.duckdb cannot be opened" in ended.stderr
    assert not shop.database.exists()
    shop.build()
