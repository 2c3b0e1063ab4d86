"""Relations stay whose inputs came out of a run as they are published, and so do verdicts that saw nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.build.workshop import BELOW_STG_ORDERS, EVERYTHING, Workshop, open_compiled

MARK = "INSERT INTO marts.fct_large VALUES (-1, -1)"


def fingerprint(shop: Workshop, relation: str) -> object:
    return shop.query(
        "SELECT fingerprint, origin FROM measure_state.batches WHERE relation = ? AND batch_start IS NULL", relation
    )


def test_a_file_that_was_only_written_again_builds_nothing_else(built: Workshop) -> None:
    before = fingerprint(built, "fct_large")
    built.append("data/orders.csv", "")
    ended = built.build()
    assert ended.having("built") == {"source.orders"}
    assert ended.having("unchanged") == EVERYTHING - {"source.orders"}
    assert ended.audits == {}
    assert fingerprint(built, "fct_large") != before
    assert built.build().having("built") == set()
    assert built.leftovers() == []


def test_what_stays_is_not_rewritten(built: Workshop) -> None:
    built.execute(MARK)
    built.append("data/orders.csv", "")
    built.build()
    assert built.query("SELECT count(*) FROM marts.fct_large WHERE n_large = -1") == [(1,)]


def test_the_rows_of_what_stays_are_told(built: Workshop) -> None:
    built.append("data/orders.csv", "")
    rows = {model["name"]: model["rows"] for model in built.build().json["models"]}
    assert rows["stg_orders"] == 6
    assert rows["int_located"] is None


def test_a_change_ends_where_it_makes_no_difference(built: Workshop) -> None:
    """Another number of the same order: the staging differs, and what adds up amounts does not."""
    built.replace("data/orders.csv", "2,2024-01-31,Rome", "22,2024-01-31,Rome")
    built.replace("my_stack/marts/fct_large.sql", "large.amount", "2 * large.amount")
    ended = built.build()
    assert {"stg_orders", "int_located", "fct_region", "fct_large"} <= ended.having("built")
    assert ended.having("unchanged") == {"cities", "fct_share"}


def test_a_changed_row_is_told_from_a_row_that_is_missing(built: Workshop) -> None:
    """As many rows as before, and other ones."""
    built.replace("data/orders.csv", "70.00", "70.01")
    assert built.build().having("built") == EVERYTHING - {"cities"}
    assert built.query("SELECT max(amount) > 70 FROM staging.stg_orders") == [(True,)]


def test_what_was_made_from_other_inputs_does_not_stay(built: Workshop) -> None:
    """The parent was published alone: what it is now, the child has never seen."""
    built.replace("data/orders.csv", "70.00", "71.00")
    built.build("stg_orders", "source.orders")
    built.append("data/orders.csv", "")
    ended = built.build()
    assert "stg_orders" in ended.having("unchanged")
    assert ended.having("built") >= BELOW_STG_ORDERS - {"fct_share"}
    assert built.query("SELECT amount FROM marts.fct_large") == [(161,)]


def test_a_view_over_a_table_that_was_published_alone(built: Workshop) -> None:
    """The view is what it was, and shows something else."""
    built.replace("data/orders.csv", "70.00", "71.00")
    built.build("stg_orders", "source.orders")
    built.replace("my_stack/marts/fct_region.sql", "count(*)", "count(id)")
    built.build("fct_region", "--exclude", "int_located")
    assert built.query("SELECT gross FROM marts.fct_region WHERE region = 'north'") == [(102.5,)]
    built.build()
    assert built.query("SELECT share FROM marts.fct_share WHERE region = 'north'") == built.query(
        "SELECT gross / (SELECT sum(gross) FROM marts.fct_region) FROM marts.fct_region WHERE region = 'north'"
    )


def test_full_builds_everything(built: Workshop) -> None:
    built.append("data/orders.csv", "")
    assert built.build("--full").having("built") == EVERYTHING


@pytest.mark.parametrize("hook", ["pre_hook", "post_hook"])
def test_what_has_hooks_never_stays(built: Workshop, hook: str) -> None:
    """They may change rows that were published, and want to be run."""
    built.replace("my_stack/marts/fct_region.sql", "materialized='table'", f"materialized='table', {hook}='SELECT 1'")
    built.build()
    built.append("data/orders.csv", "")
    assert {"fct_region", "fct_share"} <= built.build().having("built")


def test_a_target_of_an_earlier_version_is_built_once(built: Workshop) -> None:
    """Its ledger does not say what relations were made from."""
    built.execute("ALTER TABLE measure_state.batches DROP COLUMN origin")
    built.append("data/orders.csv", "")
    assert built.build().having("built") == EVERYTHING - {"cities"}
    built.append("data/orders.csv", "")
    assert built.build().having("built") == {"source.orders"}


def test_a_published_relation_that_somebody_changed_is_replaced(built: Workshop) -> None:
    """It cannot be compared any more, which is no reason to fail."""
    built.execute("ALTER TABLE staging.stg_orders DROP COLUMN city")
    built.append("data/orders.csv", "")
    built.replace("my_stack/staging/stg_orders.sql", ">= ", ">= 0 + ")
    assert "stg_orders" in built.build().having("built")
    assert built.query("SELECT count(city) FROM staging.stg_orders") == [(6,)]


AUDIT = "SELECT id FROM {{ ref('fct_large') }}, {{ ref('cities') }} AS cities WHERE region = 'nowhere'\n"


def audited(built: Workshop) -> None:
    """Give fct_large an audit that looks at a registry, too."""
    built.write("my_stack/audits/no_city_is_nowhere.sql", AUDIT.replace("SELECT id", "SELECT city"))
    built.build()


def test_an_audit_looks_again_when_what_it_compares_with_has_changed(built: Workshop) -> None:
    """The relation stays, and fails."""
    audited(built)
    built.replace("my_stack/registries/cities.csv", "Bonn,middle", "Bonn,nowhere")
    ended = built.build(exit_code=1)
    assert ended.having("failed") == {"fct_large"}
    assert ended.audits["fct_large", "no_city_is_nowhere"]["failures"] == 1
    assert built.leftovers() == []
    built.replace("my_stack/registries/cities.csv", "Bonn,nowhere", "Bonn,middle")
    assert built.build().having("failed") == set()


def test_an_audit_that_sees_nothing_new_is_not_run(built: Workshop) -> None:
    audited(built)
    built.append("data/orders.csv", "")
    assert built.build().audits == {}


def test_an_audit_sees_what_was_published_without_it(built: Workshop) -> None:
    """The registry was published alone, next to a relation that was audited against an earlier one."""
    audited(built)
    built.replace("my_stack/registries/cities.csv", "Bonn,middle", "Bonn,nowhere")
    built.build("cities")
    built.append("data/orders.csv", "")
    ended = built.build(exit_code=1)
    assert ended.audits["fct_large", "no_city_is_nowhere"]["status"] == "fail"


def test_what_reads_a_relation_that_fails_is_held_though_it_would_stay(built: Workshop) -> None:
    built.append("data/orders.csv", "")
    built.append(
        "my_stack/marts/schema.yml",
        "  - name: stg_orders\n    data_tests:\n      - row_count_between: {max_value: 1}\n",
    )
    ended = built.build(exit_code=1)
    assert ended.having("failed") == {"stg_orders"}
    assert {"fct_day", "fct_large"} <= ended.having("skipped") | ended.having("held")
    before = fingerprint(built, "fct_large")
    built.replace("my_stack/marts/schema.yml", "max_value: 1}", "max_value: 6}")
    assert built.build().having("failed") == set()
    assert fingerprint(built, "fct_large") != before


# -- whatever is changed, and whatever part is built ------------------------------------------------------------------

AMOUNTS = ("1.00", "2.00", "60.00")
CITIES = ("Oslo", "Rome", "Bonn", "Nowhere")
changes = st.one_of(
    st.tuples(st.just("add"), st.tuples(st.sampled_from(CITIES), st.sampled_from(AMOUNTS))),
    st.tuples(st.just("drop"), st.integers(0, 50)),
    st.tuples(st.just("touch"), st.none()),
    st.tuples(st.just("move Bonn"), st.sampled_from(("north", "middle", "south"))),
    st.tuples(st.just("smallest"), st.sampled_from((0, 1, 2, 70))),
    st.tuples(st.just("label"), st.sampled_from(("plain", "other"))),
    st.tuples(st.just("day"), st.sampled_from(("2024-04-01", "2024-04-02", "2024-06-30"))),
    st.tuples(st.just("large"), st.sampled_from(("50", "55", "65"))),
)
selections = st.sampled_from(
    [
        (), ("stg_orders",), ("cities",), ("fct_region", "fct_share"), ("int_located",), ("+fct_share",),
        ("fct_share",), ("stg_orders+",), ("source.orders",), ("fct_large",),
    ]
)  # fmt: skip


Course = list[tuple[list[tuple[str, object]], tuple[str, ...]]]


class Changing:
    """A project that is changed, and built in parts."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.rows = [f"{number},2024-03-0{number},Oslo,{number}.00" for number in range(1, 6)]
        self.bonn, self.smallest, self.label, self.as_of, self.large = "middle", 0, "plain", "2024-04-01", "50"
        self.settings = shop.read("measure.toml")
        self.model = shop.read("my_stack/intermediate/eph_large.sql")
        self.follow(shop)

    def change(self, what: str, value: object) -> None:
        match what, value:
            case "add", (city, amount):
                self.rows.append(f"{len(self.rows)},2024-03-1{len(self.rows) % 10},{city},{amount}")
            case "drop", int(number) if self.rows:
                self.rows.pop(number % len(self.rows))
            case "move Bonn", str(region):
                self.bonn = region
            case "smallest", int(amount):
                self.smallest = amount
            case "label", str(label):
                self.label = label
            case "day", str(as_of):
                self.as_of = as_of
            case "large", str(large):
                self.large = large
        self.follow(self.shop)

    def follow(self, shop: Workshop) -> None:
        shop.write("data/orders.csv", "\n".join(["id,day,city,amount", *self.rows]) + "\n")
        shop.write("my_stack/registries/cities.csv", f"city,region\nOslo,north\nRome,south\nBonn,{self.bonn}\n")
        settings = self.settings.replace("2024-04-01", self.as_of)
        shop.write("measure.toml", f'{settings}\n[vars]\nminimum = {self.smallest}\nlabel = "{self.label}"\n')
        shop.write("my_stack/intermediate/eph_large.sql", self.model.replace("> 50", f"> {self.large}"))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.lists(changes, min_size=1, max_size=2), selections), min_size=1, max_size=5))
def test_parts_built_in_any_order_end_in_what_one_build_gives(
    course: Course,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Changing(open_compiled(Path(folder) / "lived"))
        world.shop.build()
        for steps, selection in course:
            for what, value in steps:
                world.change(what, value)
            world.shop.build(*selection)
        world.shop.build()
        fresh = open_compiled(Path(folder) / "fresh")
        world.follow(fresh)
        fresh.build()
        assert world.shop.content() == fresh.content()
        assert world.shop.build().having("built") == set()
