"""kill -9 at any moment: the file opens, readers see one complete build, the next build repairs the rest."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.build.test_interruption import struck
from tests.build.versions import TABLES, open_versions, version_of
from tests.build.workshop import Workshop

KILLS = 15


@pytest.mark.parametrize("moment", ["0", "11", "-1", "committed"])
def test_killed_while_it_publishes(tmp_path: Path, moment: str) -> None:
    shop = open_versions(tmp_path)
    shop.build("--var", "version=1")
    assert struck(shop, moment, "SIGKILL", version=2).returncode == -signal.SIGKILL
    assert version_of(shop) == (2 if moment == "committed" else 1)
    assert shop.last_run()["status"] == ("success" if moment == "committed" else "running")
    shop.build("--var", "version=3")
    assert version_of(shop) == 3
    assert shop.leftovers() == []
    assert statuses(shop).count("interrupted") == (0 if moment == "committed" else 1)


def statuses(shop: Workshop) -> list[str]:
    return [row[0] for row in shop.query("SELECT status FROM measure_state.runs ORDER BY started_at")]


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Moments are spread over the whole run, from the start of the process to its end."""
    shop = open_versions(tmp_path)
    shop.build("--var", "version=0")
    began = time.perf_counter()
    assert shop.run("build", "--var", "version=1").exit_code == 0
    whole = time.perf_counter() - began
    chance, visible, landed = random.Random(7), 1, []
    for kill in range(KILLS):
        process = shop.start("build", "--var", f"version={kill + 2}")
        time.sleep(whole * (0.4 + 0.6 * (kill + chance.random()) / KILLS))
        process.kill()
        process.communicate()
        now = version_of(shop)
        assert now in (visible, kill + 2)
        visible = now
        landed.append(process.returncode)
        if kill % 5 == 4:
            visible = kill + 2
            shop.build("--var", f"version={visible}")
            assert version_of(shop) == visible
            assert shop.leftovers() == []
    assert -signal.SIGKILL in landed
    assert "running" not in statuses(shop)
    assert set(statuses(shop)) <= {"success", "interrupted"}


def test_a_build_without_work_still_clears_up_after_a_killed_one(tmp_path: Path) -> None:
    shop = open_versions(tmp_path)
    shop.build()
    arguments = ("0", "SIGKILL")
    assert struck(shop, *arguments, version=1).returncode == -signal.SIGKILL
    assert len(shop.leftovers()) == len(TABLES)
    assert shop.build().having("built") == set()
    assert shop.leftovers() == []
    assert "running" not in statuses(shop)


def test_a_partial_build_after_a_killed_one_leaves_no_staged_relation(tmp_path: Path) -> None:
    shop = open_versions(tmp_path)
    (shop.folder / "my_stack/marts/t13.sql").rename(shop.folder / "my_stack/staging/t13.sql")
    shop.build()
    struck(shop, "0", "SIGKILL", version=1)
    shop.build("t03", "--full")
    assert shop.leftovers() == []
