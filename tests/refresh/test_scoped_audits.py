"""Audits of an incremental model in a refresh: they look at what is replaced, and say what they would say of all."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.refresh.sales import MODEL, SalesShop, World, open_sales, verdicts

PASS = ("pass", 0)


def good_world() -> World:
    """A sale in every month from January to June."""
    world = World()
    for month in range(1, 7):
        world.sell(month, datetime(2024, month, 9, 12))
    return world


@pytest.fixture
def world() -> World:
    return good_world()


@pytest.fixture
def shop(tmp_path: Path, world: World) -> SalesShop:
    shop = open_sales(tmp_path / "shop", world)
    assert set(verdicts(shop.refresh()).values()) == {PASS}
    return shop


def spoil(shop: SalesShop, number: int, assignment: str) -> None:
    """Change a published row behind the tool's back."""
    shop.execute(f"UPDATE marts.{MODEL} SET {assignment} WHERE id = {number}")


# What no audit of a replaced month can know of: a row of another month that is not what it was when it was audited.
SPOILED = {
    "not_null(buyer)": "buyer = NULL",
    "accepted_values(kind)": "kind = 'sock'",
    "is_registered": "kind = 'sock'",
    "relationships(seller)": "seller = 'nobody'",
    "relationships(id)": "id = 99",
    "accepted_range(amount)": "amount = 51",
    "expression_is_true": "amount = 7",
    "credit_conservation": "share = 0.5",
    "hats_are_cheap": "kind = 'hat', amount = 45",
    "not_before(sold_at)": "sold_at = TIMESTAMP '2023-12-31'",
}


@pytest.mark.parametrize("assignment", sorted(set(SPOILED.values())))
def test_rows_that_stay_are_not_looked_at_again(shop: SalesShop, world: World, assignment: str) -> None:
    """They were audited when they were published. `measure audit` looks at them."""
    spoil(shop, 2, assignment)
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    expected = {name for name, spoiling in SPOILED.items() if spoiling == assignment}
    refreshed = shop.refresh()
    assert set(verdicts(refreshed).values()) == {PASS}, verdicts(refreshed)
    audited = verdicts(shop.measure("audit", MODEL, "--json"))
    assert expected <= {name for name, verdict in audited.items() if verdict != PASS}


def test_a_change_of_the_audit_looks_at_everything(shop: SalesShop, world: World) -> None:
    spoil(shop, 2, "amount = 45")
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    shop.replace("my_stack/marts/schema.yml", "max_value: 50", "max_value: 44")
    assert verdicts(shop.refresh())["accepted_range(amount)"] == ("fail", 1)


def test_a_change_of_what_is_compared_looks_at_everything(shop: SalesShop, world: World) -> None:
    """The registry is no input of the model: no month is stale when it changes."""
    world.kinds.remove("shoe")
    shop.follow(world)
    ended = shop.refresh()
    assert verdicts(ended)["is_registered"] == ("fail", 6)
    assert next(model["batches"] for model in ended.json["models"] if model["name"] == MODEL) == 0


def test_what_was_found_and_published_is_found_again(tmp_path: Path, world: World) -> None:
    world.sell(8, datetime(2024, 2, 20), amount=7)
    shop = open_sales(tmp_path / "shop", world, "warn")
    assert verdicts(shop.refresh())["expression_is_true"] == ("warn", 1)
    world.sell(9, datetime(2024, 5, 20))
    shop.follow(world)
    assert verdicts(shop.refresh())["expression_is_true"] == ("warn", 1)


def test_a_build_in_one_pass_is_not_relied_on(tmp_path: Path, world: World) -> None:
    """It proves less: rows that are judged together may stand in different months."""
    shop = open_sales(tmp_path / "shop", world)
    shop.build()
    spoil(shop, 2, "amount = 7")
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    assert verdicts(shop.refresh())["expression_is_true"] == ("fail", 1)


def test_a_key_of_a_replaced_month_stands_in_another(shop: SalesShop, world: World) -> None:
    world.sell(3, datetime(2024, 5, 20), buyer="buyer 2")
    shop.follow(world)
    found = verdicts(shop.refresh())
    assert found["unique(id)"] == ("fail", 1)
    assert found["unique_combination_of_columns"] == ("fail", 1)
    assert found["at_once"] == PASS


