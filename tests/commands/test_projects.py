"""Where a project is found, what `init` writes, names and folders of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import DATABASE, EVERYTHING, Workshop, open_workshop
from tests.commands.conftest import STARTER_DATABASE, Starter

ODD_NAMES = [
    "with space",
    "it's",
    'say "hi"',
    "Ünïcode 日本",
    "[brackets]",
    "100% & $HOME",
    "semi;colon",
    "{braces}",
    "a*b",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_folders_of_any_name(tmp_path: Path, name: str) -> None:
    shop = open_workshop(tmp_path / name / "shop")
    assert shop.build().having("built") == EVERYTHING
    assert shop.measure("show", "fct_day").exit_code == 0
    shop.replace("measure.toml", "data/orders.csv", "data/ord*.csv")
    assert "source.orders" in shop.build("stg_orders").statuses


@pytest.mark.parametrize("name", ["two words.csv", "it's.csv", "Ünïcode.csv", "[1].csv", "a,b;c.csv"])
def test_inputs_of_any_name(tmp_path: Path, name: str) -> None:
    shop = open_workshop(tmp_path)
    (tmp_path / "data/orders.csv").rename(tmp_path / "data" / name)
    shop.replace("measure.toml", "data/orders.csv", f"data/{name}")
    assert shop.build().having("built") == EVERYTHING


def test_targets_of_any_name(tmp_path: Path) -> None:
    shop = open_workshop(tmp_path)
    shop.replace("measure.toml", DATABASE, "ware house/it's “my” shop.duckdb")
    assert shop.build().having("built") == EVERYTHING
    assert (tmp_path / "ware house/it's “my” shop.duckdb").is_file()


def test_a_subfolder_finds_the_project_of_its_parent(shop: Workshop) -> None:
    below = shop.folder / "notes/deep"
    below.mkdir(parents=True)
    ended = Workshop(below).run("build", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ended.having("built") == EVERYTHING
    assert shop.database.is_file()
    assert list(below.iterdir()) == []


def test_the_project_dir_is_where_the_project_is(shop: Workshop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ended = Workshop(elsewhere).run("build", "--project-dir", str(shop.folder), "--json")
    assert ended.exit_code == 0
    assert shop.database.is_file()
    assert list(elsewhere.iterdir()) == []


def test_several_targets(shop: Workshop) -> None:
    shop.append("measure.toml", '\n[targets.second]\ntype = "duckdb"\npath = "warehouse/second.duckdb"\n')
    ended = shop.measure("build")
    assert ended.exit_code == 2
    assert "target" in ended.stderr
    assert shop.build("--target", "second").json["target"] == "second"
    assert (shop.folder / "warehouse/second.duckdb").is_file()
    assert not shop.database.exists()


# -- a folder without a project --------------------------------------------------------------------------------------


def test_an_empty_folder_gets_a_target_and_nothing_of_the_user_is_touched(starter: Starter) -> None:
    assert starter.project.database.is_file()
    assert starter.project.database_path == STARTER_DATABASE


def test_the_second_build_of_the_demo_has_nothing_to_do(starter: Starter) -> None:
    ended = starter.project.build()
    assert ended.having("built") == set()
    assert len(ended.having("unchanged")) > 40


# -- init ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("init") / "My Ünïque shöp"
    ended = Workshop(folder.parent).run("init", folder.name)
    assert ended.exit_code == 0, ended.stderr
    files = {line.removeprefix(folder.name + "/") for line in ended.stdout.splitlines()}
    assert files == {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    return Workshop(folder)


def test_init_writes_a_project_for_a_person_to_change(initialised: Workshop) -> None:
    files = {
        file.relative_to(initialised.folder).as_posix() for file in initialised.folder.rglob("*") if file.is_file()
    }
    assert "measure.toml" in files
    assert {
        "data/touchpoints.csv",
        "data/conversions.csv",
        "data/spend.csv",
        "data/kpis.csv",
        "data/controls.csv",
    } <= files
    assert "registries/conversion_to_event_kind.csv" in files
    assert any(file.startswith("sql_templates/starter/marts/") and file.endswith(".sql") for file in files)
    assert "warehouse/" in initialised.read(".gitignore")


def test_an_initialised_project_builds_at_once(initialised: Workshop) -> None:
    ended = initialised.build()
    assert set(ended.statuses.values()) == {"built"}
    assert "my_channels" in ended.statuses
    assert {audit["status"] for audit in ended.json["audits"]} == {"pass"}
    assert initialised.measure("audit", "--json").exit_code == 0


def test_registries_of_an_initialised_project_are_the_ones_used(initialised: Workshop) -> None:
    registries = sorted((initialised.folder / "registries").glob("*.csv"))
    bundled = Path(__file__).parents[2] / "registries/starter"
    assert registries
    assert all(file.read_bytes() == (bundled / file.name).read_bytes() for file in registries)


@pytest.mark.parametrize("kind", ["folder in use", "file"])
def test_init_overwrites_nothing(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "mine"
    if kind == "file":
        place.write_text("precious", encoding="utf-8")
    else:
        place.mkdir()
        (place / "precious.txt").write_text("precious", encoding="utf-8")
    ended = Workshop(tmp_path).run("init", "mine")
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert [file.read_text(encoding="utf-8") for file in tmp_path.rglob("*") if file.is_file()] == ["precious"]


def test_init_of_an_unknown_stack(tmp_path: Path) -> None:
    ended = Workshop(tmp_path).run("init", "mine", "--stack", "startr")
    assert ended.exit_code == 2
    assert 'Did you mean "starter"?' in ended.stderr
    assert list(tmp_path.iterdir()) == []
