"""A project whose relations all carry one version, so that a mixture of two builds shows."""

from __future__ import annotations

from pathlib import Path

from tests.build.workshop import Workshop, open_workshop

TABLES = [f"t{number:02d}" for number in range(14)]
STACK = """\
name: my_stack
description: Many relations of one version.
vars:
  version: {type: int, default: 0, description: Stands on every row.}
"""


def open_versions(folder: Path) -> Workshop:
    """A chain and a fan of tables and views, each row with the version that built it."""
    orders = "".join(f"{n},2024-01-05,Oslo,1.00\n" for n in range(2_000))
    shop = open_workshop(folder, {"my_stack/stack.yml": STACK, "data/orders.csv": "id,day,city,amount\n" + orders})
    for layer in ("staging", "intermediate", "marts"):
        for file in (shop.folder / "my_stack" / layer).iterdir():
            file.unlink()
    for place, name in enumerate(TABLES):
        parent = "source('orders')" if place == 0 else f"ref('{TABLES[place - 1 if place < 5 else 4]}')"
        kind = "view" if place % 5 == 2 else "table"
        shop.write(
            f"my_stack/marts/{name}.sql",
            f"{{{{ config(materialized='{kind}') }}}}\n"
            f"SELECT id, {{{{ var('version') }}}} AS version FROM {{{{ {parent} }}}}\n",
        )
    shop.write(
        "my_stack/marts/schema.yml",
        "models:\n"
        + "".join(
            f"  - name: {name}\n    data_tests:\n      - row_count_between: {{min_value: 2000}}\n" for name in TABLES
        ),
    )
    return shop


def version_of(shop: Workshop) -> int:
    """The version that readers see; one for all relations, whole, with the ledger that belongs to it."""
    counts = " UNION ALL ".join(f"SELECT '{name}', version, count(*) FROM marts.{name} GROUP BY ALL" for name in TABLES)
    seen = shop.query(counts)
    assert [name for name, _, _ in sorted(seen)] == TABLES, seen
    assert {rows for _, _, rows in seen} == {2_000}, seen
    versions = {version for _, version, _ in seen}
    assert len(versions) == 1, f"a mixture of builds: {seen}"
    assert len(shop.query("SELECT DISTINCT run_id FROM measure_state.batches WHERE relation LIKE 't__'")) == 1
    return int(versions.pop())