def test_groups_that_lie_in_two_months_prove_nothing_at_once(tmp_path: Path, world: World) -> None:
    """Half of a basket in March, half in May: all is well, but no month can be taken for clean."""
    world.sell(7, datetime(2024, 3, 9), share=0.5)
    world.sell(8, datetime(2024, 5, 9), basket="t7", share=0.5)
    world.totals.remove(("t8", datetime(2024, 5, 9)))
    shop = open_sales(tmp_path / "shop", world)
    assert verdicts(shop.refresh())["credit_conservation"] == PASS
    known = "SELECT count(*) FROM measure_state.clean WHERE audit = 'credit_conservation'"
    assert shop.query(known) == [(0,)]
    spoil(shop, 2, "share = 0.5")
    world.sell(9, datetime(2024, 6, 20))
    shop.follow(world)
    assert verdicts(shop.refresh())["credit_conservation"] == ("fail", 1)


def test_groups_of_one_month_are_proven_at_once(shop: SalesShop, tmp_path: Path, world: World) -> None:
    """As much as month by month: what stays is not looked at again, what is missing in a month is."""
    known = "SELECT count(*) FROM measure_state.clean WHERE audit = 'credit_conservation'"
    assert shop.query(known) == [(1,)]
    world.totals.append(("t1", datetime(2024, 2, 9)))  # in another month than its shares
    shop.follow(world)
    assert verdicts(shop.refresh())["credit_conservation"] == PASS
    fresh = open_sales(tmp_path / "fresh", world)
    assert verdicts(fresh.refresh())["credit_conservation"] == PASS
    assert shop.query(known) == fresh.query(known) == [(0,)]


def test_what_a_month_cannot_see_proves_nothing_for_it(shop: SalesShop, world: World) -> None:
    """The seller of March is known from January, which March does not see: it stays when January changes."""
    world.sellers.append(("bob", datetime(2024, 1, 5)))
    world.sell(7, datetime(2024, 3, 20), seller="bob")
    shop.follow(world)
    assert verdicts(shop.refresh("--full"))["relationships(seller)"] == PASS
    world.sellers.remove(("bob", datetime(2024, 1, 5)))
    shop.follow(world)
    ended = shop.refresh()
    assert next(model["batches"] for model in ended.json["models"] if model["name"] == MODEL) == 1
    assert verdicts(ended)["relationships(seller)"] == ("pass", 1)  # one is not worth a warning


def test_a_missing_value_counts_in_a_key(shop: SalesShop, world: World) -> None:
    """unique_combination_of_columns takes NULL for a value, in whatever month it stands."""
    shop.replace("my_stack/marts/schema.yml", "not_null: {severity: error, store", "not_null: {severity: warn, store")
    shop.replace(
        "my_stack/staging/stg_sales.sql",
        "SELECT id, sold_at, buyer,",
        "SELECT id, sold_at, nullif(buyer, 'x') AS buyer,",
    )
    for number, month in ((7, 2), (8, 5)):
        world.sell(number, datetime(2024, month, 20), buyer="x")
        shop.follow(world)
        found = verdicts(shop.refresh())
        assert found["not_null(buyer)"] == ("warn", number - 6)
    assert found["unique_combination_of_columns"] == ("fail", 1)
    kept = [name for (name,) in shop.query("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'failures_%'")]
    assert [shop.query(f"SELECT count(*) FROM measure_state.{name}") for name in kept] == [[(2,)]]


def test_failures_that_are_gone_are_not_kept(shop: SalesShop, world: World) -> None:
    (name,) = (n for (n,) in shop.query("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'failures_%'"))
    shop.execute(f"INSERT INTO measure_state.{name} (id) VALUES (1)")
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    shop.refresh()
    assert shop.query(f"SELECT count(*) FROM measure_state.{name}") == [(0,)]


def test_sql_of_an_argument_that_reads_relations_is_run_as_a_whole(tmp_path: Path, world: World) -> None:
    """Nobody could tell which part of them it needs."""
    shop = open_sales(tmp_path / "shop", world)
    condition = "amount <> 7 AND id IN (SELECT others.id FROM measure_ref.fct_sales AS others)"
    shop.replace("my_stack/marts/schema.yml", "{expression: amount <> 7,", f'{{expression: "{condition}",')
    shop.refresh()
    spoil(shop, 2, "amount = 7")
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    assert verdicts(shop.refresh())["expression_is_true"] == ("fail", 1)


def test_an_unknown_scope_is_refused(tmp_path: Path, world: World) -> None:
    shop = open_sales(tmp_path / "shop", world)
    shop.replace("my_stack/audits/hats_are_cheap.sql", "scope='rows'", "scope='row'")
    ended = shop.measure("refresh")
    assert ended.exit_code == 2
    assert "hats_are_cheap.sql:1: config: unknown scope" in ended.stderr
    assert "rows" in ended.stderr


