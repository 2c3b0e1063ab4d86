"""The day of reference moves on, as it does for whoever refreshes each day: what is complete stays as it is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from measure_cli.loading import load
from measure_cli.project import Overrides
from measure_cli.stack import bundled_stacks
from tests.refresh.test_kept_days import AS_OF, histories, project
from tests.refresh.test_stacks import computed, databases, measure
from tests.refresh.visits import SALT, Rows, VisitShop, open_visits


@pytest.mark.parametrize("stack", bundled_stacks())
def test_no_incremental_model_is_another_one_on_another_day(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEASURE_PII_SALT", SALT)
    days = [date(2025, 3, 31), date(2025, 4, 1)]
    one, other = (load(Overrides(day, tmp_path, stack=stack, as_of=day.isoformat())).catalog.relations for day in days)
    incremental = [key for key, relation in one.items() if relation.batched]
    assert len(incremental) > 5
    assert [key for key in incremental if one[key].batch_definition != other[key].batch_definition] == []


def at(folder: Path, day: date) -> None:
    config = folder / "measure.toml"
    text = config.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("as_of"))
    config.write_text(text.replace(line, f'as_of = "{day}"'), encoding="utf-8")


@pytest.mark.parametrize("first", [AS_OF, date(2024, 4, 29)])
def test_each_day_is_added_to_what_was_there(tmp_path: Path, first: date) -> None:
    """The rows of later days are there from the beginning; on each day those before it count, in funnels, too."""
    step = histories(seed=11, steps=0)[0]
    lived, fresh = project(tmp_path / "lived", *step), project(tmp_path / "fresh", *step)
    for number in range(4):
        at(lived, first + timedelta(days=number))
        batches = computed(measure(lived, "refresh", "--batch-months", "1"))
        if number:
            # the entries of a funnel of 30 days may lie in two months, and the new day in a third one
            assert {name for name, count in batches.items() if count is not None and count > 1} <= {"fct_funnel_daily"}
            assert batches["fct_funnel_daily"] <= 3
    at(fresh, first + timedelta(days=3))
    measure(fresh, "build")
    # correlations of what is not correlated are noise
    measure(fresh, "diff", databases(lived), databases(fresh), "--exclude", "fct_mmm_collinearity_latest")


FOLLOWED = """\
{{ config(materialized='incremental', time_column='ordered_at', lookahead=30) }}
SELECT
  orders.id, orders.ordered_at, count(later.id) AS n_later
FROM {{ ref('int_orders') }} AS orders
LEFT JOIN {{ ref('stg_orders') }} AS later
  ON later.ordered_at > orders.ordered_at
  AND later.ordered_at < orders.ordered_at + INTERVAL 30 DAY
  AND later.ordered_at < {{ END }}
{%- if is_incremental() %}
WHERE orders.ordered_at >= {{ batch.start }} AND orders.ordered_at < {{ batch.end }}
{%- endif %}
GROUP BY orders.id, orders.ordered_at
"""
ORDERS = tuple((number, "ann", f"2024-{month:02}-{day:02}", 5) for number, (month, day) in enumerate(
    [(2, 1), (3, 1), (4, 20), (5, 15), (5, 29), (6, 8), (6, 11), (6, 13)]
))  # fmt: skip


def followed(folder: Path, end: str) -> VisitShop:
    shop = open_visits(folder, Rows())
    shop.write("data/orders.csv", "id,visitor,ordered_at,amount\n" + "".join(
        ",".join(map(str, order)) + "\n" for order in ORDERS
    ))  # fmt: skip
    shop.write("my_stack/marts/fct_followed.sql", FOLLOWED.replace("END", end))
    return shop


@pytest.mark.parametrize(("end", "is_bound"), [("batch.as_of", True), ("as_of", False)])
def test_the_end_of_what_a_batch_sees_is_no_part_of_the_model(tmp_path: Path, end: str, is_bound: bool) -> None:
    """With the bound end only what can see the new days is built again, with the literal everything."""
    shop = followed(tmp_path / "lived", end)
    shop.refresh()
    at(shop.folder, date(2024, 6, 14))
    built = shop.forecast()["fct_followed"]["batches"]
    assert (min(batch["start"][:10] for batch in built) >= "2024-05-01") == is_bound
    shop.refresh()
    fresh = followed(tmp_path / "fresh", "as_of")
    at(fresh.folder, date(2024, 6, 14))
    fresh.build()
    sql = "SELECT * FROM marts.fct_followed ORDER BY ALL"
    assert shop.query(sql) == fresh.query(sql)
    assert [row[-1] for row in shop.query(sql)] == [1, 0, 1, 4, 3, 2, 1, 0]


def test_a_model_that_never_ends_has_no_end_to_look_ahead_to(tmp_path: Path) -> None:
    shop = followed(tmp_path, "batch.as_of")
    shop.replace("my_stack/marts/fct_followed.sql", "lookahead=30", "lookahead=30, complete_days=false")
    assert "fct_followed.sql" in (told := shop.refresh(exit_code=2).stderr)
    assert "batch.as_of" in told
