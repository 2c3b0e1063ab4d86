"""The bundled stacks: refreshed while their inputs come in, they end in what one build gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from measure_cli.demo.gnosis import DEMO_SALT, generate
from tests.build.workshop import Ended, invoke
from tests.gnosis.project import AS_OF
from tests.refresh.visits import SALT
from tests.starter.relations import attribution_project
from tests.starter.strategies import Dataset, adversarial


def measure(folder: Path, verb: str, *arguments: str) -> Ended:
    ended = invoke(verb, "--project-dir", str(folder), *arguments, "--json")
    assert ended.exit_code == 0, f"exit {ended.exit_code}\n{ended.stderr}{ended.stdout[-3000:]}"
    return ended


def databases(folder: Path) -> str:
    return str(next(file for file in (folder / "warehouse").glob("*.duckdb") if "internal" not in file.name))


def computed(ended: Ended) -> dict[str, int]:
    return {model["name"]: model["batches"] for model in ended.json["models"]}


def part_of(dataset: Dataset, late: int) -> Dataset:
    """The dataset without every so manieth touch, and without its last conversions."""
    touches = tuple(touch for number, touch in enumerate(dataset.touches) if number % late)
    return replace(dataset, touches=touches, conversions=dataset.conversions[: -len(dataset.conversions) // 5])


def test_starter(tmp_path: Path) -> None:
    whole = adversarial(seed=3, users=40, heavy=((300, 40),))
    heavy = ("--var", "heavy_user_threshold=5000")
    lived = attribution_project(tmp_path / "lived", part_of(whole, 5))
    measure(lived, "refresh", *heavy, "--batch-months", "7")
    attribution_project(lived, part_of(whole, 50))
    measure(lived, "refresh", *heavy)
    attribution_project(lived, whole)
    measure(lived, "refresh", *heavy, "--batch-months", "3")
    fresh = attribution_project(tmp_path / "fresh", whole)
    measure(fresh, "build", *heavy)
    # correlations of what is not correlated are noise, and come from other relations
    measure(fresh, "diff", databases(lived), databases(fresh), "--exclude", "fct_mmm_collinearity_latest", *heavy)


def test_a_new_day_costs_one_month(tmp_path: Path) -> None:
    """The rows of the last day come in: whatever looks back on earlier days stays."""
    whole = adversarial(seed=4, users=30, heavy=())
    last = max(row.ts for row in whole.conversions if row.ts.date() < whole.as_of).date()
    before = replace(
        whole,
        touches=tuple(touch for touch in whole.touches if touch.ts.date() < last),
        conversions=tuple(row for row in whole.conversions if row.ts.date() < last),
    )
    folder = attribution_project(tmp_path, before)
    measure(folder, "build")
    attribution_project(folder, whole)
    batches = computed(measure(folder, "refresh"))
    assert batches["int_journeys"] == 1
    assert {count for name, count in batches.items() if name.startswith("int_credits_")} <= {0, 1}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate(folder, as_of=AS_OF, scale=0.3)
    return folder


def give(folder: Path, demo: Path, leave_out: int | None = None) -> None:
    """A project on the demo's files, without every so manieth row of events."""
    lines = ["[project]", 'name = "gnosis"', 'stack = "gnosis"', f'as_of = "{AS_OF}"', ""]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for file in sorted(demo.glob("*.csv")):
        head, *rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
        if leave_out and file.stem in ("gpay_activity", "user_events", "mixpanel_events", "swaps"):
            rows = [row for number, row in enumerate(rows) if number % leave_out]
        (folder / "data" / file.name).write_text("".join([head, *rows]), encoding="utf-8")
        lines += [f"[sources.{file.stem}]", f'path = "data/{file.name}"', ""]
    lines += ["[targets.local]", 'type = "duckdb"', 'path = "warehouse/gnosis.duckdb"']
    (folder / "measure.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.soak
def test_gnosis(tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sectors; the demo's users already have pseudonyms, made with its own salt."""
    assert DEMO_SALT != SALT
    monkeypatch.setenv("MEASURE_PII_SALT", DEMO_SALT)
    lived, fresh = tmp_path / "lived", tmp_path / "fresh"
    give(lived, demo, leave_out=9)
    measure(lived, "refresh", "--batch-months", "6")
    give(lived, demo)
    measure(lived, "refresh", "--batch-months", "6")
    give(fresh, demo)
    measure(fresh, "build")
    measure(fresh, "diff", databases(lived), databases(fresh))