# -- any history ------------------------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2023, 12, 20), datetime(2024, 7, 3)).map(lambda at: at.replace(microsecond=0))
faults = st.sampled_from(
    [
        {}, {"buyer": "buyer 2"}, {"buyer": ""}, {"kind": "sock"}, {"kind": "hat", "amount": 45}, {"amount": 51},
        {"amount": 7}, {"seller": "bob"}, {"seller": "nobody"}, {"basket": "t1", "share": 0.5}, {"share": 0.5},
        {"basket": "t1"}, {"amount": 13, "kind": "sock"},
    ]
)  # fmt: skip
numbers = st.integers(0, 30)
changes = st.one_of(
    st.tuples(st.just("sell"), st.tuples(moments, faults)),
    st.tuples(st.just("sell again"), st.tuples(moments, numbers)),
    st.tuples(st.just("move"), st.tuples(moments, numbers)),
    st.tuples(st.just("drop sale"), numbers),
    st.tuples(st.just("drop seller"), numbers),
    st.tuples(st.just("drop total"), numbers),
    st.tuples(st.just("hire"), moments),
    st.tuples(st.just("count"), st.tuples(moments, numbers)),
    st.tuples(st.just("kinds"), st.lists(st.sampled_from(["bag", "hat", "shoe", "sock"]), unique=True)),
    st.tuples(st.just("earliest"), st.sampled_from(["2024-01-01", "2024-03-01"])),
)
runs = st.sampled_from(
    [(), ("--batch-months", "2"), ("--full",), ("stg_sellers",), ("stg_sales", "fct_sales"), ("build",)]
)


def change(world: World, what: str, value: object) -> None:
    """Something happens to the rows."""
    rows: dict[str, list[Any]] = {"sale": world.sales, "seller": world.sellers, "total": world.totals}
    match what, value:
        case "sell", (datetime() as at, dict(fault)):
            world.sell(100 + len(world.sales), at, **fault)
        case "sell again", (datetime() as at, int(number)) if world.sales:
            sale = world.sales[number % len(world.sales)]
            world.sales.append((sale[0], at, *sale[2:]))
        case "move", (datetime() as at, int(number)) if world.sales:
            place = number % len(world.sales)
            sale = world.sales[place]
            world.sales[place] = (sale[0], at, *sale[2:])
        case "hire", datetime() as at:
            world.sellers.append(("bob", at))
        case "count", (datetime() as at, int(number)):
            world.totals.append((f"t{number}", at))
        case "kinds", list(kinds):
            world.kinds = kinds
        case "earliest", str(day):
            world.earliest = day
        case str(), int(number) if what.startswith("drop") and rows[what.split()[1]]:
            chosen = rows[what.split()[1]]
            chosen.pop(number % len(chosen))


History = list[tuple[list[tuple[str, object]], tuple[str, ...]]]
histories = st.lists(st.tuples(st.lists(changes, min_size=1, max_size=3), runs), min_size=2, max_size=5)
severities = st.sampled_from(["error", "warn"])
patient = settings(deadline=None, suppress_health_check=list(HealthCheck))


def assert_judged_alike(folder: Path, severity: str, history: History) -> None:
    """After every run of a history the verdicts and the counts are those of one build of the same rows."""
    world = good_world()
    shop = open_sales(folder / "lived", world, severity)
    shop.refresh()
    for number, (happened, run) in enumerate(history):
        for what, value in happened:
            change(world, what, value)
        shop.follow(world)
        arguments = ("--var", f"earliest={world.earliest}")
        if run == ("build",):
            shop.measure("build", *arguments)
        else:
            shop.refresh(*run, *arguments)
        refreshed = shop.refresh(*arguments)
        fresh = open_sales(folder / f"fresh{number}", world, severity)
        built = fresh.measure("build", *arguments, "--json")
        found, expected = verdicts(refreshed), verdicts(built)
        # Those that compare with what the run does not build wait until the others have passed.
        compared = found.keys() & expected.keys()
        assert {name: found[name] for name in compared} == {name: expected[name] for name in compared}
        assert (refreshed.statuses[MODEL] == "failed") == (built.statuses[MODEL] == "failed")


@settings(patient, max_examples=6)
@given(severities, histories)
def test_a_refresh_judges_as_a_build_does(severity: str, history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_judged_alike(Path(folder), severity, history)


@pytest.mark.soak
@settings(patient, max_examples=100)
@given(severities, histories)
def test_many_refreshes_judge_as_builds_do(severity: str, history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_judged_alike(Path(folder), severity, history)
