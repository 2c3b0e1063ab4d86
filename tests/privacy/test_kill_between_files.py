"""kill -9 between the two files of a target: internal relations are swapped in, nothing public is yet."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from measure_cli.secrets import SALT_VARIABLE
from tests.build.workshop import ROOT, Workshop, process_environment
from tests.privacy.project import write_project
from tests.privacy.test_building import OTHER_SALT, SALT

PUBLIC, INTERNAL = "warehouse/app.duckdb", "warehouse/app.internal.duckdb"
ADDRESSES = [f"0x{digit * 40}" for digit in "abcd"]
USERS = ["0x" + ADDRESSES[0][2:].upper() + ",de,2025-01-01", ADDRESSES[1] + ",fr,2025-01-02"]
SWAPS = [f"{ADDRESSES[0]},2025-02-01,10", f"{ADDRESSES[1]},2025-02-02,20", f"{ADDRESSES[2]},2025-02-03,30"]
LATER_USERS = [USERS[0], ADDRESSES[2] + ",it,2025-01-03", ADDRESSES[3] + ",es,2025-01-04"]
LATER_SWAPS = [*SWAPS[1:], f"{ADDRESSES[3]},2025-02-04,40"]
MOMENTS = pytest.mark.parametrize("moment", ["0", "-1", "committed"])


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SALT_VARIABLE, SALT)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """The project in its first state, not built."""
    opened = Workshop(write_project(tmp_path / "shop", {}), PUBLIC)
    write_data(opened, USERS, SWAPS)
    return opened


def write_data(shop: Workshop, users: list[str], swaps: list[str]) -> None:
    shop.write("data/users.csv", "\n".join(["address,country,seen", *users]))
    shop.write("data/swaps.csv", "\n".join(["taker,day,amount", *swaps]))


def strike(shop: Workshop, moment: str) -> None:
    """Build, and die in the first transaction that publishes, or right after it; it is that of the internal file."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.build.stricken_build", moment, "SIGKILL",
         "build", "--quiet", "--project-dir", str(shop.folder)],
        env=process_environment(), cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def internal_content(shop: Workshop) -> dict[str, list[tuple[Any, ...]]]:
    return Workshop(shop.folder, INTERNAL).content()


def undisturbed(shop: Workshop) -> Workshop:
    """The same project, built at once in another folder."""
    other = Workshop(shop.folder.parent / "undisturbed", PUBLIC)
    shutil.copytree(shop.folder, other.folder, ignore=shutil.ignore_patterns("warehouse", ".measure"))
    other.build()
    return other


def assert_healed(shop: Workshop) -> None:
    other = undisturbed(shop)
    assert shop.content() == other.content()
    assert internal_content(shop) == internal_content(other)
    assert shop.leftovers() == Workshop(shop.folder, INTERNAL).leftovers() == []


def assert_nothing_internal_is_public(shop: Workshop) -> None:
    names = {name.partition(".")[2].removesuffix("__next") for name in shop.relations()}
    assert names.isdisjoint({"bridge", "users", "swaps"})
    public = [file for file in shop.folder.rglob("*") if file.is_file() and file.parent.name != "data"]
    for file in public:
        if not file.name.startswith("app.internal.duckdb"):
            assert not [address for address in ADDRESSES if address.encode() in file.read_bytes().lower()], file


@MOMENTS
def test_the_next_build_heals(shop: Workshop, moment: str) -> None:
    shop.build()
    before, internal_before = shop.content(), internal_content(shop)
    write_data(shop, LATER_USERS, LATER_SWAPS)
    strike(shop, moment)
    assert_nothing_internal_is_public(shop)
    assert shop.content([name for name in shop.relations() if name.endswith("__next")]) == before
    bridge = internal_content(shop)["internal.bridge"]
    assert (bridge == internal_before["internal.bridge"]) == (moment != "committed")
    shop.build()
    assert shop.content() != before
    assert_nothing_internal_is_public(shop)
    assert_healed(shop)


@MOMENTS
def test_the_build_after_a_first_one_that_was_killed(shop: Workshop, moment: str) -> None:
    strike(shop, moment)
    assert_nothing_internal_is_public(shop)
    assert [name for name in shop.relations() if not name.endswith("__next")] == []
    shop.build()
    assert_nothing_internal_is_public(shop)
    assert_healed(shop)


def test_a_salt_that_was_tried_meanwhile(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its ledger the target is up to date with the first salt, but the internal file has pseudonyms of the other."""
    shop.build()
    before, internal_before = shop.content(), internal_content(shop)
    monkeypatch.setenv(SALT_VARIABLE, OTHER_SALT)
    strike(shop, "committed")
    assert internal_content(shop) != internal_before
    monkeypatch.setenv(SALT_VARIABLE, SALT)
    shop.build()
    assert (shop.content(), internal_content(shop)) == (before, internal_before)
