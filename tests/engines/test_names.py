"""Names that a database might take for something else."""

from __future__ import annotations

import pytest

from measure_cli.types import ModelConfig
from tests.engines.bench import Workplace

RESERVED = ("order", "select", "group", "date", "timestamp", "key", "value", "rank", "linear", "week", "final", "table")
STRANGE = ("two words", "größe", "semi;colon", "per%cent", "brace{a}", "dollar$a", "dash--ed", "x" * 120)


@pytest.mark.parametrize("name", [*RESERVED, *STRANGE])
def test_a_name_is_a_name(place: Workplace, name: str) -> None:
    """As a table, as a column, as a key to sort by."""
    columns = ((name, "BIGINT"),)
    table = place.name(name)
    place.run(*place.ddl.rows(table, columns, [{name: 7}]))
    place.run(*place.ddl.comments(table, False, f"A {name}.", {name: f"The {name}."}))
    select = f"SELECT * FROM {table}"
    place.run(*place.ddl.table(place.name(f"{name}__next"), columns, select, ModelConfig(order_by=(name,))))
    place.run(place.ddl.view(place.name("shown"), columns, select))
    found = place.query(f"SELECT * FROM {place.name('shown')}")
    assert (found.columns, found.rows) == ((name,), ((7,),))
    assert {name, f"{name}__next", "shown"} == set(place.kinds())
    if "." not in name:
        assert place.engine.columns(place.written(name)) == {name: "BIGINT"}
    place.run(place.ddl.drop(table, "table"))
    assert name not in place.kinds()
